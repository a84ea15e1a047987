"""Coins whose bias is to be estimated, and two estimates. To replace: the paper's data and method, made small."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int


def toss(bias: float, coins: int, flips: int, seed: int) -> Int[np.ndarray, " coins"]:
    """Return how often each coin shows heads."""
    return np.random.default_rng(seed).binomial(flips, bias, coins)


def plain_mean(heads: Int[np.ndarray, " coins"], flips: int) -> Float[np.ndarray, " coins"]:
    """Return the share of heads of each coin."""
    return heads / flips


def shrunken_mean(heads: Int[np.ndarray, " coins"], flips: int, weight: float) -> Float[np.ndarray, " coins"]:
    """Return the share of heads once `weight` more flips, half of them heads, are added to each coin's own."""
    if not 0 <= heads.min(initial=0) <= heads.max(initial=0) <= flips:
        raise ValueError(f"heads expects whole numbers from 0 to flips = {flips}, got {heads.min()} to {heads.max()}")
    return (heads + weight / 2) / (flips + weight)
