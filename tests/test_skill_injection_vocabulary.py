"""Rows of the embedding paired by token, and tokenizer files read."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_tensors import plan, vision_language, words
from tokenizers import Tokenizer, models

from helpers.skill_injection.vocabulary import read_vocabulary, shared_rows

OWNERS = ["the VLM", "the base", "the expert"]


def test_added_rows_are_the_vlms():
    pairs = plan(vision_language(10), vocabularies=[words(8, "<image>"), words(8), words(8)])
    for name in ("language_model.model.embed_tokens.weight", "language_model.lm_head.weight"):
        assert pairs[name].rows == 8
        assert pairs[name].reason == "language model; rows 0 to 7 merged, 2 rows of other tokens kept"
    assert {pair.rows for name, pair in pairs.items() if "embed" not in name and "head" not in name} == {None}


def test_an_image_token_in_a_row_of_padding_is_the_vlms():
    pairs = plan(vocabularies=[words(6, "<image>"), words(6), words(6)])
    assert pairs["language_model.lm_head.weight"].rows == 6


def test_padding_is_merged_where_tokenizers_are_the_same():
    assert plan(vocabularies=[words(6)] * 3)["language_model.lm_head.weight"].rows is None


def test_fewer_rows_in_the_vlm():
    pair = plan(vision_language(6), vocabularies=[words(6)] * 3)["language_model.lm_head.weight"]
    assert pair.rows is None and pair.shape == (6, 4)


def test_the_first_token_that_differs_is_named():
    changed = words(8) | {"w5": 6, "w6": 5}
    with pytest.raises(ValueError, match="token 5 is 'w5' in the VLM and 'w6' in the expert; .*only="):
        plan(vocabularies=[words(8), words(8), changed])


def test_other_rows_without_tokenizers_are_an_error_and_the_same_rows_are_not():
    assert plan(vocabularies=[None, words(8), None])["language_model.lm_head.weight"].rows is None
    with pytest.raises(ValueError, match=r"10 in the VLM, 8 in the base, 8 in the expert\), and without "
                                         "the tokenizer of the VLM and the expert nobody knows"):  # fmt: skip
        plan(vision_language(10), vocabularies=[None, words(8), None])


def test_embedding_and_head_can_be_left_out():
    pairs = plan(vision_language(10), only="layers|norm")
    assert pairs["language_model.lm_head.weight"].reason == "left out by `only`"
    assert sum(pair.action == "merge" for pair in pairs.values()) == 3


def test_only_is_asked_about_the_bases_names():
    by_function = plan(only=lambda name: name.startswith("model.layers.0.mlp"))
    assert by_function == plan(only=r"^model\.layers\.0\.mlp")
    assert [pair.base for pair in by_function.values() if pair.base] == ["model.layers.0.mlp.up_proj.weight"]
    with pytest.raises(ValueError, match="`only` that matches some"):
        plan(only="nothing like this")


@given(st.lists(st.lists(st.sampled_from("abcde") | st.none(), max_size=7), min_size=3, max_size=3),
       st.lists(st.integers(1, 8), min_size=3, max_size=3))  # fmt: skip
def test_shared_rows_by_their_definition(columns, rows):
    """Rows merge up to the first beyond the last common token that only some have; below, tokens must not differ."""
    tables = [dict(enumerate(column)) for column in columns]
    tables = [{row: f"{token}{row}" for row, token in table.items() if token} for table in tables]
    common = [row for row in range(8) if all(row in table for table in tables)]
    end = max(common, default=-1) + 1
    while end < min(rows) and not any(end in table for table in tables):
        end += 1
    end = min(end, *rows)
    differ = [row for row in range(end) if len({table[row] for table in tables if row in table}) > 1]
    vocabularies = [{token: row for row, token in table.items()} for table in tables]
    if differ:
        with pytest.raises(ValueError, match=f"^token {differ[0]} is "):
            shared_rows(OWNERS, rows, vocabularies)
    else:
        assert shared_rows(OWNERS, rows, vocabularies) == end


def test_tokenizer_json_with_added_tokens(tmp_path):
    tokenizer = Tokenizer(models.BPE(vocab={"a": 0, "b": 1, "ab": 2}, merges=[("a", "b")]))
    tokenizer.add_special_tokens(["<image>"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert read_vocabulary(tmp_path) == {"a": 0, "b": 1, "ab": 2, "<image>": 3}


def test_unigram_tokenizers_list_their_tokens(tmp_path):
    Tokenizer(models.Unigram([("<unk>", 0.0), ("a", -1.0)], unk_id=0)).save(str(tmp_path / "tokenizer.json"))
    assert read_vocabulary(tmp_path) == {"<unk>": 0, "a": 1}


def test_older_vocabulary_files(tmp_path):
    assert read_vocabulary(tmp_path) is None
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0}))
    assert read_vocabulary(tmp_path) == {"a": 0}
    (tmp_path / "added_tokens.json").write_text(json.dumps({"<image>": 1}))
    assert read_vocabulary(tmp_path) == {"a": 0, "<image>": 1}
