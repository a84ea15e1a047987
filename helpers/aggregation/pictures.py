"""The module's figures; each takes results and returns a matplotlib figure, computing nothing itself."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from helpers.course.plots import PALETTE

BLUE, RED, GREEN, PINK, ORANGE, SKY, BLACK = PALETTE[:7]
LOOK = {  # rule: its short name, colour, marker and line, the same in every figure
    "majority_vote": ("majority", BLUE, "o", "-"),
    "surprisingly_popular": ("SP", RED, "s", "-"),
    "inverse_surprising_popularity": ("ISP", GREEN, "^", "-"),
    "isp_linear": ("ISP, linear", GREEN, "<", "-"),
    "ow_l": ("OW-L", ORANGE, "v", "-"),
    "ow_l_centred": ("OW-L, centred", SKY, "P", "-"),
    "ow_i": ("OW-I", PINK, "X", "-"),
    "dawid_skene_one_coin": ("Dawid-Skene, one coin", BLACK, "D", "-"),
    "dawid_skene": ("Dawid-Skene", "#777777", "h", "-"),
    "oracle": ("oracle", BLACK, "*", ":"),
    "best_single": ("best single model", RED, ">", "-"),
}
HATCHES = ("", "//", "..", "xx", "\\\\", "++")


def label(rule: str) -> str:
    """Return the rule's short name in figures; its own name where it has none."""
    return LOOK[rule][0] if rule in LOOK else rule


def look(rule: str) -> dict:
    """Return the rule's colour and marker."""
    return {"color": LOOK[rule][1], "marker": LOOK[rule][2]} if rule in LOOK else {"color": BLUE, "marker": "o"}


def line(rule: str) -> dict:
    """Return the rule's look as a line."""
    return look(rule) | {"linestyle": LOOK[rule][3] if rule in LOOK else "-"}


def draw_lines(axes, positions, accuracy: dict, rules) -> None:
    """Draw one line per rule over evenly spaced positions, each named at its right end."""
    places = range(len(positions))
    for rule in rules:
        axes.plot(places, accuracy[rule], label=label(rule), **line(rule))
    axes.set_xticks(places, [f"{position:g}" for position in positions])


