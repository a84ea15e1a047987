"""Files of a run and of a skill: JSON that is read with care, lines that are written whole."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, or raise a ValueError that says where it stops being JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ValueError(f"{path.parent.name} has no {path.name}; is it the folder of a formal skill?") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{path.parent.name}/{path.name} is not JSON ({error}); correct that place") from None


def inside(root: Path, path: str) -> Path:
    """Return the place of a path below a folder, links followed, or raise a ValueError if it lies outside."""
    place = (root / path).resolve()
    if not place.is_relative_to(root.resolve()):
        raise ValueError(f"{path} lies outside {root.name}")
    return place


def append_line(path: Path, entry: dict) -> dict:
    """Add an entry as one line of JSON, in one write: a process that is killed leaves the line or nothing of it.

    Returns the entry as it will be read again.
    """
    line = json.dumps(entry, default=str).encode() + b"\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line)
    finally:
        os.close(handle)
    return json.loads(line)


def read_lines(path: Path) -> list[dict]:
    """Return the entries of a file of JSON lines; a torn last line, left by a full disk, is cut off."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    return [json.loads(line) for line in data[:whole].splitlines()]
