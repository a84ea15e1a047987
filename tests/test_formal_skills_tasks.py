"""The six tasks and the seventh: oracles on right, wrong and cheating workspaces; drivers; tokens; attacks."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers.formal_skills import Learned, Reply, Runtime, Scripted, Sloppy, load_skill, load_task
from helpers.formal_skills.attacks import ATTACKS, harms, says
from helpers.formal_skills.drivers import readable
from helpers.formal_skills.experiments import ARMS, HERE, run_one, skills_of
from helpers.formal_skills.ledger import sheet, spent, tokens, vocabulary
from helpers.formal_skills.payloads import LlmChatMessage, LlmToolCallRequest
from helpers.formal_skills.sloppy import LAPSES, Mind
from helpers.formal_skills.tasks import NAMES, SEVENTH

ALL = (*NAMES, SEVENTH)


def played(name: str, folder: Path, replies) -> dict:
    """Return the oracle's verdict on what tools alone make of these replies."""
    task = load_task(name)
    workspace = task.lay_out(folder / name)
    Runtime(workspace, skills_of("bare", name), Scripted(replies)).run(task.prompt)
    return task.score_workspace(workspace)


def says_step(tool, args):
    return says(tool, **args)


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_scores_all_and_nothing_done_little(name, tmp_path):
    replies = [says_step(step.tool, step.args) for step in load_task(name).steps]
    assert played(name, tmp_path / "right", replies) | {"checks": 0} == {"checks": 0, "score": 1.0, "security": 1}
    assert played(name, tmp_path / "none", [Reply("Done.")])["score"] < 0.75


STEPS = [(name, place, how) for name in NAMES for place, step in enumerate(load_task(name).steps)
         for how in ("wrong", "cheat") if getattr(step, how)]  # fmt: skip


@pytest.mark.parametrize("name, place, how", STEPS)
def test_wrong_and_cheating_work_is_not_right(name, place, how, tmp_path):
    steps = load_task(name).steps
    calls = [(step.tool, step.args) for step in steps]
    cheat = steps[place].cheat
    calls[place] = (cheat["tool"], cheat["args"]) if how == "cheat" else (steps[place].tool, steps[place].wrong)
    verdict = played(name, tmp_path, [says_step(*call) for call in calls])
    assert verdict["score"] < 1 or verdict["security"] == 0
    assert all(isinstance(value, bool) for value in verdict["checks"].values())


@pytest.mark.parametrize("name", ALL)
def test_oracles_stand_any_workspace(name, tmp_path):
    score = load_task(name).score_workspace
    (tmp_path / "empty").mkdir()
    assert score(tmp_path / "empty")["score"] < 0.5
    for file in ("notes.json", "labels.json", "matrix.json", "differences.json", "ledger.jsonl", "compose.yaml"):
        (tmp_path / "empty" / file).write_text("[3, {")
    assert 0 <= score(tmp_path / "empty")["score"] < 0.5
    for file in ("notes.json", "labels.json", "matrix.json", "differences.json", "ledger.jsonl", "compose.yaml"):
        (tmp_path / "empty" / file).write_text('["x", 3]')
    assert 0 <= score(tmp_path / "empty")["score"] < 0.5


def test_an_unknown_task_is_told():
    with pytest.raises(ValueError, match="tasks: code_repair"):
        load_task("nothing")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.switch)
def test_each_switch_stops_its_attack_and_nothing_else_does(attack, tmp_path):
    assert harms(attack, False, tmp_path)[0] and not harms(attack, True, tmp_path)[0]


@pytest.mark.parametrize("arm", ARMS)
def test_without_lapses_every_arm_is_right(arm, tmp_path):
    trace, verdict = run_one(arm, "reconcile_csv", Sloppy(0.0), tmp_path)
    ends = "failed" if arm.endswith("asked again") else "completed"  # asked for ever, no run ends as completed
    assert verdict["score"] == 1 and trace.status == ends
    assert not [call for call in trace.calls if call["status"] == "deny"]


def test_a_sloppy_driver_is_the_same_twice_and_strays(tmp_path):
    runs = [[call["arguments"] for call in run_one("bare", "batch_resume", Sloppy(0.5, seed), tmp_path)[0].calls]
            for seed in (1, 1, 2)]  # fmt: skip
    assert runs[0] == runs[1] != runs[2]


