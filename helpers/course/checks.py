"""Exercises: an answer is checked, a wrong one gets a sentence that helps, never a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from importlib import resources

from helpers.course.calls import Call, Raised, apart, arguments_problem, call, is_blank, raised
from helpers.course.compare import Difference, comparable, describe_expected, difference
from helpers.course.describe import brief, describe

NOT_ATTEMPTED, RAISED, WRONG, RIGHT = "not attempted", "raised", "wrong", "right"
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
    """What a check found: the outcome, the message that was printed, and the points (all or 0.0)."""

    outcome: str
    message: str
    points: float

    def __repr__(self) -> str:
        return f"{self.outcome} ({self.points:g} points)"


class Exercise:
    """One exercise with `.check(answer)`, `.hint()` and `.solution()`; notebooks keep it as `ex.NAME`.

    Give `reference` (a function, with `cases`, or a value), or `judge`, which takes the answer and returns (right,
    message). An answer equal to a Mistake's on all cases gets that mistake's question. A list or tuple of numbers counts as
    an array, and an int as a float where one number is asked for; bool, int and float arrays are told apart. `normalise` is
    applied to both results before they are compared.
    """

    def __init__(
        self, name: str, title: str, points: float, reference=None, cases=(), mistakes=(), hints=(),
        tolerance: float = 1e-9, solution: str | Callable[[], str] = "", normalise: Callable | None = None,
        judge: Callable | None = None,
    ):  # fmt: skip
        self.name, self.title, self.points = name, title, float(points)
        self.reference, self.cases, self.mistakes, self.hints = reference, tuple(cases), tuple(mistakes), tuple(hints)
        self.tolerance, self.normalise, self.judge = tolerance, normalise, judge
        self._solution = solution
        self._failed = self._hinted = 0
        self._hold_together()

    def _hold_together(self) -> None:
        """Raise ValueError where the exercise's author left something out."""
        needs = {
            "at least 3 hints": len(self.hints) >= 3,
            "points above 0": self.points > 0,
            "a reference or else a judge": (self.reference is None) != (self.judge is None),
            "cases, because an answer is a function": bool(self.cases)
            or not any(map(callable, (self.reference, *(m.answer for m in self.mistakes)))),
        }
        for need, met in needs.items():
            if not met:
                raise ValueError(f"exercise {self.name!r} expects {need}")

    def __repr__(self) -> str:
        return f"{self.title} ({self.points:g} points): ex.{self.name}.check(answer), .hint(), .solution()"

    def check(self, answer) -> CheckResult:
        """The outcome of the answer, its message printed on stdout; never raises, never writes to stderr."""
        with apart():
            outcome, message = self._outcome(answer)
        self._failed += outcome in (RAISED, WRONG)
        if outcome == NOT_ATTEMPTED:
            message = f"{self.title}: not attempted yet. ex.{self.name}.hint() gives a nudge."
        elif outcome in (RAISED, WRONG):
            message = f"{self.title}: not yet.\n{message}\n{self._next_step()}"
        else:
            message = f"{self.title}: right. {message}".rstrip()
        print(message)
        return CheckResult(outcome, message, self.points if outcome == RIGHT else 0.0)

    def hint(self) -> None:
        """Print the next hint; the last one again when there are no more."""
        self._hinted = min(self._hinted + 1, len(self.hints))
        print(f"Hint {self._hinted} of {len(self.hints)}: {self.hints[self._hinted - 1]}")
        if self._hinted == len(self.hints):
            print(f"That was the last hint; ex.{self.name}.solution() shows an answer.")

    def solution(self) -> None:
        """Print the source of a solution."""
        print(self._solution() if callable(self._solution) else self._solution)

    def _next_step(self) -> str:
        if self._failed < TRIES:
            return f"ex.{self.name}.hint() gives a hint."
        return (
            f"{self._failed} tries so far: ex.{self.name}.hint() helps, and ex.{self.name}.solution() shows an answer."
        )

    def _outcome(self, answer) -> tuple[str, str]:
        if is_blank(answer):
            return NOT_ATTEMPTED, ""
        try:
            if self.judge is not None:
                return self._judged(answer)
            return self._compared_calls(answer) if callable(self.reference) else self._compared_value(answer)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an answer whose own methods fail: ==, len, shape
            return WRONG, f"  Your answer, {type(answer).__name__}, cannot be compared: {raised(error).error}"

    def _compared_value(self, answer) -> tuple[str, str]:
        if callable(answer) and not callable(self.reference):
            expected = describe_expected(self.reference)
            return WRONG, told(Difference(expected, describe(answer), "Did you mean to call it, with ( )?"))
        found = self._gap(self.reference, answer)
        return (WRONG, told(found) + self._question([answer])) if found else (RIGHT, "")

    def _compared_calls(self, function) -> tuple[str, str]:
        if not callable(function):
            return WRONG, told(Difference("a function", describe(function), "Pass the function's name, without ( )."))
        unfit = arguments_problem(function, self.reference, self.cases[0].args)
        if unfit:
            return WRONG, told(Difference(*unfit))
        calls = [call(function, case.args) for case in self.cases]
        results = [each.result for each in calls]
        if all(map(is_blank, results)) and not all(map(is_blank, self._expected)):
            return NOT_ATTEMPTED, ""
        for number in range(len(self.cases)):
            outcome, message = self._case(number, calls[number])
            if outcome != RIGHT:
                return outcome, message + (self._question(results) if outcome == WRONG else "")
        return RIGHT, ""

    def _case(self, number: int, made: Call) -> tuple[str, str]:
        """The outcome of one case, with a message that shows the case."""
        case = self.cases[number]
        if isinstance(made.result, Raised):
            return (
                RAISED,
                f"{self._header(number)}\n  your code raised {made.result.error}\n  {made.result.place}".rstrip(),
            )
        found = self._gap(self._expected[number], made.result)
        if found:
            return WRONG, f"{self._header(number)}\n{told(found)}"
        changed = [
            i for i, pair in enumerate(zip(case.args, made.args, strict=True), 1) if difference(*map(comparable, pair))
        ]
        if changed:
            return (
                WRONG,
                f"{self._header(number)}\n  your function changes its argument {changed[0]}; does it work on a copy?",
            )
        return RIGHT, ""

    def _header(self, number: int) -> str:
        case = self.cases[number]
        why = f" ({case.why})" if case.why else ""
        return f"  Case {number + 1} of {len(self.cases)}{why}: {self.name}({', '.join(map(brief, case.args))})"

    def _gap(self, expected, came) -> Difference | None:
        if self.normalise is not None and not is_blank(came):
            expected, came = self.normalise(expected), self.normalise(came)
        return difference(expected, came, self.tolerance)

    @cached_property
    def _expected(self) -> list:
        return [call(self.reference, case.args).result for case in self.cases]

    @cached_property
    def _mistaken(self) -> dict[str, list]:
        """What each typical mistake gives on every case."""
        return {
            each.question: [call(each.answer, case.args).result for case in self.cases]
            if callable(each.answer)
            else [each.answer]
            for each in self.mistakes
        }

    def _question(self, results: list) -> str:
        """The question of the mistake that gives just these results, "" where none does."""
        for question, mistaken in self._mistaken.items():
            same_length = len(mistaken) == len(results)
            if same_length and not any(self._gap(m, r) for m, r in zip(mistaken, results, strict=True)):
                return f"\n  {question}"
        return ""

    def _judged(self, answer) -> tuple[str, str]:
        """The judge's word; a function that returned nothing each time it was called was not attempted."""
        returned = []
        try:
            right, message = self.judge(watched(answer, returned) if callable(answer) else answer)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            trouble = raised(error)
            right, message = None, f"  your code raised {trouble.error}\n  {trouble.place}".rstrip()
        if returned and all(map(is_blank, returned)):
            return NOT_ATTEMPTED, ""
        if right is None:
            return RAISED, message
        if right:
            return RIGHT, message
        results = [call(answer, case.args).result for case in self.cases] if callable(answer) else [answer]
        return WRONG, f"  {message}" + self._question(results)


def told(found: Difference) -> str:
    """A difference in lines: where, what was expected, what came, a remark."""
    where = f" {found.where}" if found.where else ""
    remark = f"\n  {found.remark}" if found.remark else ""
    return f"  expected{where}: {found.expected}\n  yours{where}: {found.came}{remark}"


def watched(function: Callable, returned: list) -> Callable:
    """The function, each of whose results is also put into `returned`."""

    @wraps(function)
    def watching(*args, **kwargs):
        returned.append(function(*args, **kwargs))
        return returned[-1]

    return watching


def solution_from(module: str, name: str) -> Callable[[], str]:
    """A loader of one solution's source from `helpers/<module>/solutions.json`, read when it is asked for."""

    def load() -> str:
        path = resources.files(f"helpers.{module}") / "solutions.json"
        sources = json.loads(path.read_text(encoding="utf-8"))
        if name not in sources:
            raise KeyError(f"no solution {name!r} in {module}; there are {', '.join(sources)}")
        return sources[name]

    return load
