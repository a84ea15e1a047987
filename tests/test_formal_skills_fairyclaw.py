"""FairyClaw's own skills, unmodified, in our runtime: a repair, their eight faults, and what stops these here."""

from __future__ import annotations

import asyncio
import json

import pytest
from hooked_skills import skill_of
from test_formal_skills_compat import FOLDERS, PACKAGE
from tiny_skills import call

from helpers.formal_skills import compat, payloads
from helpers.formal_skills.drivers import Reply, Scripted
from helpers.formal_skills.hooks import Stages
from helpers.formal_skills.manifest import load_skill
from helpers.formal_skills.models import Rule, Task
from helpers.formal_skills.runtime import Runtime

BROKEN, FIXED = "def add(a, b):\n    return a - b\n", "def add(a, b):\n    return a + b\n"
CHECK = "import sys\nsys.path.insert(0, '.')\nfrom a import add\nassert add(1, 2) == 3\n"
PATCH = "@@\n def add(a, b):\n-    return a - b\n+    return a + b\n"
COMMAND = "python3 check.py"
AGREED = (Rule(type="command_exit_code", args={"command": COMMAND}),)
BOTH = pytest.mark.parametrize("enforce", [False, True])


def skills() -> list:
    return [load_skill(PACKAGE / "capabilities" / name) for name in FOLDERS]


def verify(*commands: str) -> Reply:
    checks = [{"name": "c", "type": "command", "args": {"command": command}} for command in commands]
    return call("repair_run_verification", checks=checks)


EVIDENCE = call("repair_collect_evidence", mode="command", command=COMMAND)
REPAIR = call("repair_apply_unified_patch", file_path="a.py", patch_text=PATCH)
MISSES = call("repair_apply_unified_patch", file_path="a.py", patch_text="@@\n-    return a * b\n+    return a + b\n")
PROGRESS = call("repair_write_artifacts", artifact_type="progress_md", output_path="progress.md")
REPORT = call("report_subtask_done", status="completed", summary="fixed")


@pytest.fixture
def play(tmp_path):
    """Return a function (replies, enforce, ...) -> the trace of a run in a workspace `w` with a bug and a check."""
    (tmp_path / "w").mkdir()

    def play(*replies, enforce=True, done_when=(), beside=(), **files):
        for name, text in {"a": BROKEN, "check": CHECK, **files}.items():
            (tmp_path / "w" / f"{name}.py").write_text(text)
        runtime = Runtime(tmp_path / "w", [*skills(), *beside], Scripted(replies), enforce=enforce)
        trace = runtime.run(Task("Repair a.py.", done_when))
        play.confined = runtime.workshop.confined
        return trace

    return play


GUARD = """from pathlib import Path
    words = json.loads(payload.request.arguments_json).get("command", "").split()
    gone = [word for word in words if word.endswith(".py") and not Path(state["meta"]["workspace_root"], word).exists()]
    return deny("there is no " + gone[0]) if gone else None
"""


def phases(events: list) -> list[str]:
    """The phase in which the skill left each event."""
    return [event["state"]["meta"]["code_repair_state"]["phase"] for event in events]


@BOTH
def test_a_repair_runs_to_its_report(play, enforce):
    trace = play(EVIDENCE, REPAIR, verify(COMMAND), PROGRESS, REPORT, enforce=enforce, done_when=AGREED)
    assert (trace.status, trace.turns) == ("completed", 5) and trace.reason.startswith("fixed")
    assert [event["status"] for event in trace.calls] == ["ok"] * 5
    assert phases(trace.of("reply")) == ["reproduce", "patch", "verify", "report", "report"]
    assert [set(event["shown"]) for event in trace.of("reply")] == [
        {"repair_collect_evidence"}, {"repair_collect_evidence", "repair_apply_unified_patch"},
        {"repair_run_verification"}, *[{"repair_write_artifacts", "report_subtask_done"}] * 2]  # fmt: skip
    assert (trace.workspace / "a.py").read_text() == FIXED
    assert "## Verification\npassed" in (trace.workspace / "progress.md").read_text()


@BOTH
def test_fault_1_the_hook_after_a_call_fails_and_only_the_trace_tells(play, enforce):
    """It would send the driver back while the gate is closed; the phase is saved before it fails."""
    trace = play(EVIDENCE, enforce=enforce)
    (note,) = trace.calls[0]["notes"]
    assert "code_repair_after_tool_call failed (AttributeError" in note and "enabled_groups" in note
    assert trace.notes == [note] and str(trace).endswith(note)
    assert trace.of("said") == [] and phases(trace.calls) == ["patch"]


