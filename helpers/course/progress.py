"""The learner's progress, in one file of their own: which checks passed, after how many tries, which claims were seen.

It lies outside the course's folder, so that no update touches it: at COURSE_PROGRESS where that is set (set, and empty:
nothing is kept), else on Colab in My Drive once that is mounted, else in the home folder.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from importlib import import_module, resources
from pathlib import Path

from filelock import FileLock, Timeout

from helpers.course.session import MODULES

NAME, VARIABLE = "four-papers-progress.json", "COURSE_PROGRESS"
DRIVE = Path("/content/drive/MyDrive")
EMPTY = {"version": 1, "checks": {}, "claims": {}}
NEW = {"right": False, "failed": 0, "points": 0.0, "answer": "", "solved": "", "hints": 0}


def place() -> Path | None:
    """Where progress is kept, None where it is not to be."""
    if VARIABLE in os.environ:
        return Path(os.environ[VARIABLE]).expanduser() if os.environ[VARIABLE] else None
    return (DRIVE if DRIVE.is_dir() else Path.home()) / NAME


def load() -> dict:
    """Return what is kept: {"checks": {module: {name: ...}}, "claims": {module: {id: verdict}}}; empty where none is.

    A file that cannot be read is put aside, with its name and ".broken", and nothing of it is lost.
    """
    path = place()
    if path is None or not path.is_file():
        return json.loads(json.dumps(EMPTY))
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(module, dict) for part in ("checks", "claims") for module in kept[part].values()):
            raise ValueError("a module is no object")
        return kept
    except (ValueError, KeyError, TypeError, AttributeError):
        path.replace(path.with_name(path.name + ".broken"))
        print(f"{path.name} could not be read and was put aside as {path.name}.broken; progress begins anew.")
        return json.loads(json.dumps(EMPTY))


def change(edit: Callable[[dict], None]) -> None:
    """Let `edit` change what is kept, and write it whole; two notebooks may do so at once.

    Where the place cannot be written to, nothing is kept and nothing is said: an exercise comes first.
    """
    path = place()
    if path is None:
        return
    try:
        with FileLock(str(path) + ".lock", timeout=2):
            kept = load()
            edit(kept)
            handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(kept, file, indent=1, ensure_ascii=False)
            os.replace(part, path)
    except (OSError, Timeout):
        return


def note_check(module: str, name: str, outcome: str, points: float, answer: str) -> dict:
    """Keep the outcome of one check and return what is now kept of the exercise ({} where nothing is).

    What was right once stays right, failed tries add up, and the sources of the last answer and of the last right one
    are kept.
    """
    now: dict = {}

    def edit(kept: dict) -> None:
        before = NEW | kept["checks"].setdefault(module, {}).get(name, {})
        right = outcome == "right"
        now.update({"right": before["right"] or right, "failed": before["failed"] + (not right),
                    "points": max(before["points"], points), "answer": answer or before["answer"],
                    "solved": answer if right and answer else before["solved"], "hints": before["hints"]})  # fmt: skip
        kept["checks"][module][name] = now

    change(edit)
    return now


def note_hint(module: str, name: str, number: int) -> None:
    """Keep how many hints were read of an exercise that has been tried."""
    change(lambda kept: kept["checks"].get(module, {}).get(name, {}).update(hints=number))


def note_claims(module: str, verdicts: dict[str, str]) -> None:
    """Keep the claims that a notebook has shown, with their verdicts."""
    change(lambda kept: kept["claims"].setdefault(module, {}).update(verdicts))


def kept_check(module: str | None, name: str) -> dict:
    """Return what is kept of one exercise, {} if nothing."""
    return load()["checks"].get(module, {}).get(name, {})


def show_progress() -> None:
    """Print what is kept: for each module the exercises solved and the claims seen, and where the file is."""
    kept = load()
    for number, module in enumerate(MODULES, start=1):
        checks, seen = kept["checks"].get(module, {}), kept["claims"].get(module, {})
        names = list(json.loads((resources.files(f"helpers.{module}") / "solutions.json").read_text(encoding="utf-8")))
        claims = import_module(f"helpers.{module}.claims").CLAIMS
        solved = [name for name in names if checks.get(name, {}).get("right")]
        begun = [name for name in names if name in checks and name not in solved]
        counts = f"{len(solved):2} of {len(names):2} exercises, {len(seen):2} of {len(claims)} claims seen"
        print(f"{number} {module:16} {counts}" + (f"; begun: {', '.join(begun)}" if begun else ""))
    where = place()
    print("Nothing is kept: COURSE_PROGRESS is empty." if where is None else f"Kept in {where}; delete it to forget.")
