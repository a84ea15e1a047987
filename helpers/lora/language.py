"""A language of commands on words: `<bos> reverse shift c a t e n s = ...`, each answer written in capitals.

A prompt has two commands, the second applied to what the first gives, a word of six letters and "=". The base reads all
single commands and most pairs; the pairs it never met are what fine-tuning teaches (tasks.py).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import numpy as np
import torch
from jaxtyping import Int
from numpy import ndarray
from torch import Tensor

LETTERS, LENGTH = 20, 6
PAD, BOS, EQUALS, NONE = range(4)  # NONE stands where there is no second command
COMMANDS = ("copy", "reverse", "shift", "sort", "translate", "double")
FIRST_COMMAND = 4
FIRST_INPUT = FIRST_COMMAND + len(COMMANDS)
FIRST_OUTPUT = FIRST_INPUT + LETTERS
WORDS = FIRST_OUTPUT + LETTERS  # size of the vocabulary
PROMPT = 4 + LENGTH  # <bos>, two commands, the word, "="
TOTAL = PROMPT + LENGTH

DICTIONARY = np.random.default_rng(2602).permutation(LETTERS)  # translate
FREQUENCY = 1 / np.sqrt(1 + np.arange(LETTERS))  # of the letters, so that some are rare
FREQUENCY = FREQUENCY / FREQUENCY.sum()

Words = Int[ndarray, "texts 6"]
APPLY: dict[str, Callable[[Words], Words]] = {
    "copy": lambda word: word,
    "reverse": lambda word: word[:, ::-1],
    "shift": lambda word: (word + 1) % LETTERS,
    "sort": lambda word: np.sort(word, axis=1),
    "translate": lambda word: DICTIONARY[word],
    "double": lambda word: np.repeat(word[:, : LENGTH // 2], 2, axis=1),
}


def draw_words(rng: np.random.Generator, count: int) -> Words:
    """Return words of six letters as numbers from 0, frequent letters first in the alphabet."""
    return rng.choice(LETTERS, size=(count, LENGTH), p=FREQUENCY)


NEW_PAIRS = (("reverse", "shift"), ("shift", "reverse"), ("sort", "translate"), ("translate", "sort"),
             ("double", "shift"), ("translate", "reverse"))  # fmt: skip
SINGLE = tuple((command, None) for command in COMMANDS)
KNOWN_PAIRS = tuple(pair for pair in permutations(COMMANDS[1:], 2) if pair not in NEW_PAIRS)
Pair = tuple[str, str | None]


def answer(words: Words, pair: Pair) -> Words:
    """Return what a pair of commands makes of words."""
    for command in pair:
        words = words if command is None else APPLY[command](words)
    return words


def examples(rng: np.random.Generator, count: int, pairs: tuple[Pair, ...]) -> Int[Tensor, "texts 16"]:
    """Return token ids of prompts with their answers, each with a pair of commands drawn from `pairs`."""
    words, which = draw_words(rng, count), rng.integers(len(pairs), size=count)
    answers = np.empty_like(words)
    for place, pair in enumerate(pairs):
        answers[which == place] = answer(words[which == place], pair)
    tokens = np.array([[NONE if name is None else FIRST_COMMAND + COMMANDS.index(name) for name in pair]
                       for pair in pairs])[which]  # fmt: skip
    begin, equals = (np.full((count, 1), token) for token in (BOS, EQUALS))
    return torch.tensor(np.concatenate([begin, tokens, FIRST_INPUT + words, equals, FIRST_OUTPUT + answers], axis=1))


def spell(row: Int[Tensor, " length"]) -> str:
    """Return a row of token ids in words: commands by name, letters as a to t, answers in capitals."""
    names = ["", "<bos>", "=", "-", *COMMANDS]
    names += [chr(ord("a") + place) for place in range(LETTERS)] + [chr(ord("A") + place) for place in range(LETTERS)]
    return " ".join(names[token] for token in row.tolist())