def draw_central(recorded: dict):
    """Return the module's central picture: a vote that knows who agrees wins, and the case where it loses."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 4.0))
    draw_lines(left, recorded["table_2"]["options"], recorded["table_2"]["accuracy"],
               ["majority_vote", "inverse_surprising_popularity", "ow_l", "oracle"])
    left.set(title="Four models that err on their own", xlabel="options per question", ylabel="right answers (%)")
    left.legend(loc="lower right")
    copying = recorded["copying"]
    curves = {rule: [cell[rule] for cell in copying["accuracy"]] for rule in copying["accuracy"][0]}
    draw_lines(right, copying["chance"], curves,
               ["majority_vote", "inverse_surprising_popularity", "ow_l", "surprisingly_popular"])
    right.set(title="Six models, two of which copy a third", xlabel="chance that they copy",
              ylabel="right answers (%)")
    right.legend(loc="lower left")
    return figure


def draw_table_2(ours: dict, options, paper: dict):
    """Return our accuracies (seeds, options) as means with the seeds' spread, the paper's single run as crosses."""
    figure, axes = plt.subplots(figsize=(7.2, 4.2))
    for rule, values in ours.items():
        places = np.arange(len(options))
        axes.errorbar(places, values.mean(0), 2 * values.std(0), capsize=3, label=label(rule), **line(rule))
        if rule in paper:
            axes.plot(places, paper[rule], "x", color="black", markersize=9, zorder=5)
    axes.plot([], [], "x", color="black", label="the paper's run")
    axes.set_xticks(np.arange(len(options)), options)
    axes.set(xlabel="options per question", ylabel="right answers (%), ± 2 sd of seeds")
    axes.legend(ncols=2, loc="lower right")
    return figure


def draw_regret(regret: dict, sizes):
    """Return the mean loss to the oracle against the number of unlabelled questions."""
    figure, axes = plt.subplots(figsize=(7.2, 4.0))
    for rule, values in regret.items():
        error = 2 * values.std(0) / np.sqrt(len(values))
        axes.errorbar(sizes, values.mean(0), error, capsize=3, label=label(rule), **look(rule))
    axes.axhline(0, color="black", linewidth=1)
    axes.set(xscale="log", xlabel="questions without labels", ylabel="points relative to the oracle, ± 2 se")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes], minor=False)
    axes.minorticks_off()
    axes.legend(loc="center right", bbox_to_anchor=(1, 0.35))
    return figure


def draw_groups(groups: dict, rules, xlabel: str):
    """Return bars: groups side by side, one bar per rule. groups: name -> rule -> values over seeds."""
    figure, axes = plt.subplots(figsize=(8.0, 4.0))
    width = 0.8 / len(rules)
    for place, rule in enumerate(rules):
        heights = [np.mean(scores[rule]) for scores in groups.values()]
        spread = [2 * np.std(scores[rule]) for scores in groups.values()]
        axes.bar(np.arange(len(groups)) + (place - (len(rules) - 1) / 2) * width, heights, width, yerr=spread,
                 label=label(rule), color=look(rule)["color"], hatch=HATCHES[place % 6], edgecolor="white",
                 error_kw={"linewidth": 1})
    axes.set_xticks(np.arange(len(groups)), list(groups))
    axes.set(xlabel=xlabel, ylabel="right answers (%), ± 2 sd of seeds")
    axes.legend(ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.2))
    return figure


def draw_comparison(comparison):
    """Return the accuracies of a `Comparison` with their intervals, the most accurate on top."""
    rows = comparison.rows[::-1]
    figure, axes = plt.subplots(figsize=(6.8, 0.42 * len(rows) + 1.2))
    draw_intervals(axes, {row.rule: (row.accuracy.value, row.accuracy.low, row.accuracy.high) for row in rows}, 100)
    axes.set_xlabel("right answers (%), 95 % interval")
    return figure


def draw_intervals(axes, results: dict, scale: float = 1) -> None:
    """Draw value, low and high of each rule as a dot with its interval, from the bottom up."""
    for place, (rule, (value, low, high)) in enumerate(results.items()):
        axes.errorbar(scale * value, place, xerr=[[scale * (value - low)], [scale * (high - value)]], capsize=3,
                      **look(rule))
    axes.set_yticks(range(len(results)), [label(rule) for rule in results])


def draw_heatmap(axes, values, names, title: str, limit: float):
    """Draw a models x models table in a diverging scale around 0, the diagonal left out."""
    values = np.array(values, dtype=float)
    np.fill_diagonal(values, np.nan)
    image = axes.imshow(values, cmap="PuOr_r", vmin=-limit, vmax=limit)
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(labelsize=11 if len(names) < 12 else 7)
    axes.grid(False)
    axes.set_title(title)
    axes.figure.colorbar(image, ax=axes, shrink=0.8)


def draw_excess(excess, names, title="agreement beyond independence"):
    """Return the excess-agreement table as a heatmap, the models in the order of `family_order`."""
    order = family_order(np.asarray(excess))
    figure, axes = plt.subplots(figsize=(7.6, 6.8) if len(names) > 11 else (5.2, 4.2))
    shown = np.asarray(excess)[np.ix_(order, order)]
    draw_heatmap(axes, shown, [names[i] for i in order], title, float(np.nanmax(np.abs(shown))))
    return figure


def family_order(excess) -> list[int]:
    """Return the models so that those which agree most beyond independence stand next to each other."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    distance = np.nanmax(excess) - np.nan_to_num(excess)
    np.fill_diagonal(distance, 0)
    return leaves_list(linkage(squareform(np.maximum(distance, 0), checks=False), "average")).tolist()


def draw_diagnosis(diagnosis):
    """Return excess agreement beside the worst expected loss of each rule; rules within the dashed line are trusted."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.6, 3.8), width_ratios=[1, 1.2])
    names = [str(i + 1) for i in range(len(diagnosis.slot_bias))]
    draw_heatmap(left, diagnosis.excess, names, "agreement beyond independence",
                 max(0.1, float(np.nanmax(np.abs(diagnosis.excess)))))
    for place, (rule, loss) in enumerate(reversed(diagnosis.regret.items())):
        trusted = diagnosis.trust[rule]
        right.plot(100 * loss, place, color=look(rule)["color"], marker="o" if trusted else "X", markersize=9)
        right.annotate("trusted" if trusted else "", (100 * loss, place), xytext=(8, -4), textcoords="offset points")
    right.axvline(2, color="black", linestyle="--", linewidth=1)
    right.set_yticks(range(len(diagnosis.regret)), [label(rule) for rule in reversed(diagnosis.regret)])
    right.set(xlabel="worst expected loss to the best rule (points)", xlim=(0, None))
    return figure
