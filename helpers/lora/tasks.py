"""What a model is fine-tuned on: training, validation and test texts with labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from .language import NEW_PAIRS, PROMPT, Pair, examples

IGNORED = -100  # the label of a place that does not count
Tokens = Int[Tensor, "texts length"]


@dataclass(frozen=True)
class Texts:
    """Token ids and labels of equal shape; a label is the token itself or -100 where it does not count."""

    ids: Tokens
    labels: Int[Tensor, "same places"]

    def __post_init__(self):
        if self.ids.shape != self.labels.shape or not len(self.ids):
            shapes = f"{tuple(self.ids.shape)} and {tuple(self.labels.shape)}"
            raise ValueError(f"expected ids and labels of one shape, with a text or more; got {shapes}")
        if not (self.labels[:, 1:] != IGNORED).any(1).all():
            raise ValueError("a text has no label after its first token, so there is nothing to learn from it")

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, which) -> Texts:
        return Texts(self.ids[which], self.labels[which])


@dataclass(frozen=True)
class Task:
    """Texts to train on, to choose a learning rate with, and to score the choice; metric: "exact" or "loss"."""

    name: str
    train: Texts
    validation: Texts
    test: Texts
    metric: str = "exact"


def command_texts(seed: int, count: int, pairs: tuple[Pair, ...] = NEW_PAIRS) -> Texts:
    """Return texts with pairs of commands; the answers alone are labels."""
    ids = examples(np.random.default_rng(seed), count, pairs)
    return Texts(ids, ids.masked_fill(torch.arange(ids.shape[1]) < PROMPT, IGNORED))


def new_pairs(train: int = 3_840, validation: int = 400, test: int = 1_000) -> Task:
    """Return the course's task: six pairs of commands whose parts the base knows and whose combination it never met.

    Words are drawn anew for each part; with six letters of twenty, hardly any occurs twice.
    """
    return Task("six new pairs", command_texts(11, train), command_texts(12, validation), command_texts(13, test))


def cut(tokens: Int[Tensor, " tokens"], length: int, least: int = 1) -> Tokens:
    """Return a running text as windows of `length` tokens; the rest at its end is left out.

    Raises ValueError if there are fewer than `least` windows.
    """
    if length < 2 or len(tokens) < length * least:
        raise ValueError(f"expected windows of 2 tokens or more and {least} of them; got windows of {length} and a "
                         f"text of {len(tokens)} tokens; take a longer text or shorter windows")  # fmt: skip
    count = len(tokens) // length
    return tokens[: count * length].view(count, length)


def windows(tokens: Int[Tensor, " tokens"], length: int, name: str = "text") -> Task:
    """Return a task from a running text: of its windows the first 80 % for training, then 10 % validation, 10 % test.

    Raises ValueError if the text is too short for a window in each part.
    """
    ids = cut(tokens, length, least=10)
    first, second = int(0.8 * len(ids)), int(0.9 * len(ids))
    train, validation, test = (Texts(part, part) for part in (ids[:first], ids[first:second], ids[second:]))
    return Task(name, train, validation, test, "loss")
