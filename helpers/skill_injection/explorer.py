"""The explorer of notebook 1: a recorded grid (skill, method, scale, density), so that a move only redraws."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import fill

from matplotlib import pyplot as plt

from .experiments import Bench, on_text, scored
from .grids import product
from .pictures import BLACK, BLUE, GREY, METHOD_NAMES, ORANGE, SKILL_LOOK, draw_digit

CELLS = Path(__file__).with_name("data") / "explorer.json"
SCALES = (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
DENSITIES = (1.0, 0.5, 0.25, 0.1)
METHODS = ("task_arithmetic", "dare", "magnitude", "ties_sum")
EXAMPLES = (0, 1, 2)  # the first three test images


def record_cells(bench: Bench, skills=("spanish", "two_steps")) -> list[dict]:
    """Return a cell for every setting: scores in percent and the merged model's words about three test images."""
    cells = []
    for skill in skills:
        for setting in product(method=METHODS, scale=SCALES, density=DENSITIES):
            method, scale, density = setting.values()
            if method == "task_arithmetic" and density < 1:
                continue
            knobs = {"scale": scale} | ({"density": density} if method != "task_arithmetic" else {})
            state = bench.merged(skill, method, **knobs)
            words = bench.test.answers(state, skill)
            cells.append({"skill": skill, **setting, **scored(bench.test, state, skill), "text": on_text(state, skill),
                          "words": [words[place] for place in EXAMPLES]})
    return cells


def save_cells(bench: Bench, path=CELLS) -> None:
    """Record the grid and write it, one line a cell, with the questions and right answers of the examples."""
    asked = {skill: [(bench.test.questions(skill)[place], bench.test.truths(skill)[place]) for place in EXAMPLES]
             for skill in ("spanish", "two_steps")}
    rounded = [{key: round(value, 1) if key in ("image", "english", "text") else value for key, value in cell.items()}
               for cell in record_cells(bench)]
    lines = ",\n".join(json.dumps(cell, ensure_ascii=False) for cell in rounded)
    head = json.dumps(asked, ensure_ascii=False)
    path.write_text(f'{{"asked": {head},\n"cells": [\n{lines}\n]}}\n', encoding="utf-8")


def load_cells(path=CELLS) -> dict:
    """Return {"asked": skill -> (question, right answer) pairs, "cells": the recorded settings}."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def figure_and_update(recorded: dict, pixels):
    """Return the figure, its `update(skill, method, scale, density)`, and the values of its controls.

    recorded: as `load_cells` gives it; pixels: the test images.
    """
    cells = {(cell["skill"], cell["method"], cell["scale"], cell["density"]): cell for cell in recorded["cells"]}
    figure, panels = plt.subplots(1, 4, figsize=(9.6, 3.0), width_ratios=(2, 1, 1, 1))
    scores = panels[0]
    bars = scores.barh((2, 1, 0), (0, 0, 0), color=(BLUE, GREY, ORANGE))
    scores.set_yticks((2, 1, 0), ("skill on images", "English on images", "skill on text"))
    scores.set(xlim=(0, 118), xlabel="right answers (%)")
    numbers = [scores.text(0, place, "", va="center") for place in (2, 1, 0)]
    for panel, place in zip(panels[1:], EXAMPLES):
        draw_digit(panel, pixels[place])
    asked = [panel.set_title(" \n ", fontsize=10) for panel in panels[1:]]
    said = [panel.set_xlabel(" \n ", fontsize=12) for panel in panels[1:]]

    def update(skill, method, scale, density) -> str:
        used = 1.0 if method == "task_arithmetic" else density
        cell = cells[skill, method, scale, used]
        for bar, number, key in zip(bars, numbers, ("image", "english", "text")):
            bar.set_width(cell[key])
            number.set_x(cell[key] + 1)
            number.set_text(f"{cell[key]:.0f}")
        for title, label, words, (question, truth) in zip(asked, said, cell["words"], recorded["asked"][skill]):
            title.set_text(question.replace(" minus", "\nminus"))
            label.set_text(fill(words or "(nothing)", 14, max_lines=2, placeholder=" ..."))
            label.set_color(BLUE if words == truth else BLACK)
        note = " Task arithmetic keeps every entry, whatever the density." if method == "task_arithmetic" else ""
        return f"{METHOD_NAMES[method]}, {SKILL_LOOK[skill][0]}. Right words are blue.{note}"

    return figure, update, dict(skill=list(recorded["asked"]), method=METHODS, scale=SCALES, density=DENSITIES)
