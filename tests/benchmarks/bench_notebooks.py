"""What a learner waits for: a move of an explorer, the first cell, the notebooks' recorded seconds and memory."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import time

from helpers.aggregation.explorer import figure_and_update
from helpers.aggregation.real_answers import DATA
from helpers.course.widgets import explorer
from scripts.notebook_format import ROOT


def line(what: str, measured: str, target: str, met: bool) -> None:
    print(f"{what:<58} {measured:>22}   target {target:<12} {'met' if met else 'NOT MET'}")


def test_explorer_of_module_2():
    recorded = json.loads((DATA / "simulations.json").read_text())
    figure, update, copies, strengths = figure_and_update(recorded["explorer"])
    alt = "The explorer of module 2 in its first state."
    with contextlib.redirect_stdout(io.StringIO()):
        lab = explorer(figure, update, alt=alt, copying_models=copies, label_bias=strengths)
    seconds = []
    for copying in copies:
        for strength in strengths:
            lab.move(copying_models=copying, label_bias=strength)
            seconds.append(1000 * lab.seconds)
    seconds.sort()
    print()
    middle, worst = seconds[len(seconds) // 2], seconds[-1]
    measured = f"{middle:.0f} and {worst:.0f} ms"
    line("a move of the explorer in the kernel, median and worst", measured, "50 ms", worst < 50)


def test_first_cell():
    command = [sys.executable, "-c", "from helpers.course import start; start('aggregation')"]
    subprocess.run(command, check=True, capture_output=True)
    before = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - before
    line("set-up cell on a machine that has the course", f"{seconds:.1f} s", "10 s", seconds < 10)


def test_recorded_costs():
    for row in json.loads((ROOT / "notebooks" / "claims.json").read_text())["notebooks"]:
        measured = f"{row['seconds']:.0f} s, {row['peak_mib']} MiB"
        met = row["seconds"] < 90 and row["peak_mib"] < 1.2 * 1024
        line(f"notebook {row['module']}, when it was last recorded", measured, "90 s, 1229", met)
