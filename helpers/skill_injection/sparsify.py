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
        return torch.full(delta.shape, count > 0, dtype=torch.bool, device=delta.device)
    threshold = size.kthvalue(size.numel() - count + 1).values
    kept = size >= threshold
    if too_many := int(kept.count_nonzero()) - count:
        kept[torch.nonzero(size == threshold).flatten()[-too_many:]] = False
    return kept.view(delta.shape)


def share(delta: Tensor, density: float) -> int:
    """Return how many entries a density keeps: rounded down, at least one."""
    return max(1, int(density * delta.numel()))


def trim(delta: Float[Tensor, "..."], density: float) -> Float[Tensor, "..."]:
    """Return the delta with all but the largest share of its entries set to zero (magnitude pruning; TIES, step 1)."""
    return delta * largest(delta, share(delta, density))


def drop(delta: Float[Tensor, "..."], density: float, draw: Tensor) -> Float[Tensor, "..."]:
    """Return the delta with entries kept where draw < density and divided by the density, so that its mean stays.

    DARE (2311.03099): Drop And REscale.
    """
    return delta / density * (draw < density)


def drop_by_rank(delta: Float[Tensor, "..."], density: float, draw: Tensor, epsilon: float) -> Float[Tensor, "..."]:
    """Return the delta with chances of staying that rise with magnitude within each row, from density - epsilon to
    density + epsilon; what stays is divided by its chance (DELLA, 2406.11617).

    Where density + epsilon exceeds 1, a smaller epsilon is taken: full density keeps everything.
    """
    rows = delta.abs().reshape(-1, delta.shape[-1] if delta.dim() else 1)  # (rows, width)
    places = torch.arange(rows.shape[1], dtype=rows.dtype, device=rows.device).expand_as(rows)
    rank = torch.empty_like(rows).scatter_(1, rows.argsort(1), places)
    spread = 2 * rank / (rows.shape[1] - 1) - 1 if rows.shape[1] > 1 else torch.zeros_like(rows)
    chance = (density + min(epsilon, 1 - density) * spread).view(delta.shape)
    return delta / chance * (draw < chance)


def without_ends(delta: Float[Tensor, "..."], density: float, top: float) -> Float[Tensor, "..."]:
    """Return the delta without its largest share `top` and, after those, only its largest share `density`.

    Model Breadcrumbs (2312.06795): outliers and small entries go. Where the density leaves no room for so many
    outliers, fewer go, as in mergekit.
    """
    count = share(delta, density)
    outliers = min(int(top * delta.numel()), delta.numel() - count)
    return delta * (largest(delta, outliers + count) & ~largest(delta, outliers))
