"""The explorer of notebook 3: loss curves and scores of all variants at one learning rate, rank and batch size."""

from __future__ import annotations

from functools import cache

import numpy as np
from matplotlib import pyplot as plt

from .pictures import DASHED, LOOK
from .results import Sweep


def figure_and_update(sweeps: dict[tuple[int, int], Sweep]):
    """Return the figure, its `update(learning_rate, rank, batch_size)`, and the values of its controls.

    sweeps: by rank and batch size, all over the same methods and learning rates.
    """
    first = next(iter(sweeps.values()))
    methods = first.methods
    figure, (curves, bars) = plt.subplots(1, 2, figsize=(9.6, 4.6), width_ratios=(1.2, 1), layout="none")
    figure.subplots_adjust(left=0.06, right=0.98, bottom=0.11, top=0.86, wspace=0.24)
    lines = {method: curves.plot([], [], color=LOOK[method][1], marker=LOOK[method][2], markersize=3, linewidth=1.2,
                                 linestyle="--" if method in DASHED else "-")[0] for method in methods}  # fmt: skip
    figure.legend(list(lines.values()), [LOOK[method][0] for method in methods], fontsize=8, ncols=6,
                  loc="upper center", frameon=False)  # fmt: skip
    curves.set(xlim=(0, 1), ylim=(0, 4), xlabel="share of the training", ylabel="training loss (nats)")
    places = range(len(methods), 0, -1)
    boxes = bars.barh(places, [0] * len(methods), color=[LOOK[method][1] for method in methods], alpha=0.6)
    (peaks,) = bars.plot([0] * len(methods), places, "|", color="black", markersize=14, markeredgewidth=2)
    bars.set_yticks(places, [LOOK[method][0] for method in methods], fontsize=9)
    bars.set(xlim=(0, 100), xlabel="exact on test (%); line: at its own best rate")

    @cache
    def summary(rank, batch_size) -> tuple[list[float], dict[str, np.ndarray]]:
        sweep = sweeps[rank, batch_size]
        tuned = [sweep.best(method).score if method in sweep.methods else 0.0 for method in methods]
        return tuned, {method: sweep.scores(method).mean(axis=1) for method in sweep.methods}

    def update(learning_rate, rank, batch_size) -> str:
        sweep, (tuned, means) = sweeps[rank, batch_size], summary(rank, batch_size)
        place = int(np.abs(np.log(sweep.rates / learning_rate)).argmin())
        scores = {method: float(means[method][place]) if method in means else 0.0 for method in methods}
        for method, box in zip(methods, boxes):
            lines[method].set_data(*curve(sweep, method, learning_rate))
            box.set_width(scores[method])
        peaks.set_xdata(tuned)
        best = max(scores, key=scores.get)
        return f"Ahead at this rate: {LOOK[best][0]}, {scores[best]:.0f} %."

    return figure, update, dict(learning_rate=[float(rate) for rate in first.rates],
                                rank=sorted({rank for rank, _ in sweeps}),
                                batch_size=sorted({size for _, size in sweeps}))  # fmt: skip


def curve(sweep: Sweep, method: str, rate: float) -> tuple[list[float], list[float]]:
    """Return share of the training and loss of a method's first seed at a rate; empty where it was not run."""
    rows = [row for row in sweep.rows if row["method"] == method and row["rate"] == rate]
    points = rows[0]["curve"] if rows else []
    return [step / sweep.settings.steps for step, _ in points], [loss for _, loss in points]
