"""The undo log of one call: what it changes in the workspace is saved before, so that half a call can be taken back."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .files import append_line, inside, read_lines

# What a line that is not the log's own raises, or one whose place a program has changed.
NOT_OURS = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError)


class Undo:
    """What a call has changed: copies of the files and folders that it touched, made before it touched them."""

    def __init__(self, folder: Path, root: str) -> None:
        self.folder, self.root, self.kept, self.call = folder, root, {root}, ""
        self.own, self.lock = threading.local(), threading.Lock()

    @property
    def busy(self) -> bool:
        """Whether what this thread does now is the log's own work."""
        return getattr(self.own, "busy", False)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with self.lock:
            self.own.busy = True
            try:
                yield
            finally:
                self.own.busy = False

    def begin(self, call: str) -> None:
        """Forget the call before, whose changes stay; of one that changes nothing the log says nothing."""
        self.call = call
        if not self.kept:  # nothing to forget
            return
        with self.at_work():
            self.kept.clear()
            (self.folder / "index").unlink(missing_ok=True)
            for path in self.folder.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def keep(self, path: str) -> None:
        """Save what is at a path, once a call; what is not there yet is noted as absent, and so is all below it."""
        with self.at_work():
            if any(str(place) in self.kept for place in (path, *Path(path).parents)):
                return
            if not self.kept:
                append_line(self.folder / "index", {"call": self.call})
            copy = self.folder / str(len(self.kept))
            if os.path.isdir(path):
                shutil.copytree(path, copy)
            elif os.path.exists(path):
                shutil.copy2(path, copy)
            append_line(self.folder / "index", {"path": os.path.relpath(path, self.root), "copy": copy.name})
            self.kept.add(path)


def roll_back(folder: Path, root: Path, half_done: Callable[[str], bool]) -> None:
    """Undo what the last call has changed, if it is half done (by its id); twice does no harm.

    A program that an executor starts can write into the log too: what leads out of the workspace is left alone.
    """
    index, touched = folder / "index", []
    with suppress(*NOT_OURS):
        first, *lines = read_lines(index) if index.is_file() and not index.is_symlink() else []
        touched = lines if half_done(first["call"]) else []
    for entry in reversed(touched):
        with suppress(*NOT_OURS):
            put_back(folder / Path(entry["copy"]).name, root, Path(entry["path"]))


def put_back(copy: Path, root: Path, path: Path) -> None:
    """Put a file or folder of the log in its place in the workspace; what has no copy was not there."""
    place = inside(root, str(path.parent)) / path.name
    if path.name in ("", "..") or any(part.is_symlink() for part in (copy, *copy.rglob("*"))):
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(place) if place.is_dir() and not place.is_symlink() else place.unlink(missing_ok=True)
    if copy.is_dir():
        shutil.copytree(copy, place)
    elif copy.is_file():
        shutil.copy2(copy, place)
