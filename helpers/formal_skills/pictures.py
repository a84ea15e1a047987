"""The module's figures."""

from __future__ import annotations

from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from .measure import half_width, scores, worth
from .phases import Phases

LOOK = {"formal": ("Formal", "#0072B2", "o"), "markdown": ("Markdown", "#D55E00", "s"),
        "bare": ("tools alone", "#999999", "^"), "formal less contract": ("less contract", "#CC79A7", "D"),
        "formal less guard": ("less guard", "#009E73", "v"), "formal less phases": ("less phases", "#E69F00", "P"),
        "formal less arguments": ("less argument checks", "#56B4E9", "X"),
        "formal less phases, guard": ("less phases and guard", "#8C564B", "h"),
        "formal, asking only": ("tools hidden, none refused", "#000000", "*"),
        "formal, asked again": ("asked again, no contract", "#000000", "d"),
        "bare, asked again": ("tools alone, asked again", "#666666", "p")}  # fmt: skip
LAPSES = {"claim": 'says "done" too early', "skip": "leaves steps out", "cheat": "cheats",
          "hidden": "calls what is not offered", "garble": "breaks arguments", "wrong": "is plausible and wrong"}


def curve(axes, rows: pd.DataFrame, arm: str, column: str = "score", **style) -> None:
    """Draw an arm's mean over tasks against p, with the 95 % interval over seeds."""
    name, colour, marker = LOOK[arm]
    by_seed = rows[rows.arm == arm].groupby(["p", "seed"])[column].mean().unstack()
    mean, half = by_seed.mean(axis=1), half_width(by_seed.to_numpy())
    axes.plot(mean.index, mean, color=colour, marker=marker, markersize=6, label=name, **style)
    axes.fill_between(mean.index, mean - half, mean + half, color=colour, alpha=0.15, linewidth=0)


def draw_central(rows: pd.DataFrame) -> Figure:
    """Return score against sloppiness: the arms without and with a skill, and Formal less each of its parts."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), sharey=True, layout="constrained")
    for arm in ("formal", "markdown", "bare", "bare, asked again"):
        curve(left, rows, arm, linestyle="--" if arm == "bare" else "-")
    for arm in ("formal", "formal less contract", "formal less guard", "formal less phases",
                "formal less phases, guard", "formal less arguments", "formal, asked again"):  # fmt: skip
        curve(right, rows, arm)
    for axes, title in ((left, "the same driver, with and without a skill"), (right, "Formal, less some of its parts")):
        axes.set(xlabel="sloppiness p (lapses per turn)", title=title, ylim=(0, 103))
        axes.legend(loc="lower left", fontsize=8)
    left.set_ylabel("score (mean of six tasks)")
    return figure


def draw_lapses(rows: pd.DataFrame) -> Figure:
    """Return what each part adds to the score against each kind of lapse; a dot stands for what may be chance.

    The rows are those of one driver at one p.
    """
    figure, axes = plt.subplots(figsize=(9.5, 3.4), layout="constrained")
    found = {lapse: worth(rows[rows.lapse == lapse]) for lapse in LAPSES}
    points = pd.DataFrame(found).T.map(np.mean).astype(float)
    axes.imshow(points, cmap="RdBu", vmin=-30, vmax=30, aspect="auto")
    for (row, lapse), (column, part) in product(enumerate(found), enumerate(points)):
        values = found[lapse][part]
        sure = abs(values.mean()) > half_width(values)
        axes.text(column, row, f"{values.mean():+.0f}" if sure else "·", ha="center", va="center",
                  color="white" if abs(values.mean()) > 20 else "black")
    ends = {lapse: [scores(rows[rows.lapse == lapse], arm).mean() for arm in ("bare", "formal")] for lapse in found}
    axes.set(xticks=range(points.shape[1]), xticklabels=list(points), yticks=range(len(found)), yticklabels=[
        f"{LAPSES[lapse]} (tools {tools:.0f}, Formal {formal:.0f})" for lapse, (tools, formal) in ends.items()],
             title="points that each part adds")  # fmt: skip
    axes.grid(False)
    return figure


def draw_tasks(rows: pd.DataFrame) -> Figure:
    """Return score against sloppiness, a panel for each task."""
    tasks = list(dict.fromkeys(rows.task))
    figure, panels = plt.subplots(2, 3, figsize=(9.5, 5.2), sharex=True, sharey=True, layout="constrained")
    for axes, task in zip(panels.flat, tasks):
        for arm in ("formal", "markdown"):
            curve(axes, rows[rows.task == task], arm)
        axes.set(title=task.replace("_", " "), ylim=(0, 103))
    panels[0, 0].legend(loc="lower left", fontsize=8)
    figure.supxlabel("sloppiness p")
    figure.supylabel("score")
    return figure


def draw_tokens(rows: pd.DataFrame) -> Figure:
    """Return where the tokens go without lapses, and what a fully right run costs at each p."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
    arms = ("bare", "markdown", "formal", "formal less phases")
    clean = rows[rows.p == 0].groupby("arm")[["schemas", "skill", "total", "uncached"]].mean().loc[list(arms)]
    rest = clean.total - clean.schemas - clean.skill
    below, names = np.zeros(len(arms)), [LOOK[arm][0] for arm in arms]
    parts = (("tool schemas", clean.schemas, "#56B4E9", ""), ("skill text", clean.skill, "#E69F00", "//"),
             ("the rest", rest, "#BBBBBB", ""))  # fmt: skip
    for part, values, colour, hatch in parts:
        left.bar(names, values, bottom=below, label=part, color=colour, hatch=hatch, edgecolor="white")
        below = below + values.to_numpy()
    left.plot(names, clean.uncached, "kD", label="uncached")
    left.set(title="tokens of a run without lapses", ylabel="tokens (mean of six tasks)",
             ylim=(0, 1.3 * clean.total.max()))  # fmt: skip
    left.legend(fontsize=8, ncols=2, loc="upper right")
    for arm in ("formal", "formal less phases", "markdown", "bare"):
        some = rows[rows.arm == arm].groupby("p")
        cost = some.total.sum() / some.score.apply(lambda values: (values == 100).sum())
        name, colour, marker = LOOK[arm]
        right.plot(cost.index, cost, color=colour, marker=marker, label=name, linestyle="--" if arm == "bare" else "-")
    right.set(title="tokens for each fully right run", xlabel="sloppiness p", yscale="log")
    right.legend(fontsize=8)
    return figure


