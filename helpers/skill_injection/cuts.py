"""The largest entries of a tensor that is seen only in blocks: the same ones as `sparsify.largest` finds at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from .sparsify import share

Block = tuple[int, int]  # first row, last row (exclusive)


@dataclass(frozen=True)
class Cut:
    """Which entries are largest: those above a threshold, and those equal to it that come before a position."""

    threshold: float
    end: int

    def mask(self, size: Tensor, start: int) -> Tensor:
        """Return the mask for the magnitudes of a block whose first entry is number `start` of the tensor."""
        if start + size.numel() <= self.end:
            return size >= self.threshold
        kept = size > self.threshold
        if start < self.end:
            equal = self.end - start
            kept.view(-1)[:equal] |= size.view(-1)[:equal] == self.threshold
        return kept


@dataclass(frozen=True)
class Selection:
    """Entries that belong to the largest of `inner` and not to the largest of `outer` (outliers)."""

    inner: Cut
    outer: Cut | None

    def apply(self, delta: Tensor, start: int) -> Tensor:
        """Return a block's delta, its first entry number `start` of the tensor, with other entries set to zero."""
        size = delta.abs()
        kept = self.inner.mask(size, start)
        if self.outer is not None:
            kept &= ~self.outer.mask(size, start)
        return delta * kept


def counts(method: str, knobs: dict, size: int) -> tuple[int, int] | None:
    """Return how many entries a method keeps, outliers included, and how many outliers; None if it selects none so."""
    if method not in ("magnitude", "breadcrumbs", "ties", "ties_mean", "ties_sum"):
        return None
    kept = min(share(torch.empty(size, device="meta"), knobs["density"]), size)
    outliers = min(int(knobs.get("top", 0.0) * size), size - kept)
    return outliers + kept, outliers


def select(sizes: Callable[[Block], Tensor], blocks: list[Block], counts: tuple[int, int], scratch: Tensor,
           run: Callable = map) -> Selection:  # fmt: skip
    """Return the selection of the largest entries, of equal ones the first, less the outliers: `counts` of both.

    sizes: gives the magnitudes of a block; it is called up to three times. scratch: float32, one number for each entry
    of the tensor, overwritten. run: maps a function over blocks, as `map` or a pool of threads does.
    """
    width = len(scratch) // blocks[-1][1]

    def fill(block: Block) -> None:
        scratch[block[0] * width : block[1] * width] = sizes(block).view(-1)

    list(run(fill, blocks))
    order = scratch.numpy()
    if places := [len(order) - count for count in counts if 0 < count < len(order)]:
        order.partition(places)  # many times faster than torch's kthvalue, and without its copies
    found = [_threshold(order, count) for count in counts]
    inner, outer = (_end_of_equals(sizes, blocks, width, *each, run) for each in found)
    return Selection(inner, outer if counts[1] else None)


def _threshold(values: np.ndarray, count: int) -> tuple[float, int | None]:
    """Return the count-th largest of values partitioned there, and how many equal ones belong (None: all of them)."""
    if count <= 0:
        return math.inf, 0
    threshold = values[len(values) - count] if count < len(values) else -1.0
    larger = np.count_nonzero(values[len(values) - count :] > threshold)
    equal = np.count_nonzero(values == threshold)
    return float(threshold), None if larger + equal == count else count - int(larger)


def _end_of_equals(sizes: Callable[[Block], Tensor], blocks: list[Block], width: int, threshold: float,
                   wanted: int | None, run: Callable) -> Cut:  # fmt: skip
    """Return the cut that keeps the first `wanted` of the entries equal to the threshold."""
    if not wanted:
        return Cut(threshold, 0 if wanted == 0 else blocks[-1][1] * width)
    for block, found in zip(blocks, list(run(lambda each: int((sizes(each) == threshold).count_nonzero()), blocks))):
        if found >= wanted:
            place = (sizes(block).view(-1) == threshold).nonzero()[wanted - 1]
            return Cut(threshold, block[0] * width + int(place) + 1)
        wanted -= found
    raise ValueError("the files changed while they were read")
