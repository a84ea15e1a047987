"""Exercises are what their solutions make of them, run, and have checks that no wrong answer passes."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import nbformat
import pytest
from mutants import mutants

from scripts.exercises import exercise_cells, generated, solution_sources
from scripts.notebook_format import ROOT, module_of, notebook_paths, read
from scripts.run_notebooks import execute

HERE = Path(__file__).parent
SOLUTIONS, EXERCISES = notebook_paths("solutions"), notebook_paths("exercises")
EACH = [(path, name) for path in SOLUTIONS for name in exercise_cells(read(path))]
# Mutants that give the same as the solution, {module: {exercise: {mutant: why}}}.
EQUIVALENT = json.loads((HERE / "equivalent_mutants.json").read_text(encoding="utf-8"))
REGENERATE = "run: make exercises"


def each_notebook(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: path.stem)


each_exercise = pytest.mark.parametrize("path, name", EACH, ids=[f"{module_of(path)}-{name}" for path, name in EACH])


@functools.cache
def proof(path: Path, seconds: float = 6.0) -> dict:
    """What proving.py finds about every check of a notebook."""
    command = [sys.executable, str(HERE / "proving.py"), str(path), str(seconds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def survivors(found: dict) -> set[str]:
    """The mutants of one exercise that its check lets pass."""
    return {said for said, result in found["mutants"].items() if result["points"] > 0}


def drifted(root: Path) -> list[Path]:
    """The generated files below root that are not what solutions/ makes now."""
    return [path for path, text in generated(root).items()
            if not path.exists() or path.read_bytes() != text.encode()]


def test_exercises_and_solution_texts_are_as_generated():
    assert not drifted(ROOT), REGENERATE
    names = {folder: {path.name for path in (ROOT / folder).glob("*.ipynb")} for folder in ("exercises", "solutions")}
    assert names["exercises"] == names["solutions"], REGENERATE


@each_exercise
def test_the_solution_gets_full_points(path, name):
    found = proof(path)[name]
    assert found["solution"]["points"] == found["full"], found["solution"]


@each_exercise
def test_the_stub_counts_as_not_attempted(path, name):
    stub = proof(path)[name]["stub"]
    assert (stub["outcome"], stub["points"]) == ("not attempted", 0.0), (
        f"{stub}; where the answer is a value, write {name} = ( and ) around the markers")  # fmt: skip


@each_exercise
def test_every_typical_mistake_is_turned_away_with_its_own_question(path, name):
    mistakes = proof(path)[name]["mistakes"]
    assert len(mistakes) >= 4
    for each in mistakes:
        assert each["outcome"] == "wrong" and each["points"] == 0, each
        assert each["question"] in each["message"] and "?" in each["question"], each
    assert len({each["question"] for each in mistakes}) == len(mistakes)


@each_exercise
def test_no_mutant_of_the_solution_passes(path, name):
    excused = EQUIVALENT.get(module_of(path), {}).get(name, {})
    passed = survivors(proof(path)[name])
    assert not passed - excused.keys(), "add a case to the exercise, or an entry to equivalent_mutants.json"
    assert not excused.keys() - passed, "these entries of equivalent_mutants.json excuse nothing: remove them"
    assert all(len(reason) >= 20 for reason in excused.values())


def test_only_exercises_that_exist_are_excused():
    known = {(module_of(path), name) for path, name in EACH}
    assert {(module, name) for module, names in EQUIVALENT.items() for name in names} <= known


@each_exercise
def test_the_check_cell_shows_what_was_found(path, name):
    _, check = exercise_cells(read(path))[name]
    exercise = getattr(import_module(f"helpers.{module_of(path)}.exercises").exercises, name)
    assert check.source == f"ex.{name}.check({name})"
    assert check.metadata.nbgrader.points == exercise.points and exercise.name == name


@each_exercise
def test_the_solution_is_shown_on_request(path, name, capsys):
    getattr(import_module(f"helpers.{module_of(path)}.exercises").exercises, name).solution()
    assert capsys.readouterr().out == solution_sources(read(path))[name] + "\n", REGENERATE


def run(path: Path) -> dict[str, tuple[float, str]]:
    """Points and printed text of every check of a notebook that ran in a fresh kernel, where nothing may complain."""
    notebook = execute(path)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert not [each for each in outputs if each.output_type == "error" or each.get("name") == "stderr"]
    found = {}
    for name, (_, check) in exercise_cells(notebook).items():
        *printed, result = check.outputs
        found[name] = float(result.data["text/plain"]), "".join(each.text for each in printed)
    return found


@each_notebook(EXERCISES)
def test_exercises_run_untouched(path):
    for name, (points, printed) in run(path).items():
        assert points == 0 and ": not attempted" in printed, (name, printed)


@each_notebook(SOLUTIONS)
def test_solutions_run_to_full_points(path):
    found = run(path)
    for name, (_, check) in exercise_cells(read(path)).items():
        assert found[name][0] == check.metadata.nbgrader.points, found[name]


# The proof itself, on a made-up exercise.

SET_UP = """
from types import SimpleNamespace
from helpers.course import Case, Exercise
ex = SimpleNamespace({name}=Exercise("{name}", "T", 2, {reference}, [Case((n,)) for n in {inputs}], hints="abc"))
"""
SQUARES = "def f(n):\n    ### BEGIN SOLUTION\n    return sum(i**2 for i in range(n))\n    ### END SOLUTION"
COUNT = ("def f(n):\n    ### BEGIN SOLUTION\n    i = 0\n    while i < n:\n        i += 1\n    return i\n"
         "    ### END SOLUTION")  # fmt: skip


def made_up(root: Path, reference: str, inputs: list, solution: str, name: str = "f") -> Path:
    """A notebook of solutions with one exercise, written below root."""
    common = {"schema_version": 3, "task": False}
    solve = {**common, "grade": False, "solution": True, "locked": False, "grade_id": f"solve-{name}"}
    check = {**common, "grade": True, "solution": False, "locked": True, "grade_id": f"check-{name}", "points": 2}
    code = nbformat.v4.new_code_cell
    cells = [code(SET_UP.format(name=name, reference=reference, inputs=inputs), id="set-up"),
             code(solution, id=f"solve-{name}", metadata={"nbgrader": solve}),
             code(f"ex.{name}.check({name})", id=f"check-{name}", metadata={"nbgrader": check})]  # fmt: skip
    path = root / "solutions" / "2_made_up.ipynb"
    path.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.mark.parametrize("inputs, passing", [([1], True), ([0, 1, 5], False)], ids=["one input", "three inputs"])
def test_a_weak_check_lets_mutants_pass(tmp_path, inputs, passing):
    path = made_up(tmp_path, "lambda n: sum(i * i for i in range(n))", inputs, SQUARES)
    assert bool(survivors(proof(path)["f"])) == passing


def test_a_mutant_that_never_ends_is_turned_away(tmp_path):
    found = proof(made_up(tmp_path, "lambda n: max(n, 0)", [0, 3, -1, -5], COUNT), 0.2)["f"]
    assert found["mutants"]["line 4: i -= 1"]["outcome"] == "too slow"
    assert not survivors(found)


def test_a_changed_exercise_is_noticed(tmp_path):
    made_up(tmp_path, "abs", [1], SQUARES)
    for path, text in generated(tmp_path).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    assert drifted(tmp_path) == []
    changed = tmp_path / "exercises" / "2_made_up.ipynb"
    assert read(changed).cells[1].source == "def f(n):\n    ..."
    changed.write_text(changed.read_text().replace("    ...", "    pass"))
    assert drifted(tmp_path) == [changed]


def test_mutants_come_once_each_and_in_one_order():
    source = ("def f(a):\n    if not a.any(axis=0) and a[1:].sum() >= -2:\n        return a.max(axis=1)\n"
              "    return a - 1")  # fmt: skip
    found = list(mutants(source))
    assert found == list(mutants(source))
    assert len({said for said, _ in found}) == len({text for _, text in found}) == len(found)
    said = {said.split(": ", 1)[1] for said, _ in found}
    assert {"deleted", "return a.min(axis=1)", "return a.max()", "return a.max(axis=0)", "return -a.max(axis=1)",
            "return a + 1", "return a - 0", "return a", "if a.any(axis=0) and a[1:].sum() >= -2:",
            "if not a.any(axis=0) or a[1:].sum() >= -2:", "if not a.all(axis=0) and a[1:].sum() >= -2:",
            "if not a.any(axis=0) and a[2:].sum() >= -2:", "if not a.any(axis=0) and a[1:].sum() > -2:",
            "if not a.any(axis=0) and a[1:].sum() >= 2:"} <= said  # fmt: skip
