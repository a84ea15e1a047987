"""The repository's address in badges and set-up cells, and what the set-up cell does on Colab."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import nbformat
import pytest
import yaml

from scripts import links
from scripts.notebook_format import ROOT, START, canonical, notebook_paths, read

NOTEBOOKS = [START, *notebook_paths()]
VERSION = links.project()["project"]["version"]
EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: f"{path.parent.name}/{path.name}")
FORK = "https://github.com/someone/else"


def cell(path: Path, name: str) -> str:
    """The source of the cell with the id `name`."""
    found = [cell.source for cell in read(path).cells if cell.id == name]
    assert len(found) == 1, f"{path.parent.name}/{path.name} needs one cell with the id {name!r}"
    return found[0]


def written_address() -> str:
    """The address that stands in the notebooks now; a fork's differs from ours, and that is as good."""
    found = re.search(r"git\+(https://\S+)@v", cell(NOTEBOOKS[0], "set-up"))
    assert found, "the set-up cell installs from no address; run: make links"
    return found[1]


@EACH
def test_set_up_cell_is_the_same_everywhere(path):
    text = cell(path, "set-up")
    assert text == links.set_up_cell(written_address(), VERSION), "run: make links"
    assert len(text.splitlines()) <= 15
    code = [found for found in read(path).cells if found.cell_type == "code"]
    assert code[0].id == "set-up"
    assert path == START or re.search(r'\bstart\("\w+"\)', code[1].source), "start(...) follows the set-up"


@EACH
def test_badges_lead_to_their_own_notebook(path):
    name = path.relative_to(ROOT).as_posix()
    assert cell(path, "badges") == links.badges_cell(written_address(), VERSION, name), "run: make links"


def test_the_setting_is_what_is_written():
    setting = links.project()["tool"]["course"]["repository"]
    if not setting or not NOTEBOOKS:
        pytest.skip("[tool.course] repository is not set, or there is no notebook yet")
    assert written_address() == links.address(setting, "")


def test_the_citation_states_the_same_version():
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == VERSION


@pytest.mark.parametrize("origin, expected", [
    ("https://github.com/a/b.git", "https://github.com/a/b"),
    ("https://user:secret@github.com/a/b", "https://github.com/a/b"),
    ("https://gitlab.com/group/sub/b/", "https://gitlab.com/group/sub/b"),
    ("git@github.com:a/b.git", links.UNKNOWN),
    ("http://github.com/a/b", links.UNKNOWN),
    ("https://git.example.org/a/b", links.UNKNOWN),
    ("/srv/git/b", links.UNKNOWN),
    ("", links.UNKNOWN),
])  # fmt: skip
def test_address_from_the_remote(origin, expected):
    assert links.address("", origin) == expected
    assert links.address(FORK, origin) == FORK


def test_a_setting_that_is_no_address_is_refused():
    with pytest.raises(ValueError, match="expected .*repository = https"):
        links.address("github.com/a/b", "")


