"""Builds the slides of a talk for every module from its notebook: `make slides`.

Cells are chosen and grouped by their slide type, which JupyterLab's property inspector sets and the notebook keeps. A
code cell with a slide of its own shows its code and what it printed; one that goes on the slide before, or that draws a
figure, shows its output alone. The slides ask nothing of the network: reveal.js is copied beside them.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from importlib import resources
from pathlib import Path

from latex2mathml.converter import convert
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers.course.guesses import NONE_YET
from scripts.book import with_links
from scripts.links import address, project, remote
from scripts.notebook_format import ROOT, module_of, notebook_paths, read, write_text
from scripts.readme import counted, measured

OUT, TEMPLATES = ROOT / "build" / "slides", ROOT / "book"
CLAIMS_TABLE = "What the paper reports and what we measured"
VERDICTS = ("reversed", "not reproduced", "partly", "new", "reproduced")
LISTED, OF_THE_PAPER = 7, 5  # claims on the closing slide; of these the paper's, at most
LEANS = re.compile(r"The same\b|That\b|.*\b[Tt]hat (oracle|driver|copying|bias|merge)\b")  # on the claim before it
HEADING = re.compile(r"^#{1,3} (.+)$", re.MULTILINE)
MATH = re.compile(r"```.*?```|`[^`]*`|\$\$(?P<block>.+?)\$\$|\$(?P<inline>[^$\n]+?)\$", re.DOTALL)


def slide_type(cell) -> str:
    """slide, subslide, fragment, - (goes on the slide before), notes or skip; skip where none is set."""
    return cell.metadata.get("slideshow", {}).get("slide_type") or "skip"


def with_mathml(text: str) -> str:
    """The Markdown text with its equations as MathML; what looks like one inside code stays."""

    def replace(found: re.Match) -> str:
        for display in ("block", "inline"):
            if found[display]:
                return convert(found[display].strip(), display=display)
        return found[0]

    return MATH.sub(replace, text)


def shown_on_slide(cell):
    """The cell as it stands on a slide: a figure without its code, no claims, no call to guess, equations as MathML."""
    if cell.cell_type == "markdown":
        cell.source = with_mathml(cell.source)
        return cell
    others = [output for output in cell.outputs if CLAIMS_TABLE not in output.get("data", {}).get("text/html", "")]
    for output in others:
        if output.output_type == "stream":
            output.text = output.text.replace(NONE_YET, "").rstrip()
    figures = [output for output in others if "image/png" in output.get("data", {})]
    cell.outputs = figures or others
    if figures or slide_type(cell) == "-":
        cell.metadata["transient"] = {"remove_source": True}
    return cell


def with_titles(cells: Iterable[NotebookNode]) -> Iterator[NotebookNode]:
    """The cells as they stand on slides: what comes before a heading is the speaker's, each slide has a title."""
    title = ""
    for cell in cells:
        kind, heading = slide_type(cell), HEADING.search(cell.source) if cell.cell_type == "markdown" else None
        cell = shown_on_slide(cell)
        if heading and heading.start():
            yield typed("notes", cell.source[: cell.source.index(heading[0])])
            cell.source = cell.source[cell.source.index(heading[0]) :]
        if heading:
            title = HEADING.findall(cell.source)[-1]
        elif kind in ("slide", "subslide"):
            yield typed(kind, f"### {title}")
            cell.metadata["slideshow"] = {"slide_type": "-"}
        yield cell


def typed(kind: str, text: str) -> NotebookNode:
    return new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})


def together(rows: list[dict]) -> list[list[dict]]:
    """The claims in groups: one that stands alone, and after it those that lean on it ("The same ...")."""
    groups = []
    for row in rows:
        if groups and LEANS.match(row["claim"]):
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def chosen(groups: list[list[dict]], room: int) -> list[dict]:
    """At most `room` claims in their order, whole groups, chosen by what did not hold."""
    taken = []
    for group in sorted(groups, key=lambda group: min(VERDICTS.index(row["verdict"]) for row in group)):
        if len(group) <= room:
            taken.append(group)
            room -= len(group)
    return [row for group in groups if group in taken for row in group]


def verdicts(module: str) -> str:
    """The closing slide, from notebooks/claims.json: how many claims came out how, some of the paper's and ours."""
    rows = json.loads((ROOT / "notebooks" / "claims.json").read_text(encoding="utf-8"))["claims"]
    rows = [row for row in rows if row["module"] == module]
    groups = together(rows)
    papers = [[row for row in group if row["paper"]] for group in groups if group[0]["paper"]]
    listed = chosen(papers, OF_THE_PAPER)
    ours = [group for group in groups if not any(row["paper"] for row in group)]
    listed += chosen(ours, LISTED - len(listed))
    lines = [f"- {row['claim']}: *{measured(row).outcome}*" for row in listed]
    return "\n".join(["## What holds", "", counted(rows).capitalize() + ".", "", *lines])


def linked(path: Path) -> Iterator[NotebookNode]:
    """The cells that have a slide type; links to files lead to the repository, as a talk has the slides alone."""
    repository = address(project()["tool"]["course"]["repository"], remote())
    for cell in read(path).cells:
        if slide_type(cell) != "skip":
            if cell.cell_type == "markdown":
                cell.source = with_links(cell.source, path, set(), repository)
            yield cell


def slides_of(path: Path):
    """The notebook of a module's slides: the cells that have a slide type, and a closing slide with the verdicts."""
    cells = [*with_titles(linked(path))]
    closing = typed("slide", verdicts(module_of(path)))
    return new_notebook(cells=[*cells, closing], metadata={"title": cells[0].source.splitlines()[0].lstrip("# ")})


def talks() -> list[Path]:
    """The notebooks that have slides: those in which a cell has a slide type, as in a new module none has yet."""
    paths = notebook_paths("notebooks")
    return [path for path in paths if any(slide_type(cell) != "skip" for cell in read(path).cells)]


def copy_reveal(folder: Path) -> None:
    """Copy reveal.js into `folder`; the package sphinx-revealjs carries it."""
    there = resources.files("sphinx_revealjs") / "_static" / "revealjs"
    with resources.as_file(there) as source:
        for part in ("dist", "plugin/notes", "LICENSE"):
            target, kept = folder / "reveal" / part, source / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if kept.is_dir():
                ignored = shutil.ignore_patterns("*.map", "*.esm.js", "theme")
                shutil.copytree(kept, target, ignore=ignored, dirs_exist_ok=True)
            else:
                shutil.copy(kept, target)


def build(folder: Path = OUT) -> list[Path]:
    """Write the slides of all modules that have any into `folder` and return their paths."""
    exporter = SlidesExporter(extra_template_basedirs=[str(TEMPLATES)], template_name="slides",
                              exclude_input_prompt=True, exclude_output_prompt=True,
                              reveal_url_prefix="reveal", reveal_theme="course")  # fmt: skip
    copy_reveal(folder)
    (folder / "reveal" / "dist" / "theme").mkdir(exist_ok=True)
    shutil.copy(TEMPLATES / "slides" / "course.css", folder / "reveal" / "dist" / "theme")
    written = []
    for path in talks():
        page, _ = exporter.from_notebook_node(slides_of(path), resources={"metadata": {"name": path.stem}})
        written.append(folder / f"{path.stem}.html")
        write_text(written[-1], page)
    return written


if __name__ == "__main__":
    for made in build():
        print(made.relative_to(ROOT).as_posix())
