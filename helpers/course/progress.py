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
EMPTY = {"checks": {}, "claims": {}}
NEW = {"right": False, "failed": 0, "points": 0.0, "answer": "", "solved": "", "hints": 0}
KINDS = {key: type(new) for key, new in NEW.items()} | {"points": (int, float)}


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
        check_form(kept)
        return kept
    except (ValueError, KeyError, TypeError, AttributeError):
        aside = free_name(path.with_name(path.name + ".broken"))
        path.replace(aside)
        print(f"{path.name} could not be read and was put aside as {aside.name}; progress begins anew.")
        return json.loads(json.dumps(EMPTY))


def check_form(kept: dict) -> None:
    """Raise ValueError, or what a wrong type raises by itself, where `kept` has not the form that `load` returns."""
    for part in EMPTY:
        for module, entries in kept[part].items():
            if not isinstance(entries, dict):
                raise ValueError(f"expected an object at {part}, {module}; got {entries!r}")
    for entries in kept["checks"].values():
        for name, entry in entries.items():
            if any(not isinstance(entry.get(key, new), KINDS[key]) for key, new in NEW.items()):
                raise ValueError(f"expected what a check keeps of {name}; got {entry!r}")


def free_name(path: Path) -> Path:
    """Return the path, or where that is taken the first free one of path-2, path-3 and so on."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.name}-{number}")
    return free


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
            write(path, kept)
    except (OSError, Timeout):
        return


def write(path: Path, kept: dict) -> None:
    """Put `kept` in the file's place at one stroke; where that fails, nothing is left beside it."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(kept, file, indent=1, ensure_ascii=False)
        os.replace(part, path)
    finally:
        Path(part).unlink(missing_ok=True)


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
    """Keep how many hints of an exercise were read, tried or not."""

    def edit(kept: dict) -> None:
        checks = kept["checks"].setdefault(module, {})
        checks[name] = NEW | checks.get(name, {}) | {"hints": number}

    change(edit)


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
        begun = [name for name in names if checks.get(name, {}).get("failed") and name not in solved]
        counts = f"{len(solved):2} of {len(names):2} exercises, {len(seen):2} of {len(claims)} claims seen"
        print(f"{number} {module:16} {counts}" + (f"; begun: {', '.join(begun)}" if begun else ""))
    where = place()
    print("Nothing is kept: COURSE_PROGRESS is empty." if where is None else f"Kept in {where}; delete it to forget.")
