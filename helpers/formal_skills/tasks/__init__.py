"""Six tasks in a workspace, each with its fixtures, its oracle and a plan for the offline drivers."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
NAMES = ("code_repair", "compose_policy", "batch_resume", "evidence_matrix", "ticket_triage", "reconcile_csv")
SEVENTH = "release_notes"  # of the last exercise


@dataclass(frozen=True)
class Step:
    """One step of a competent plan; where there are such, a wrong variant that looks right, a cheat, and the words
    of a complaint that are `about` this step.
    """

    tool: str
    role: str
    args: dict[str, Any]
    wrong: dict[str, Any] | None = None
    cheat: dict[str, Any] | None = None
    about: Sequence[str] = ()

    @cached_property
    def arguments(self) -> str:
        """The arguments of the step's call, as JSON."""
        return json.dumps(self.args)


@dataclass(frozen=True)
class Workspace:
    """A task: its prompt, the plan of a driver that knows the way, and the oracle that scores a workspace."""

    name: str
    prompt: str
    steps: tuple[Step, ...]
    tempting: dict[str, Any]
    score_workspace: Callable[[Path], dict]

    def lay_out(self, path: Path) -> Path:
        """Return the path, now an empty workspace with the task's files."""
        shutil.rmtree(path, ignore_errors=True)
        shutil.rmtree(path.with_name(path.name + ".run"), ignore_errors=True)
        return Path(shutil.copytree(FOLDER / self.name / "fixtures", path, copy_function=shutil.copyfile))


def content(file: Path) -> bytes:
    """Return what is in a file; nothing where it is no file (a pipe would keep an oracle waiting) or cannot be read."""
    try:
        return file.read_bytes() if file.is_file() else b""
    except OSError:
        return b""


def checked(file: Path, judge: Callable[[str], dict[str, bool]]) -> dict[str, bool]:
    """Return what a judge says of a file's text; one check, which fails, where it cannot be read or judged."""
    try:
        if not file.is_file():
            raise FileNotFoundError(file)
        return judge(file.read_text(encoding="utf-8"))
    except Exception:  # an agent may have left anything: no text, nested too deeply, of another form
        return {f"{file.name} can be read": False}


@lru_cache
def load_task(name: str) -> Workspace:
    """Return one of the tasks by its name; ValueError for a name that there is not."""
    folder = FOLDER / name
    if name not in (*NAMES, SEVENTH):
        raise ValueError(f"there is no task {name!r}; tasks: {', '.join(NAMES)}")
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    spec = importlib.util.spec_from_file_location(f"{__name__}.{name}", folder / "oracle.py")
    oracle = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(oracle)
    prompt, steps = (folder / "prompt.txt").read_text(encoding="utf-8").strip(), plan["steps"]
    return Workspace(name, prompt, tuple(Step(**step) for step in steps), plan["tempting"], oracle.score_workspace)
