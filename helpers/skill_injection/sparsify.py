"""Making one task vector sparse: each function takes one tensor's delta and gives the delta that is merged."""

from __future__ import annotations

import hashlib

import torch
from jaxtyping import Bool, Float
from torch import Tensor

ROWS = 256  # random numbers are drawn for blocks of so many rows, so that a file may be read in blocks


def uniform(shape, seed: int, name: str, vector: int = 0, first_row: int = 0) -> Tensor:
    """Return numbers in [0, 1) for a tensor, or for its rows from `first_row` (a multiple of ROWS) on.

    They depend on seed, tensor name, the vector's place and the row alone, so tensors may be merged in any order.
    """
    blocks = []
    for start in range(0, max(shape[0], 1) if len(shape) else 1, ROWS):
        key = f"{seed}/{name}/{vector}/{(first_row + start) // ROWS}"
        generator = torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big"))
        rows = [min(ROWS, shape[0] - start), *shape[1:]] if len(shape) else []
        blocks.append(torch.rand(rows, generator=generator))
    return torch.cat(blocks) if len(shape) else blocks[0]


def largest(delta: Tensor, count: int) -> Bool[Tensor, "..."]:
    """Return a mask of exactly `count` entries of largest magnitude; of equal ones the first."""
    size = delta.abs().flatten()
    if count <= 0 or count >= size.numel():
        return torch.full(delta.shape, count > 0, dtype=torch.bool)
    threshold = size.kthvalue(size.numel() - count + 1).values
    kept = size > threshold
    equal = torch.nonzero(size == threshold).flatten()
    kept[equal[: count - int(kept.sum())]] = True
    return kept.view(delta.shape)


def share(delta: Tensor, density: float) -> int:
    """Return how many entries a density keeps: rounded down, at least one."""
    return max(1, int(density * delta.numel()))


def trim(delta: Float[Tensor, "..."], density: float) -> Float[Tensor, "..."]:
    """Return the delta with all but the largest share of its entries set to zero (magnitude pruning; TIES, step 1)."""
    return torch.where(largest(delta, share(delta, density)), delta, 0.0)


def drop(delta: Float[Tensor, "..."], density: float, draw: Tensor) -> Float[Tensor, "..."]:
    """Return the delta with entries kept where draw < density and divided by the density, so that its mean stays.

    DARE (2311.03099): Drop And REscale.
    """
    return torch.where(draw < density, delta / density, 0.0)


def drop_by_rank(delta: Float[Tensor, "..."], density: float, draw: Tensor, epsilon: float) -> Float[Tensor, "..."]:
    """Return the delta with chances of staying that rise with magnitude within each row, from density - epsilon to
    density + epsilon; what stays is divided by its chance (DELLA, 2406.11617)."""
    rank = delta.abs().argsort(-1).argsort(-1).float() if delta.dim() else delta.new_zeros(())
    steps = max(delta.shape[-1] - 1, 1) if delta.dim() else 1
    spread = 2 * rank / steps - 1 if delta.dim() and delta.shape[-1] > 1 else torch.zeros_like(delta)
    chance = density + epsilon * spread
    return torch.where(draw < chance, delta / chance, 0.0)


def without_ends(delta: Float[Tensor, "..."], density: float, top: float) -> Float[Tensor, "..."]:
    """Return the delta without its largest share `top` and, after those, only its largest share `density`.

    Model Breadcrumbs (2312.06795): outliers and small entries go.
    """
    outliers = int(top * delta.numel())
    kept = largest(delta, min(outliers + share(delta, density), delta.numel())) & ~largest(delta, outliers)
    return torch.where(kept, delta, 0.0)
