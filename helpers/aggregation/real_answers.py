"""Answers that real models gave: two tables that ship with the course, and 29 LLMs on MMLU-Pro."""
from __future__ import annotations

import csv
import os
from pathlib import Path

DATA = Path(__file__).parent / "data"


def write_csv(path, header, rows) -> None:
    """Write a table at once: the file appears complete or not at all."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    os.replace(unfinished, path)