@pytest.mark.parametrize("enforce", [False, {"contract"}, True], ids=["off", "contract", "on"])
def test_fault_1_a_contract_sends_back_who_is_done_too_early_as_that_hook_should_have(play, enforce):
    replies = EVIDENCE, Reply("All done."), REPAIR, verify(COMMAND), PROGRESS, REPORT
    trace = play(*replies, enforce=enforce, done_when=AGREED)
    assert trace.status == "completed" and trace.turns == (6 if enforce else 2)
    assert (trace.workspace / "a.py").read_text() == (FIXED if enforce else BROKEN)
    assert ["faults" in event for event in trace.of("said")] == ([True] if enforce else [])


def test_fault_2_a_forced_call_runs_the_test_of_one_benchmark_task(play):
    trace = play(Reply("All done."), enforce=False)
    assert (trace.calls[0]["name"], trace.of("reply")[0]["text"]) == ("repair_collect_evidence", "All done.")
    assert json.loads(trace.calls[0]["arguments"])["command"] == "pytest fixtures/app/test_config.py -q"
    assert not (trace.workspace / "fixtures").exists() and phases(trace.calls) == ["patch"]


@pytest.mark.parametrize("script, enforce, refused", [(GUARD, True, True), (GUARD, {"fail_closed"}, True),
                                                      (GUARD.replace("meta", "mete"), {"fail_closed"}, True),
                                                      (GUARD.replace("meta", "mete"), False, False)])  # fmt: skip
def test_fault_2_a_guard_beside_it_refuses_that_call_even_a_broken_one_if_it_fails_closed(
    play, tmp_path, script, enforce, refused
):
    """No switch knows that the test is another's; with a guard the call counts as no evidence, so the phase stays."""
    guard = skill_of(tmp_path / "guard", ("before_tool_call", script))
    trace = play(Reply("All done."), enforce=enforce, beside=[guard])
    assert trace.calls[0]["status"] == ("deny" if refused else "ok")
    assert phases(trace.calls)[0] == ("reproduce" if refused else "patch")
    assert ("there is no fixtures/app/test_config.py" in trace.calls[0]["result"]) == (script is GUARD)


@pytest.mark.parametrize("enforce", [False, {"contract"}, True], ids=["off", "contract", "on"])
def test_fault_3_a_test_at_the_top_can_be_edited_but_a_contract_that_knows_it_refuses_the_finish(play, enforce):
    """No switch stops the edit, since which files are frozen is for the skill to say."""
    patch = "@@\n-assert add(1, 2) == 3\n+assert True\n"
    edit = call("repair_apply_unified_patch", file_path="test_a.py", patch_text=patch)
    agreed = (Rule(type="text_contains", args={"path": "test_a.py", "terms": ["assert add(1, 2) == 3"]}),)
    replies = EVIDENCE, edit, verify("python3 test_a.py"), PROGRESS, *[REPORT] * 3
    trace = play(*replies, enforce=enforce, done_when=agreed, test_a=CHECK)
    assert (trace.workspace / "test_a.py").read_text().endswith("assert True\n") and phases(trace.calls)[2] == "report"
    assert trace.status == ("failed" if enforce else "completed")
    assert ("text_contains test_a.py: does not contain" in trace.reason) == bool(enforce)


def test_a_blocked_edit_becomes_another_call_which_is_refused_while_hidden(play, tmp_path):
    """FairyClaw's guard rewrites it into writing progress.md, which jumps to the report."""
    (tmp_path / "w" / "tests").mkdir()
    (tmp_path / "w" / "tests" / "test_a.py").write_text(CHECK)
    edit = call("repair_apply_unified_patch", file_path="tests/test_a.py", patch_text=PATCH)
    for enforce, status, phase in ((False, "ok", "report"), (True, "deny", "patch")):
        trace = play(EVIDENCE, edit, enforce=enforce)
        assert (trace.calls[1]["name"], trace.calls[1]["status"]) == ("repair_write_artifacts", status)
        assert (trace.workspace / "tests" / "test_a.py").read_text() == CHECK and phases(trace.calls)[1] == phase


@pytest.mark.parametrize("enforce", [False, {"fence"}, True], ids=["off", "fence", "on"])
def test_fault_4_an_absolute_path_leaves_the_workspace_unless_fenced(play, tmp_path, enforce):
    outside = tmp_path / "elsewhere" / "progress.md"
    escape = call("repair_write_artifacts", artifact_type="progress_md", output_path=str(outside))
    trace = play(EVIDENCE, REPAIR, verify(COMMAND), escape, enforce=enforce)
    assert outside.parent.exists() == outside.exists() == (not enforce)
    assert trace.calls[3]["status"] == ("error" if enforce else "ok")
    assert ("outside the workspace" in trace.calls[3]["result"]) == bool(enforce)


