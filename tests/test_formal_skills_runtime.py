"""Whole runs: switches, budgets, refusals, hooks in all stages, forced ends, contracts; and what a run adds up to."""

from __future__ import annotations

import json

import pytest
from hooked_skills import PHASES, TOOL, TOOLS, Listens, calls, ends, run, skill_of
from tiny_skills import bytes_of, call, lay_out

from helpers.formal_skills.drivers import Reply, Scripted
from helpers.formal_skills.experiments import HERE, row, run_one
from helpers.formal_skills.files import read_lines
from helpers.formal_skills.ledger import PARTS, tokens
from helpers.formal_skills.manifest import load_skill
from helpers.formal_skills.models import Task, rules
from helpers.formal_skills.payloads import STAGES
from helpers.formal_skills.runtime import SWITCHES, Runtime
from helpers.formal_skills.sloppy import Sloppy
from helpers.formal_skills.tasks import load_task
from helpers.formal_skills.workshop import Budget

MADE = Task("Make it.", rules([{"type": "file_exists", "args": {"path": "made"}}]))


# switches and budgets


@pytest.mark.parametrize("enforce, expected", [(True, set(SWITCHES)), (False, set()), ({"fence"}, {"fence"})])
def test_enforce_is_all_nothing_or_some(tmp_path, enforce, expected):
    skill = skill_of(tmp_path / "s", phases=PHASES)
    trace = run(tmp_path, skill, calls("b"), enforce=enforce)
    assert set(trace.events[0]["enforce"]) == expected
    assert trace.calls[0]["status"] == ("deny" if "phases" in expected else "ok")


@pytest.mark.parametrize("enforce", [{"fence", "phasers"}, {"Fence"}, {"phasers"}])
def test_an_unknown_switch_is_told(tmp_path, enforce):
    with pytest.raises(ValueError, match="enforce has (Fence|phasers); the switches are arguments, phases, fence, "):
        run(tmp_path, [], enforce=enforce)


@pytest.mark.parametrize("place", ["nowhere", "log"])
def test_what_is_no_workspace_is_told_and_nothing_is_lost(tmp_path, place):
    workspace = lay_out(tmp_path)
    before = bytes_of(tmp_path)
    with pytest.raises(ValueError, match=f"the workspace .*{place} is no folder; make it first"):
        Runtime(workspace / place, [], Scripted([])).run("Work.")
    assert bytes_of(tmp_path) == before


def test_a_link_beside_a_finished_run_is_told_and_the_run_stays(tmp_path):
    run(tmp_path, skill_of(tmp_path / "s"), calls("a"))
    (tmp_path / "w" / "link").symlink_to("log")
    before = bytes_of(tmp_path)
    with pytest.raises(ValueError, match="has a link, link; put a copy"):
        Runtime(tmp_path / "w", [], Scripted([])).run("Work.")
    assert bytes_of(tmp_path) == before


def test_out_of_turns_it_stops_after_the_calls_of_the_last(tmp_path):
    skill = skill_of(tmp_path / "s")
    trace = run(tmp_path, skill, *[calls("a", "b")] * 3, budget=Budget(turns=2))
    assert (trace.status, trace.turns, len(trace.calls)) == ("stopped", 2, 4)
    assert trace.reason == "2 turns, as many as the budget allows"
    assert run(tmp_path, skill, calls("a"), budget=Budget(turns=2)).status == "completed"
    assert run(tmp_path, skill, budget=Budget(turns=0)).status == "stopped"


def test_limits_hold_only_where_they_are_enforced(tmp_path):
    slow, long = TOOL.format("__import__('time').sleep(0.4)"), TOOL.format("return 'x' * 99")
    skill = skill_of(tmp_path / "s", long=long, slow=slow)
    budget = Budget(seconds=0.2, characters=9)
    for enforce in (set(SWITCHES), set(SWITCHES) - {"limits"}):
        (_, long), (slow, said) = ends(run(tmp_path, skill, calls("long", "slow"), enforce=enforce, budget=budget))
        assert long == ("x" * 99 if "limits" not in enforce else "x" * 9 + "\n[cut: 90 characters more; ask for less]")
        assert (slow, said) == ("ok", "None") if "limits" not in enforce else "longer than 0.2 s" in said


