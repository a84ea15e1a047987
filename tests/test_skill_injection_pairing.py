"""The plan of a merge: its rules for rows, heads, dtypes and names, and what its errors say."""

import json
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models

from helpers.skill_injection.pairing import Pair, plan_pairs, without_tied_head
from helpers.skill_injection.vocabulary import read_vocabulary, shared_rows

OWNERS = ["the VLM", "the base", "the expert"]


def language(rows=8, head=True, dtype="F32", prefix="model.", lm_head="lm_head."):
    """Name -> (shape, dtype) of a language model with one layer."""
    shapes = {f"{prefix}embed_tokens.weight": (rows, 4), f"{prefix}layers.0.mlp.up_proj.weight": (6, 4),
              f"{prefix}layers.0.self_attn.q_proj.weight": (4, 4), f"{prefix}norm.weight": (4,)}  # fmt: skip
    shapes |= {f"{lm_head}weight": (rows, 4)} if head else {}
    return {name: (shape, dtype) for name, shape in shapes.items()}


def vision_language(rows=8, head=True, dtype="F32"):
    """Name -> (shape, dtype) of a VLM as LLaVA's files name it."""
    return language(rows, head, dtype, "language_model.model.", "language_model.lm_head.") | {
        "vision_tower.embeddings.patch_embedding.weight": ((4, 3, 2, 2), dtype),
        "vision_tower.embeddings.position_ids": ((1, 5), "I64"),
        "multi_modal_projector.linear_1.weight": ((4, 4), dtype),
    }


def words(count, *added):
    return {token: row for row, token in enumerate([*(f"w{row}" for row in range(count)), *added])}


def plan(vlm=None, base=None, expert=None, **settings):
    """Pairs by the VLM's name, models with 8 rows unless given."""
    pairs = plan_pairs(vlm or vision_language(), base or language(), expert or language(), **settings)
    return {pair.vlm: pair for pair in pairs}


def test_every_tensor_of_the_vlm_has_its_pair_in_order():
    vlm = vision_language()
    pairs = plan_pairs(vlm, language(), language())
    assert [pair.vlm for pair in pairs] == list(vlm)
    name = "model.layers.0.mlp.up_proj.weight"
    assert pairs[1] == Pair(f"language_model.{name}", name, (name,), "merge", "language model", (6, 4), "F32")
    assert pairs[-1] == Pair("multi_modal_projector.linear_1.weight", None, (), "keep", "projector", (4, 4), "F32")


@given(st.randoms(use_true_random=False))
def test_the_order_of_names_changes_no_pair(shuffler: random.Random):
    def shuffled(tensors):
        return dict(shuffler.sample(list(tensors.items()), len(tensors)))

    assert plan(shuffled(vision_language()), shuffled(language()), shuffled(language())) == plan()


def test_several_experts_each_under_its_own_names():
    bare = language(prefix="")
    pair = plan(expert=[language(), bare])["language_model.model.norm.weight"]
    assert pair.experts == ("model.norm.weight", "norm.weight") and pair.expert == "model.norm.weight"


def test_other_dtypes_are_merged_and_the_vlms_is_kept():
    pairs = plan(vision_language(dtype="BF16"), language(dtype="F16"), language(dtype="F32"))
    assert {pair.dtype for pair in pairs.values() if pair.action == "merge"} == {"BF16"}
    states = [{name: (shape, torch.float16) for name, (shape, _) in each.items()}
              for each in (vision_language(), language(), language())]  # fmt: skip
    assert all(pair.action == "merge" for pair in plan_pairs(*states)[:5])


@pytest.mark.parametrize("dtype", ["U8", "I8", "F8_E4M3", torch.uint8, torch.float8_e4m3fn])
def test_quantised_weights_are_an_error(dtype):
    expert = language() | {"model.layers.0.mlp.up_proj.weight": ((6, 4), dtype)}
    with pytest.raises(ValueError, match="the expert's .*up_proj.weight is .*expected float64.*quantise"):
        plan(expert=expert)


def test_an_adapter_is_an_error():
    with pytest.raises(ValueError, match="the expert is a LoRA adapter .*merge_and_unload"):
        plan(expert={"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight": ((2, 4), "F32")})


@pytest.mark.parametrize("who, at", [("the VLM", 0), ("the expert", 2)])
def test_missing_tensors_are_named(who, at):
    sides = [vision_language(), language(), language()]
    sides[at] = {name: about for name, about in sides[at].items() if "up_proj" not in name}
    with pytest.raises(ValueError, match=f"expected the base's 5 tensors, but {who} lacks 1 of its tensors "
                                         r"\(model.layers.0.mlp.up_proj.weight\)"):  # fmt: skip
        plan(*sides)


