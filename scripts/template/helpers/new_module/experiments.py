"""The experiment: what shrinking saves. To replace: the paper's central experiment, one figure for each seed."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from .coins import plain_mean, shrunken_mean, toss

FLIPS, WEIGHT, COINS = 10, 2.0, 2_000


def squared_errors(bias: float, seed: int) -> tuple[float, float]:
    """Return the mean squared errors of the plain and of the shrunken mean over coins of one bias."""
    heads = toss(bias, COINS, FLIPS, seed)
    plain, shrunken = plain_mean(heads, FLIPS), shrunken_mean(heads, FLIPS, WEIGHT)
    return float(np.mean((plain - bias) ** 2)), float(np.mean((shrunken - bias) ** 2))


def percent_saved(bias: float, seeds) -> Float[np.ndarray, " seeds"]:
    """Return by how many percent shrinking lowers the mean squared error, one figure for each seed."""
    plain, shrunken = np.array([squared_errors(bias, seed) for seed in seeds]).T
    return 100 * (1 - shrunken / plain)


def expected_errors(biases: Float[np.ndarray, " biases"], flips: int, weight: float) -> Float[np.ndarray, "2 biases"]:
    """Return the mean squared errors of the plain and of the shrunken mean as the formulas give them."""
    variance = flips * biases * (1 - biases)
    pull = (weight / 2) ** 2 * (1 - 2 * biases) ** 2
    return np.stack([variance / flips**2, (variance + pull) / (flips + weight) ** 2])
