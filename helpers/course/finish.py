"""`finish`: the last call of every notebook."""

from __future__ import annotations

import json
import os
import time
from importlib import import_module
from pathlib import Path

from helpers.course.claims import ClaimsTable, Measured
from helpers.course.display import publish
from helpers.course.machine import peak_mib
from helpers.course.progress import note_claims
from helpers.course.session import SESSION, cpu_seconds

CPU_BUDGET = 2 * 90  # seconds
MEMORY_BUDGET = 1.2 * 1024  # MiB


def finish() -> None:
    """Show the module's claims, then print wall and CPU seconds since `start` and the kernel's peak memory.

    With COURSE_RECORD set, also write claims and figures as JSON to that path; with COURSE_BUDGET=1, raise RuntimeError
    above the budget.
    """
    if SESSION.module is None:
        raise RuntimeError('finish expects a start first; run start("...") at the top of the notebook')
    wall, cpu, peak = time.perf_counter() - SESSION.wall, cpu_seconds() - SESSION.cpu, peak_mib()
    rows = tuple(row for row in SESSION.measured.values() if row.claim.module == SESSION.module)
    table = ClaimsTable(rows)
    publish({"text/plain": repr(table), "text/html": table._repr_html_()})
    left = missing(SESSION.module, rows)
    if left:
        print(f"Claims not measured in this run: {', '.join(left)}")
    memory = "peak memory unknown" if peak is None else f"peak memory {peak:.0f} MiB"
    print(f"{SESSION.module}: {wall:.1f} s, {cpu:.1f} CPU s, {memory}")
    note_claims(SESSION.module, {row.claim.id: row.verdict for row in rows})
    save(rows, wall, peak)
    hold_budget(cpu, peak)


def missing(module: str, rows: tuple[Measured, ...]) -> list[str]:
    """Ids of the module's CLAIMS that have no figure in `rows`."""
    try:
        declared = import_module(f"helpers.{module}.claims").CLAIMS
    except ModuleNotFoundError:
        return []
    measured = {row.claim.id for row in rows}
    return [name for name in declared if name not in measured]


def save(rows: tuple[Measured, ...], seconds: float, peak: float | None) -> None:
    """Write the run as JSON to the path in COURSE_RECORD, where that is set."""
    path = os.environ.get("COURSE_RECORD")
    if not path:
        return
    run = {
        "module": SESSION.module,
        "seconds": round(seconds, 1),
        "peak_mib": None if peak is None else round(peak),
    }
    content = {"claims": [row.row() for row in rows], "notebook": run}
    Path(path).write_text(json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def hold_budget(cpu: float, peak: float | None) -> None:
    """Raise RuntimeError above the budget, where COURSE_BUDGET=1 asks for it."""
    if os.environ.get("COURSE_BUDGET") != "1":
        return
    if cpu > CPU_BUDGET:
        raise RuntimeError(f"{SESSION.module} took {cpu:.0f} CPU s; the budget is {CPU_BUDGET} s; shorten a loop")
    if peak is not None and peak > MEMORY_BUDGET:
        raise RuntimeError(
            f"{SESSION.module} took {peak:.0f} MiB; the budget is {MEMORY_BUDGET:.0f} MiB; keep less in memory"
        )
