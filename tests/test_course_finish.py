"""`finish`: claims, costs, the record for `make notebooks`, and the budget."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest

from helpers.course import Claim, above, finish, record, start
from helpers.course import session as sessions
from helpers.course.finish import hold_budget
from helpers.course.session import SESSION


def claim(name: str, module: str = "formal_skills") -> Claim:
    return Claim(name, module, f"{name} holds", "yes", above(0))


@pytest.fixture
def declared(monkeypatch):
    """A module whose CLAIMS are "one" and "two"."""
    module = ModuleType("helpers.formal_skills.claims")
    module.CLAIMS = {name: claim(name) for name in ("one", "two")}
    monkeypatch.setitem(sys.modules, "helpers.formal_skills", ModuleType("helpers.formal_skills"))
    monkeypatch.setitem(sys.modules, "helpers.formal_skills.claims", module)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("COURSE_BUDGET", raising=False)  # other tests of this process used memory before
    start("formal_skills")


def test_finish_shows_claims_costs_and_what_is_missing(declared, capsys):
    record(claim("one"), [1, 2])
    record(claim("elsewhere", "lora"), [1, 2])
    capsys.readouterr()
    assert finish() is None
    shown, missing, costs = capsys.readouterr().out.splitlines()
    assert shown.startswith("[partly] ours 1.5") and "elsewhere" not in shown
    assert missing == "Claims not measured in this run: two"
    assert costs.startswith("formal_skills: 0.") and " CPU s, peak memory " in costs and costs.endswith(" MiB")


def test_the_record_has_rows_and_costs(declared, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RECORD", str(tmp_path / "run.json"))
    one = record(claim("one"), [1, 2])
    finish()
    content = json.loads((tmp_path / "run.json").read_text())
    assert content["claims"] == [one.row()]
    assert content["notebook"].keys() == {"module", "seconds", "peak_mib"}
    assert content["notebook"]["module"] == "formal_skills" and content["notebook"]["peak_mib"] > 20


def test_finish_asks_for_a_start(monkeypatch):
    monkeypatch.setattr(SESSION, "module", None)
    with pytest.raises(RuntimeError, match=r'run start\("..."\) at the top'):
        finish()


def test_the_budget_holds_only_where_it_is_asked_for(monkeypatch, declared):
    monkeypatch.delenv("COURSE_BUDGET", raising=False)
    hold_budget(1e6, 1e6)
    monkeypatch.setenv("COURSE_BUDGET", "1")
    hold_budget(179.0, 1200.0)
    hold_budget(179.0, None)
    with pytest.raises(RuntimeError, match="181 CPU s; the budget is 180 s"):
        hold_budget(181.0, 100.0)
    with pytest.raises(RuntimeError, match="1300 MiB; the budget is 1229 MiB"):
        hold_budget(1.0, 1300.0)


def test_cpu_time_counts_from_start(declared):
    before = sessions.cpu_seconds() - SESSION.cpu
    sum(i * i for i in range(2_000_000))
    assert before + 0.03 < sessions.cpu_seconds() - SESSION.cpu < 30
    start("formal_skills")
    assert sessions.cpu_seconds() - SESSION.cpu < 0.05
