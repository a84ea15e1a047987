"""Proves the checks of one notebook of solutions: `python tests/proving.py solutions/2_aggregation.ipynb [SECONDS]`.

Every exercise's check gets the solution, the stub, the typical mistakes and the mutants of the solution, each with the
names that the notebook has defined by then. What came of them is printed as JSON. It runs in a process of its own, so
that helpers are as a learner has them (the tests check their types) and a hang stays here.
"""

from __future__ import annotations

import io
import json
import signal
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mutants import mutants  # noqa: E402

from scripts.exercises import cleared, exercise_cells, without_markers  # noqa: E402
from scripts.notebook_format import read  # noqa: E402

SECONDS = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0  # for one answer; a solution takes milliseconds


class TooSlow(KeyboardInterrupt):
    """An answer ran out of time; a check lets a KeyboardInterrupt through, and nothing else."""


def ring(*_):
    raise TooSlow


def outcome(check: str, name: str, source: str, names: dict) -> dict:
    """What the check cell gives after the source of an answer: its outcome, points, message."""
    names = dict(names)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        exec(compile(source, f"<{name}>", "exec"), names)
        result = eval(check, names)
        return {"outcome": result.outcome, "points": result.points, "message": result.message}
    except TooSlow:
        return {"outcome": "too slow", "points": 0.0, "message": f"still running after {SECONDS:g} s"}
    except BaseException as error:  # the learner's cell itself stops, or the check cell finds no answer
        return {"outcome": "stopped", "points": 0.0, "message": f"{type(error).__name__}: {error}"}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def proven(name: str, cell, stub: str, check: str, names: dict) -> dict:
    """What one exercise's check says to the solution, the stub, the mistakes and the mutants."""

    def say(source: str, **more) -> dict:
        return outcome(check, name, source, names | more)

    source, exercise = without_markers(cell.source), getattr(names["ex"], name)
    return {
        "full": exercise.points,
        "solution": say(source),
        "stub": say(stub),
        "mistakes": [say(f"{name} = mistake", mistake=each.answer) | {"name": each.name, "question": each.question}
                     for each in exercise.mistakes],
        "mutants": {said: say(text) for said, text in mutants(source)},
    }


def prove(path: Path) -> dict:
    """What every check of the notebook says, by the exercise's name; cells run in order, in this process."""
    notebook = read(path)
    stubs = {cell.id: cell.source for cell in cleared(notebook).cells}
    solves = {cell.id: (name, check) for name, (cell, check) in exercise_cells(notebook).items()}
    names, found = {"__name__": "__main__"}, {}
    for cell in notebook.cells:
        if cell.id in solves:
            name, check = solves[cell.id]
            found[name] = proven(name, cell, stubs[cell.id], check.source, names)
        if cell.cell_type == "code":
            exec(compile(cell.source, f"<{cell.id}>", "exec"), names)
    return found


if __name__ == "__main__":
    signal.signal(signal.SIGALRM, ring)
    warnings.simplefilter("ignore")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        report = prove(Path(sys.argv[1]).resolve())
    print(json.dumps(report))
