"""Confinement by the operating system, where there is one: Landlock, through the package of that name."""

from __future__ import annotations

import os

from .fence import READABLE, within

try:
    from landlock import FSAccess, Ruleset, landlock_abi_version

    landlock_abi_version()
except (ImportError, OSError):  # not Linux, or a kernel without it
    Ruleset = None
else:
    ALL, READ = FSAccess.all(), FSAccess.READ_FILE | FSAccess.READ_DIR | FSAccess.EXECUTE
    READ_WRITE = FSAccess.READ_FILE | FSAccess.WRITE_FILE
    TOP = {place for place in READABLE if not any(within(place, other) for other in READABLE - {place})}
    SYSTEM = [place for place in (*TOP, "/etc", "/proc/sys") if os.path.isdir(place)]
    # Of /proc not the processes: for root they would tell with which keys those of others were started.
    FACTS = [file for name in ("cpuinfo", "meminfo", "stat", "loadavg") if os.path.isfile(file := f"/proc/{name}")]
    DEVICES = [file for name in ("null", "zero", "random", "urandom") if os.path.exists(file := f"/dev/{name}")]


def confine(writable: list[str], skills: list[str]) -> bool:
    """Let the kernel confine this process and what it starts, and return whether it can (Linux with Landlock)."""
    if Ruleset is None:
        return False
    rules = Ruleset(ALL)
    rules.allow(*writable)
    rules.allow(*SYSTEM, *skills, rules=READ)
    rules.allow(*FACTS, rules=FSAccess.READ_FILE)
    rules.allow(*DEVICES, rules=READ_WRITE)
    rules.apply()
    return True
