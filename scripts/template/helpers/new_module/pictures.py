"""The module's figures. To replace: each takes results and returns a figure, computing nothing itself."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt


def draw_saved(biases, saved):
    """Return the percent saved (biases, seeds) against the bias, as means with two standard errors."""
    figure, axes = plt.subplots()
    error = 2 * np.std(saved, axis=1, ddof=1) / np.sqrt(np.shape(saved)[1])
    axes.errorbar(biases, np.mean(saved, axis=1), error, capsize=3)
    axes.axhline(0, color="black", linewidth=1)
    axes.set(xlabel="chance of heads", ylabel="error saved by shrinking (%), ± 2 se")
    return figure
