"""Every claim, measured again: each notebook runs in a fresh kernel and must meet what is committed."""

from __future__ import annotations

import json

import pytest

from scripts import run_notebooks
from scripts.notebook_format import ROOT, module_of, notebook_paths, read
from scripts.readme import claims_section, replace_section

NOTEBOOKS = notebook_paths("notebooks")
COMMITTED = run_notebooks.load_claims(ROOT / "notebooks" / "claims.json")
VERDICTS = {"reproduced", "partly", "not reproduced", "reversed", "new"}
CLAIM_KEYS = {"id", "module", "claim", "paper", "ours", "low", "high", "seeds", "rule", "verdict"}
WORDS = ("claim", "paper", "rule", "seeds", "verdict")  # what may not differ between two runs
SECONDS, MIB = 90, 1.2 * 1024


def each():
    return pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def rows_of(path, content) -> dict[str, dict]:
    """The rows of one notebook's module in the content of claims.json, by id."""
    return {row["id"]: row for row in content["claims"] if row["module"] == module_of(path)}


def within(value: float, low: float, high: float) -> bool:
    """Whether the value is in the interval, or off by no more than the last bits of floating point."""
    slack = 1e-9 * max(1.0, abs(low), abs(high))
    return low - slack <= value <= high + slack


@each()
def test_every_claim_measures_the_same_again(path, tmp_path):
    record = tmp_path / "record.json"
    run_notebooks.execute(path, record)
    again, before = rows_of(path, json.loads(record.read_text(encoding="utf-8"))), rows_of(path, COMMITTED)
    assert again.keys() == before.keys() and before, "run: make notebooks"
    for name, row in again.items():
        old = before[name]
        assert {word: row[word] for word in WORDS} == {word: old[word] for word in WORDS}, name
        assert within(row["ours"], old["low"], old["high"]), f"{name}: {row['ours']}, committed {old}"


@each()
def test_the_committed_run_kept_the_budget(path):
    (about,) = [about for about in COMMITTED["notebooks"] if about["module"] == module_of(path)]
    assert about.keys() == {"module", "seconds", "peak_mib"}
    assert about["seconds"] <= SECONDS and about["peak_mib"] <= MIB


@each()
def test_the_picture_for_the_readme_is_the_notebooks(path):
    image = run_notebooks.central_picture(read(path))
    assert image is not None, "tag the cell of the module's central picture with central-picture"
    assert run_notebooks.picture_path(path).read_bytes() == image, "run: make notebooks"


def test_claims_have_the_stated_form():
    for row in COMMITTED["claims"]:
        assert row.keys() == CLAIM_KEYS and row["verdict"] in VERDICTS
        assert row["low"] <= row["ours"] <= row["high"] and row["seeds"] >= 1
        assert (row["paper"] is None) or row["verdict"] != "new"
    ids = [row["id"] for row in COMMITTED["claims"]]
    assert len(ids) == len(set(ids))
    assert {row["module"] for row in COMMITTED["claims"]} == {module_of(path) for path in NOTEBOOKS}


def test_readme_has_the_generated_table():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert replace_section(text, "claims", claims_section(COMMITTED)) == text, "run: make notebooks"


def test_a_module_that_did_not_run_keeps_its_rows():
    def run(module, value):
        row = {"id": module, "module": module, "ours": value}
        return {"claims": [row], "notebook": {"module": module, "seconds": value, "peak_mib": 1, "cpu_seconds": 2}}

    empty, order = {"claims": [], "notebooks": []}, ["lora", "skills"]
    both = run_notebooks.merge(empty, [run("skills", 1), run("lora", 2)], order)
    assert [row["module"] for row in both["claims"]] == order
    one = run_notebooks.merge(both, [run("skills", 3)], order)
    assert [row["ours"] for row in one["claims"]] == [2, 3]
    assert one["notebooks"][1] == {"module": "skills", "seconds": 3, "peak_mib": 1}
    assert run_notebooks.merge(one, [], ["lora"])["claims"] == one["claims"][:1]
