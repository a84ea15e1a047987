"""What a process hands on to the workers of its runs: the environment without keys, and where modules are."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from contextlib import suppress

KEYS = re.compile("KEY|TOKEN|SECRET|PASSWORD")


def keys_of(names: Iterable[str]) -> list[str]:
    """Return the names of variables that hold keys: what an executor prints of them would land in the journal."""
    return [name for name in names if KEYS.search(name.upper())]


def clean() -> dict[str, str]:
    """Return the environment without keys."""
    keys = keys_of(os.environ)
    return {name: value for name, value in os.environ.items() if name not in keys}


def paths() -> list[str]:
    """Return where this process finds modules, whatever folder it is in; what `python -P` leaves out comes last.

    So nothing that an executor has written beside a program, or where a notebook works, stands in for a package.
    """
    here = os.devnull
    with suppress(OSError):  # the folder is gone
        here = os.getcwd()
    main = getattr(sys.modules["__main__"], "__file__", None) or here
    last = [os.path.dirname(os.path.join(here, main)), here]
    whole = {path: os.path.normpath(os.path.join(here, path)) for path in sys.path if isinstance(path, str)}
    found = dict.fromkeys(place if os.path.exists(place) else path for path, place in whole.items())
    return sorted(found, key=lambda path: last.index(path) + 1 if path in last else 0)