@BOTH
def test_fault_5_a_hidden_tool_is_executed_unless_phases_are_enforced(play, enforce):
    trace = play(call("write_file", file_path="a.py", content=FIXED), enforce=enforce)
    assert trace.of("reply")[0]["shown"] == ["repair_collect_evidence"]
    assert (trace.workspace / "a.py").read_text() == (BROKEN if enforce else FIXED)
    assert trace.calls[0]["status"] == ("deny" if enforce else "ok")


def test_fault_6_the_command_policy_lets_any_script_through(play, tmp_path):
    """What `python3 -c` may not do, the same program in a file may."""
    program = f"open({str(tmp_path / 'out')!r}, 'w').write('out')"
    trace = play(verify(f'python3 -c "{program}"', "tee a.py", "python3 anything.py"), enforce=False, anything=program)
    inline, tee, script = json.loads(trace.calls[0]["result"])["results"]
    assert (inline["passed"], tee["passed"], script["passed"]) == (False, False, True)
    assert "not allowed by policy" in inline["detail"] and (tmp_path / "out").read_text() == "out"


def test_fault_6_the_kernel_keeps_that_script_inside(play, tmp_path):
    outside, inside = tmp_path / "out", tmp_path / "w" / "in"
    program = f"for path in ({str(inside)!r}, {str(outside)!r}):\n    open(path, 'w').close()\n"
    trace = play(EVIDENCE, REPAIR, verify("python3 anything.py"), anything=program)
    if not play.confined:
        pytest.skip("this kernel has no Landlock")
    (script,) = json.loads(trace.calls[2]["result"])["results"]
    assert inside.exists() and not outside.exists() and not script["passed"]


def test_fault_7_the_second_all_done_is_accepted_with_nothing_repaired(play):
    trace = play(*[Reply("All done.")] * 5, enforce=False)
    assert (trace.status, trace.turns, len(trace.calls), phases(trace.events[-1:])) == ("completed", 2, 1, ["patch"])
    assert (trace.workspace / "a.py").read_text() == BROKEN


def test_fault_7_a_contract_refuses_it_three_times(play):
    trace = play(*[Reply("All done.")] * 5, done_when=AGREED)
    assert (trace.status, trace.turns, len(trace.calls)) == ("failed", 4, 1)
    assert len(trace.of("said")) == 2 and "exit code 1, expected 0" in trace.reason


def test_fault_7_its_own_contract_reports_failed_at_the_third_all_done(tmp_path):
    meta = {"workspace_root": str(tmp_path), "done_when": [{"type": "file_exists", "args": {"path": "none"}}]}
    stages, state = Stages([load_skill(PACKAGE / "capabilities" / "sub_agent_tools")], False, "w"), {compat.META: meta}
    for kind in ("finish", "finish", "allow"):
        said = payloads.AfterLlmResponseHookPayload("w", "general", True, [], "All done.", [])
        said, verdict = asyncio.run(stages.run("after_llm_response", said, state, []))
        assert verdict.kind == kind and len(said.tool_calls) == (kind == "allow")
    assert json.loads(said.tool_calls[0].arguments_json)["status"] == "failed"
    assert len(state[compat.INBOX]) == 2 and "A required file is missing" in state[compat.INBOX][0]


@BOTH
def test_fault_8_a_failed_patch_stays_in_its_phase_because_its_status_is_error(play, enforce):
    trace = play(EVIDENCE, MISSES, enforce=enforce)
    assert trace.calls[1]["status"] == "error" and trace.calls[1]["result"].startswith("Error: failed to apply patch")
    assert phases(trace.calls) == ["patch", "patch"]


@pytest.mark.parametrize("status, phase", [("ok", "verify"), ("error", "patch")])
def test_fault_8_in_fairyclaw_every_text_that_a_tool_returns_counts_as_ok(status, phase):
    """FairyClaw's planner gives the hook "ok" unless the tool raises: core/agent/planning/planner.py."""
    result, state = "Error: failed to apply patch: removal lines do not match target file", {compat.META: {}}
    after = payloads.AfterToolCallHookPayload(MISSES.calls[0], "w", 0, result, status)
    asyncio.run(Stages(skills(), False, "w").run("after_tool_call", after, state, []))
    assert state[compat.META]["code_repair_state"]["phase"] == phase
