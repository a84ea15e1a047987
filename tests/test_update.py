"""`make update`, on real repositories: what a learner changed stays, or is kept where the update changes it too."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from scripts import update

SCRIPT = Path(update.__file__)
NOW = datetime(2026, 11, 1, 10, 15)
KEPT = "kept/2026-11-01-101500"
FIRST = {"README.md": "read", "exercises/1_a.ipynb": "one", "exercises/2_b.ipynb": "two", ".gitignore": "kept/\n"}


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", folder, "-c", "user.name=A", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, files: dict[str, str | None]) -> None:
    """Write the files (None: remove) and commit them."""
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).unlink() if text is None else (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "more")


@pytest.fixture
def course(tmp_path, monkeypatch) -> SimpleNamespace:
    """The course's own repository, `origin`, and a learner's clone of it, `here`."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "none"))
    origin, here = tmp_path / "origin", tmp_path / "here"
    origin.mkdir()
    git(origin, "init", "--quiet")
    commit(origin, FIRST)
    git(tmp_path, "clone", "--quiet", str(origin), str(here))
    return SimpleNamespace(origin=origin, here=here)


def files(folder: Path) -> dict[str, str]:
    """The content of every file below a folder, git's own left out."""
    paths = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def test_what_the_update_does_not_touch_stays_and_nothing_is_moved(course, capsys):
    (course.here / "exercises/1_a.ipynb").write_text("mine")
    (course.here / "own.txt").write_text("own")
    commit(course.origin, {"exercises/2_b.ipynb": "two, better", "README.md": None})
    update.update(course.here, NOW)
    assert capsys.readouterr().out == "The course is updated: 2 files changed.\n"
    changed = {"exercises/1_a.ipynb": "mine", "exercises/2_b.ipynb": "two, better", "own.txt": "own"}
    assert files(course.here) == {name: text for name, text in FIRST.items() if name != "README.md"} | changed


@pytest.mark.parametrize("name", ["exercises/1_a.ipynb", "README.md"])
@pytest.mark.parametrize("staged", [False, True])
def test_what_the_update_changes_too_is_kept_and_replaced(course, name, staged, capsys):
    (course.here / name).write_text("mine")
    (course.here / "exercises/2_b.ipynb").write_text("also mine")
    if staged:
        git(course.here, "add", name)
    commit(course.origin, {name: "better"})
    update.update(course.here, NOW)
    assert capsys.readouterr().out.splitlines()[0] == f"Your {name} as before: {KEPT}/"
    assert files(course.here) == FIRST | {name: "better", f"{KEPT}/{name}": "mine", "exercises/2_b.ipynb": "also mine"}
    assert git(course.here, "status", "--porcelain") == " M exercises/2_b.ipynb\n"


@pytest.mark.parametrize("staged", [False, True])
def test_a_file_in_the_way_of_a_new_one_is_kept(course, staged):
    (course.here / "more").mkdir()
    (course.here / "more/new [1].txt").write_text("mine")
    if staged:
        git(course.here, "add", "more")
    commit(course.origin, {"more/new [1].txt": "theirs"})
    update.update(course.here, NOW)
    assert files(course.here) == FIRST | {"more/new [1].txt": "theirs", f"{KEPT}/more/new [1].txt": "mine"}


def test_what_one_removed_and_the_other_changed_is_there_again(course):
    (course.here / "README.md").unlink()
    (course.here / "exercises/1_a.ipynb").write_text("mine")
    commit(course.origin, {"README.md": "better", "exercises/1_a.ipynb": None})
    update.update(course.here, NOW)
    expected = FIRST | {"README.md": "better", f"{KEPT}/exercises/1_a.ipynb": "mine"}
    del expected["exercises/1_a.ipynb"]
    assert files(course.here) == expected


def test_where_git_refuses_your_files_are_put_back(course):
    (course.here / "README.md").write_text("mine")
    (course.here / "new/folder").mkdir(parents=True)
    (course.here / "new/folder/own.txt").write_text("own")
    commit(course.origin, {"README.md": "better", "new": "a file now"})
    with pytest.raises(update.Trouble, match="(?s)was not taken, and your files are as they were. git says: .*new"):
        update.update(course.here, NOW)
    assert files(course.here) == FIRST | {"README.md": "mine", "new/folder/own.txt": "own", f"{KEPT}/README.md": "mine"}


def test_without_news_nothing_happens(course, capsys):
    (course.here / "README.md").write_text("mine")
    update.update(course.here, NOW)
    commit(course.here, {"exercises/1_a.ipynb": "mine too"})
    update.update(course.here, NOW)
    assert capsys.readouterr().out == "The course is up to date.\n" * 2
    assert files(course.here) == FIRST | {"README.md": "mine", "exercises/1_a.ipynb": "mine too"}


def without_network(course):
    shutil.rmtree(course.origin)


def without_upstream(course):
    git(course.here, "branch", "--unset-upstream")


def on_a_tag(course):
    git(course.here, "checkout", "--quiet", "--detach")


def without_history(course):
    shutil.rmtree(course.here / ".git")


def with_own_commits(course):
    commit(course.here, {"exercises/2_b.ipynb": "mine, committed"})


@pytest.mark.parametrize("trouble, words", [
    (without_network, "could not be fetched. Is there a network"), (without_upstream, "Try: git switch main"),
    (on_a_tag, "Try: git switch main"), (without_history, "Expected a git clone"),
    (with_own_commits, "yours: 1, new ones of the course: 1"),
])  # fmt: skip
def test_where_there_is_no_way_a_sentence_says_so_and_nothing_is_lost(course, trouble, words):
    (course.here / "README.md").write_text("mine")
    commit(course.origin, {"README.md": "better"})
    trouble(course)
    before = files(course.here)
    with pytest.raises(update.Trouble, match=words):
        update.update(course.here, NOW)
    assert files(course.here) == before and before["README.md"] == "mine"


def test_the_script_itself_takes_the_update_and_says_in_words_why_not(course):
    commit(course.origin, {"scripts/update.py": SCRIPT.read_text(encoding="utf-8")})
    git(course.here, "pull", "--quiet")
    commit(course.origin, {"README.md": "better"})
    for code, words in ((0, "1 files changed"), (1, "Is there a network")):
        done = subprocess.run([sys.executable, "scripts/update.py"], cwd=course.here, capture_output=True, text=True)
        assert done.returncode == code and words in done.stdout + done.stderr and "Traceback" not in done.stderr
        shutil.rmtree(course.origin, ignore_errors=True)
    assert (course.here / "README.md").read_text() == "better"
