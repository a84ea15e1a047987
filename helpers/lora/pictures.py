"""The module's figures; each takes results and returns a matplotlib figure, computing nothing itself."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from helpers.course.plots import MARKERS, PALETTE

from .results import Sweep
from .variants import METHODS

GREY = "#777777"
TICKS = (0.002, 0.004, 0.01, 0.02)  # of learning rates
LOOK = {method: (METHODS[method].title, PALETTE[place % 8], MARKERS[(place + 3 * (place // 8)) % 8])
        for place, method in enumerate(METHODS)}  # fmt: skip
DASHED = tuple(METHODS)[len(PALETTE) :]  # their colours were given before


def rate_axis(panel, label: str = "learning rate") -> None:
    """Give a panel a logarithmic axis of learning rates."""
    panel.set(xscale="log", xlabel=label)


def draw_central(fixed: dict, tuned: dict, owner: str, ylabel: str = "exact on test (%)"):
    """Return two panels of bars, methods in one order: all at one rate, and each at its own best rate.

    fixed, tuned: {method: scores (seeds,)}; owner: the method whose best rate the left panel takes.
    """
    order = sorted(fixed, key=lambda method: -np.mean(fixed[method]))
    figure, panels = plt.subplots(1, 2, figsize=(9.6, 3.6), sharey=True)
    titles = (f"all at {LOOK[owner][0]}'s best rate", "each at its own best rate")
    for panel, scores, title in zip(panels, (fixed, tuned), titles):
        for place, method in enumerate(order):
            panel.bar(place, np.mean(scores[method]), color=LOOK[method][1], alpha=0.6)
            panel.plot(np.full(len(scores[method]), place), scores[method], "o", color="black", markersize=2.5)
        panel.set_xticks(range(len(order)), [LOOK[method][0] for method in order], rotation=45, ha="right", fontsize=9)
        panel.set(title=title, ylim=(0, 100))
    panels[0].set_ylabel(ylabel)
    return figure


def draw_sweep(sweep: Sweep, methods, ylabel: str = "exact on test (%)"):
    """Return scores over the learning rate, a line a method: mean over seeds, and the best rates by validation."""
    figure, panel = plt.subplots(figsize=(8.4, 4.2))
    for method in methods:
        name, color, marker = LOOK[method]
        scores = sweep.scores(method)
        panel.plot(sweep.rates, scores.mean(axis=1), marker=marker, markersize=4, color=color, label=name,
                   linestyle="--" if method in DASHED else "-")
        best = sweep.best(method)
        panel.plot(best.rate, best.score, marker=marker, markersize=11, color=color, markeredgecolor="black")
    rate_axis(panel)
    panel.set(ylabel=ylabel, title="large marks: best rate by validation, scored on test")
    panel.legend(fontsize=8, ncols=2)
    return figure


def draw_survey(counts: dict[str, tuple[int, int]]):
    """Return bars of how many papers varied a setting of their baseline: {setting: (varied, papers)}."""
    figure, panel = plt.subplots(figsize=(7.6, 2.2))
    for place, (varied, papers) in enumerate(counts.values()):
        panel.barh(-place, papers, color="#dddddd")
        panel.barh(-place, varied, color=PALETTE[0])
        panel.text(varied + 0.5, -place, f"{varied} of {papers}", va="center", fontsize=10)
    panel.set_yticks([-place for place in range(len(counts))], counts)
    panel.set(xlabel="papers on LoRA variants", xlim=(0, 70))
    return figure


def draw_exponents(rates: dict[str, tuple], slopes: dict[str, np.ndarray]):
    """Return best rate against a setting, log-log, a panel each: rates[title] = (values, rates (values, seeds))."""
    figure, panels = plt.subplots(1, len(rates), figsize=(9.6, 3.0), sharey=True)
    for panel, (title, (values, found)), color in zip(panels, rates.items(), PALETTE):
        panel.plot(values, found, "o", color=color, markersize=4, alpha=0.5)
        panel.plot(values, np.exp(np.log(found).mean(axis=1)), color=color)
        panel.set(xscale="log", yscale="log", title=f"{title}\nexponent {slopes[title].mean():.2f}")
        panel.set_xticks(values, values)
        panel.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        panel.minorticks_off()
    panels[0].set_ylabel("LoRA's best learning rate")
    return figure


def draw_curvature(lambdas: dict[str, np.ndarray], rates: dict[str, np.ndarray], slope: float):
    """Return best rate against lambda_max over LoRA's, log-log, a mark a start, with a line of the slope found."""
    figure, panel = plt.subplots(figsize=(5.6, 4.0))
    middle = {method: np.median(values) / np.median(lambdas["lora"]) for method, values in lambdas.items()}
    for method, x in middle.items():
        name, color, marker = LOOK[method]
        panel.plot(np.full(len(rates[method]), x), rates[method], marker=marker, linestyle="", color=color, alpha=0.4)
        panel.plot(x, np.exp(np.log(rates[method]).mean()), marker=marker, linestyle="", color=color, markersize=9,
                   label=name)  # fmt: skip
    xs = np.array([min(middle.values()), max(middle.values())])
    center = np.exp(np.log(np.concatenate(list(rates.values()))).mean())
    panel.plot(xs, center * (xs / np.exp(np.log(list(middle.values())).mean())) ** slope, color=GREY, linestyle="--")
    panel.set(xscale="log", yscale="log", xlabel="lambda_max over LoRA's (median)", ylabel="best learning rate")
    panel.legend(fontsize=8)
    return figure


def draw_layers(lambdas: dict[str, dict[str, np.ndarray]], layers):
    """Return lambda_max over LoRA's by layer, a panel a kind of module: lambdas[kind][method] is (layers,)."""
    figure, panels = plt.subplots(1, len(lambdas), figsize=(9.6, 3.4), sharey=True)
    for panel, (kind, found) in zip(panels, lambdas.items()):
        for method, values in found.items():
            name, color, marker = LOOK[method]
            panel.plot(layers, values / found["lora"], marker=marker, color=color, label=name)
        panel.set(yscale="log", title=kind, xlabel="layer")
    panels[0].set_ylabel("lambda_max over LoRA's")
    panels[-1].legend(fontsize=8)
    return figure
