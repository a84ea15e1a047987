"""Importing a skill's scripts: each folder is a package of its own, so `from ._state import x` finds its sibling."""

from __future__ import annotations

import importlib.util
import marshal
import re
import sys
import threading
import types
from collections.abc import Callable
from contextlib import nullcontext
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from . import compat
from .files import inside

ODD = re.compile("[^0-9A-Za-z_]")  # compiled here, once for all workers


LOCK = threading.RLock()  # hold it to load: another thread would find what is half imported
READY: dict[tuple[str, bytes], types.CodeType] = {}  # what another process has compiled, by place and source


@lru_cache(256)
def code_of(path: str, source: bytes) -> bytes:
    """Return the code of a script as bytes, none if it does not compile: who imports it will say so."""
    try:
        return marshal.dumps(compile(source, path, "exec", dont_inherit=True))
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return b""


def check_script(folder: Path, part: Any) -> None:
    """Raise a ValueError if the script of a tool or a hook is no file of the skill's scripts."""
    try:
        if inside(folder / "scripts", part.script).is_file():
            return
    except (OSError, ValueError):  # outside, or no name for a file
        pass
    raise ValueError(f"{folder.name}/manifest.json: {part.name!r} has the script {part.script!r}, no file "
                     f"in {folder.name}/scripts; write it, or correct the name")  # fmt: skip


def load_script(folder: Path, script: str) -> types.ModuleType:
    """Return the module of a script in a skill's folder, imported once in this process (again if a script changed)."""
    path = folder / ("scripts" if script != "config.py" else "") / script
    source = path.read_bytes()
    package = package_of(folder, path.parent)
    name = f"{package}.{ODD.sub('_', path.stem)}"
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__source__", None) == source:
        return known
    config = load_script(folder, "config.py") if script != "config.py" and (folder / "config.py").is_file() else None
    with compat.shims(folder, config) if b"fairyclaw" in source else nullcontext():
        module = importlib.util.module_from_spec(importlib.util.spec_from_file_location(name, path))
        module.__source__ = source
        sys.modules[name] = module
        try:
            exec(READY.get((str(path), source)) or compile(source, path, "exec", dont_inherit=True), module.__dict__)
        except BaseException:
            del sys.modules[name]
            raise
    return module


def package_of(folder: Path, scripts: Path) -> str:
    """Return the name of the synthetic package for a folder, FairyClaw's way with the folder's place as a suffix.

    If one of its scripts has changed it is new, and so are all of them: the others may have imported that one.
    """
    name = f"fairyclaw_cap_{ODD.sub('_', folder.name)}_{sha256(str(scripts).encode()).hexdigest()[:8]}"
    times = {file.name: file.stat().st_mtime_ns for file in scripts.glob("*.py") if file.is_file()}
    if getattr(sys.modules.get(name), "__times__", None) != times:
        for old in [module for module in sys.modules if module == name or module.startswith(name + ".")]:
            del sys.modules[old]
        sys.modules[name] = types.ModuleType(name)
        sys.modules[name].__path__, sys.modules[name].__times__ = [str(scripts)], times
    return name


def entry_point(folder: Path, script: str, *names: str) -> Callable:
    """Return the first of these functions that a script has.

    Raises AttributeError if it has none, and whatever the script raises when it is imported.
    """
    with LOCK:
        module = load_script(folder, script)
    for name in names:
        if callable(getattr(module, name, None)):
            return getattr(module, name)
    raise AttributeError(f"{folder.name}/scripts/{script} has no {' or '.join(names)}; define it with async def")
