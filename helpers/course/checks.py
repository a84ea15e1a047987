"""Exercises: an answer is checked, and a wrong one gets a sentence that helps, never a traceback."""

from __future__ import annotations

import inspect
import json
import linecache
import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import resources

from helpers.course import progress
from helpers.course.calls import apart, waited_for
from helpers.course.marking import NOT_ATTEMPTED, RAISED, RIGHT, WRONG, mark
from helpers.course.session import SESSION

FEWEST_HINTS = 3
LONGEST = 4000  # characters of an answer that are kept
TRIES = 3  # failed checks before the solution is offered


@dataclass(frozen=True)
class Case:
    """One input of a function exercise, and in a few words why it is there."""

    args: tuple
    why: str = ""


@dataclass(frozen=True)
class Mistake:
    """A typical wrong answer (a function, or a value) and the question that leads out of it."""

    name: str
    answer: object
    question: str


@dataclass(frozen=True)
class CheckResult:
    """What a check found: the outcome, the message that was printed, the points (all or 0.0), and how many there are.

    As the last value of a cell it shows "2 of 2 points"; its plain text is the number alone, which nbgrader reads.
    """

    outcome: str
    message: str
    points: float
    full: float

    def __repr__(self) -> str:
        return f"{self.outcome} ({self.points:g} points)"

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/plain": str(self.points), "text/html": f"{self.points:g} of {self.full:g} points"}


class Exercise:
    """One exercise with `.check(answer)`, `.hint()` and `.solution()`; notebooks keep it as `ex.NAME`.

    Give `reference` (a function, with `cases`, or a value), or else `judge`, which takes the answer and returns (right,
    message). An answer that gives the same as a Mistake on all cases gets that mistake's question. A list or tuple of
    numbers counts as an array, an int as a float where one number is asked for; arrays of bool, int and float are told
    apart. `tolerance` is relative above 1 and absolute below; `normalise` is applied to both results before they are
    compared; `solution` is source text, or a function that loads it.
    """

    def __init__(
        self, name: str, title: str, points: float, reference=None, cases=(), mistakes=(), hints=(),
        tolerance: float = 1e-9, solution: str | Callable[[], str] = "", normalise: Callable | None = None,
        judge: Callable | None = None,
    ):  # fmt: skip
        self.name, self.title, self.points = name, title, float(points)
        self.reference, self.judge, self.normalise, self.tolerance = reference, judge, normalise, tolerance
        self.cases, self.mistakes, self.hints = tuple(cases), tuple(mistakes), tuple(hints)
        self._solution = solution
        self._failed = self._hinted = 0
        self._check_author()

    def _check_author(self) -> None:
        """Raise ValueError where the author of the exercise left something out."""
        functions = any(map(callable, (self.reference, *(each.answer for each in self.mistakes))))
        needs = {
            f"at least {FEWEST_HINTS} hints": len(self.hints) >= FEWEST_HINTS,
            "points above 0": self.points > 0,
            "a reference or else a judge": (self.reference is None) != (self.judge is None),
            "cases, because its reference or a mistake is a function": bool(self.cases) or not functions,
        }
        for need, met in needs.items():
            if not met:
                raise ValueError(f"exercise {self.name!r} expects {need}")

    def __repr__(self) -> str:
        return f"{self.title} ({self.points:g} points): ex.{self.name}.check(answer), .hint(), .solution()"

    def check(self, answer) -> CheckResult:
        """The outcome of the answer, its message printed on stdout; never raises, never writes to stderr."""
        with waited_for(self.title), apart():
            outcome, details = mark(self, answer)
        self._failed += outcome in (RAISED, WRONG)
        if SESSION.module is not None and outcome != NOT_ATTEMPTED:
            self._remember(outcome, answer)
        message = f"{self.title}: {self._verdict(outcome)}" + (f"\n{details}" if details else "")
        if outcome in (RAISED, WRONG):
            message += f"\n{self._next_step()}"
        print(message)
        return CheckResult(outcome, message, self.points if outcome == RIGHT else 0.0, self.points)

    def last(self) -> None:
        """Print the answer that was checked last, in this session or before, and the right one if that was another."""
        if SESSION.module is None:
            print("Nothing is kept before start(...) has run: run the notebook's first cells, then check again.")
            return
        kept = progress.kept_check(SESSION.module, self.name)
        print(kept.get("answer") or f"No answer to {self.name} has been checked yet.")
        if kept.get("solved") not in (None, "", kept.get("answer")):
            print(f"\n# The one that was right:\n{kept['solved']}")

    def hint(self) -> None:
        """Print the next hint; the last one again when there are no more."""
        before = progress.kept_check(SESSION.module, self.name).get("hints", 0)
        self._hinted = min(max(self._hinted, before) + 1, len(self.hints))
        if SESSION.module is not None:
            progress.note_hint(SESSION.module, self.name, self._hinted)
        print(f"Hint {self._hinted} of {len(self.hints)}: {self.hints[self._hinted - 1]}")
        if self._hinted == len(self.hints):
            print(f"That was the last hint; ex.{self.name}.solution() shows an answer.")

    def solution(self) -> None:
        """Print the source of a solution."""
        print(self._solution() if callable(self._solution) else self._solution)

    def _remember(self, outcome: str, answer) -> None:
        """Keep the outcome beside those of earlier sessions, whose tries count."""
        points = self.points if outcome == RIGHT else 0.0
        kept = progress.note_check(SESSION.module, self.name, outcome, points, source_of(answer))
        self._failed = max(self._failed, kept.get("failed", 0))

    def _verdict(self, outcome: str) -> str:
        if outcome == NOT_ATTEMPTED:
            return f"not attempted yet. ex.{self.name}.hint() gives a nudge."
        return {RIGHT: "right.", WRONG: "not yet.", RAISED: "your code stopped with an error."}[outcome]

    def _next_step(self) -> str:
        if self._failed < TRIES:
            return f"ex.{self.name}.hint() gives a hint."
        return f"{self._failed} tries so far. ex.{self.name}.hint() helps; ex.{self.name}.solution() shows an answer."


def typical(*answers: Callable) -> tuple[Mistake, ...]:
    """Return the wrong answers as mistakes, the question of each being its docstring."""
    return tuple(Mistake(answer.__name__, answer, answer.__doc__) for answer in answers)


def source_of(answer) -> str:
    """Return how an answer is written: the cell or the lines of a function, else its repr; "" where none can be had."""
    try:
        if not callable(answer):
            return repr(answer)[:LONGEST]
        name = inspect.getfile(answer)
        cell = "" if os.path.exists(name) else "".join(linecache.getlines(name))  # with what the function needs
        return cell or inspect.getsource(answer)
    except Exception:  # a function without a source, an answer whose repr fails
        return ""


def solution_from(module: str, name: str) -> Callable[[], str]:
    """A loader of one solution's source from `helpers/<module>/solutions.json`, read when it is asked for.

    The loader raises FileNotFoundError or KeyError, in words, where there is no such solution.
    """

    def load() -> str:
        path = resources.files(f"helpers.{module}") / "solutions.json"
        if not path.is_file():
            raise FileNotFoundError(f"{module} has no solutions.json; run `make exercises`, which writes it")
        sources = json.loads(path.read_text(encoding="utf-8"))
        if name not in sources:
            raise KeyError(f"no solution {name!r} in {module}; there are {', '.join(sources)}")
        return sources[name]

    return load