# refusals


def test_a_hidden_tool_is_refused_until_its_phase_has_begun_and_been_shown(tmp_path):
    skill = skill_of(tmp_path / "s", phases=PHASES)
    trace = run(tmp_path, skill, calls("b"), calls("a", "b"), calls("b", "a", "nothing"))
    now = "Refused: {!r} is not available now; available now: {}".format
    assert ends(trace) == [("deny", now("b", "a")), ("ok", "a"), ("deny", now("b", "a")), ("ok", "b"),
                           ("deny", now("a", "b, c")), ("deny", now("nothing", "b, c"))]  # fmt: skip
    assert [event["shown"] for event in trace.of("reply")] == [["a"], ["a"], ["b", "c"], ["b", "c"]]


def test_arguments_are_refused_in_words_and_can_be_mended(tmp_path):
    task, skill = load_task("ticket_triage"), load_skill(HERE / "skills" / "ticket_triage")
    skill = skill.without("done_when", "phases")
    good = {"ticket": "T1", "category": "bug", "priority": "high"}
    bad = [good | {"priority": "urgent"}, good | {"why": 1}, {"ticket": "T1"}, good | {"ticket": 1}]
    replies = [call("label", **args) for args in (*bad, good)]
    trace = Runtime(task.lay_out(tmp_path / "w"), [skill], Scripted(replies)).run(task.prompt)
    words = ["$.priority: 'urgent' is not", "'why' was unexpected", "a required property", "$.ticket: 1 is not of"]
    assert all(status == "deny" and said in result for said, (status, result) in zip(words, ends(trace)))
    assert ends(trace)[-1] == ("ok", "1 labels") and "T1" in (tmp_path / "w" / "labels.json").read_text()


def test_two_skills_may_share_a_tool_but_not_its_name_alone(tmp_path):
    trace = run(tmp_path, [skill_of(tmp_path / "s"), skill_of(tmp_path / "t")], calls("a"))
    assert ends(trace) == [("ok", "a")] and trace.of("reply")[0]["shown"] == ["a", "b", "c"]
    other = skill_of(tmp_path / "other", a=TOOL.format("return 'other'"))
    with pytest.raises(ValueError, match="different tools named a; rename one"):
        run(tmp_path, [load_skill(tmp_path / "s"), other])


# hooks


def test_the_hooks_of_all_skills_run_stage_by_stage_by_priority_and_name(tmp_path):
    note = "state.setdefault('log', []).append([hook_input.stage, {!r}])"
    first = skill_of(tmp_path / "s", *[(stage, note.format("s"), {"priority": 200}) for stage in STAGES],
                     *[(stage, note.format("first"), {"priority": 1}) for stage in reversed(STAGES)])  # fmt: skip
    second = skill_of(tmp_path / "r", *[(stage, note.format("r"), {"priority": 200}) for stage in STAGES])
    trace = run(tmp_path, [first, second], calls("a", "nothing"))
    assert trace.events[-1]["state"]["log"] == [[stage, name] for stage in (*STAGES, *STAGES[:3])
                                                for name in ("first", "r", "s")]  # fmt: skip


def test_hooks_know_the_turn_and_the_call_s_place_in_it(tmp_path):
    note = "state.setdefault('told', []).append([hook_input.context.turn_id, getattr(payload, 'call_index', '-')])"
    skill = skill_of(tmp_path / "s", *[(stage, note) for stage in STAGES])
    told = run(tmp_path, skill, calls("a", "b"), calls("c")).events[-1]["state"]["told"]
    places = {turn: [place for each, place in told if each == turn] for turn in ("turn_0", "turn_1", "turn_2")}
    asked = ["-", "-", "-"]
    assert places == {"turn_0": [*asked, 0, 0, 1, 1], "turn_1": [*asked, 0, 0], "turn_2": asked}


