"""Marking one answer to one exercise: its outcome, and the lines that say why."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import wraps

from helpers.course.calls import Call, Raised, arguments_problem, call, is_blank, not_attempted, raised
from helpers.course.compare import Difference, comparable, describe_expected, difference
from helpers.course.describe import brief, describe
from helpers.course.threads import settled

NOT_ATTEMPTED, RAISED, WRONG, RIGHT = "not attempted", "raised", "wrong", "right"


def mark(exercise, answer) -> tuple[str, str]:
    """The outcome of an answer and its details; only KeyboardInterrupt is let through."""
    if is_blank(answer):
        return NOT_ATTEMPTED, ""
    try:
        if exercise.judge is not None:
            return _judged(exercise, answer)
        return _function(exercise, answer) if callable(exercise.reference) else _value(exercise, answer)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an answer whose own methods fail: ==, len, shape
        return WRONG, f"  Your answer is {describe(answer)}, and comparing it failed: {raised(error).error}"


def _value(exercise, answer) -> tuple[str, str]:
    """Marks an answer that is a value; the right value is not told."""
    if callable(answer):
        expected = describe_expected(exercise.reference)
        return WRONG, told(Difference(expected, describe(answer), "Did you mean to call it, with ( )?"))
    found = _gap(exercise, exercise.reference, answer)
    if found is None:
        return RIGHT, ""
    question = next((m.question for m in exercise.mistakes if _gap(exercise, m.answer, answer) is None), "")
    return WRONG, _lines(told(found, reveal=False), question)


def _function(exercise, function) -> tuple[str, str]:
    """Marks an answer that is a function, on every case."""
    if not callable(function):
        remark = "Pass the function itself: its name, without ( )."
        return WRONG, told(Difference("a function", describe(function), remark))
    unfit = arguments_problem(function, exercise.reference, exercise.cases[0].args)
    if unfit:
        return WRONG, told(Difference(*unfit))
    expected = _results(exercise, exercise.reference)
    calls = [call(function, case.args) for case in exercise.cases]
    results = [each.result for each in calls]
    if not_attempted(function, results) and not all(map(is_blank, expected)):
        return NOT_ATTEMPTED, ""
    silent = "Is a `return` missing?" if all(result is None for result in results) else ""
    for number, made in enumerate(calls):
        outcome, details = _case(exercise, number, expected[number], made)
        if outcome != RIGHT:
            return outcome, _lines(details, silent, _question(exercise, results))
    return RIGHT, ""


def _case(exercise, number: int, expected, made: Call) -> tuple[str, str]:
    """The outcome of one case, with lines that show the case."""
    header = _header(exercise, number)
    if isinstance(made.result, Raised):
        return RAISED, _lines(header, f"  {made.result.error}", f"  {made.result.place}".rstrip())
    found = _gap(exercise, expected, made.result)
    if found:
        return WRONG, _lines(header, told(found))
    before = exercise.cases[number].args
    for place, pair in enumerate(zip(before, made.args, strict=True), start=1):
        if difference(*map(comparable, pair)):
            return WRONG, _lines(header, f"  The result is right, but argument {place} is changed. Copy it first?")
    return RIGHT, ""


def _header(exercise, number: int) -> str:
    case = exercise.cases[number]
    why = f" ({case.why})" if case.why else ""
    return f"  Case {number + 1} of {len(exercise.cases)}{why}: {exercise.name}({', '.join(map(brief, case.args))})"


def _results(exercise, function: Callable) -> list:
    return [call(function, case.args).result for case in exercise.cases]


def _question(exercise, results: list) -> str:
    """The question of the mistake that gives just these results on all cases, "" where none does."""
    for mistake in exercise.mistakes:
        if not callable(mistake.answer):
            continue
        with warnings.catch_warnings(action="ignore"):  # of our code, not of the learner's
            pairs = list(zip(_results(exercise, mistake.answer), results, strict=True))
        if not any(isinstance(came, Raised) or _gap(exercise, wrong, came) for wrong, came in pairs):
            return mistake.question
    return ""


def _gap(exercise, expected, came) -> Difference | None:
    if exercise.normalise is not None and not is_blank(came):
        expected, came = exercise.normalise(expected), exercise.normalise(came)
    return difference(expected, came, exercise.tolerance)


def _judged(exercise, answer) -> tuple[str, str]:
    """The judge's word on an answer."""
    if exercise.cases and not callable(answer):
        remark = "Pass the function itself: its name, without ( )."
        return WRONG, told(Difference("a function", describe(answer), remark))
    returned: list = []
    answer = settled(answer)
    try:
        right, words = exercise.judge(_watched(answer, returned) if callable(answer) else answer)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return _judge_stopped(answer, returned, raised(error))
    if returned and not_attempted(answer, returned):
        return NOT_ATTEMPTED, ""
    if right:
        return RIGHT, f"  {words}".rstrip()
    if callable(answer):
        question = _question(exercise, _results(exercise, answer)) if exercise.cases else ""
    else:
        question = next((m.question for m in exercise.mistakes if _gap(exercise, m.answer, answer) is None), "")
    return WRONG, _lines(f"  {words}", question)


def _judge_stopped(answer, returned: list, trouble: Raised) -> tuple[str, str]:
    """What an error under the judge says: the learner's own code failed, or its answer was of no use to the judge."""
    if returned and not_attempted(answer, returned):
        return NOT_ATTEMPTED, ""
    if returned and returned[-1] is None:
        return WRONG, "  Your function returns None. Is a `return` missing?"
    if returned and isinstance(returned[-1], Raised):
        return RAISED, _lines(f"  {trouble.error}", f"  {trouble.place}")
    came = f"a function that returns {describe(returned[-1])}" if returned else describe(answer)
    return WRONG, f"  Your answer is {came}, which cannot be scored: {trouble.error}"


def _watched(function: Callable, returned: list) -> Callable:
    """The function, each of whose results, or errors as Raised, is also put into `returned`."""

    @wraps(function)
    def watching(*args, **kwargs):
        try:
            returned.append(function(*args, **kwargs))
        except BaseException as error:
            returned.append(raised(error))
            raise
        return returned[-1]

    return watching


def told(found: Difference, reveal: bool = True) -> str:
    """A difference in lines: where, what was expected, what came, a remark; `reveal` also tells a right value."""
    where = f" {found.where}" if found.where else ""
    if found.is_value and not reveal:
        return f"  yours{where}: {found.came}, which is not right"
    return _lines(f"  expected{where}: {found.expected}", f"  yours{where}: {found.came}", f"{found.remark}")


def _lines(*lines: str) -> str:
    """The lines that say something, each indented by two."""
    return "\n".join(f"  {line}" if not line.startswith(" ") else line for line in lines if line.strip())
