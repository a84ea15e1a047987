"""What keeps the files tidy: formats, names, headings, links, alt text, lengths, directions of imports."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest

from scripts.notebook_format import FOLDERS, ROOT, START, canonical, notebook_paths, read

NOTEBOOKS = [START, *notebook_paths()]
RUN = [START, *notebook_paths("notebooks", "solutions")]  # exercises are committed without outputs
PAGES = sorted(ROOT.glob("*.md"))
CODE = sorted(path for folder in ("helpers", "scripts", "tests") for path in (ROOT / folder).rglob("*.py"))
TEXTS = [*NOTEBOOKS, *PAGES, *CODE, *ROOT.glob("*.*ml"), *ROOT.glob("*.txt"), ROOT / "Makefile", ROOT / ".ci" / "run"]
MACHINE_PATH = re.compile(r"(?<![\w.:}\"'])/(?:work|root|tmp|home/\w+|Users/\w+)/|[A-Z]:\\+Users\\", re.ASCII)
CODE_LINES, FILE_LINES, CLONE_MB = 25, 250, 30


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=name)


def cells(path: Path, kind: str) -> list:
    return [cell for cell in read(path).cells if cell.cell_type == kind]


def markdown(path: Path) -> str:
    """The Markdown of a notebook or page without its blocks of code."""
    if path.suffix == ".ipynb":
        text = "\n\n".join(cell.source for cell in cells(path, "markdown"))
    else:
        text = path.read_text(encoding="utf-8")
    return re.sub(r"^(```|~~~).*?^\1", "", text, flags=re.DOTALL | re.MULTILINE)


def prose(path: Path) -> str:
    """The Markdown without code and formulas, where brackets mean something else."""
    return re.sub(r"`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$", "", markdown(path), flags=re.DOTALL)


def headings(path: Path) -> list[tuple[int, str]]:
    """Level and text of each heading, in order."""
    return [(len(marks), text) for marks, text in re.findall(r"^(#{1,6}) +(.+?)\s*$", markdown(path), re.MULTILINE)]


def test_ruff_finds_nothing():
    done = subprocess.run([sys.executable, "-m", "ruff", "check", "."], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@each(NOTEBOOKS)
def test_notebook_is_valid_and_in_canonical_bytes(path):
    notebook = read(path)
    nbformat.validate(notebook)
    assert "widgets" not in notebook.metadata, "GitHub refuses to show a notebook with widget states"
    assert path.read_bytes() == canonical(notebook).encode(), "run: python -m scripts.notebook_format"


@each(NOTEBOOKS)
def test_cell_ids_are_unique_and_chosen(path):
    ids = [cell.id for cell in read(path).cells]
    assert len(ids) == len(set(ids))
    drawn = [found for found in ids if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f-]{27})?", found)]
    assert not drawn, f"give these cells names of their own: {drawn}"


@each(NOTEBOOKS)
def test_no_cell_is_long(path):
    lengths = {cell.id: sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in cells(path, "code")}
    assert max(lengths.values()) <= CODE_LINES, max(lengths, key=lengths.get)


@each(RUN)
def test_notebook_ran_from_top_to_bottom_without_a_complaint(path):
    code = cells(path, "code")
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1)), "run: make notebooks"
    complaints = [
        (cell.id, output) for cell in code for output in cell.outputs
        if output.output_type == "error" or output.get("name") == "stderr"
    ]  # fmt: skip
    assert not complaints


@each(NOTEBOOKS)
def test_every_picture_says_what_it_shows(path):
    for cell in cells(path, "code"):
        for output in cell.outputs:
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    alt = output.metadata.get(kind, {}).get("alt", "")
                    assert len(alt) >= 20, f"cell {cell.id}: {kind} has the alt text {alt!r}"


@each([*NOTEBOOKS, *PAGES])
def test_pictures_in_prose_have_alt_text(path):
    found = re.findall(r"!\[([^\]]*)\]\(|<img\b([^>]*)>", prose(path))
    assert all(alt.strip() or re.search(r'alt="[^"]{10,}"', tag) for alt, tag in found), found


@each([*NOTEBOOKS, *PAGES])
def test_one_title_and_headings_in_order(path):
    levels = [level for level, _ in headings(path)]
    assert levels[:1] == [1] and levels.count(1) == 1, headings(path)
    skipped = [found for before, found in zip(levels, headings(path)[1:], strict=False) if found[0] > before + 1]
    assert not skipped, f"a level is left out above {skipped}"


def slugs(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub and as Jupyter make them."""
    texts = [re.sub(r"[*_`\[\]]|\(\S*\)", "", text) for _, text in headings(path)]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts} | {
        text.replace(" ", "-") for text in texts
    }


def broken(path: Path) -> list[str]:
    """The links of a notebook or page to files and headings of this repository that are not there."""
    text, missing = prose(path), []
    for link in re.findall(r"\]\(<?([^)\s>]+)|(?:href|src)=\"([^\"]+)\"", text):
        file, _, anchor = unquote("".join(link)).partition("#")
        if re.match(r"[a-z]+:", file):
            continue
        target = (path.parent / file).resolve() if file else path
        known = target.exists() and target.is_relative_to(ROOT)
        if not known or (anchor and target.is_file() and anchor not in slugs(target)):
            missing.append("".join(link))
    return missing


@each([*NOTEBOOKS, *PAGES])
def test_internal_links_resolve(path):
    assert not broken(path)


@each(TEXTS)
def test_no_path_of_one_machine(path):
    found = [line for line in path.read_text(encoding="utf-8").splitlines() if MACHINE_PATH.search(line)]
    assert not found


@each(CODE)
def test_no_file_is_long(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) < FILE_LINES


def imports(path: Path) -> list[str]:
    """The names of the modules that a Python file imports."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


@each([path for path in CODE if re.match(r"helpers/\w+/", name(path))])
def test_modules_import_only_the_course(path):
    module = name(path).split("/")[1]
    ours = [text.split(".")[1] for text in imports(path) if text.startswith("helpers.")]
    assert set(ours) <= {module, "course"}


def test_a_clone_stays_small():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("this is no git clone")
    files = [ROOT / file for file in listing.stdout.split("\0") if file]
    assert sum(path.stat().st_size for path in files if path.is_file()) < CLONE_MB * 1e6


def test_all_notebooks_follow_the_names():
    found = {path for folder in FOLDERS for path in (ROOT / folder).glob("*.ipynb")}
    assert found == set(NOTEBOOKS), "notebooks are named NUMBER_MODULE.ipynb"