def test_what_the_hooks_of_each_stage_change_goes_on_to_the_next(tmp_path):
    skill = skill_of(
        tmp_path / "s",
        ("tools_prepared", "return patch(payload, tools=payload.tools[:2])"),
        ("before_llm_call", "return HookStageOutput(patched_payload=payload.saying(f'{len(payload.tools)} tools'))"),
        ("after_llm_response", "return patch(payload, tool_calls=payload.tool_calls * 2)"),
        ("before_tool_call", "return patch(payload, request=replace(payload.request, name='b'))"),
        ("after_tool_call", "return patch(payload, result=payload.result.upper())"))  # fmt: skip
    driver = Listens([calls("a")])
    trace = run(tmp_path, skill, driver=driver)
    assert ends(trace) == [("ok", "B"), ("ok", "B")] and [event["name"] for event in trace.calls] == ["b", "b"]
    for messages, tools in driver.heard:
        assert [tool["function"]["name"] for tool in tools] == ["a", "b"]
        assert [message["content"] for message in messages if "2 tools" in message["content"]] == ["2 tools"]


def test_a_call_rewritten_into_a_hidden_or_wrong_one_is_refused(tmp_path):
    for change, word in (("name='b'", "'b' is not available now"), ("arguments_json='{'", "are not JSON")):
        code = f"return patch(payload, request=replace(payload.request, {change}))"
        skill = skill_of(tmp_path / change[:4], ("before_tool_call", code), phases=PHASES)
        ((status, result),) = ends(run(tmp_path, skill, calls("a")))
        assert status == "deny" and word in result


def test_after_a_forced_finish_the_other_calls_of_the_turn_are_refused(tmp_path):
    code = "return patch(payload, force_finish=payload.request.name == 'b', force_finish_reason='enough')"
    skill = skill_of(tmp_path / "s", ("after_tool_call", code))
    late = ("finish", "Refused: the turn has ended")
    trace = run(tmp_path, skill, calls("a", "b", "c", "a"), calls("c"))
    assert ends(trace) == [("ok", "a"), ("ok", "b"), late, late] and (trace.status, trace.turns) == ("completed", 1)
    assert [event["verdict"] for event in trace.calls] == ["allow", "finish", "finish", "finish"]
    assert trace.calls[1]["reason"] == "enough"
    trace = run(tmp_path, skill, calls("b", "c"), calls("c"), task=MADE)  # its contract sends the driver on
    assert ends(trace) == [("ok", "b"), late, ("ok", "c")] and trace.status == "failed"


def test_a_guard_can_finish_the_turn_instead_of_a_call(tmp_path):
    skill = skill_of(tmp_path / "s", ("before_tool_call", "return HookStageOutput(verdict=Verdict('finish', 'so'))"))
    trace = run(tmp_path, skill, calls("a", "b"))
    assert ends(trace) == [("finish", "Refused: so"), ("finish", "Refused: the turn has ended")] and trace.turns == 1


BROKEN = [("tools_prepared", "return {}"), ("before_llm_call", "return force(payload, tools=None)"),
          ("before_llm_call", "payload.turn.history_items.clear()"), ("before_tool_call", "return 'no'"),
          ("after_llm_response", "return force(payload, tool_calls=['a'])"), ("before_tool_call", "raise SystemExit"),
          ("after_llm_response", "out = HookStageOutput(); out.verdict = 'deny'; return out"),
          ("after_tool_call", "state[1, 2] = 3"), ("before_tool_call", "return force(payload, request=None)"),
          ("after_tool_call", "state['me'] = state"),
          ("after_tool_call", "state['deep'] = json.loads('[' * 500 + ']' * 500)")]  # fmt: skip


