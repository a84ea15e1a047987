"""Run the grids of module 4 on two processes and write helpers/formal_skills/data/*.csv.

    python -m scripts.record_skills sloppy learned runs
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import pandas as pd

from helpers.formal_skills import Sloppy, experiments
from helpers.formal_skills.explorer import told


def record(name: str, pool: ProcessPoolExecutor) -> None:
    """Run one grid and write its rows."""
    begin = time.perf_counter()
    rows = pd.DataFrame(list(experiments.GRIDS[name](pool)))
    experiments.DATA.mkdir(exist_ok=True)
    rows.to_csv(experiments.DATA / f"{name}.csv", index=False)
    print(f"{name}: {len(rows)} runs in {time.perf_counter() - begin:.0f} s")


def record_runs() -> None:
    """Write the runs of the explorer: ticket triage, Formal and Markdown, every sloppiness, the grid's first seeds."""
    found = []
    for arm, p, seed in product(("markdown", "formal"), experiments.SLOPPINESS, experiments.SEEDS[:5]):
        with tempfile.TemporaryDirectory() as folder:
            trace, verdict = experiments.run_one(arm, "ticket_triage", Sloppy(p, seed), Path(folder).resolve())
        found.append({"arm": arm, "p": p, "seed": seed, "score": round(100 * verdict["score"]), "turns": told(trace)})
    lines = ",\n".join(json.dumps(run) for run in found)
    (experiments.DATA / "runs.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def asked(words: list[str]) -> list[str]:
    """Return the names of what is to be recorded, all by default. Raises SystemExit, in words, for an unknown one."""
    known = [*experiments.GRIDS, "runs"]
    unknown = [word for word in words if word not in known]
    if unknown:
        raise SystemExit(f"expected names out of {', '.join(known)}, or none for all; got {', '.join(unknown)}; "
                         "try: python -m scripts.record_skills runs")
    return words or known


if __name__ == "__main__":
    names = asked(sys.argv[1:])
    with ProcessPoolExecutor(2) as workers:
        for each in names:
            record_runs() if each == "runs" else record(each, workers)
