"""Combining several task vectors of one tensor into one delta."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

Deltas = list[Float[Tensor, "..."]]
Matrices = list[Float[Tensor, "out in"]]


def weighted_sum(deltas: Deltas, weights: list[float]) -> Float[Tensor, "..."]:
    """Return the sum of weight times delta (task arithmetic, 2212.04089)."""
    return sum(weight * delta for delta, weight in zip(deltas, weights))


def agreeing(deltas: Deltas) -> Deltas:
    """Return the deltas with every entry set to zero whose sign is not that of the sum; a sum of zero counts as plus.

    TIES (2306.01708), step 2: elect a sign.
    """
    positive = sum(deltas) >= 0
    return [delta * ((delta > 0) == positive) for delta in deltas]


def ties_mean_of_agreeing(deltas: Deltas) -> Float[Tensor, "..."]:
    """Return the mean over the vectors that agree, each entry by itself, weights ignored (TIES, step 3)."""
    kept = agreeing(deltas)
    count = sum((delta != 0).float() for delta in kept)
    return sum(kept) / count.clamp(min=1)


def ties_weighted_mean(deltas: Deltas, weights: list[float]) -> Float[Tensor, "..."]:
    """Return the weighted mean over the vectors that agree; signs are elected on weighted entries (mergekit's TIES)."""
    kept = agreeing([weight * delta for delta, weight in zip(deltas, weights)])
    total = sum(weight * (delta != 0) for delta, weight in zip(kept, weights))
    return sum(kept) / torch.where(total.abs() < 1e-8, 1.0, total)


def ties_weighted_sum(deltas: Deltas, weights: list[float]) -> Float[Tensor, "..."]:
    """Return the weighted sum of the entries that agree, not divided by their weights."""
    return sum(agreeing([weight * delta for delta, weight in zip(deltas, weights)]))


def isotropic(deltas: Matrices) -> Float[Tensor, "out in"]:
    """Return the sum of the deltas with all singular values replaced by their mean (Iso-C, 2502.04959)."""
    u, s, vh = torch.linalg.svd(sum(deltas), full_matrices=False)
    return s.mean() * u @ vh


def orthogonal(matrix: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows columns"]:
    """Return the nearest matrix with orthonormal columns or rows (orthogonal Procrustes)."""
    p, _, qh = torch.linalg.svd(matrix, full_matrices=False)
    return p @ qh


def singular_merge(deltas: Matrices, rank_share: float) -> Float[Tensor, "out in"]:
    """Return the deltas' leading singular triplets, joined after their vectors are made orthogonal across deltas.

    TSV-Merge (2412.00081). rank_share: the share of the triplets that each delta keeps.
    """
    parts = [torch.linalg.svd(delta, full_matrices=False) for delta in deltas]
    rank = max(1, int(rank_share * len(parts[0][1])))
    left = orthogonal(torch.cat([u[:, :rank] for u, _, _ in parts], dim=1))
    right = orthogonal(torch.cat([vh[:rank] for _, _, vh in parts]))
    return left @ torch.diag(torch.cat([s[:rank] for _, s, _ in parts])) @ right


def without_interference(deltas: Matrices, steps: int, learning_rate: float) -> Float[Tensor, "out in"]:
    """Return the delta that Adam finds from the sum by making sum_i |(merged - d_i) d_i^T|^2 / |d_i|^2 small.

    WUDI-Merging (2503.08099).
    """
    stacked = torch.stack([delta for delta in deltas if delta.any()] or deltas[:1])  # (vectors, out, in)
    size = stacked.square().sum((1, 2)).clamp(min=1e-30)
    merged = sum(deltas).clone().requires_grad_()
    optimizer = torch.optim.Adam([merged], lr=learning_rate)
    with torch.enable_grad():
        for _ in range(steps):
            optimizer.zero_grad()
            (((merged - stacked) @ stacked.mT).square().sum((1, 2)) / size).sum().backward()
            optimizer.step()
    return merged.detach()