@pytest.fixture
def small_course(tmp_path) -> Path:
    """A course of one notebook, its cells for badges and set-up empty, and a README."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells = [new_markdown_cell("# A title", id="title"), new_markdown_cell("", id="badges"), new_code_cell(id="set-up")]
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks/1_lora.ipynb").write_text(canonical(new_notebook(cells=cells)))
    (tmp_path / "README.md").write_text("# Course\n\n<!-- links:begin -->\n<!-- links:end -->\n")
    return tmp_path


def test_links_are_written_once(small_course):
    assert links.write_all(small_course, FORK, "1.2.3") == ["notebooks/1_lora.ipynb", "README.md"]
    before = {path: path.read_bytes() for path in small_course.rglob("*.*") if path.is_file()}
    assert links.write_all(small_course, FORK, "1.2.3") == []
    assert before == {path: path.read_bytes() for path in small_course.rglob("*.*") if path.is_file()}
    text = (small_course / "README.md").read_text()
    assert "[A title](notebooks/1_lora.ipynb)" in text and "github/someone/else/blob/v1.2.3/notebooks" in text
    assert links.write_all(small_course, links.UNKNOWN, "1.2.3") == ["notebooks/1_lora.ipynb", "README.md"]


def test_the_tag_that_the_links_need_is_said_wherever_one_publishes(small_course, monkeypatch, capsys):
    monkeypatch.setattr(links, "ROOT", small_course)
    monkeypatch.setattr(links, "project", lambda: {"tool": {"course": {"repository": FORK}},
                                                   "project": {"version": "1.2.3"}})  # fmt: skip
    assert links.main() == 0 and "git tag v1.2.3 && git push --tags" in capsys.readouterr().out
    for page in ("TEACHING.md", "CONTRIBUTING.md"):
        assert f"git tag v{VERSION} && git push --tags" in (ROOT / page).read_text(encoding="utf-8")


def test_a_notebook_without_the_cells_is_named(small_course):
    path = small_course / "notebooks/1_lora.ipynb"
    notebook = read(path)
    del notebook.cells[1]
    nbformat.write(notebook, path)
    with pytest.raises(ValueError, match="1_lora.ipynb has no cell with the id 'badges'"):
        links.write_all(small_course, FORK, "1.2.3")


def run_set_up(monkeypatch, installed: bool, returncode: int = 0) -> list[list[str]]:
    """The commands that the set-up cell runs on a pretended Colab, with the course installed or not."""
    commands = []

    def pip(command, **options):
        commands.append(command)
        return SimpleNamespace(returncode=returncode, stderr="no route to host")

    monkeypatch.setitem(sys.modules, "google", ModuleType("google"))
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    monkeypatch.setattr(subprocess, "run", pip)
    if not installed:
        for name in [name for name in sys.modules if name.split(".")[0] == "helpers"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "helpers", ModuleType("helpers"))  # a module without a path: no helpers.course
    exec(links.set_up_cell(FORK, "1.2.3"), {})
    return commands


def test_set_up_does_nothing_where_the_course_is(monkeypatch):
    assert run_set_up(monkeypatch, installed=True) == []


def test_set_up_says_that_the_notebook_is_newer_than_the_course(capsys):
    exec(links.set_up_cell(FORK, VERSION), {})
    assert capsys.readouterr().out == ""
    exec(links.set_up_cell(FORK, "99.1.0"), {})
    said = capsys.readouterr().out
    assert f"version 99.1.0 of the course, and {VERSION} is installed" in said and "`make update`" in said
    assert "git pull" not in said and "scripts/update.py" in said


def test_set_up_says_on_colab_how_to_get_the_newer_course(monkeypatch, capsys):
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release")
    exec(links.set_up_cell(FORK, "99.1.0"), {})
    assert "Disconnect and delete runtime" in capsys.readouterr().out


def test_set_up_installs_the_tag_and_leaves_torch_and_numpy(monkeypatch):
    (command,) = run_set_up(monkeypatch, installed=False)
    assert command[:4] == [sys.executable, "-m", "pip", "install"] and "--no-deps" in command
    assert {part for part in command[4:] if not part.startswith("-")} == {f"git+{FORK}@v1.2.3", *links.LACKING}
    assert not any(re.match("torch|numpy", part) for part in command)


def test_set_up_says_what_to_do_without_a_network(monkeypatch):
    with pytest.raises(RuntimeError, match="Is there a network.*\n.*no route to host"):
        run_set_up(monkeypatch, installed=False, returncode=1)


@pytest.mark.long
def test_a_wheel_of_the_course_holds_all_it_needs(tmp_path):
    """What Colab gets from the tag: built from a clone, installed without dependencies, imported with its data."""
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.egg-info", "build")
    shutil.copytree(ROOT, source, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(tmp_path / "site"), str(source)], check=True)
    shipped = {path.relative_to(tmp_path / "site") for path in (tmp_path / "site/helpers").rglob("*.*")}
    ours = {path.relative_to(ROOT) for path in (ROOT / "helpers").rglob("*.*") if "__pycache__" not in path.parts}
    assert ours - shipped == set()
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import helpers.course as c; print(c.__file__)"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "site" in done.stdout
