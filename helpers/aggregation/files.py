"""Where the tables of answers lie, and how one is written."""
from __future__ import annotations

import csv
import os
import sys
from pathlib import Path

DATA = Path(__file__).parent / "data"


def cache_folder() -> Path:
    """Return the folder for fetched tables: FOUR_PAPERS_CACHE, else four-papers in the platform's cache folder."""
    if named := os.environ.get("FOUR_PAPERS_CACHE"):
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "four-papers"


def write_csv(path, header, rows) -> None:
    """Write a CSV table at once: the file appears complete or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        with unfinished.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *rows])
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
