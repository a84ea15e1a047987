"""The run of one notebook: its module, its clock and the claims measured so far."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass, field
from importlib import resources

# The modules in the order of their numbers; `make new-module` adds one.
MODULES = tuple(json.loads((resources.files("helpers.course") / "modules.json").read_text(encoding="utf-8")))


@dataclass
class Session:
    """One notebook's run, from `start` to `finish`."""

    module: str | None = None
    wall: float = field(default_factory=time.perf_counter)
    cpu: float = field(default_factory=lambda: cpu_seconds())
    measured: dict = field(default_factory=dict)

    def restart(self, module: str) -> None:
        """Set the module, forget its claims and set both clocks to now."""
        self.__init__(module)


def cpu_seconds() -> float:
    """CPU seconds used so far by this process and by the processes it has waited for."""
    return sum(os.times()[:4])


def check_module(module: str) -> None:
    """Raise ValueError unless `module` is one of MODULES."""
    if module not in MODULES:
        raise ValueError(f"there is no module {module!r}; there are {', '.join(map(repr, MODULES))}")


SESSION = Session()
