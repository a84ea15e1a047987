"""The language of commands, the base that has learnt it, and the recorded runs on it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from helpers.lora import experiments
from helpers.lora.language import (
    COMMANDS,
    DICTIONARY,
    KNOWN_PAIRS,
    LETTERS,
    NEW_PAIRS,
    PROMPT,
    SINGLE,
    TOTAL,
    answer,
    draw_words,
    examples,
    spell,
)
from helpers.lora.models import SHIPPED, load_base
from helpers.lora.pretraining import train_base
from helpers.lora.results import Sweep
from helpers.lora.sweeping import sweep
from helpers.lora.tasks import command_texts, new_pairs
from helpers.lora.training import score

WORD = np.array([[3, 0, 19, 7, 7, 1]])


@pytest.mark.parametrize("pair, wanted", [
    (("copy", None), [3, 0, 19, 7, 7, 1]), (("reverse", None), [1, 7, 7, 19, 0, 3]),
    (("shift", None), [4, 1, 0, 8, 8, 2]), (("sort", None), [0, 1, 3, 7, 7, 19]),
    (("double", None), [3, 3, 0, 0, 19, 19]),
    (("reverse", "shift"), [2, 8, 8, 0, 1, 4]), (("double", "shift"), [4, 4, 1, 1, 0, 0]),
    (("translate", None), DICTIONARY[WORD[0]].tolist()),
    (("sort", "translate"), DICTIONARY[[0, 1, 3, 7, 7, 19]].tolist()),
    (("translate", "sort"), sorted(DICTIONARY[WORD[0]].tolist())),
])  # fmt: skip
def test_answers_by_hand(pair, wanted):
    assert answer(WORD, pair)[0].tolist() == wanted


def test_texts_say_what_they_mean():
    ids = examples(np.random.default_rng(0), 500, (("reverse", "shift"), ("copy", None)))
    assert ids.shape == (500, TOTAL) and ids.dtype == torch.int64
    seen = set()
    for row in ids:
        begin, first, second, *word, equals, rest = spell(row).split(" ", 10)
        seen.add((first, second))
        letters = np.array([[ord(letter) - ord("a") for letter in word]])
        wanted = answer(letters, (first, None if second == "-" else second))[0]
        assert (begin, equals) == ("<bos>", "=") and rest.split() == [chr(ord("A") + letter) for letter in wanted]
    assert seen == {("reverse", "shift"), ("copy", "-")}


def test_pairs_are_new_or_known_and_all_letters_occur():
    assert len(SINGLE) == len(COMMANDS) == 6 and len(NEW_PAIRS) == 6 and len(KNOWN_PAIRS) == 14
    assert not set(NEW_PAIRS) & set(KNOWN_PAIRS)
    words = draw_words(np.random.default_rng(0), 5_000)
    counts = np.bincount(words.ravel(), minlength=LETTERS)
    assert (counts > 0).all() and counts[0] > 3 * counts[-1]


def test_the_shipped_base_knows_its_commands_and_not_the_new_pairs():
    base = load_base()
    assert SHIPPED.stat().st_size < 2e6 and sum(weight.numel() for weight in base.parameters()) < 120_000
    assert score(base, command_texts(1, 500, SINGLE), 1)["exact"][0] > 98
    assert score(base, command_texts(2, 500, KNOWN_PAIRS), 1)["exact"][0] > 98
    assert 10 < score(base, new_pairs().test, 1)["exact"][0] < 40
    values = torch.linalg.svdvals(base.model.layers[0].self_attn.q_proj.weight.detach())
    assert values[0] > 5 * values[16], "weights that have learnt are longer in some directions"


def test_labels_are_the_answers_alone():
    texts = command_texts(3, 5)
    assert (texts.labels[:, :PROMPT] == -100).all() and torch.equal(texts.labels[:, PROMPT:], texts.ids[:, PROMPT:])


@pytest.mark.long
def test_a_base_trained_again_behaves_alike():
    base = train_base(0)
    assert score(base, command_texts(1, 500, SINGLE + KNOWN_PAIRS), 1)["exact"][0] > 97
    assert 10 < score(base, new_pairs().test, 1)["exact"][0] < 45


@pytest.mark.long
def test_recorded_runs_come_out_again():
    """At rates well below the best ones; near the edge of stability another machine's last digits decide."""
    main = Sweep.load(experiments.DATA / "main.json")
    methods = ("lora", "pissa", "dora", "gralora", "randlora", "loft")
    again = sweep(load_base(), new_pairs(), methods, experiments.RATES[4:6], (0,), cache=None, progress=False)
    recorded = {(row["method"], row["rate"], row["seed"]): row for row in main.rows}
    for row in again.rows:
        old = recorded[row["method"], row["rate"], row["seed"]]
        assert row["test_loss"] == pytest.approx(old["test_loss"], rel=0.1), (row["method"], row["rate"])
        assert abs(row["test_exact"] - old["test_exact"]) < 6, (row["method"], row["rate"])
