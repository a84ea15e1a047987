"""The one way a notebook is written to disk here, so that a diff shows what a person changed and nothing else.

`python -m scripts.notebook_format` rewrites every notebook; execution counts stay, because nbval silently skips the
outputs of a cell that has none.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nbformat

from helpers.course.session import MODULES

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("notebooks", "solutions", "exercises")
START = ROOT / "notebooks" / "0_start_here.ipynb"  # the one notebook that belongs to no module
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
CELL_METADATA = ("deletable", "editable", "jupyter", "nbgrader", "slideshow", "tags")
NOT_KEPT = "output-not-kept"  # the tag of a cell whose output is only code for a browser, such as a quiz
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def notebook_paths(*folders: str) -> list[Path]:
    """The modules' notebooks in `folders` (all three by default), in the order of their names."""
    return [path for folder in folders or FOLDERS for path in sorted((ROOT / folder).glob("[1-9]_*.ipynb"))]


def module_of(path: Path) -> str:
    """The module a notebook belongs to, by the number that its name begins with."""
    return MODULES[int(path.name[0]) - 1]


def clean_output(output):
    """The output without a widget's view, which means nothing without its kernel; None if nothing is left.

    The text that a widget brings along only names it, so that alone counts as nothing. Nothing is left of a progress
    bar either that has wiped itself out.
    """
    if output.output_type == "stream":
        return output if output.text.strip() or "\r" not in output.text else None
    if "data" not in output:
        return output
    if output.data.pop(WIDGET_VIEW, None) is not None and output.data.keys() <= {"text/plain"}:
        return None
    output.metadata = {kind: about for kind, about in output.metadata.items() if kind in output.data}
    return output if output.data else None


def clean(notebook):
    """The notebook, changed in place, without what an editor or a run leaves behind: times, widget states, versions."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in CELL_METADATA if key in cell.metadata})
        cell.source = cell.source.rstrip("\n")
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := clean_output(output)) is not None]
            if NOT_KEPT in cell.metadata.get("tags", []):
                cell.outputs = []
    return notebook


def canonical(notebook) -> str:
    """The text of the notebook's file: cleaned, keys sorted, indent 1, one newline at the end."""
    return nbformat.writes(clean(notebook), version=nbformat.NO_CONVERT).rstrip("\n") + "\n"


def read(path: Path):
    """The notebook in the file `path`, in nbformat 4."""
    return nbformat.read(path, as_version=4)


def write_text(path: Path, text: str) -> bool:
    """Whether the file changed; it is replaced in one step, so that a stop in between leaves the old one whole."""
    if path.exists() and path.read_bytes() == text.encode():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(text.encode())
    os.replace(part, path)
    return True


def main(names: list[str]) -> None:
    """Rewrite the named notebooks, or all of them, and say which changed."""
    for path in [Path(name) for name in names] or [START, *notebook_paths()]:
        if write_text(path, canonical(read(path))):
            print(f"{path.name}: rewritten")


if __name__ == "__main__":
    main(sys.argv[1:])
