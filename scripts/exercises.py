"""Writes exercises/ and each module's solutions.json from solutions/: `make exercises`.

The notebooks of solutions/ are nbgrader sources, and nbgrader's own steps clear them, with the settings of
nbgrader_config.py: what a learner opens here reads like what a teacher releases. nbgrader would also lock the cells
against edits; a learner's own copy is left open.
"""

from __future__ import annotations

import copy
import json
import textwrap
from pathlib import Path

from nbgrader.preprocessors import ClearOutput, ClearSolutions
from nbgrader.utils import is_grade, is_solution
from traitlets.config import PyFileConfigLoader

from scripts.notebook_format import ROOT, canonical, module_of, read, write_text

MARKERS = ("BEGIN SOLUTION", "END SOLUTION")


def cleared(notebook):
    """A copy of the notebook with `...` in place of every solution, and no outputs."""
    settings = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    notebook = copy.deepcopy(notebook)
    for step in (ClearSolutions, ClearOutput):
        notebook, _ = step(config=settings).preprocess(notebook, {})
    return notebook


def exercise_cells(notebook) -> dict[str, tuple]:
    """The cells of each exercise, name: (solution, check), in the notebook's order.

    Raises ValueError where a solution is not followed by its check.
    """
    found, waiting = {}, None
    for cell in notebook.cells:
        if not (is_solution(cell) or is_grade(cell)):
            continue
        kind, _, name = cell.metadata.nbgrader.grade_id.partition("-")
        if is_solution(cell) and not is_grade(cell) and waiting is None and kind == "solve":
            waiting = name, cell
        elif is_grade(cell) and not is_solution(cell) and waiting and (kind, name) == ("check", waiting[0]):
            found[name] = (waiting[1], cell)
            waiting = None
        else:
            raise ValueError(f"expected each solution, grade_id solve-NAME, and then its graded cell, check-NAME; "
                             f"got {cell.metadata.nbgrader.grade_id!r} after {waiting and 'solve-' + waiting[0]!r}")
    if waiting:
        raise ValueError(f"expected a graded cell check-{waiting[0]} after solve-{waiting[0]}; got the notebook's end")
    return found


def without_markers(source: str) -> str:
    """The source of a solution cell as a learner would have written it.

    Raises ValueError where there are no markers: nbgrader would clear the whole cell, the `def` line too.
    """
    lines = source.splitlines()
    kept = [line for line in lines if not any(marker in line for marker in MARKERS)]
    if len(lines) - len(kept) < 2:
        raise ValueError(f"expected ### BEGIN SOLUTION and ### END SOLUTION in a solution cell; got:\n{source}")
    return textwrap.dedent("\n".join(kept)).strip("\n")


def solution_sources(notebook) -> dict[str, str]:
    """The source of every solution of a notebook, by the exercise's name."""
    return {name: without_markers(cell.source) for name, (cell, _) in exercise_cells(notebook).items()}


def generated(root: Path = ROOT) -> dict[Path, str]:
    """The text of every file that is made from root's solutions/, by its path."""
    texts = {}
    for path in sorted((root / "solutions").glob("[0-9]_*.ipynb")):
        notebook, module = read(path), module_of(path)
        sources = solution_sources(notebook)
        texts[root / "exercises" / path.name] = canonical(cleared(notebook))
        texts[root / "helpers" / module / "solutions.json"] = json.dumps(sources, indent=1, ensure_ascii=False) + "\n"
    return texts


def main() -> None:
    """Write the files and say which changed."""
    for path, text in generated().items():
        if write_text(path, text):
            print(f"{path.relative_to(ROOT).as_posix()}: written")


if __name__ == "__main__":
    main()
