"""The grid of runs behind the notebook: arms x tasks x sloppiness x seeds, and what each run gives."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import Executor
from functools import lru_cache, partial
from itertools import product
from pathlib import Path

from .drivers import Driver
from .learned import Learned
from .manifest import FormalSkill, load_skill
from .markdown import load_markdown
from .models import Task, rules
from .runtime import SWITCHES, Runtime
from .sloppy import LAPSES, Sloppy
from .tasks import NAMES, load_task
from .trace import Trace

HERE = Path(__file__).parent
DATA = HERE / "data"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # where Linux keeps files in memory
SLOPPINESS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
DOSES = (0.1, 0.3, 0.5)  # of one kind of lapse
SEEDS = tuple(range(100, 120))  # the trials before had 0 to 3, and 1000 on to learn from
ALWAYS = {"fence", "limits"}  # in every arm, so that no arm owes its score to them
# Each arm: the parts that its formal skill lacks, its switches, and whether it has the Markdown skill's text.
ALL = ("hooks", "phases", "done_when")
ARMS: dict[str, tuple[tuple[str, ...], set[str], bool]] = {
    "bare": (ALL, ALWAYS, False),
    "markdown": (ALL, ALWAYS, True),
    "formal": ((), set(SWITCHES), False),
    "formal less phases": (("phases",), set(SWITCHES), False),
    "formal less guard": (("before_tool_call",), set(SWITCHES), False),
    "formal less contract": (("done_when",), set(SWITCHES), False),
    "formal less arguments": ((), set(SWITCHES) - {"arguments"}, False),
    "formal less phases, guard": (("phases", "before_tool_call"), set(SWITCHES), False),
    "formal, asking only": ((), ALWAYS | {"contract", "fail_closed"}, False),
    "formal, asked again": (("done_when",), set(SWITCHES), False),
    "bare, asked again": (ALL, ALWAYS | {"contract"}, False),
}
# What the arms "asked again" have in place of a contract: it never holds, and its complaint says nothing of the work.
NEVER = rules([{"type": "file_exists", "args": {"path": "no-such-file"}}])


@lru_cache
def skills_of(arm: str, task: str) -> tuple[FormalSkill, ...]:
    """Return the skills of an arm for a task: the same tools in all of them."""
    lacks, _, markdown = ARMS[arm]
    skill = load_skill(HERE / "skills" / task).without(*lacks)
    text = HERE / "markdown_skills" / task.replace("_", "-")
    return (skill, load_markdown(text, active=True)) if markdown else (skill,)


def run_one(arm: str, task: str, driver: Driver, folder: Path) -> tuple[Trace, dict]:
    """Return the trace of one run in a folder, and the oracle's verdict on the workspace that it left."""
    todo = load_task(task)
    workspace = todo.lay_out(folder / task)
    aim = Task(todo.prompt, NEVER) if arm.endswith("asked again") else todo.prompt
    trace = Runtime(workspace, skills_of(arm, task), driver, enforce=ARMS[arm][1]).run(aim)
    return trace, todo.score_workspace(workspace)


def row(arm: str, task: str, p: float, seed: int, driver: Driver) -> dict:
    """Return one row of a grid."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        trace, verdict = run_one(arm, task, driver, Path(folder))
    tokens = trace.tokens
    return {"arm": arm, "task": task, "p": p, "seed": seed, "score": round(verdict["score"], 4),
            "security": verdict["security"], "status": trace.status, "turns": trace.turns,
            "refused": sum(call["status"] == "deny" for call in trace.calls), "total": tokens["total"],
            "uncached": tokens["uncached"], "schemas": tokens["schemas"], "skill": tokens["skill"]}  # fmt: skip


def sloppy_grid(pool: Executor, reads: bool = False) -> Iterator[dict]:
    """Yield the rows of the whole grid: arms x tasks x sloppiness x seeds."""
    wanted = [(arm, task, p, seed, Sloppy(p, seed, reads))
              for task in NAMES for arm in ARMS for p in SLOPPINESS for seed in SEEDS]  # fmt: skip
    return pool.map(row, *zip(*wanted), chunksize=20)


def lapse_grid(pool: Executor) -> Iterator[dict]:
    """Yield the scores of drivers with one kind of lapse only: they read, but for one that leaves steps out."""
    arms = [arm for arm in ARMS if arm not in ("markdown", "formal, asking only", "bare, asked again")]
    drivers = [*product(LAPSES, [True]), ("skip", False)]
    wanted = [(*driver, arm, task, p, seed)
              for driver in drivers for task in NAMES for arm in arms for p in DOSES for seed in SEEDS]  # fmt: skip
    return pool.map(lapse_row, *zip(*wanted), chunksize=20)


def lapse_row(lapse: str, reads: bool, arm: str, task: str, p: float, seed: int) -> dict:
    score = row(arm, task, p, seed, Sloppy(p, seed, reads, (lapse,)))["score"]
    return {"lapse": lapse, "reads": reads, "arm": arm, "task": task, "p": p, "seed": seed, "score": score}


def taught(task: str, p: float) -> Learned:
    """Return the driver that learnt a task from 24 traces of a sloppy one, half of them with skills that enforce."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        traces = [run_one(arm, task, Sloppy(p, seed), Path(folder))[0]
                  for seed in range(1000, 1012) for arm in ("bare", "formal")]  # fmt: skip
    return Learned.fit(traces)


def learned_rows(task: str, p: float) -> list[dict]:
    """Return the rows of one task and sloppiness of its teachers, all arms and seeds."""
    driver = taught(task, p)
    return [row(arm, task, p, seed, driver.with_seed(seed)) for arm in ARMS for seed in SEEDS]


def learned_grid(pool: Executor) -> Iterator[dict]:
    """Yield the rows of the same grid with the driver that learnt; p is the sloppiness of its teachers."""
    wanted = [(task, p) for task in NAMES for p in SLOPPINESS]
    return (row for rows in pool.map(learned_rows, *zip(*wanted)) for row in rows)


GRIDS = {"sloppy": sloppy_grid, "reading": partial(sloppy_grid, reads=True), "lapses": lapse_grid,
         "learned": learned_grid}  # fmt: skip
