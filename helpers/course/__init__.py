"""What all modules share: start, claims, checks, plots, widgets, finish.

`checks`, `plots` and `widgets` load on first use, so that the first cell of a notebook answers at once.
"""

from __future__ import annotations

from importlib import import_module

from helpers.course.claims import Claim, Measured, Rule, above, below, claims_table, equals, near, record
from helpers.course.finish import finish
from helpers.course.session import MODULES
from helpers.course.start import start

LATER = {
    "beginning": ("where_to_begin",),
    "checks": ("Case", "CheckResult", "Exercise", "Mistake", "solution_from", "typical"),
    "compatible": ("made_for",),
    "guesses": ("guessed",),
    "plots": ("MARKERS", "PALETTE", "png", "show", "style"),
    "progress": ("show_progress",),
    "quizzes": ("quiz",),
    "selftest": ("self_test",),
    "widgets": ("Explorer", "explorer"),
}
HOME = {name: file for file, names in LATER.items() for name in names}

__all__ = [
    "MODULES", "Claim", "Measured", "Rule", "above", "below", "claims_table", "equals", "finish", "near", "record",
    "start", *HOME,
]  # fmt: skip


def __getattr__(name: str):
    """The public name, its file imported on first use."""
    if name not in HOME:
        raise AttributeError(f"helpers.course has no {name!r}; it offers {', '.join(sorted(__all__))}")
    return getattr(import_module(f"helpers.course.{HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
