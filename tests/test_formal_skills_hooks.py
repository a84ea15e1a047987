"""Hook stages: order, chaining, time limits, error policies, verdicts; and contracts: every rule, right and wrong."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import re
from dataclasses import fields, replace
from pathlib import Path

import nbformat
import numpy as np
import pytest

from helpers.course.threads import in_thread
from helpers.formal_skills import payloads
from helpers.formal_skills.contracts import failed
from helpers.formal_skills.hooks import Stages
from helpers.formal_skills.manifest import FormalSkill
from helpers.formal_skills.models import ARGS, Hook, rules
from helpers.formal_skills.payloads import (
    AfterToolCallHookPayload,
    BeforeToolCallHookPayload,
    HookStageOutput,
    HookStatus,
    LlmToolCallRequest,
    Verdict,
    deny,
    patch,
)

CALL = LlmToolCallRequest("c", "pay", '{"id": 1}')
BEFORE = BeforeToolCallHookPayload(CALL, "w", 0, ["Pay"])


def stages(*hooks, fail_closed=True, stage="before_tool_call"):
    """Return stages with these functions as hooks: (function, fields of the hook)."""
    found = Stages([FormalSkill(Path("."), "Pay", "", {})], fail_closed, "w")
    bound = [(Hook(name=f"h{place}", stage=stage, script="x.py", **fields), function)
             for place, (function, fields) in enumerate(hooks)]  # fmt: skip
    found.bound = {stage: sorted(bound, key=lambda pair: (pair[0].priority, pair[0].name))}
    return found


def went(found, payload=BEFORE, stage="before_tool_call", state=None):
    notes: list[str] = []
    return *in_thread(found.run(stage, payload, {} if state is None else state, notes)), notes


def adds(letter):
    async def hook(hook_input):
        request = hook_input.payload.request
        return patch(hook_input.payload, request=replace(request, name=request.name + letter))

    return hook


async def fails(hook_input):
    raise KeyError("to")


async def sleeps(hook_input):
    await asyncio.sleep(5)


async def refuses(hook_input):
    return deny("no")


def test_low_priorities_come_first_and_payloads_are_chained():
    found = stages((adds("c"), {"priority": 200}), (adds("a"), {"priority": 1}), (adds("b"), {}))
    payload, verdict, notes = went(found)
    assert payload.request.name == "payabc" and verdict.kind == "allow" and not notes


def test_a_hook_that_says_nothing_changes_nothing():
    async def silent(hook_input): ...

    async def skips(hook_input):
        return HookStageOutput(status=HookStatus.SKIP)

    payload, verdict, _ = went(stages((silent, {}), (skips, {})))
    assert payload is BEFORE and verdict.kind == "allow"


def test_the_first_refusal_ends_the_stage():
    payload, verdict, _ = went(stages((adds("a"), {}), (refuses, {}), (adds("b"), {})))
    assert payload.request.name == "paya" and (verdict.kind, verdict.reason) == ("deny", "no")


@pytest.mark.parametrize("hook, fault", [(fails, "KeyError"), (sleeps, "TimeoutError")])
@pytest.mark.parametrize("on_error", ["continue", "warn", "fail"])
@pytest.mark.parametrize("fail_closed", [True, False])
def test_what_a_failing_guard_does(hook, fault, on_error, fail_closed):
    found = stages((hook, {"on_error": on_error, "timeout_ms": 20}), (adds("a"), {}), fail_closed=fail_closed)
    payload, verdict, notes = went(found)
    shut = fail_closed or on_error == "fail"
    assert verdict.kind == ("deny" if shut else "allow") and len(notes) == 1 and fault in notes[0]
    assert payload.request.name == ("pay" if shut else "paya")


def test_after_the_call_only_the_policy_decides():
    after = AfterToolCallHookPayload(CALL, "w", 0, "done", "ok")
    for on_error, kind in (("continue", "allow"), ("fail", "deny")):
        found = stages((fails, {"on_error": on_error}), stage="after_tool_call")
        assert went(found, after, "after_tool_call")[1].kind == kind


def test_a_forced_finish_refuses_before_a_call_and_finishes_elsewhere():
    async def stop(hook_input):
        return patch(hook_input.payload, force_finish=True, force_finish_reason="enough")

    assert went(stages((stop, {})))[1] == Verdict("deny", "enough")
    after = AfterToolCallHookPayload(CALL, "w", 0, "done", "ok")
    assert went(stages((stop, {}), stage="after_tool_call"), after, "after_tool_call")[1] == Verdict("finish", "enough")


@pytest.mark.parametrize("change", ["append('junk')", "clear()", "__setitem__(0, 1)", "sort()", "__iadd__([1])"])
@pytest.mark.parametrize("patched", [False, True])
def test_the_lists_of_a_payload_are_changed_by_patch_alone(change, patched):
    async def patches(hook_input):
        return patch(hook_input.payload, enabled_groups=["Other"]) if patched else None

    async def mutates(hook_input):
        exec(f"payload.enabled_groups.{change}", {"payload": hook_input.payload})

    payload, verdict, notes = went(stages((patches, {}), (mutates, {})), payloads.sealed(BEFORE))
    assert payload.enabled_groups == (["Other"] if patched else ["Pay"]) and verdict.kind == "deny"
    assert "the lists of a payload stay as they are; return patch(payload, ...)" in notes[0]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_a_copy_of_a_payload_is_a_hooks_own(copied):
    own = copied(payloads.sealed(BEFORE).enabled_groups)
    own.append("more")
    assert own == ["Pay", "more"] and copied(payloads.sealed(BEFORE)) == BEFORE


@pytest.mark.parametrize("value", [np.arange(3), {1, 2}, True, 1.0])
def test_what_is_no_json_stays_in_the_state_as_text_and_fails_no_hook(value):
    async def leaves(hook_input):
        hook_input.context.state["found"] = value

    found, state = stages((leaves, {}), (fails, {"on_error": "continue"}), fail_closed=False), {"found": 1}
    for _ in range(2):
        assert went(found, state=state)[2] == ["hook h1 failed (KeyError: 'to')"]
    assert state["found"] is value


def test_hooks_share_the_state_and_know_their_settings():
    async def counts(hook_input):
        hook_input.context.state["n"] = hook_input.context.state.get("n", 0) + hook_input.metadata["by"]

    state = {}
    went(stages((counts, {"config": {"by": 2}}), (counts, {"config": {"by": 5}})), state=state)
    assert state == {"n": 7}


FILES = {"a.txt": "one two", "good.json": '{"n": 3}', "bad.json": "{", "schema.json": '{"required": ["n"]}'}
HOLDS = [
    ("file_exists", {"path": "a.txt"}), ("json_parseable", {"path": "good.json"}),
    ("json_schema", {"path": "good.json", "schema": {"properties": {"n": {"type": "integer"}}}}),
    ("json_schema", {"path": "good.json", "schema_path": "schema.json"}),
    ("command_exit_code", {"command": "python -c pass"}), ("command_exit_code", {"command": "exit 3", "exit_code": 3}),
    ("text_contains", {"path": "a.txt", "terms": ["one", "two"]}),
    ("text_not_contains", {"path": "a.txt", "terms": ["three"]}),
]  # fmt: skip
FAILS = [
    ("file_exists", {"path": "b.txt"}, "no such file"), ("file_exists", {"path": "../elsewhere"}, "outside"),
    ("json_parseable", {"path": "bad.json"}, "cannot be checked"), ("json_parseable", {"path": "gone"}, "no such file"),
    ("json_schema", {"path": "good.json", "schema": {"properties": {"n": {"type": "string"}}}}, r"\$\.n"),
    ("json_schema", {"path": "good.json", "schema": {"required": ["m"]}}, "'m' is a required"),
    ("json_schema", {"path": "good.json", "schema_path": "gone"}, "no such file"),
    ("json_schema", {"path": "good.json", "schema_path": "a.txt"}, "cannot be checked"),
    ("command_exit_code", {"command": "exit 1"}, "exit code 1, expected 0"),
    ("command_exit_code", {"command": "no-such-program-here"}, "exit code 127"),
    ("text_contains", {"path": "a.txt", "terms": ["one", "six"]}, "six"),
    ("text_contains", {"path": "b", "terms": ["x"]}, "no such"),
    ("text_contains", {"path": "/etc/passwd", "terms": ["root"]}, "outside"),
    ("text_not_contains", {"path": "a.txt", "terms": ["two"]}, "two"),
    ("text_not_contains", {"path": "b", "terms": ["x"]}, "no such"),
]  # fmt: skip


@pytest.fixture
def workspace(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path.resolve()


@pytest.mark.parametrize("kind, args", HOLDS, ids=lambda value: json.dumps(value)[:40])
def test_rules_that_hold(workspace, kind, args):
    assert failed(rules([{"type": kind, "args": args}]), workspace) == []


@pytest.mark.parametrize("kind, args, words", FAILS, ids=lambda value: json.dumps(value)[:40])
def test_rules_that_do_not_hold_say_why(workspace, kind, args, words):
    (said,) = failed(rules([{"type": kind, "args": args}]), workspace)
    assert said.startswith(kind) and words.replace("\\", "") in said


def test_all_that_is_wrong_is_said(workspace):
    assert len(failed(rules([{"type": kind, "args": args} for kind, args, _ in FAILS]), workspace)) == len(FAILS)


NOTEBOOK = Path(__file__).parent.parent / "notebooks" / "4_formal_skills.ipynb"


def test_the_notebook_lists_every_rule_and_every_stage_with_its_fields():
    (text,) = (cell.source for cell in nbformat.read(NOTEBOOK, 4).cells if cell.id == "own-tables")
    for kind, args in ARGS.items():
        needs = [field.alias or name for name, field in args.model_fields.items()]
        (line,) = (line for line in text.splitlines() if line.startswith(f"| `{kind}` |"))
        assert all(f"`{need}`" in line for need in needs)
    kinds = (payloads.ToolsPreparedHookPayload, payloads.BeforeLlmCallHookPayload, payloads.AfterLlmResponseHookPayload,
             BeforeToolCallHookPayload, AfterToolCallHookPayload)  # fmt: skip
    for stage, kind in zip(payloads.STAGES, kinds, strict=True):
        (line,) = (line for line in text.splitlines() if line.startswith(f"| `{stage}` |"))
        named = set(re.findall(r"`(\w+)`", line)) - {stage}
        known = (kind, LlmToolCallRequest, payloads.LlmTurnContext)
        assert named <= {field.name for each in known for field in fields(each)}
