"""The canonical form of a notebook, and JupyterLab's command line."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from scripts import lab
from scripts.notebook_format import WIDGET_VIEW, canonical, write_text


def messy_notebook():
    """A notebook as an editor leaves it: times, widget states, a widget's view beside its picture, a wiped bar."""
    data = {WIDGET_VIEW: {"model_id": "1"}, "image/png": "AAAA", "text/plain": "a line"}
    picture = new_output("display_data", data, metadata={"image/png": {"alt": "a line"}, WIDGET_VIEW: {}})
    only_widget = new_output("display_data", {WIDGET_VIEW: {"model_id": "2"}})
    named_widget = new_output("display_data", {WIDGET_VIEW: {"model_id": "3"}, "text/plain": "0%|   | 0/500"})
    text = new_output("execute_result", {"text/plain": "'no widget'"}, execution_count=7)
    wiped_bar = new_output("stream", name="stderr", text="\r        \r")
    cell = new_code_cell("draw()\n", id="draw", execution_count=7, outputs=[
        wiped_bar, picture, only_widget, named_widget, text])  # fmt: skip
    cell.metadata = {"tags": ["central-picture"], "execution": {"iopub.status.busy": "now"}, "colab": {}}
    return new_notebook(cells=[cell], metadata={"widgets": {}, "language_info": {"name": "python", "version": "3.9"}})


def test_canonical_form_drops_what_a_run_leaves_behind():
    notebook = messy_notebook()
    text = canonical(notebook)
    (cell,) = notebook.cells
    assert notebook.metadata.keys() == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}
    assert cell.metadata == {"tags": ["central-picture"]} and cell.source == "draw()"
    assert cell.execution_count == 7, "without it nbval skips the outputs"
    assert [output.data.keys() for output in cell.outputs] == [{"image/png", "text/plain"}, {"text/plain"}]
    assert cell.outputs[0].metadata == {"image/png": {"alt": "a line"}}
    assert text == canonical(notebook) and text.endswith("}\n") and not text.endswith("\n\n")


def test_a_file_is_written_only_when_it_changes(tmp_path):
    path = tmp_path / "folder" / "file.txt"
    assert write_text(path, "a\n") and not write_text(path, "a\n") and write_text(path, "b\n")
    assert path.read_bytes() == b"b\n" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("display, root, options", [
    ("", 0, {"--no-browser", "--allow-root"}),
    ("", 1000, {"--no-browser"}),
    (":0", 0, {"--allow-root"}),
    (":0", 1000, set()),
])  # fmt: skip
def test_lab_asks_for_a_browser_only_where_there_is_a_screen(monkeypatch, display, root, options):
    monkeypatch.setattr(lab.sys, "platform", "linux")
    monkeypatch.setattr(lab.os, "geteuid", lambda: root, raising=False)
    for name in ("WAYLAND_DISPLAY", "WSL_DISTRO_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", display)
    assert {"--no-browser", "--allow-root"} & set(lab.command()) == options


def test_lab_opens_the_first_notebook(monkeypatch, tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in ("3_b.ipynb", "2_a.ipynb", "draft.ipynb"):
        (tmp_path / "notebooks" / name).touch()
    monkeypatch.setattr(lab, "ROOT", tmp_path)
    assert "--LabApp.default_url=/lab/tree/notebooks/2_a.ipynb" in lab.command()
