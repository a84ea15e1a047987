"""The learner's progress: kept by checks and claims, across sessions, in one file that no update touches."""

import json
import linecache
import subprocess
import sys

import pytest

from helpers.course import Case, Exercise, progress
from helpers.course.session import SESSION


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A file of its own for the progress, and a session in a module."""
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "progress.json"))
    monkeypatch.setattr(SESSION, "module", "lora")
    return tmp_path / "progress.json"


def exercise():
    return Exercise("double", "Double", 2, lambda n: 2 * n, [Case((n,)) for n in (1, 2, 5)], hints="abc")


def wrong(n):
    return n + 1


def right(n):
    return n + n


def test_outcomes_add_up_and_what_was_right_stays_right(file):
    ex = exercise()
    for answer in (wrong, right, wrong):
        ex.check(answer)
    (kept,) = json.loads(file.read_text())["checks"]["lora"].values()
    assert kept == {"right": True, "failed": 2, "points": 2.0, "answer": "def wrong(n):\n    return n + 1\n",
                    "solved": "def right(n):\n    return n + n\n", "hints": 0}  # fmt: skip


def test_last_shows_the_right_answer_too_where_a_wrong_one_came_after_it(file, capsys):
    both = "n + 1\n\n\n# The one that was right:\ndef right"
    for answers, shown in (((right,), "return n + n"), ((right, wrong), both)):
        for answer in answers:
            exercise().check(answer)
        capsys.readouterr()
        exercise().last()
        assert shown in capsys.readouterr().out


def test_hints_go_on_in_the_next_session(file, capsys):
    exercise().check(wrong)
    for number in (1, 2, 3, 3):
        exercise().hint()
        assert f"Hint {number} of 3" in capsys.readouterr().out


def test_hints_read_before_the_first_check_go_on_too_and_begin_nothing(file, monkeypatch, capsys):
    for number in (1, 2):
        exercise().hint()
        assert f"Hint {number} of 3" in capsys.readouterr().out
    monkeypatch.setattr(progress, "MODULES", ["lora"])
    named = Exercise("pissa", "PiSSA", 1, 1, hints="abc")
    named.hint()
    progress.show_progress()
    assert "begun" not in capsys.readouterr().out
    named.check(2)
    progress.show_progress()
    assert "begun: pissa" in capsys.readouterr().out
    assert progress.kept_check("lora", "pissa")["hints"] == 1


def test_what_stands_beside_a_function_in_its_cell_is_kept_with_it(file, capsys):
    cell = "factor = 2\n\ndef double(n):\n    return factor * n\n"
    linecache.cache["<cell 7>"] = (len(cell), None, cell.splitlines(keepends=True), "<cell 7>")
    names: dict = {}
    exec(compile(cell, "<cell 7>", "exec"), names)
    exercise().check(names["double"])
    exercise().last()
    assert capsys.readouterr().out == f"Double: right.\n{cell}\n"


def test_a_new_session_goes_on_where_the_last_one_stopped(file, capsys):
    first = exercise()
    for _ in range(2):
        first.check(wrong)
    assert "3 tries so far" not in capsys.readouterr().out
    second = exercise()
    second.last()
    assert capsys.readouterr().out == "def wrong(n):\n    return n + 1\n\n"
    assert "3 tries so far. " in second.check(wrong).message


def test_a_stub_and_a_check_without_a_notebook_leave_nothing(file, monkeypatch, capsys):
    exercise().check(...)
    monkeypatch.setattr(SESSION, "module", None)
    exercise().check(right)
    assert not file.exists()
    exercise().last()
    assert "Nothing is kept before start(...) has run" in capsys.readouterr().out


def test_claims_are_kept_with_their_verdicts(file):
    progress.note_claims("lora", {"a": "new"})
    progress.note_claims("lora", {"b": "reversed"})
    assert progress.load()["claims"] == {"lora": {"a": "new", "b": "reversed"}}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"checks": {}}', '{"checks": [], "claims": {}}', "null", "\udcff",
                                  '{"checks": {"lora": 3}, "claims": {}}',
                                  '{"checks": {"lora": {"pissa": 3}}, "claims": {}}',
                                  '{"checks": {"lora": {"double": {"hints": "2"}}}, "claims": {}}',
                                  '{"checks": {"lora": {"double": {"answer": 2}}}, "claims": {}}'])  # fmt: skip
def test_a_broken_file_is_put_aside_whole(file, text, capsys):
    file.write_bytes(text.encode(errors="surrogateescape"))
    assert exercise().check(right).points == 2
    assert "was put aside" in capsys.readouterr().out
    assert file.with_name("progress.json.broken").read_bytes() == text.encode(errors="surrogateescape")
    assert progress.load()["checks"]["lora"]["double"]["right"]


def test_a_second_broken_file_does_not_overwrite_the_first(file, capsys):
    for text in "abc":
        file.write_text(text)
        exercise().check(wrong)
    assert "aside as progress.json.broken-3;" in capsys.readouterr().out
    kept = [file.with_name(f"progress.json.broken{ending}").read_text() for ending in ("", "-2", "-3")]
    assert kept == ["a", "b", "c"]


def test_a_file_of_the_first_version_is_read_on(file):
    file.write_text('{"version": 1, "checks": {"lora": {"double": {"right": true, "points": 2}}}, "claims": {}}')
    exercise().check(wrong)
    assert progress.kept_check("lora", "double")["right"] and progress.kept_check("lora", "double")["failed"] == 1


def test_a_write_that_fails_leaves_nothing_behind(file, monkeypatch):
    def fail(*paths):
        raise PermissionError("another program holds the file")

    monkeypatch.setattr(progress.os, "replace", fail)
    assert exercise().check(right).points == 2
    assert {path.name for path in file.parent.iterdir()} <= {"progress.json.lock"}


def test_where_nothing_can_be_written_the_check_still_answers(tmp_path, monkeypatch):
    monkeypatch.setattr(SESSION, "module", "lora")
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "progress.json", ""):
        monkeypatch.setenv("COURSE_PROGRESS", str(place))
        assert exercise().check(right).points == 2 and progress.load() == progress.EMPTY


def test_two_notebooks_at_once_lose_nothing(file):
    code = "import sys; from helpers.course import progress\n" \
           "for n in range(20): progress.note_check('lora', sys.argv[1] + str(n), 'right', 1.0, '')"  # fmt: skip
    writers = [subprocess.Popen([sys.executable, "-c", code, name]) for name in "ab"]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert len(progress.load()["checks"]["lora"]) == 40


def test_it_lies_outside_the_course_and_in_the_drive_on_colab(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_PROGRESS")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(progress, "DRIVE", tmp_path / "MyDrive")
    assert progress.place() == tmp_path / progress.NAME
    (tmp_path / "MyDrive").mkdir()
    assert progress.place() == tmp_path / "MyDrive" / progress.NAME
