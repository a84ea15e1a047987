"""Exercises beyond a check: judges of open answers, hints, solutions, and what their authors must give."""

from __future__ import annotations

import json

import numpy as np
import pytest

from helpers.course import Case, Exercise, Mistake, solution_from

HINTS = ("a nudge", "a push", "nearly there")
COUNTS = np.array([[2, 1, 0], [0, 3, 1]])


def shares(counts, n_options):
    return counts.sum(axis=1) / n_options


def checked(ex, answer, capsys) -> str:
    """The outcome and message of a check that earns nothing."""
    result = ex.check(answer)
    assert result.points == 0.0 and result.message in capsys.readouterr().out
    return f"{result.outcome}|{result.message}"


@pytest.fixture
def ex():
    return Exercise("shares", "Share of votes", 2, shares, [Case((COUNTS, 3))], hints=HINTS, solution="def shares(): 1")


def score(answer):
    value = answer(2) if callable(answer) else answer
    return value > 3, f"you scored {value}; above 3 is asked for"


@pytest.fixture
def open_ended():
    return Exercise("best", "Best", 1, judge=score, hints=HINTS, mistakes=[Mistake("zero", 0, "Is 0 a score?")])


def test_a_judge_decides(open_ended, capsys):
    assert open_ended.check(4).points == open_ended.check(lambda n: n * 2).points == 1.0
    assert "  you scored 1; above 3 is asked for\nex.best.hint()" in checked(open_ended, 1, capsys)
    assert "Is 0 a score?" in checked(open_ended, 0, capsys)
    assert checked(open_ended, lambda n: ..., capsys).startswith("not attempted")
    said = checked(open_ended, lambda n: n / 0, capsys)
    assert said.startswith("raised") and "ZeroDivisionError" in said and "lambda n: n / 0" in said
    assert "cannot be scored" in checked(open_ended, "four", capsys)


def test_a_judged_function_can_match_a_mistake(capsys):
    mistake = Mistake("half", lambda n: n / 2, "Did you halve?")
    judged = Exercise("twice", "Twice", 1, judge=score, cases=[Case((2,)), Case((3,))], mistakes=[mistake], hints=HINTS)
    assert "Did you halve?" in checked(judged, lambda n: n * 0.5, capsys)
    assert "Did you halve?" not in checked(judged, lambda n: 1.0, capsys)


def test_hints_come_in_order_and_the_last_stays(ex, capsys):
    for _ in range(4):
        ex.hint()
    last = "Hint 3 of 3: nearly there\nThat was the last hint; ex.shares.solution() shows an answer.\n"
    assert capsys.readouterr().out == "Hint 1 of 3: a nudge\nHint 2 of 3: a push\n" + last * 2


def test_the_solution_is_offered_after_three_failed_checks(ex, capsys):
    assert [".solution()" in checked(ex, np.sum, capsys) for _ in range(4)] == [False, False, True, True]
    ex.solution()
    assert capsys.readouterr().out == "def shares(): 1\n"


def test_solutions_are_loaded_when_asked_for(tmp_path, monkeypatch, capsys):
    folders = {"helpers.lora": tmp_path}
    monkeypatch.setattr("helpers.course.checks.resources.files", folders.get)
    load = solution_from("lora", "rank")
    with pytest.raises(FileNotFoundError, match="lora has no solutions.json; run `make exercises`"):
        load()
    (tmp_path / "solutions.json").write_text(json.dumps({"rank": "r = 8  # é"}), encoding="utf-8")
    Exercise("rank", "Rank", 1, 8, hints=HINTS, solution=load).solution()
    assert capsys.readouterr().out == "r = 8  # é\n"
    with pytest.raises(KeyError, match="no solution 'scale' in lora; there are rank"):
        solution_from("lora", "scale")()


@pytest.mark.parametrize(
    "change, words",
    [({"hints": ("a", "b")}, "at least 3 hints"), ({"points": 0}, "points above 0"),
     ({"reference": None}, "a reference or else"),
     ({"judge": score}, "a reference or else a judge"), ({"cases": ()}, "cases, because")],
)  # fmt: skip
def test_authors_are_told_what_is_left_out(change, words):
    complete = {"points": 1, "reference": shares, "cases": [Case((COUNTS, 3))], "hints": HINTS}
    with pytest.raises(ValueError, match=f"exercise 'shares' expects {words}"):
        Exercise("shares", "Share of votes", **(complete | change))


def test_an_exercise_says_what_it_offers(ex):
    assert repr(ex) == "Share of votes (2 points): ex.shares.check(answer), .hint(), .solution()"
