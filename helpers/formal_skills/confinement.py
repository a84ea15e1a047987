"""Confinement by the operating system, where there is one: Landlock, through the package of that name."""

from __future__ import annotations

import os

from .fence import READABLE

try:
    from landlock import FSAccess, Ruleset, landlock_abi_version
except ImportError:  # not Linux

    def landlock_abi_version() -> int:
        raise OSError("there is no Landlock here")


def confine(writable: list[str], skills: list[str]) -> bool:
    """Let the kernel confine this process and what it starts, and return whether it can (Linux with Landlock)."""
    try:
        landlock_abi_version()
    except OSError:  # a kernel without it
        return False
    rules, read = Ruleset(), FSAccess.READ_FILE | FSAccess.READ_DIR | FSAccess.EXECUTE
    rules.allow(*writable)
    rules.allow(*(place for place in (*READABLE, *skills, "/etc", "/proc") if os.path.isdir(place)), rules=read)
    rules.allow("/dev", rules=read | FSAccess.WRITE_FILE)
    rules.apply()
    return True
