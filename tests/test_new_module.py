"""`make new-module`: names it refuses, nothing left where it fails, and a module that passes every test as it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import new_module
from scripts.notebook_format import ROOT

NAME = "a_tiny_module"  # sorts before helpers.course, where an import could fall out of order
FILES = ("exercises", "hygiene", "links", "nbgrader", "notebooks", "course_quiz", "course_claims", "course_start",
         "course_start_page", "slides", "widgets", "book")  # fmt: skip
PICKED = f"{NAME} or ruff or generated or excused or stated_form or follow_the_names or unknown or module_by_module"
PICKED += " or too_much"  # the slides of all modules
NEED_A_BROWSER = {"tests/test_slides.py", "tests/test_widgets.py"}


@pytest.fixture
def root(tmp_path) -> Path:
    """A course of four modules with the files that a new module changes, and those in which its own stand."""
    for folder in ("helpers/course", "notebooks/pictures", "solutions", "exercises", "tests"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "helpers/course/modules.json").write_text('["one", "two", "three", "four"]')
    (tmp_path / "notebooks/claims.json").write_text('{"claims": [], "notebooks": []}')
    (tmp_path / "README.md").write_text("# Course\n")
    (tmp_path / "notebooks/1_one.ipynb").write_text("{}")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, what Python caches left out."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip


NO_NAMES = ("", "Example", "2nd", "a-b", "a b", "../a", "class", "_a", "a_", "a__b", "ä", "a" * 31)
FAILURES = (OSError("disk full"), KeyboardInterrupt(), subprocess.CalledProcessError(1, "links"))


@pytest.mark.parametrize("name", NO_NAMES)
def test_what_is_no_name_is_refused(name, root):
    assert "expected a name in snake case" in new_module.problem(name, root)


def test_a_name_that_is_taken_is_refused(root):
    assert new_module.problem("example", root) == ""
    assert "there is a module 'two' already; the names taken are one, two" in new_module.problem("two", root)
    assert new_module.problem("course", root).startswith("helpers/course would be in the way")
    (root / "notebooks/5_old.ipynb").touch()
    (root / "tests/test_example.py").touch()
    assert new_module.problem("example", root).startswith("notebooks/5_old.ipynb, tests/test_example.py would be")


def test_the_tenth_module_is_refused(root):
    (root / "helpers/course/modules.json").write_text(json.dumps([f"m{number}" for number in range(9)]))
    assert "numbered with one digit" in new_module.problem("example", root)


def test_a_refusal_says_why_and_makes_nothing(monkeypatch, capsys):
    monkeypatch.setattr(new_module, "make", lambda name: pytest.fail("it was made all the same"))
    for names, words in (([], "NAME=example"), (["aggregation"], "already"), (["my", "module"], "got 'my module'")):
        assert new_module.main(names) == 2
        assert re.search(f"No module was made: .*{words}", capsys.readouterr().err)


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_a_failure_half_way_leaves_nothing(root, monkeypatch, error):
    def generate(name, number, root):
        (root / "README.md").write_text("half written")
        (root / "notebooks/1_one.ipynb").write_text("changed")
        (root / f"notebooks/pictures/{number}_{name}.png").touch()
        assert "example" in new_module.modules(root)
        raise error

    before = contents(root)
    monkeypatch.setattr(new_module, "generate", generate)
    with pytest.raises(type(error)):
        new_module.make("example", root)
    assert contents(root) == before and not (root / "helpers/example").exists()


def test_no_placeholder_is_left_and_each_file_says_what_to_put_there(root):
    files = new_module.filled("example", 5, root)
    assert len(files) >= 10 and {root / "notebooks/5_example.ipynb", root / "helpers/example/quiz.json"} <= set(files)
    for path, text in files.items():
        assert not re.search("[Nn]ew.module|NUMBER", f"{path.relative_to(root)} {text}"), path
        assert "To replace:" in text or path.suffix == ".json", path


@pytest.mark.skipif(shutil.which("make") is None, reason="no make here")
@pytest.mark.parametrize("words", [["NAME=example"], ["example"]], ids=" ".join)
def test_make_takes_the_name_either_way(words):
    command = ["make", "--dry-run", "--no-print-directory", "new-module", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NAME": "other"})
    assert done.returncode == 0 and '-m scripts.new_module "example"' in done.stdout, done.stderr


def copy_of_the_tree(folder: Path) -> None:
    """Copy what git knows or would take in; skip the test where there is no git."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("this is no git clone")
    for name in filter(None, listing.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)


def run(tree: Path, *command: str) -> subprocess.CompletedProcess:
    """Run a module of Python in the copy, whose helpers come first, in its kernels too."""
    found = os.pathsep.join([str(tree), str(tree / "tests" / "offline")])
    return subprocess.run([sys.executable, "-B", "-m", *command], cwd=tree, env=os.environ | {"PYTHONPATH": found},
                          capture_output=True, text=True, timeout=1200)  # fmt: skip


@pytest.mark.long
def test_a_new_module_passes_as_it_is(tmp_path):
    copy_of_the_tree(tmp_path)
    before, coins = contents(tmp_path), tmp_path / "scripts/template/helpers/new_module/coins.py"
    coins.write_text("raise ValueError('a template that does not run')")
    done = run(tmp_path, "scripts.new_module", NAME)
    assert done.returncode == 1 and "No module was made, and all is as before" in done.stderr
    coins.write_bytes(before[coins.relative_to(tmp_path).as_posix()])
    assert contents(tmp_path) == before

    done = run(tmp_path, "scripts.new_module", NAME)
    assert done.returncode == 0, done.stderr
    number = len(new_module.modules(tmp_path))
    chosen = [f"tests/test_{name}.py" for name in (NAME, *FILES)]
    chosen += [f"{folder}/{number}_{NAME}.ipynb" for folder in ("notebooks", "solutions")]
    options = ["-q", "-rA", "-m", "not long", "--nbval", "--nbval-current-env", "-k", PICKED]
    done = run(tmp_path, "pytest", *options, *chosen)
    assert done.returncode == 0, done.stdout[-5000:]
    passed = set(re.findall(r"^PASSED (\S+?)::", done.stdout, re.MULTILINE))
    assert set(chosen) - passed <= NEED_A_BROWSER
