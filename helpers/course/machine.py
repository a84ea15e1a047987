"""What this machine gives the kernel: cores and memory, as its control groups limit them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

GROUPS, OWN, MEMORY, STATUS = "/sys/fs/cgroup", "/proc/self/cgroup", "/proc/meminfo", "/proc/self/status"


def cores(groups: str = GROUPS, own: str = OWN) -> int:
    """Whole cores this process may use: the smaller of its CPU quota and its affinity, at least 1."""
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota(groups, own)
    return affinity if quota is None else max(1, min(affinity, int(quota)))


def cpu_quota(groups: str = GROUPS, own: str = OWN) -> float | None:
    """The tightest CPU quota in cores on the way from this process's group to the top, or None (cgroup v1, v2)."""
    quotas = []
    for folder in group_folders("cpu", groups, own):
        limit = read(folder / "cpu.max").split()
        limit = limit or [*read(folder / "cpu.cfs_quota_us").split(), *read(folder / "cpu.cfs_period_us").split()]
        if len(limit) == 2 and limit[0] not in ("max", "-1"):
            quotas.append(int(limit[0]) / int(limit[1]))
    return min(quotas, default=None)


def free_memory(groups: str = GROUPS, own: str = OWN, meminfo: str = MEMORY) -> int | None:
    """Bytes that can still be taken: the smaller of what the machine and the control groups leave, None if unknown."""
    available = field(meminfo, "MemAvailable")
    free = [available * 1024] if available is not None else []
    for folder in group_folders("memory", groups, own):
        limit = read(folder / "memory.max") or read(folder / "memory.limit_in_bytes")
        used = read(folder / "memory.current") or read(folder / "memory.usage_in_bytes")
        if limit.isdigit() and used.isdigit():
            cached = field(folder / "memory.stat", "inactive_file") or 0  # given back when asked for
            free.append(int(limit) - int(used) + cached)
    return max(0, min(free)) if free else None


def peak_mib(status: str = STATUS) -> float | None:
    """Peak resident memory of this process in MiB, None where the system does not tell."""
    peak = field(status, "VmHWM")
    if peak is not None:
        return peak / 1024
    try:
        import resource
    except ImportError:
        return _peak_on_windows()
    # Also counts what the parent held before the fork: only where VmHWM is missing. macOS gives bytes.
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest / 2**20 if sys.platform == "darwin" else largest / 1024


def _peak_on_windows() -> float | None:
    try:
        import psutil
    except ImportError:
        return None
    return psutil.Process().memory_info().peak_wset / 2**20


def group_folders(controller: str, groups: str = GROUPS, own: str = OWN) -> list[Path]:
    """Folders whose limits bind this process, from its own group up to the top (they need not exist)."""
    folders = []
    for line in read(own).splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and controller not in controllers.split(","):
            continue
        top = Path(groups, controllers) if controllers else Path(groups)
        inside = top / group.strip("/")
        folders += [inside, *(up for up in inside.parents if top == up or top in up.parents)]
    return folders


def field(path: str | Path, name: str) -> int | None:
    """The number that follows `name` in a file of lines such as "VmHWM:  1234 kB"."""
    for line in read(path).splitlines():
        key, *rest = line.replace(":", " ").split()
        if key == name and rest:
            return int(rest[0])
    return None


def read(path: str | Path) -> str:
    """The file's text without blank ends, "" where it cannot be read."""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
