"""Where a run lives: its folder beside the workspace."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from .drivers import Driver
from .files import read_lines
from .surroundings import paths


def check_plain(root: Path) -> None:
    """Raise a ValueError if a workspace is no folder, has symlinks, or files that have another name elsewhere.

    Nor may modules be imported from it: what an executor writes there would run here.
    """
    if not root.is_dir():
        raise ValueError(f"the workspace {root} is no folder; make it first")
    for path in paths():
        if os.path.isabs(path) and Path(os.path.realpath(path)).is_relative_to(root):
            raise ValueError(f"this process imports modules from {path}, which is in the workspace; give the driver a "
                             "folder of its own, below the one that you work in")  # fmt: skip
    for path in root.rglob("*"):
        if path.is_symlink() or (path.is_file() and path.stat().st_nlink > 1):
            raise ValueError(f"the workspace has a link, {path.relative_to(root)}; put a copy of the file in its place")


def start_folder(folder: Path, driver: Driver) -> None:
    """Make the empty folder of a new run; a ValueError if one that has not ended is there."""
    journal = folder / "journal.jsonl"
    if journal.is_file() and (events := read_lines(journal)) and events[-1]["kind"] != "end":
        raise ValueError(f"an unfinished run is in {folder}; Runtime.resume({folder.name!r}) carries it on, and if you "
                         "delete that folder a new one begins")  # fmt: skip
    shutil.rmtree(folder, ignore_errors=True)
    for part in ("scratch", "undo"):
        (folder / part).mkdir(parents=True)
    try:
        (folder / "driver.pickle").write_bytes(pickle.dumps(driver))
    except Exception:  # a driver defined in a notebook: resume() then asks for it
        (folder / "driver.pickle").unlink(missing_ok=True)


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep a run to one runtime at a time; ValueError if another one has it."""
    try:
        with FileLock(folder / "running", timeout=0):
            yield
    except Timeout:
        raise ValueError(f"another runtime is at work on {folder.name}; wait until it has ended") from None


def read_folder(folder: Path, driver: Driver | None) -> tuple[dict, Driver]:
    """Return the first event of a run and its driver, once no worker of its former runtime is alive.

    Raises ValueError if there is no run, or if its driver has to be given.
    """
    journal = folder / "journal.jsonl"
    if not journal.is_file() or not (events := read_lines(journal)):
        raise ValueError(f"{folder} has no journal of a run; give the folder that ends in .run, beside the workspace")
    try:
        with FileLock(folder / "lock", timeout=10):
            pass
    except Timeout:
        raise ValueError(f"a worker of {folder.name} is still at work; end the process that started it") from None
    stored = folder / "driver.pickle"
    if driver is None and not stored.is_file():
        raise ValueError("the driver of this run could not be stored; give it: Runtime.resume(folder, driver)")
    try:
        return events[0], pickle.loads(stored.read_bytes()) if driver is None else driver
    except Exception as error:  # its class is not in this process, or is another one now
        raise ValueError(f"the driver of this run cannot be loaded here ({error}); define its class and give it: "
                         "Runtime.resume(folder, driver)") from error  # fmt: skip
