"""Guesses: what a reader wrote down before an experiment, beside what came out."""

from __future__ import annotations

NONE_YET = "No guess yet. Write one where it says None, then run that cell and this one; a wrong one teaches most."


def guessed(*lines: tuple[str, object, object]) -> None:
    """Print a table of what was guessed and what was measured; each line is (what, guess or None, measured)."""
    rows = [("", "your guess", "measured"), *((what, shown(guess), shown(measured)) for what, guess, measured in lines)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    for what, *values in rows:
        print(what.ljust(widths[0]), *(value.rjust(width) for value, width in zip(values, widths[1:])), sep="   ")
    if all(guess is None for _, guess, _ in lines):
        print(NONE_YET)


def shown(value: object) -> str:
    """Return a number with three digits, a dash for None, anything else as its text."""
    if value is None:
        return "-"
    try:
        return f"{float(value):.3g}"  # a numpy number too
    except (TypeError, ValueError):
        return str(value)