@pytest.mark.parametrize("stage, code", BROKEN)
def test_a_broken_hook_does_not_end_the_run_with_an_exception(tmp_path, stage, code):
    try:
        trace = run(tmp_path, skill_of(tmp_path / "s", (stage, code)), calls("a"), budget=Budget(turns=3))
    except SystemExit as left:  # which pytest would obey
        raise AssertionError("the run has left") from left
    assert trace.status in ("completed", "stopped", "failed")


@pytest.mark.parametrize("stage", ["before_llm_call", "after_llm_response"])
def test_a_hook_that_fails_closed_around_the_driver_does_not_complete_the_run(tmp_path, stage):
    trace = run(tmp_path, skill_of(tmp_path / "s", (stage, "raise KeyError", {"on_error": "fail"})), calls("a"))
    assert trace.status != "completed"


# contracts


def test_the_third_false_claim_fails_and_a_mended_one_completes(tmp_path):
    skill = skill_of(tmp_path / "s", make=TOOL.format("open('made', 'w').close()"), **TOOLS)
    trace = run(tmp_path, skill, Reply("Done."), calls("a"), Reply("Really."), Reply("Yes."), calls("make"), task=MADE)
    assert (trace.status, trace.turns, trace.reason) == ("failed", 4, "file_exists made: there is no such file")
    fault = "The task is not complete yet:\n- file_exists made: there is no such file"
    assert [event["text"] for event in trace.of("said")] == [fault, fault]
    trace = run(tmp_path, skill, Reply("Done."), calls("make"), Reply("Made."), task=MADE)
    assert (trace.status, trace.turns, trace.reason) == ("completed", 3, "Made.") and len(trace.of("said")) == 1
    (tmp_path / "w" / "made").unlink()
    assert run(tmp_path, skill, task=MADE, enforce=set(SWITCHES) - {"contract"}).status == "completed"


# what a run adds up to


def test_the_figures_of_a_trace_are_those_of_its_events(tmp_path):
    driver = Listens([calls("a", "b"), calls("b"), Reply("Done.")])
    trace = run(tmp_path, skill_of(tmp_path / "s", phases=PHASES), driver=driver)
    rows, before = [event["tokens"] for event in trace.of("reply")], []
    for (messages, tools), spent in zip(driver.heard, rows, strict=True):
        items = [json.dumps(tools), *map(json.dumps, messages)]
        shared = next((place for place, pair in enumerate(zip(before, items)) if pair[0] != pair[1]), len(before))
        assert spent["prompt"] == sum(map(tokens, items)) == sum(spent[part] for part in PARTS[:-1])
        assert spent["uncached"] == sum(map(tokens, items[shared:])) and spent["schemas"] == tokens(items[0])
        before = items
    assert [row["uncached"] == row["prompt"] for row in rows] == [True, True, False]  # the second phase has other tools
    total = trace.tokens
    assert total["total"] == total["prompt"] + total["completion"] == sum(total[part] for part in PARTS)
    assert all(total[part] == sum(row[part] for row in rows) for part in (*PARTS, "prompt", "uncached"))
    assert str(trace) == f"completed after 3 turns, 3 calls, {total['total']} tokens"
    frame = trace.frame()
    assert frame.what.tolist() == ["a", "b", "b", "reply", "end"] and frame.turn.tolist() == [1, 1, 2, 3, 3]
    assert frame.phase.tolist() == ["one", *["two"] * 4] and frame["came back"].tolist()[::2] == ["a", "b", "Done."]
    assert read_lines(tmp_path / "w.run" / "journal.jsonl") == trace.events


@pytest.mark.parametrize("arm", ["formal", "markdown"])
def test_a_run_of_the_grid_gives_the_same_twice(tmp_path, arm):
    driver = Sloppy(0.4, 101)
    assert row(arm, "evidence_matrix", 0.4, 101, driver) == row(arm, "evidence_matrix", 0.4, 101, driver)
    (one, right), (other, also) = (run_one(arm, "ticket_triage", Sloppy(0.4, 3), tmp_path) for _ in range(2))
    assert one.events == other.events and right == also
