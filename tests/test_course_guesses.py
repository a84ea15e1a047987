"""What a reader guessed is shown beside what was measured, whatever it is that they wrote."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.course import guessed
from helpers.course.guesses import NONE_YET


def test_guesses_stand_beside_what_was_measured(capsys):
    guessed(("Spanish, %", 30, np.float64(88.49)), ("maths, %", None, 7.0), ("what matters most", "guard", "contract"))
    assert capsys.readouterr().out.splitlines() == [
        "                    your guess   measured",
        "Spanish, %                  30       88.5",
        "maths, %                     -          7",
        "what matters most        guard   contract"]  # fmt: skip


def test_who_has_not_guessed_is_told_how(capsys):
    guessed(("a", None, 1), ("b", None, 2))
    assert capsys.readouterr().out.splitlines()[-1] == NONE_YET


@pytest.mark.parametrize("guess", ["30 %", [30], ..., {"a": 1}, float("nan"), object()])
def test_no_guess_stops_the_cell(guess, capsys):
    guessed(("a", guess, 1.0))
    assert NONE_YET not in capsys.readouterr().out
