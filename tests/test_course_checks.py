"""Exercises: four outcomes, messages that name the case and the likely mistake, hints and solutions."""

from __future__ import annotations

import sys
import time
import types
import warnings

import numpy as np
import pytest

from helpers.course import Case, Exercise, Mistake, typical

HINTS = ("a nudge", "a push", "nearly there")
COUNTS = np.array([[2, 1, 0], [0, 3, 1]])


def shares(counts, n_options):
    return counts.sum(axis=1) / n_options


def too_few(counts, n_options):
    return counts.sum(axis=1) / (n_options - 1)


@pytest.fixture
def ex():
    return Exercise(
        "shares", "Share of votes", 2, shares, [Case((COUNTS, 3), "two questions"), Case((np.ones((4, 2)), 5))],
        [Mistake("K - 1", too_few, "Did you divide by K - 1 instead of K?")], HINTS, solution="def shares(): 1",
    )  # fmt: skip


def checked(ex, answer, capfd) -> str:
    """The message of a check that earns nothing, seen on stdout alone."""
    capfd.readouterr()
    result = ex.check(answer)
    out, err = capfd.readouterr()
    assert err == "" and result.message in out and "Traceback" not in out
    assert result.points == 0.0 and result.outcome in ("not attempted", "raised", "wrong")
    return f"{result.outcome}|{result.message}"


def test_the_right_answer_earns_all_points(ex, capfd):
    result = ex.check(lambda counts, n_options: counts.sum(axis=1) / n_options)
    assert (result.outcome, result.points, type(result.points)) == ("right", 2.0, float)
    assert capfd.readouterr() == ("Share of votes: right.\n", "") and repr(result) == "right (2 points)"
    assert ex.check(lambda counts, n_options: list(counts.sum(axis=1) / n_options)).outcome == "right"


def empty(counts, n_options): ...


@pytest.mark.parametrize("stub", [..., None, empty, lambda *_: ..., lambda *_: (..., ...), (..., ...)])
def test_stubs_are_not_attempted(ex, stub, capfd):
    for _ in range(4):
        assert checked(ex, stub, capfd).startswith("not attempted|Share of votes: not attempted yet. ex.shares.hint()")


def test_a_typical_mistake_is_a_function_whose_docstring_asks():
    def doubled(n):
        """Why twice?"""

    assert typical(doubled) == (Mistake("doubled", doubled, "Why twice?"),) and typical() == ()


def test_a_typical_mistake_gets_its_question_and_the_case(ex, capfd):
    said = checked(ex, too_few, capfd)
    assert said.splitlines() == [
        "wrong|Share of votes: not yet.",
        "  Case 1 of 2 (two questions): shares([[2, 1, 0], [0, 3, 1]], 3)",
        "  expected at [0]: 1.0",
        "  yours at [0]: 1.5",
        "  Every entry is 1.5 times the expected one.",
        "  Did you divide by K - 1 instead of K?",
        "ex.shares.hint() gives a hint.",
    ]


def test_a_mistake_must_fit_all_cases(ex, capfd):
    only_first = lambda counts, k: too_few(counts, k) if k == 3 else shares(counts, k)  # noqa: E731
    assert "K - 1" not in checked(ex, only_first, capfd)


def with_input_changed(counts, n_options):
    result = shares(counts, n_options)
    counts *= 2
    return result


def noisy(counts, n_options):
    print("a line of stderr", file=sys.stderr)
    warnings.warn("careful", UserWarning, stacklevel=1)
    np.log(np.zeros(1))
    return shares(counts, n_options)


