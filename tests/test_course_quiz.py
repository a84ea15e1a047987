"""The quizzes: five questions a module, one right choice each, and words for every choice."""

from importlib import resources

import pytest

from helpers.course import MODULES, quiz
from helpers.course.quizzes import questions_of

WITH_QUIZ = [name for name in MODULES if (resources.files("helpers") / name / "quiz.json").is_file()]


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
