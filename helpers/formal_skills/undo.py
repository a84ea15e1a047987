"""The undo log of one call: what it changes in the workspace is saved before, so that half a call can be taken back."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from .files import append_line, read_lines


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
        """Forget the call before, whose changes stay, and begin with this one."""
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


def roll_back(folder: Path, root: Path, made: Collection[str] = ()) -> None:
    """Undo what the last call has changed, unless it is one of those that were made to the end; twice does no harm."""
    if not (folder / "index").is_file():
        return
    first, *touched = read_lines(folder / "index") or [{"call": ""}]
    for entry in reversed(touched if first["call"] not in made else []):
        path, copy = root / entry["path"], folder / entry["copy"]
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        if copy.is_dir():
            shutil.copytree(copy, path)
        elif copy.exists():
            shutil.copy2(copy, path)
