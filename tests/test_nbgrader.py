"""A teacher can hand out and autograde the notebooks of solutions/ as they are, with nbgrader itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from scripts.exercises import exercise_cells
from scripts.notebook_format import ROOT, notebook_paths, read

SOLUTIONS = notebook_paths("solutions")
ASSIGNMENT = "assignment"


def nbgrader(course: Path, command: str) -> None:
    """Run an nbgrader command in the folder of a course; it finds Jupyter through PATH."""
    variables = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                              "JUPYTER_CONFIG_DIR": str(course / "jupyter")}  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "nbgrader", command, ASSIGNMENT], cwd=course, env=variables,
                          capture_output=True, text=True, timeout=600)  # fmt: skip
    assert done.returncode == 0, done.stderr


def submit(course: Path, student: str, path: Path, answers: dict[str, str]) -> None:
    """Hand in the released notebook with the student's source in place of the stubs."""
    notebook = read(course / "release" / ASSIGNMENT / path.name)
    cells = exercise_cells(notebook)
    for name, source in answers.items():
        cells[name][0].source = source
    target = course / "submitted" / student / ASSIGNMENT / path.name
    target.parent.mkdir(parents=True)
    nbformat.write(notebook, target)


@pytest.fixture(scope="module", params=SOLUTIONS, ids=lambda path: path.stem)
def graded(request, tmp_path_factory):
    """The notebook, the course's folder, and {student: {exercise: (score, full score)}} of three students."""
    path, course = request.param, tmp_path_factory.mktemp("course")
    (course / "source" / ASSIGNMENT).mkdir(parents=True)
    shutil.copy(path, course / "source" / ASSIGNMENT)
    shutil.copy(ROOT / "nbgrader_config.py", course)
    nbgrader(course, "generate_assignment")
    cells = exercise_cells(read(path))
    submit(course, "stub", path, {})
    submit(course, "wrong", path, {name: f"{name} = ex.{name}.mistakes[0].answer" for name in cells})
    submit(course, "right", path, {name: solve.source for name, (solve, _) in cells.items()})
    nbgrader(course, "autograde")
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as book:
        scores = {student: scores_of(book, path, student, cells) for student in ("stub", "wrong", "right")}
    return path, course, scores


def scores_of(book: Gradebook, path: Path, student: str, names) -> dict[str, tuple[float, float]]:
    """The student's score and the full score of every exercise."""
    grades = [book.find_grade(f"check-{name}", path.stem, ASSIGNMENT, student) for name in names]
    assert not any(grade.needs_manual_grade for grade in grades)
    return {name: (grade.auto_score, grade.max_score) for name, grade in zip(names, grades, strict=True)}


def test_what_a_teacher_releases_reads_like_the_exercises(graded):
    path, course, _ = graded
    released, ours = read(course / "release" / ASSIGNMENT / path.name), read(ROOT / "exercises" / path.name)
    assert [cell.source for cell in released.cells] == [cell.source for cell in ours.cells], "run: make exercises"


@pytest.mark.parametrize("student", ["stub", "wrong"])
def test_stubs_and_typical_mistakes_get_nothing(graded, student):
    assert {name: score for name, (score, _) in graded[2][student].items() if score != 0} == {}


def test_right_answers_get_everything(graded):
    path, _, scores = graded
    points = {name: check.metadata.nbgrader.points for name, (_, check) in exercise_cells(read(path)).items()}
    assert scores["right"] == {name: (full, full) for name, full in points.items()}
    assert sum(points.values()) > 0
