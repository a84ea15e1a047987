"""The module's figures; each takes results and returns a matplotlib figure, computing nothing itself."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from helpers.course.plots import PALETTE

from .measure import interval

BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = PALETTE[:7]
GREY = "#777777"
SKILL_LOOK = {  # skill: its name in figures, colour, marker
    "format": ("answer formats", BLUE, "o"), "spanish": ("Spanish", RED, "s"),
    "one_step": ("maths, one step", GREEN, "^"), "two_steps": ("maths, two steps", ORANGE, "v"),
}  # fmt: skip
ARM_LOOK = {  # arm: its name, colour, hatch
    "vlm": ("VLM alone", GREY, ""), "merge": ("merge, scale 1", BLUE, "//"), "graft": ("graft", ORANGE, ".."),
    "cascade": ("cascade", GREEN, "xx"),
}  # fmt: skip
METHOD_NAMES = {
    "task_arithmetic": "TA", "dare": "DARE", "dare_both": "DARE on both", "magnitude": "magnitude",
    "breadcrumbs": "Breadcrumbs", "della": "DELLA", "ties": "TIES, plain mean", "ties_mean": "TIES, weighted mean",
    "ties_sum": "TIES, sum", "dare_ties": "DARE-TIES", "tsv_m": "TSV-M", "iso_c": "Iso-C", "wudi": "WUDI",
    "linear": "linear", "slerp": "SLERP", "layer_swap": "layer swap",
}  # fmt: skip


def short(skill: str) -> str:
    """Return a skill's name in two lines."""
    return SKILL_LOOK[skill][0].replace(", ", ",\n").replace("answer ", "answer\n")


def draw_digit(axes, pixels) -> None:
    """Draw one image of a digit, dark on light, without axes."""
    axes.imshow(np.asarray(pixels).reshape(8, 8), cmap="gray_r", interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)


def draw_central(pixels, question: str, before: str, after: str, in_english: str, scores: dict):
    """Return the module's central picture: a digit, a Spanish question, the VLM's answer before and after the merge.

    in_english: its answer to the English question; scores: {"before": (seeds,), "after": (seeds,)} right answers to
    Spanish questions in percent.
    """
    figure, (picture, words, bars) = plt.subplots(1, 3, figsize=(9.6, 3.2), width_ratios=(1, 1.7, 1.3))
    draw_digit(picture, pixels)
    words.axis("off")
    words.text(0.02, 0.97, f"which digit?  {in_english}", fontsize=12, color=GREY, va="center")
    for height, text, color in ((0.76, f"¿{question}?", BLACK), (0.5, f"before:  {before}", RED),
                                (0.16, f"after:  {after}", BLUE)):
        words.text(0.02, height, text, fontsize=15, color=color, va="center")
    words.text(0.02, 0.33, "+ what a text model learnt in Spanish", fontsize=10, color=GREY, va="center")
    for place, (name, color) in enumerate((("before", RED), ("after", BLUE))):
        bars.bar(place, np.mean(scores[name]), color=color, width=0.6, alpha=0.35)
        bars.plot(np.full(len(scores[name]), place), scores[name], "o", color=color, markersize=6)
    bars.set_xticks((0, 1), ("before", "after"))
    bars.set(ylim=(-3, 103), ylabel="right in Spanish (%)", title="five families of models")
    return figure


def draw_gallery(pixels, captions: list[str]):
    """Return a row of digits, each with its caption."""
    figure, axes = plt.subplots(1, len(captions), figsize=(9.6, 2.6))
    for panel, image, caption in zip(axes, pixels, captions):
        draw_digit(panel, image)
        panel.set_title(caption, fontsize=10)
    return figure