def draw_phases(phases: Phases, now: str | None = None) -> Figure:
    """Return the phases in a row, the moves between them as arrows, the tools that each shows; `now` is filled."""
    names = list(phases.phases)
    figure, axes = plt.subplots(figsize=(2.5 * len(names), 2.6), layout="none")
    figure.subplots_adjust(left=0, right=1, bottom=0, top=1)
    for place, name in enumerate(names):
        ink, paper = ("white", "#0072B2") if name == now else ("black", "white")
        axes.text(place, 0, name, ha="center", va="center", fontsize=11, color=ink,
                  bbox={"boxstyle": "round,pad=0.5", "facecolor": paper, "edgecolor": "#0072B2"})  # fmt: skip
        tools = "\n".join(phases.phases[name].tools)
        axes.text(place, -0.33, tools, ha="center", va="top", fontsize=8, family="monospace")
    moves: dict[tuple[str, str], list[str]] = {}
    for move in phases.transitions:
        moves.setdefault((move.source, move.to), []).append(f"{move.on} {move.status}")
    for (source, to), events in moves.items():
        draw_move(axes, names.index(source), names.index(to), " or ".join(events))
    axes.set(xlim=(-0.5, len(names) - 0.5), ylim=(-0.55, 0.49), aspect="equal")
    axes.axis("off")
    return figure


def draw_move(axes, start: int, end: int, event: str) -> None:
    """Draw an arrow between two phases: forwards above them, backwards below, far ones higher."""
    side, far = (1 if end > start else -1), abs(end - start)
    foot, apex = 0.09 * side, (0.17 if far == 1 else 0.36) * side
    shape = "arc3,rad=-0.2" if far == 1 else f"bar,fraction={-(apex - foot) * side / far}"
    inwards = 0.1 * side if far == 1 else 0
    axes.annotate("", (end - inwards, foot), (start + inwards, foot),
                  arrowprops={"arrowstyle": "->", "connectionstyle": shape})  # fmt: skip
    axes.text((start + end) / 2, apex + 0.03 * side, event, ha="center", va="bottom" if side > 0 else "top", fontsize=8,
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5})  # fmt: skip