@pytest.mark.parametrize("who, at", [("the VLM", 0), ("the expert", 2)])
def test_extra_tensors_are_named(who, at):
    sides = [vision_language(), language(), language()]
    prefix = "language_model.model." if at == 0 else "model."
    sides[at] |= {f"{prefix}layers.{layer}.norm.weight": ((4,), "F32") for layer in range(1, 6)}
    with pytest.raises(ValueError, match=rf"{who} has 5 more \({prefix}layers.1.norm.weight, .* and 2 more\)"):
        plan(*sides)


def test_a_reward_models_head_is_extra():
    with pytest.raises(ValueError, match=r"the expert has 1 more \(score.weight\)"):
        plan(expert=language() | {"score.weight": ((1, 4), "F32")})


def test_unknown_parts_of_a_vlm_are_kept_and_say_so():
    pair = plan(vision_language() | {"audio_tower.weight": ((4, 4), "F32")})["audio_tower.weight"]
    assert (pair.action, pair.reason) == ("keep", "the base has no such tensor")


def test_computed_buffers_need_no_partner_on_any_side():
    buffer = {"model.layers.0.self_attn.rotary_emb.inv_freq": ((2,), "F32")}
    ours = {f"language_model.{name}": about for name, about in buffer.items()}
    assert plan(base=language() | buffer) == plan(expert=language() | buffer) == plan()
    pair = plan(vision_language() | ours)["language_model.model.layers.0.self_attn.rotary_emb.inv_freq"]
    assert (pair.action, pair.reason) == ("keep", "computed from the configuration")


def test_models_that_have_nothing_in_common():
    base = {"transformer.h.0.attn.c_attn.weight": ((4, 12), "F32")}
    with pytest.raises(ValueError, match="no partner for any tensor of the VLM of type mllama .*c_attn"):
        plan(base=base, expert=base, model_type="mllama")


def test_other_shapes_are_named_with_all_sizes():
    expert = language() | {"model.layers.0.mlp.up_proj.weight": ((7, 4), "F32")}
    with pytest.raises(ValueError, match=r"shapes differ in 1 of 5 tensors: language_model.*up_proj.weight "
                                         r"6x4 \(the VLM\) against 6x4 \(the base\) against 7x4 \(the expert\)"):
        plan(expert=expert)


def test_embeddings_may_differ_in_rows_only():
    expert = language() | {"model.embed_tokens.weight": ((8, 5), "F32")}
    with pytest.raises(ValueError, match="embed_tokens.weight 8x4"):
        plan(expert=expert)


# Rows and tokens


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


# Heads


def test_a_vlm_and_a_base_that_are_both_tied():
    pairs = plan(vision_language(head=False), language(head=False), language(head=False))
    assert sum(pair.action == "merge" for pair in pairs.values()) == 4


def test_an_untied_vlm_of_a_tied_base():
    """SmolVLM2 of SmolLM2: the embedding's change goes to the head too."""
    pair = plan(base=language(head=False), expert=language(head=False))["language_model.lm_head.weight"]
    assert (pair.base, pair.expert) == ("model.embed_tokens.weight", "model.embed_tokens.weight")
    assert pair.reason == "language model; tied in the base and the expert: the embedding stands for the head"


def test_a_tied_expert_whose_file_has_the_head_all_the_same():
    pair = plan(base=language(head=False))["language_model.lm_head.weight"]
    assert (pair.base, pair.expert) == ("model.embed_tokens.weight", "lm_head.weight")


def test_a_head_with_no_place_in_the_result_is_an_error_unless_it_is_a_copy():
    tied = vision_language(head=False), language(head=False)
    with pytest.raises(ValueError, match=r"the expert has a head of its own \(lm_head.weight\).*tie_word_embeddings"):
        plan(*tied, language())
    expert = without_tied_head(language(), {"tie_word_embeddings": True})
    assert plan(*tied, expert) == plan(*tied, language(head=False))


def test_an_expert_that_lost_its_head_is_an_error():
    with pytest.raises(ValueError, match="the expert has no lm_head.weight, the base has one"):
        plan(expert=language(head=False))


@pytest.mark.parametrize("config, tied", [
    ({"tie_word_embeddings": True}, True), ({"tie_word_embeddings": False, "model_type": "gemma"}, False),
    ({"model_type": "gemma"}, True), ({"model_type": "llama"}, False), ({"model_type": "unheard_of"}, False),
    ({"text_config": {"tie_word_embeddings": True}}, True), ({}, False)])  # fmt: skip
def test_what_a_configuration_says_of_the_head(config, tied):
    assert without_tied_head(language(), config) == language(head=not tied)


def test_a_head_stays_where_there_is_no_embedding():
    only_head = {"lm_head.weight": ((8, 4), "F32")}
    assert without_tied_head(only_head, {"tie_word_embeddings": True}) == only_head


# Tokenizer files


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
