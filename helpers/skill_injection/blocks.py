"""One tensor of several checkpoints merged in blocks of rows, so that memory does not grow with the tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from .cuts import Block, Selection, counts, select
from .merging import merge_tensor
from .methods import INJECTION, Method
from .sparsify import ROWS
from .stored import Stored, read_rows

BLOCK = 2**17  # elements: a few arrays of this size stay in a core's cache, and their memory is used again
WHOLE = ("slerp",)  # its angle is that of the whole tensor


@dataclass(frozen=True)
class Recipe:
    """How to merge: method, form, and one set of knobs for each result; they differ in scale alone."""

    about: Method
    form: str
    knobs: tuple[dict, ...]


@dataclass(frozen=True)
class Sources:
    """Where one tensor lies in the models, the base's name of it, and how many leading rows are merged."""

    name: str
    base: Stored
    vlm: Stored
    experts: tuple[Stored, ...]
    rows: int

    def read(self, stored: Stored, block: Block) -> Tensor:
        """Return a block of one model's tensor. Raises ValueError where it is not finite."""
        tensor = read_rows(stored, *block)
        if not is_finite(tensor):
            raise ValueError(f"{self.name} in {stored.path} has NaN or infinite values; its training diverged or its "
                             "file is damaged")  # fmt: skip
        return tensor

    def sizes(self, stored: Stored, block: Block) -> Tensor:
        """Return the magnitudes of a block of one model's difference to the base."""
        return (self.read(stored, block).float() - self.read(self.base, block).float()).abs_()


def is_finite(tensor: Tensor) -> bool:
    """Return whether no value is NaN or infinite; aminmax hands NaN on, and takes a tenth of isfinite's time."""
    return not tensor.numel() or all(math.isfinite(end) for end in torch.aminmax(tensor))


def selects(about: Method) -> bool:
    """Return whether a method selects entries by size over a whole tensor."""
    return counts(about.name, about.knobs, 1) is not None


def row_blocks(sources: Sources, about: Method) -> list[Block]:
    """Return the blocks of rows in which a method can merge a tensor."""
    step = max(1, BLOCK // max(sources.vlm.width, 1))
    if "seed" in about.knobs:  # random numbers are drawn for so many rows at a time
        step = max(1, step // ROWS) * ROWS
    if about.name in WHOLE:
        step = max(sources.rows, 1)
    return [(first, min(first + step, sources.rows)) for first in range(0, sources.rows, step)]


def for_blocks(sources: Sources, recipe: Recipe, scratch: Tensor, run: Callable = map) -> Callable[[Block], Method]:
    """Return what gives the method for one block, after finding out all that depends on the whole tensor.

    That is which entries are largest, or a matrix method's delta. scratch: float32, as many numbers as the tensor has,
    overwritten where `selects`. run: maps a function over blocks, as `map` or a pool of threads does.
    """
    about, width = recipe.about, sources.vlm.width
    tuned = sources.experts if recipe.form == INJECTION else (sources.vlm, *sources.experts)
    if selects(about) and sources.rows * width:
        scratch, blocks = scratch[: sources.rows * width], row_blocks(sources, about)
        wanted = counts(about.name, recipe.knobs[0], len(scratch))
        found = [select(partial(sources.sizes, stored), blocks, wanted, scratch, run) for stored in tuned]
        return lambda block: replace(about, combine=_of_selected(about, found, block[0] * width))
    if about.kind == "matrix":
        delta = about.combine(_differences(sources, tuned), [1.0] * len(tuned), None, recipe.knobs[0])
        return lambda block: replace(about, combine=lambda *_: delta[slice(*block)] if delta.dim() else delta)
    return lambda block: about


def _differences(sources: Sources, tuned: Sequence[Stored]) -> list[Tensor]:
    """Return whole task vectors of one tensor."""
    block = (0, sources.rows)
    base = sources.read(sources.base, block).float()
    return [sources.read(stored, block).float() - base for stored in tuned]


def _of_selected(about: Method, selections: list[Selection], start: int) -> Callable:
    """Return a method's combine for a block of deltas, its own selection replaced by that of the whole tensor."""

    def combine(deltas, weights, draws, knobs):
        sparse = [selection.apply(delta, start) for selection, delta in zip(selections, deltas)]
        keep_all = {"density": 1.0, "top": 0.0}
        return about.combine(sparse, weights, draws, {name: keep_all.get(name, knobs[name]) for name in knobs})

    return combine


def merge_block(sources: Sources, recipe: Recipe, about: Method, block: Block) -> list[Tensor]:
    """Return a block of rows of the merged tensor in the VLM's dtype, one for each set of knobs.

    about: the method as `for_blocks` gives it for this block.
    Raises ValueError where weights or results are not finite.
    """
    base, vlm, *experts = (sources.read(each, block) for each in (sources.base, sources.vlm, *sources.experts))
    merged = [merge_tensor(sources.name, base, vlm, experts, about, recipe.form, knobs, block[0])
              for knobs in recipe.knobs]  # fmt: skip
    if not all(map(is_finite, merged)):
        raise ValueError(f"merged {sources.name} does not fit into {vlm.dtype}, whose largest value is "
                         f"{torch.finfo(vlm.dtype).max:.3g}; is the scale right?")  # fmt: skip
    return merged