def draw_curves(scales, curves: dict, title: str, ylabel: str = "right answers (%)"):
    """Return one panel a skill: image, English and text over the scale; curves[skill][kind] is (seeds, scales)."""
    figure, axes = plt.subplots(1, len(curves), figsize=(9.6, 3.4), sharey=True)
    looks = {"image": ("skill on images", BLUE, "o"), "english": ("English right", GREY, "x"),
             "text": ("skill on text", ORANGE, "^")}
    for panel, (skill, kinds) in zip(np.atleast_1d(axes), curves.items()):
        for kind, (name, color, marker) in looks.items():
            if kind in kinds:
                values = np.asarray(kinds[kind])
                panel.plot(scales, values.mean(0), marker=marker, color=color, markersize=4, label=name)
                panel.fill_between(scales, values.min(0), values.max(0), color=color, alpha=0.15)
        panel.set(title=SKILL_LOOK[skill][0], xlabel="scale", ylim=(-3, 103))
    np.atleast_1d(axes)[0].set_ylabel(ylabel)
    figure.legend(*np.atleast_1d(axes)[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    figure.suptitle(title)
    return figure


def draw_arms(scores: dict, english: dict):
    """Return two panels: skill on images as bars for each arm and skill, English as dots; values are (seeds,)."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.6), width_ratios=(1.5, 1))
    for panel, table, title in ((left, scores, "skill on test images (%)"), (right, english, "English right (%)")):
        for shift, arm in enumerate(table):
            name, color, hatch = ARM_LOOK[arm]
            for place, values in enumerate(table[arm].values()):
                middle = place + (shift - (len(table) - 1) / 2) * 0.2
                if panel is left:
                    panel.bar(middle, np.mean(values), 0.19, color=color, hatch=hatch, alpha=0.6,
                              label=name if place == 0 else None)
                else:  # close to each other, far from zero
                    panel.hlines(np.mean(values), middle - 0.09, middle + 0.09, color=color, linewidth=4)
                panel.plot(np.full(len(values), middle), values, "o", color=BLACK, markersize=2.5)
        panel.set_xticks(range(len(scores["merge"])), [short(skill) for skill in scores["merge"]], fontsize=8)
        panel.set_title(title)
    left.legend(fontsize=8, loc="upper right", ncols=2, framealpha=0.9)
    for arm in english:
        right.plot([], [], color=ARM_LOOK[arm][1], linewidth=4, label=ARM_LOOK[arm][0])
    right.legend(fontsize=8, loc="lower left")
    left.set_ylim(0, 118)
    return figure


def draw_methods(gaps: dict, void: dict):
    """Return every method's distance to TA in points, mean and 95 % interval over seeds, best first.

    gaps: method -> (seeds,); void: method -> share of searches that ended at an edge of the grid.
    """
    order = sorted(gaps, key=lambda name: np.mean(gaps[name]) if len(gaps[name]) else -np.inf)
    figure, panel = plt.subplots(figsize=(7.6, 4.6))
    for place, name in enumerate(order):
        if not len(gaps[name]):
            panel.text(0, place, "not judged: its best setting lies at its grid's edge", va="center", fontsize=8)
            continue
        mean, half = interval(gaps[name])
        color = GREEN if mean - half > 0 else RED if mean + half < 0 else GREY
        panel.errorbar(mean, place, xerr=half, fmt="o", color=color, capsize=3)
        panel.plot(gaps[name], np.full(len(gaps[name]), place), "|", color=color, alpha=0.6)
    panel.axvline(0, color=BLACK, linewidth=1)
    voids = {name: f" ({100 * void[name]:.0f} % void)" if void[name] else "" for name in order}
    panel.set_yticks(range(len(order)), [METHOD_NAMES.get(name, name) + voids[name] for name in order])
    panel.set_xscale("symlog", linthresh=10)  # linear to 10 points, so that a few far behind do not flatten the rest
    ticks = (-50, -20, -10, -5, 0, 5, 10)
    panel.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    panel.minorticks_off()
    panel.set_xlabel("chosen skill minus TA's (points; beyond 10 the axis is logarithmic)")
    return figure


def draw_frontiers(points: dict, title: str):
    """Return kept English against skill for each method: points[method] is a list of (share kept, skill in percent)."""
    figure, panel = plt.subplots(figsize=(6.4, 4.2))
    markers = "osv^DPX*h<>"
    for place, (method, pairs) in enumerate(points.items()):
        kept, skill = np.array(sorted(pairs)).T
        panel.plot(100 * kept, np.maximum.accumulate(skill[::-1])[::-1], drawstyle="steps-pre",
                   color=PALETTE[place % len(PALETTE)], marker=markers[place % len(markers)], markersize=5,
                   label=METHOD_NAMES.get(method, method))
    panel.set(xlabel="English kept, percent of the VLM's", ylabel="skill on images (%)", title=title)
    panel.set_xlim(95.9, 100.1)  # below, the curves hardly change
    panel.legend(fontsize=8)
    return figure


def draw_map(values, rows: list[str], columns: list[str], label: str, low: float = 0.0, high: float = 100.0):
    """Return a map of numbers with every number written in its cell; values (rows, columns)."""
    values = np.asarray(values)
    figure, panel = plt.subplots(figsize=(1.8 + 1.0 * len(columns), 1.2 + 0.36 * len(rows)))
    shown = panel.imshow(values, cmap="cividis", vmin=low, vmax=high, aspect="auto")
    for place, line in enumerate(values):
        for column, value in enumerate(line):
            panel.text(column, place, f"{value:.0f}", ha="center", va="center", fontsize=9,
                       color="black" if value > (low + high) / 2 else "white")
    panel.set_xticks(range(len(columns)), columns, fontsize=9)
    panel.set_yticks(range(len(rows)), rows, fontsize=9)
    panel.grid(False)
    figure.colorbar(shown, label=label)
    return figure
