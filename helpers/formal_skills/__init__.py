"""Formal skills (2605.19604): skills with hooks, phases and contracts, a runtime that enforces them, and its drivers.

Names load on first use.
"""

from __future__ import annotations

from importlib import import_module

HOME = {
    "drivers": ("Reply", "Scripted"),
    "learned": ("Learned",),
    "manifest": ("FormalSkill", "load_skill"),
    "markdown": ("load_markdown",),
    "models": ("Task", "rules"),
    "openai_driver": ("OpenAICompatible",),
    "payloads": ("deny", "patch"),
    "routing": ("route", "route_by_model"),
    "runtime": ("SWITCHES", "Runtime"),
    "sloppy": ("Sloppy",),
    "tasks": ("load_task",),
    "trace": ("Trace",),
    "workshop": ("Budget",),
}
WHERE = {name: file for file, names in HOME.items() for name in names}

__all__ = sorted(WHERE)


def __getattr__(name: str):
    """The public name, its file imported on first use."""
    if name not in WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{WHERE[name]}"), name)
