"""The quizzes: five questions a module, one right choice each, and words for every choice."""

import json
import math
import re
from importlib import resources

import pytest

from helpers.course import MODULES, quiz
from helpers.course.quizzes import questions_of
from scripts.notebook_format import ROOT

WITH_QUIZ = [name for name in MODULES if (resources.files("helpers") / name / "quiz.json").is_file()]

NUMBER = re.compile(r"(?<![\w.])(?:\d[\d,]*\d|\d)?\.?\d+")
CLAIMS = {row["id"]: row["ours"] for row in json.loads((ROOT / "notebooks" / "claims.json").read_text())["claims"]}


def unfounded(asked: dict) -> list[str]:
    """The numbers in a question's choices that neither it nor its "numbers" account for, or that these contradict.

    A value of "numbers" is a formula, or "claim ID" for a measured figure. 0 and 1 need no account.
    """
    given = {*NUMBER.findall(asked["question"]), "0", "1"}
    words = " ".join(choice["answer"] + " " + choice["feedback"] for choice in asked["answers"])
    wrong = []
    for number in dict.fromkeys(NUMBER.findall(words)):
        source = asked.get("numbers", {}).get(number)
        if source is None:
            wrong += [number] if number not in given else []
            continue
        claim = source.removeprefix("claim ")
        value = CLAIMS[claim] if claim != source else eval(source, {"__builtins__": {}}, vars(math))
        decimals = len(number.partition(".")[2])
        wrong += [number] if round(value, decimals) != float(number.replace(",", "")) else []
    return wrong


@pytest.mark.parametrize("module", WITH_QUIZ)
def test_every_stated_number_has_a_formula_or_a_claim(module):
    assert [number for asked in questions_of(module) for number in unfounded(asked)] == []


@pytest.mark.parametrize(("words", "numbers", "wrong"), [
    ("It gains 33.8 points.", {"33.8": "claim markdown"}, []),
    ("It gains 33.9 points.", {"33.9": "claim markdown"}, ["33.9"]),
    ("It gains 12 points.", {}, ["12"]), ("log 9 is 2.2", {"9": "9", "2.2": "log(9)"}, []), ("as asked, 4", {}, []),
    ("it is 2.3", {"2.3": "log(9)"}, ["2.3"]), ("of 10,000", {"10,000": "1e4"}, []),
])  # fmt: skip
def test_a_number_out_of_nowhere_is_found(words, numbers, wrong, monkeypatch):
    monkeypatch.setitem(CLAIMS, "markdown", 33.76)
    asked = {"question": "What of 4?", "numbers": numbers, "answers": [{"answer": "a", "feedback": words}]}
    assert unfounded(asked) == wrong


@pytest.mark.parametrize("module", WITH_QUIZ)
def test_every_choice_has_words_of_its_own(module):
    questions = questions_of(module)
    assert len(questions) == 5
    for asked in questions:
        choices = asked["answers"]
        assert asked["question"].endswith("?") and asked["type"] == "multiple_choice" and len(choices) >= 3
        assert sum(choice["correct"] for choice in choices) == 1
        feedback = [choice["feedback"] for choice in choices]
        assert len(set(feedback)) == len(feedback) and min(map(len, feedback)) > 40


@pytest.mark.parametrize("module", WITH_QUIZ)
def test_the_right_choice_has_no_place_of_its_own(module):
    places = [[choice["correct"] for choice in asked["answers"]].index(True) for asked in questions_of(module)]
    assert set(places) == {0, 1, 2}


@pytest.mark.parametrize("module", WITH_QUIZ)
def test_without_a_notebook_the_questions_are_printed(module, capsys):
    quiz(module)
    printed = capsys.readouterr().out
    assert all(asked["question"] in printed for asked in questions_of(module))
    assert all(choice["answer"] in printed for asked in questions_of(module) for choice in asked["answers"])


def test_an_unknown_module_is_named():
    with pytest.raises(ValueError, match="there is no module 'astrology'"):
        quiz("astrology")
