"""The explorer of notebook 2: a recorded grid (copying models x label bias), so that a move only moves dots."""

from __future__ import annotations

from matplotlib import pyplot as plt

from .pictures import label, look


def figure_and_update(grid: list[dict]):
    """Return the figure, its `update(copying_models, label_bias)`, and the values of both sliders.

    grid: cells with "copies", "bias", "accuracy" (rule -> percent) and "trusted" (rule -> share of seeds).
    """
    cells = {(cell["copies"], cell["bias"]): cell for cell in grid}
    rules = list(grid[0]["accuracy"])
    figure, axes = plt.subplots(figsize=(7.6, 3.8))
    axes.set(xlim=(20, 100), ylim=(-0.6, len(rules) - 0.4), xlabel="right answers (%)")
    axes.set_yticks(range(len(rules)), [label(rule) for rule in rules])
    majority = axes.axvline(0, color="black", linewidth=1, linestyle="--")
    dots = [axes.plot([0], [place], markersize=10, linestyle="none", **look(rule))[0]
            for place, rule in enumerate(rules)]
    numbers = [axes.text(101, place, "", va="center") for place in range(len(rules))]

    def update(copying_models, label_bias) -> str:
        cell = cells[copying_models, label_bias]
        majority.set_xdata([cell["accuracy"]["majority_vote"]] * 2)
        for rule, dot, number in zip(rules, dots, numbers):
            value, trusted = cell["accuracy"][rule], cell["trusted"][rule] > 0.5
            dot.set_xdata([value])
            dot.set_markerfacecolor(dot.get_color() if trusted else "white")
            number.set_text(f"{value:.1f}" + ("  trusted" if trusted else ""))
        best = max(rules, key=cell["accuracy"].get)
        trusted = [label(rule) for rule in rules if cell["trusted"][rule] > 0.5]
        return f"Best: {label(best)}. Trusted: {'; '.join(trusted) or 'none'}. The dashed line is the majority."

    return figure, update, sorted({cell["copies"] for cell in grid}), sorted({cell["bias"] for cell in grid})
