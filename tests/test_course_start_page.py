"""The start page: the self-test with its remedies, the five questions, and the learner's progress."""

import sys
from itertools import product

import pytest

from helpers.course import beginning, machine, progress, self_test, selftest, versions, where_to_begin
from helpers.course.beginning import QUESTIONS, advice


@pytest.fixture(autouse=True)
def any_speed(monkeypatch):
    """How fast this machine is just now decides no test."""
    monkeypatch.setattr(selftest, "SLOW", 1e9)


def test_on_this_machine_all_is_well(capsys):
    self_test()
    said = capsys.readouterr().out
    assert "Everything is as it should be." in said and "LOOK" not in said
    assert [line.split()[1] for line in said.splitlines()[:4]] == ["Python", "packages", "memory", "cores"]


def need(name, version=">=1"):
    from packaging.requirements import Requirement

    return Requirement(name + version)


TROUBLES = {
    "an old Python": (sys, "version_info", (3, 10, 1), "Install Python 3.11"),
    "nothing installed": (versions, "requirements", lambda: [], "make env"),
    "a package is missing": (versions, "requirements", lambda: [need("no-such-package")], "pip install"),
    "a package is too new": (versions, "requirements", lambda: [need("numpy", "<1")], "most cells may work"),
    "little memory": (machine, "free_memory", lambda: 10**9, "Close other notebooks"),
    "a slow step": (selftest, "SLOW", 0.0, "another program busy"),
    "no torch": (sys, "modules", None, "Modules 2 and 4 do without"),
}


@pytest.mark.parametrize("place, name, value, words", TROUBLES.values(), ids=TROUBLES)
def test_each_trouble_has_a_remedy_in_plain_words(monkeypatch, capsys, place, name, value, words):
    if name == "modules":
        monkeypatch.setitem(sys.modules, "torch", None)
    else:
        monkeypatch.setattr(place, name, value)
    self_test()
    said = capsys.readouterr().out
    trouble, remedy = said.split("LOOK", 1)[1].splitlines()[:2]
    assert words in remedy and "1 to look at; the rest is fine." in said and trouble.strip()


def test_a_machine_that_tells_nothing_is_no_trouble(monkeypatch):
    monkeypatch.setattr(machine, "free_memory", lambda: None)
    assert selftest.memory().remedy == ""


RIGHT = "".join(asked.right for asked in QUESTIONS)


def test_any_five_letters_lead_somewhere():
    for letters in map("".join, product("abc?", repeat=5)):
        said = advice(letters)
        assert said.startswith("Begin with ") and ("module" in said)
    assert "Then 3, 1, 4." in advice(RIGHT) and advice("????" + RIGHT[4]).startswith("Begin with module 4")
    assert advice(RIGHT[:2] + "???").startswith("Begin with module 2") and "numpy" in advice("?????")
    assert advice("a????").startswith("Begin with module 2, whose text")
    assert "PyTorch's own first tutorial" in advice(RIGHT[:2] + "??" + RIGHT[4]) and "tutorial" not in advice(RIGHT)


def test_the_questions_are_printed_until_there_are_five_letters(capsys):
    where_to_begin()
    said = capsys.readouterr().out
    assert all(asked.text in said and all(choice in said for choice in asked.choices) for asked in QUESTIONS)
    for wrong in ("abc", "abcda", "12345", "aaaaaa"):
        where_to_begin(wrong)
        assert "Expected five letters" in capsys.readouterr().out
    where_to_begin(f" {RIGHT.upper()} ")
    said = capsys.readouterr().out
    assert said.count(". right. ") == 5 and "Begin with module 2" in said


def test_the_questions_have_one_right_choice_and_say_why():
    for asked in QUESTIONS:
        assert asked.right in "abc" and len(set(asked.choices)) == 3 and len(asked.why) > 20
    assert len({asked.right for asked in QUESTIONS}) == 3 and len(QUESTIONS) == 5
    needs = set().union(*(needs for needs, _, _ in beginning.FITS))
    assert needs == {asked.about for asked in QUESTIONS}


def test_progress_is_told_module_by_module(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "p.json"))
    progress.note_check("lora", "pissa", "right", 2.0, "")
    progress.note_check("lora", "adam", "wrong", 0.0, "")
    progress.note_claims("aggregation", {"isp_gain": "reproduced"})
    progress.show_progress()
    lines = capsys.readouterr().out.splitlines()
    assert "0 of  9 exercises" in lines[0] and " 1 of 23 claims seen" in lines[1]
    assert lines[2].startswith("3 lora              1 of 10 exercises") and lines[2].endswith("; begun: adam")
    assert lines[-1] == f"Kept in {tmp_path / 'p.json'}; delete it to forget."
