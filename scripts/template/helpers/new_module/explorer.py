"""The explorer. To replace: a figure with two sliders or more, where a move changes artists and computes little."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from .experiments import expected_errors

CONTROLS = {"flips": [5, 10, 20, 50], "weight": [1, 2, 5, 10]}  # the first of each is the first state


def figure_and_update():
    """Return the figure and its `update(flips, weight)`: the expected errors of both means against the bias."""
    biases = np.linspace(0, 1, 101)
    figure, axes = plt.subplots()
    lines = [axes.plot(biases, np.zeros(101), marker="", linestyle=style, label=label)[0]
             for label, style in (("plain mean", "-"), ("shrunken mean", "--"))]  # fmt: skip
    axes.set(xlabel="chance of heads", ylabel="mean squared error", ylim=(0, 0.12))
    axes.legend()

    def update(flips, weight) -> str:
        plain, shrunken = expected_errors(biases, flips, weight)
        for line, errors in zip(lines, (plain, shrunken)):
            line.set_ydata(errors)
        return f"Shrinking lowers the error for {np.mean(shrunken < plain):.0%} of all biases."

    return figure, update