@pytest.mark.parametrize(
    "answer, words",
    [
        (lambda c, k: c.sum(axis=0) / k, "a float array of shape (3,)"),
        (lambda c, k: c.sum() / k, "yours: the float64"),
        (lambda c, k: shares(c, k)[:, None], "Only axes of length 1 differ"),
        (lambda c, k: shares(c, k).astype(int), "yours: an int array of shape (2,)"),
        (lambda c, k: shares(c, k) / 0 * 0, "yours at [0]: NaN (not a number)"),
        (lambda c, k: [None, 1.0], "things that are not numbers"),
        (lambda c, k: "1, 2", "yours: the text '1, 2'"),
        (lambda c, k: np.array(shares(c, k), dtype=object), "yours: an object array"),
        (lambda c, k: print("hello"), "yours: None\n  Is a `return` missing?"),
        (lambda c: c, "expected: 2 arguments (counts, n_options)\n  yours: a function of (c)"),
        (with_input_changed, "argument 1 is changed"),
        (shares(COUNTS, 3), "yours: a float array of shape (2,)\n  Pass the function itself"),
        (3, "expected: a function\n  yours: the int 3"),
        (lambda c, k: shares if k == 3 else None, "a function (shares)"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_wrong_answers_are_told_what_came(ex, answer, words, capfd):
    assert words in checked(ex, answer, capfd)


def deep(counts, n_options):
    return deep(counts, n_options)


def stops(counts, n_options):
    raise SystemExit(3)


class Mute(Exception):
    def __str__(self):
        raise ValueError


def mute(counts, n_options):
    raise Mute


def helped(counts, n_options):
    return np.reshape(counts, 7)


@pytest.mark.parametrize(
    "answer, error, line",
    [(deep, "RecursionError: maximum recursion", "return deep(counts, n_options)"),
     (stops, "SystemExit: 3", "raise SystemExit(3)"), (mute, "Mute", "raise Mute"),
     (helped, "ValueError: cannot reshape", "return np.reshape(counts, 7)")],
)  # fmt: skip
def test_errors_come_with_the_learners_line(ex, answer, error, line, capfd):
    said = checked(ex, answer, capfd)
    assert said.startswith("raised|Share of votes: your code stopped with an error.\n  Case 1 of 2 (two questions)")
    number = answer.__code__.co_firstlineno + 1
    assert f"\n  {error}" in said and f"\n  line {number}: {line}" in said


def test_an_interrupt_is_let_through(ex):
    def interrupted(counts, n_options):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ex.check(interrupted)


@pytest.mark.parametrize("seconds, said", [(0.5, True), (0.0, False)])
def test_a_check_that_takes_long_says_so_while_it_runs(ex, capfd, monkeypatch, seconds, said):
    def slow(counts, n_options):
        time.sleep(seconds)
        heard.append(capfd.readouterr().out)
        return shares(counts, n_options)

    heard: list[str] = []
    monkeypatch.setattr("helpers.course.calls.LONG", 0.2)
    assert ex.check(slow).outcome == "right"
    assert ("Share of votes: still at work after 0.2 s." in heard[0]) == said
    time.sleep(0.3)
    assert "still at work" not in capfd.readouterr().out  # once at most, and not after its end


def test_stderr_and_warnings_come_out_on_stdout(ex, capfd):
    assert ex.check(noisy).outcome == "right"
    out, err = capfd.readouterr()
    assert err == "" and "a line of stderr" in out and out.count("Remark: UserWarning: careful") == 1
    assert "Remark: RuntimeWarning: divide by zero" in out


class Hostile:
    def __getattr__(self, name):
        raise ValueError(f"no {name} for you")

    def __repr__(self):
        raise RuntimeError


def test_hostile_answers_never_raise(ex, capfd):
    for answer in (Hostile(), lambda c, k: Hostile(), Hostile, types.SimpleNamespace(shape=3), np.ma, b"1"):
        assert checked(ex, answer, capfd).split("|")[0] in ("wrong", "raised")


def test_a_check_leaves_its_cases_alone(ex):
    before = COUNTS.copy()
    ex.check(with_input_changed)
    assert (before == COUNTS).all() and ex.check(shares).outcome == "right"


def test_random_generators_may_be_arguments():
    draw = Exercise("draw", "Draw", 1, lambda rng: rng.random(3), [Case((np.random.default_rng(1),))], hints=HINTS)
    assert draw.check(lambda rng: rng.random(3)).outcome == "right"
    assert draw.check(lambda rng: rng.random(4)[1:]).outcome == "wrong"


def test_a_value_is_never_told(capfd):
    mistakes = [Mistake("all", 24, "Are ties counted twice?")]
    rules = Exercise("rules", "Number of rules", 1, 18, mistakes=mistakes, hints=HINTS)
    assert rules.check(18).points == 1.0
    assert "yours: 24, which is not right\n  Are ties counted twice?\nex.rules.hint()" in checked(rules, 24, capfd)
    for wrong in (17, 18.0, True, "18", [18], np.array([18]), lambda: 18):
        assert "18" not in checked(rules, wrong, capfd).split("yours")[0]
    assert "Did you mean to call it" in checked(rules, lambda: 18, capfd)


def test_results_may_be_normalised(capfd):
    pair = Exercise("pair", "Pair", 1, lambda n: [n, 1], [Case((2,))], hints=HINTS, normalise=sorted)
    assert pair.check(lambda n: [1, n]).outcome == "right"
    assert "cannot" in checked(pair, lambda n: 3, capfd) or "failed" in checked(pair, lambda n: 3, capfd)


def test_a_warning_of_a_known_mistake_is_not_put_down_to_the_learner(capfd):
    def slip(n):
        """Is that a slip?"""
        return np.ones(1) / np.zeros(1)

    mistakes = [Mistake("slip", slip, "Is that a slip?")]
    ex = Exercise("double", "Double", 2, lambda n: 2 * n, [Case((1,))], mistakes, "abc")
    for answer in (lambda n: 3 * n, lambda n: nothing_of_that_name):  # noqa: F821
        ex.check(answer)
        assert "Remark" not in capfd.readouterr().out


def test_a_return_is_missed_only_where_nothing_comes_back(capfd):
    at = Exercise("at", "At", 1, lambda n: n, [Case((1,)), Case((2,))], hints="abc", solution="n")
    assert "`return`" in checked(at, lambda n: n and None, capfd)
    assert "`return`" not in checked(at, lambda n: None if n == 2 else n, capfd)


def test_a_set_in_place_of_a_list_is_told(capfd):
    names = Exercise("names", "Names", 1, lambda n: ["a", "b"][:n], [Case((2,))], hints="abc", solution="n")
    assert "A set has no order. Is a list asked for?" in checked(names, lambda n: {"a", "b"}, capfd)
