"""The engine in a real kernel: what cells print, what they show, and that nothing goes to stderr."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

ROOT = Path(__file__).resolve().parent.parent
VIEW = "application/vnd.jupyter.widget-view+json"
CELLS = {
    "start": """
from helpers.course import Case, Claim, Exercise, above, explorer, finish, record, show, start
start("formal_skills")""",
    "exercise": """
import numpy as np
import sys
import warnings
ex = Exercise("double", "Double", 1, lambda a: a * 2, [Case((np.arange(3),))], hints="abc", solution="a * 2")
def double(a):
    helper = a.sum()
    return broken(helper)""",
    "helper": """
def broken(value):

    return value[0]""",
    "raises": "ex.check(double)",
    "noisy": """
def double(a):
    sys.stderr.write("a line of stderr\\n")
    warnings.warn("careful")
    return a * 2
ex.check(double)""",
    "show": """
from matplotlib import pyplot as plt
fig, ax = plt.subplots()
_ = ax.plot([1, 2])
show(fig, alt="A line rises from one to two.")""",
    "explorer": """
fig, ax = plt.subplots()
(line,) = ax.plot([0, 1])
made = explorer(fig, lambda slope: line.set_ydata([0, slope]), "A line whose slope you choose.", slope=[0, 1, 2])
made.move(slope=2)""",
    "claim": 'record(Claim("a", "formal_skills", "it works", "yes", above(0)), [1, 1.1, 1.2])',
    "finish": "finish()",
}  # fmt: skip


@pytest.fixture(scope="module")
def outputs() -> dict:
    """The outputs of each cell, run in a fresh kernel of this Python."""
    cells = [nbformat.v4.new_code_cell(source.strip(), id=name) for name, source in CELLS.items()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(
        notebook, kernel_name="python3", timeout=60, resources={"metadata": {"path": ROOT}}
    )
    client.execute()
    return {cell.id: cell.outputs for cell in notebook.cells}


def text(found: list) -> str:
    return "".join(each.text for each in found if each.output_type == "stream" and each.name == "stdout")


def test_nothing_goes_to_stderr(outputs):
    assert not [each for found in outputs.values() for each in found if each.get("name") == "stderr"]


def test_the_first_cell_says_one_line(outputs):
    (line,) = text(outputs["start"]).splitlines()
    assert line.startswith(f"Python {sys.version_info.major}.{sys.version_info.minor}")


def test_an_error_names_the_line_of_the_cell_where_it_happened(outputs):
    assert text(outputs["raises"]).splitlines()[:4] == [
        "Double: your code stopped with an error.",
        "  Case 1 of 1: double([0, 1, 2])",
        "  IndexError: invalid index to scalar variable.",
        "  line 3: return value[0]",
    ]
    assert outputs["raises"][-1].data["text/plain"] == "0.0"


def test_noise_of_a_right_answer_costs_nothing(outputs):
    said = text(outputs["noisy"])
    assert "a line of stderr" in said and "Remark: UserWarning: careful" in said and "Double: right." in said
    assert outputs["noisy"][-1].data["text/plain"] == "1.0"


def test_a_figure_carries_its_alt_text_once(outputs):
    (shown,) = outputs["show"]
    assert shown.metadata["image/png"]["alt"] == shown.data["text/plain"] == "A line rises from one to two."
    assert shown.data["image/png"].startswith("iVBOR")


def test_an_explorer_is_one_output_with_widget_and_image(outputs):
    (shown,) = outputs["explorer"]
    assert {VIEW, "image/png", "text/plain"} == set(shown.data) and shown.data[VIEW]["model_id"]
    assert shown.metadata["image/png"]["alt"] == shown.data["text/plain"] == "A line whose slope you choose."


def test_claims_are_shown_as_a_table(outputs):
    (measured,) = outputs["claim"]
    assert "<caption>" in measured.data["text/html"] and measured.data["text/plain"].startswith(
        "[reproduced] ours 1.10"
    )
    table, costs = outputs["finish"]
    assert table.data["text/html"] == measured.data["text/html"] and "peak memory" in costs.text
