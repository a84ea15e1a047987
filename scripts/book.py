"""Builds the course as web pages from its notebooks and Markdown files: `make book`.

The pages are made ready in build/book and written to build/site, without a network. A page differs from its notebook in
what a page can do: figures carry their alt text, the links that open it elsewhere are buttons, the quiz unfolds without
a kernel, and below each exercise its solution is folded.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from html import escape
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from helpers.course.quizzes import questions_of
from scripts.exercises import exercise_cells, without_markers
from scripts.links import address, project, remote
from scripts.notebook_format import ROOT, START, module_of, notebook_paths, read

READY, SITE = ROOT / "build" / "book", ROOT / "build" / "site"
MARKDOWN = ("TEACHING.md", "GLOSSARY.md", "CONTRIBUTING.md", "CHANGELOG.md")
FOLDED = {"code_prompt_show": "Show a solution", "code_prompt_hide": "Hide the solution"}
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")


def with_alt_text(cell) -> None:
    """Tell myst-nb each figure's alt text. Raises ValueError where a figure has none, or a cell two figures."""
    pictures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    if not pictures:
        return
    alts = [output.metadata.get("image/png", {}).get("alt") for output in pictures]
    if len(alts) > 1 or not alts[0]:
        raise ValueError(f"cell {cell.id!r} expected one figure with alt text, made by show(fig, alt=...); got {alts}")
    cell.metadata["mystnb"] = {"image": {"alt": " ".join(alts[0].split())}}


def quiz_page(module: str) -> str:
    """The quiz as HTML: each choice unfolds to what is right or wrong about it; no script, no kernel."""
    lines = []
    for number, asked in enumerate(questions_of(module), start=1):
        lines.append(f"<p><strong>{number}. {escape(asked['question'])}</strong></p>")
        for choice in asked["answers"]:
            kind, word = ("right", "Right:") if choice["correct"] else ("wrong", "No.")
            said = choice["feedback"].removeprefix("Right: ")  # the word itself stands in bold
            said = f'<p><span class="{kind}">{word}</span> {escape(said)}</p>'
            lines.append(f"<details><summary>{escape(choice['answer'])}</summary>{said}</details>")
    return '<div class="quiz">\n' + "\n".join(lines) + "\n</div>"


def module_page(path: Path):
    """The notebook of a module (or the start page) as a page."""
    notebook = read(path)
    for place, cell in enumerate(notebook.cells):
        with_alt_text(cell)
        if cell.id == "badges":
            cell.source = "{.open-in}\n" + cell.source.replace(" · ", " ")
        elif cell.id == "set-up":
            cell.metadata["tags"] = ["hide-input"]
        elif cell.id == "quiz":
            notebook.cells[place] = new_markdown_cell(quiz_page(module_of(path)), id="quiz")
    return notebook


def exercise_page(path: Path):
    """The exercises of a module as a page: below each check its solution, folded."""
    notebook, solved = module_page(path), exercise_cells(read(ROOT / "solutions" / path.name))
    checks = {f"check-{name}": solution.source for name, (solution, _) in solved.items()}
    cells = []
    for cell in notebook.cells:
        cells.append(cell)
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if name in checks:
            about = {"tags": ["hide-input"], "mystnb": FOLDED}
            cells.append(new_code_cell(without_markers(checks[name]), id=f"solution-of-{name}"[:64], metadata=about))
    notebook.cells = cells
    return notebook


def with_links(text: str, page: Path, pages: set[Path], repository: str) -> str:
    """The text of `page`, with links to files that are no pages leading to the repository."""

    def target(found: re.Match) -> str:
        path = (page.parent / found[1]).resolve()
        if path in pages or path.suffix == ".png":
            return found[0]
        return f"]({repository}/blob/v{project()['project']['version']}/{path.relative_to(ROOT).as_posix()}"

    return LINK.sub(target, text)


def contents(paths: list[Path]) -> str:
    """The hidden tables of contents, one for each part of the course."""
    parts = {"Modules": [START, *paths], "Exercises": [ROOT / "exercises" / path.name for path in paths],
             "More": [ROOT / name for name in MARKDOWN]}  # fmt: skip
    trees = []
    for caption, group in parts.items():
        names = "\n".join(path.relative_to(ROOT).with_suffix("").as_posix() for path in group)
        trees.append(f"```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{names}\n```")
    return "\n\n".join(trees)


def make_ready(folder: Path) -> None:
    """Write the sources of all pages below `folder`, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "notebooks" / "pictures", folder / "notebooks" / "pictures")
    modules, exercises = notebook_paths("notebooks"), notebook_paths("exercises")
    repository = address(project()["tool"]["course"]["repository"], remote())
    pages = {START, *modules, *exercises, ROOT / "README.md", *(ROOT / name for name in MARKDOWN)}
    (folder / "exercises").mkdir()
    for path in [START, *modules, *exercises]:
        notebook = exercise_page(path) if path in exercises else module_page(path)
        for cell in notebook.cells:
            if cell.cell_type == "markdown":
                cell.source = with_links(cell.source, path, pages, repository)
        nbformat.write(notebook, folder / path.relative_to(ROOT))
    for name in ("README.md", *MARKDOWN):
        text = with_links((ROOT / name).read_text(encoding="utf-8"), ROOT / name, pages, repository)
        if name == "README.md":
            name, text = "index.md", f"{text}\n\n{contents(modules)}\n"
        (folder / name).write_text(text, encoding="utf-8")


def build(ready: Path = READY, site: Path = SITE) -> Path:
    """Build the pages and return the first one. Raises CalledProcessError where Sphinx warns of anything."""
    make_ready(ready)
    shutil.rmtree(site, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-c", str(ROOT / "book")]
    subprocess.run([*command, "-d", str(ready.with_name(ready.name + "-cache")), str(ready), str(site)], check=True)
    for left_over in site.rglob("*webpack-macros.html"):  # templates of the theme, no pages
        left_over.unlink()
    return site / "index.html"


if __name__ == "__main__":
    print(f"The site's first page is {build().relative_to(ROOT).as_posix()}.")