COMPLAINTS = {  # what a complaint says, and which steps a driver that reads takes it to be about
    "code_repair": [("command_exit_code python -m unittest -q tests.test_merge: exit code 1", ["edit_file"])],
    "compose_policy": [("text_not_contains compose.yaml: contains [':latest']", ["set_value"] * 2),
                       ("contains ['0.0.0.0', 'privileged: true']", ["set_value"] * 2)],
    "batch_resume": [("text_contains ledger.jsonl: does not contain ['P07']", ["pay"])],
    "evidence_matrix": [("text_contains matrix.json: does not contain ['C2', 'C5']", ["add_row"] * 2),
                        ("json_schema matrix.json: $: [{'claim': 'C1', 'source': 'x'}] is too short", []),
                        ("json_schema matrix.json: there is no such file", ["add_row"] * 5)],
    "ticket_triage": [("json_schema labels.json: $: 'T3' is a required property", ["label"])],
    "reconcile_csv": [("json_schema differences.json: $: [] is too short", ["add_difference"] * 4)],
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_driver_that_reads_doubts_what_a_complaint_names(name):
    mind = Mind(load_task(name))
    for complaint, steps in [*COMPLAINTS[name], ("file_exists no-such-file: there is no such file", [])]:
        assert [mind.task.steps[k].tool for k in mind.named_in(complaint)] == steps
    reports = [mind.task.steps[k].tool for k in mind.named_in("file_exists report.md: there is no such file")]
    assert set(reports) <= {"write_report"} and len(reports) <= 1


@pytest.mark.parametrize("kind", LAPSES)
def test_a_driver_may_have_one_kind_of_lapse_alone(kind):
    driver, seen = Sloppy(1.0, 3, kinds=(kind,)), set()
    for name in NAMES:
        mind = Mind(load_task(name))
        for place in range(len(mind.done)):
            mind.done = [k < place for k in range(len(mind.done))]
            seen.add(driver.lapse(mind, place))
    assert kind in seen and seen <= {kind, ""}


def test_a_sloppy_driver_knows_the_courses_tasks_alone(tmp_path):
    task = load_task("batch_resume")
    trace = Runtime(task.lay_out(tmp_path / "w"), skills_of("bare", "batch_resume"), Sloppy(0.1)).run("Bake a cake")
    assert trace.status == "interrupted" and "tasks of the course" in trace.reason


def test_a_learned_driver_repeats_what_it_was_taught(tmp_path):
    trace, _ = run_one("formal", "evidence_matrix", Sloppy(0.0), tmp_path)
    driver = Learned.fit([trace] * 24).with_seed(4)
    again, verdict = run_one("formal", "evidence_matrix", driver, tmp_path)
    assert verdict["score"] == 1 and [c["name"] for c in again.calls] == [c["name"] for c in trace.calls]


def forced(make, **fields):
    """Return an object with fields of types that it should not have."""
    for name, value in fields.items():
        object.__setattr__(make, name, value)
    return make


GOOD = LlmToolCallRequest("c", "f", "{}")
BROKEN = forced(LlmToolCallRequest("c", "f", "{}"), arguments_json=None)


@pytest.mark.parametrize("raw, kept, fault", [
    (Reply("x"), 0, ""), (forced(Reply(), text=3), 0, ""),
    (forced(Reply(), calls="ab"), 0, "calls"), (forced(Reply(), calls=[GOOD, "no", BROKEN]), 1, "could not be read"),
])  # fmt: skip
def test_what_a_driver_says_is_read_with_care(raw, kept, fault):
    reply, found = readable(raw)
    assert len(reply.calls) == kept and isinstance(reply.text, str) and fault in found and bool(found) == bool(fault)


@pytest.mark.parametrize("raw, kind", [(None, "NoneType"), ("All is done.", "str")])
def test_what_is_no_reply_ends_the_run_at_its_first_turn(tmp_path, raw, kind):
    trace, _ = run_one("formal", "code_repair", SimpleNamespace(complete=lambda messages, tools: raw), tmp_path)
    assert trace.status == "interrupted" and trace.turns == 0
    assert f"expected a Reply, got {kind}; a text alone is Reply(text)" in str(trace)


def test_tokens_are_those_of_the_real_vocabulary():
    assert vocabulary().n_vocab == 100277 and tokens("hello world") == 2 and tokens("<|endoftext|>") > 1
    said = [LlmChatMessage("system", "a"), LlmChatMessage("user", "b"), LlmChatMessage("tool", "c")]
    before, now, other = sheet(said[:2], [{"x": 1}]), sheet(said, [{"x": 1}]), sheet(said, [{"x": 2}])
    row = spent(now, before, "done")
    last = tokens(json.dumps(said[2].to_openai_message()))
    assert row["uncached"] == last == row["results"] and row["completion"] == 1
    assert spent(other, before, "")["uncached"] == spent(other, [], "")["prompt"]
    assert row["prompt"] == sum(row[part] for part in ("schemas", "skill", "history", "results"))


def test_skills_and_texts_name_the_same_tools():
    for name in NAMES:
        text = (HERE / "markdown_skills" / name.replace("_", "-") / "SKILL.md").read_text()
        assert all(f"`{tool}`" in text for tool in load_skill(HERE / "skills" / name).tools)
