"""Made-up arguments, paths and replies by the thousand: no way out of the workspace, no traceback, no step lost.

Every run has many of them, because a run costs more than a call. FUZZ_TIMES asks for 10,000 of each kind and more.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up_calls import ENDS, TURN, Answers, Says, Waits, arguments, expected, made, paths, placed
from tiny_skills import ANYTHING, NO_KERNEL, SECRET, bytes_of, call, lay_out, make_skill
from tiny_skills import play as play_tiny

from helpers.formal_skills.drivers import Reply, Scripted
from helpers.formal_skills.experiments import HERE
from helpers.formal_skills.files import read_lines
from helpers.formal_skills.manifest import load_skill
from helpers.formal_skills.markdown import load_markdown
from helpers.formal_skills.payloads import LlmToolCallRequest
from helpers.formal_skills.runtime import SWITCHES, Runtime
from helpers.formal_skills.tasks import NAMES, load_task
from helpers.formal_skills.workshop import Budget

LONG, CALLS, REPLIES = bool(os.environ.get("FUZZ_TIMES")), 25, 12  # calls and replies of one run
ENFORCED = (set(SWITCHES), {"fence", "limits"}, set(SWITCHES) - {"phases"}, {"arguments", "fence", "limits"})
MOST = Budget().characters + 100
SKILLS = HERE / "skills"
HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


def runs(few: int, many: int) -> settings:
    """Return how many runs hypothesis makes up: the same few each time, or many new ones."""
    return settings(max_examples=many if LONG else few, deadline=None, derandomize=not LONG,
                    suppress_health_check=list(HealthCheck))  # fmt: skip


@pytest.fixture(scope="module")
def top(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz") / "top"


@pytest.fixture(scope="module", autouse=True)
def course():
    """The skills and tasks of the course stay as they are."""
    before = {part: bytes_of(HERE / part) for part in ("skills", "markdown_skills", "tasks")}
    yield
    for part, content in before.items():
        after = bytes_of(HERE / part)
        assert all(after[name] == data for name, data in content.items() if "__pycache__" not in name)


def requests(calls) -> list[LlmToolCallRequest]:
    return [LlmToolCallRequest("", name, arguments) for name, arguments in calls]


def play(top: Path, task: str, skills, driver, **how):
    """Return the trace of a run beside a secret, after checks that hold for every run."""
    shutil.rmtree(top, ignore_errors=True)
    workspace = load_task(task).lay_out(top / "w")
    for name in ("secret", "w2/secret", "secret.txt"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text(SECRET)
    outside = bytes_of(top, workspace, top / "w.run")
    trace = Runtime(workspace, skills, driver, **how).run(SECRET)  # the prompt is in the journal, and secret too
    assert bytes_of(top, workspace, top / "w.run") == outside
    assert read_lines(top / "w.run" / "journal.jsonl") == trace.events
    asked = [call for reply in trace.of("reply") for call in reply["calls"]]
    assert [event["id"] for event in trace.calls] == [call["call_id"] for call in asked]
    for event in trace.calls:
        assert event["status"] in ("ok", "error", "deny", "finish") and isinstance(event["result"], str)
        assert SECRET not in event["result"]
        assert len(event["result"]) <= MOST or event["status"] == "deny"
    assert str(trace) and (HALF_A_CHARACTER.search(json.dumps(trace.events, ensure_ascii=False)) or trace._repr_html_())
    return trace


def anything(top: Path, fence: str):
    """Return a skill that does anything; the one for "hook" leaves its run's worker to the audit hook alone."""
    folder = top.with_name(f"{top.name}-{fence}")
    return load_skill(folder) if folder.exists() else make_skill(folder, do=NO_KERNEL * (fence == "hook") + ANYTHING)


@st.composite
def batches(draw):
    task = draw(st.sampled_from(NAMES))
    return task, draw(st.sampled_from(ENFORCED)), draw(st.lists(arguments(task), min_size=CALLS, max_size=CALLS))


@runs(20, 10_000 // CALLS)
@given(batch=batches())
def test_any_arguments_get_an_answer(top, batch):
    task, enforce, calls = batch
    skill = load_skill(SKILLS / task).without(*["done_when"] * (task == "code_repair"))
    replies = [Reply("", requests(calls[place : place + 5])) for place in range(0, CALLS, 5)]
    trace = play(top, task, [skill], Scripted(replies), enforce=enforce)
    assert trace.status in ("completed", "failed") and len(trace.calls) == CALLS
    assert [(event["name"], event["arguments"]) for event in trace.calls] == calls


FENCES = st.sampled_from(["hook", "hook", "whole"])
TAKE = {"read_file": lambda path, old: {"path": path}, "read_skill_code_repair": lambda path, old: {"file": path},
        "edit_file": lambda path, old: {"path": path, "old": old, "new": "new"},
        "add_row": lambda path, old: {"claim": "C1", "source": path, "quote": "x" * 15, "verdict": "refuted"}}
OLD = st.sampled_from([SECRET, "import", "return", "merge", "t"])
SOME = st.lists(st.tuples(st.sampled_from(sorted(TAKE)), paths(), OLD), min_size=CALLS, max_size=CALLS)


@runs(20, 10_000 // CALLS)
@given(fence=FENCES, enforce=st.sampled_from(ENFORCED), drawn=SOME)
def test_no_path_leads_out_or_to_the_frozen_tests(top, fence, enforce, drawn):
    calls = [(tool, json.dumps(TAKE[tool](placed(path, top), old))) for tool, path, old in drawn]
    skills = [load_skill(SKILLS / name).without("phases", "done_when") for name in ("code_repair", "evidence_matrix")]
    skills += [load_markdown(HERE / "markdown_skills" / "code-repair"), anything(top, fence)]
    trace = play(top, "code_repair", skills, Scripted([Reply("", requests(calls))]), enforce=enforce)
    tests = HERE / "tasks" / "code_repair" / "fixtures" / "tests"
    assert len(trace.calls) == CALLS and bytes_of(top / "w" / "tests") == bytes_of(tests, tests / "__pycache__")


DO = {"read": "out = open(path).read()", "list": "out = str(os.listdir(path))", "write": "open(path, 'w').write('x')",
      "remove": "(shutil.rmtree if os.path.isdir(path) else os.remove)(path)", "make": "os.makedirs(path)",
      "move": "os.replace(path, to)", "copy": "shutil.copy(path, to)", "add": "open(path, 'a').write('x')",
      "tree": "shutil.copytree(path, to)", "bytes": "out = str(Path(path).read_bytes())"}  # fmt: skip
ANY = st.lists(st.tuples(st.sampled_from(sorted(DO)), paths(), paths()), min_size=CALLS, max_size=CALLS)


@runs(20, 10_000 // CALLS)
@given(fence=FENCES, drawn=ANY)
def test_no_path_leads_a_program_out(top, fence, drawn):
    calls = [call("do", code=DO[kind], names={"path": placed(path, top), "to": placed(to, top)}).calls[0]
             for kind, path, to in drawn]  # fmt: skip
    trace = play(top, "code_repair", [anything(top, fence)], Scripted([Reply("", calls)]))
    assert len(trace.calls) == CALLS and trace.status == "completed"


@runs(20, 10_000 // REPLIES + 400)
@given(kind=st.sampled_from([Answers, Waits]), end=ENDS, enforce=st.sampled_from(ENFORCED),
       most=st.sampled_from([5, 30, 30, 30]), turns=st.lists(TURN, min_size=REPLIES, max_size=REPLIES))  # fmt: skip
def test_any_replies_end_in_a_trace_that_has_every_turn(top, kind, end, enforce, most, turns):
    driver, skill = kind(turns, end), load_skill(SKILLS / "ticket_triage")
    trace = play(top, "ticket_triage", [skill], driver, enforce=enforce, budget=Budget(turns=most))
    assert trace.turns == driver.said <= most
    ends = {"stopped"} if most < REPLIES else {"completed", "failed"} if end == "done" else {"interrupted"}
    assert trace.status in ends and (trace.interruption or trace.reason or trace.status == "completed")
    for event, turn in zip(trace.of("reply"), turns):
        good = [call for call in expected(turn) if all(isinstance(part, str) for part in call)]
        assert [(call["name"], call["arguments_json"]) for call in event["calls"]] == [call[1:] for call in good]
    if trace.status == "interrupted":
        again = Runtime.resume(top / "w.run", Scripted([]))
        assert again.events[: len(trace.events)] == trace.events and again.status in ("completed", "failed")


# found by these tests and beside them


DEEP = "[" * 900 + "]" * 900
SET = f'{{"service": "web", "key": "ports", "value": {DEEP}}}'


def test_deep_arguments_get_an_answer(top):
    skill = load_skill(SKILLS / "compose_policy").without("phases", "before_tool_call")
    trace = play(top, "compose_policy", [skill], Scripted([Reply("", requests([("set_value", SET)]))]))
    assert trace.calls[0]["status"] in ("error", "deny")


class Half(Reply):
    @property
    def calls(self):
        raise KeyError("calls")


ODD = {"a reply without calls": lambda messages, tools: made(Reply, text=""),
       "calls that raise": lambda messages, tools: made(Half, text=""),
       "a half-made call": lambda messages, tools: made(Reply, text="", calls=[made(LlmToolCallRequest)]),
       "sys.exit": lambda messages, tools: sys.exit(3),
       "a message added": lambda messages, tools: messages.append(object()),
       "a role removed": lambda messages, tools: messages[-1].pop("role"),
       "tools in tools": lambda messages, tools: tools.append(tools)}  # fmt: skip


@pytest.mark.parametrize("says", ODD.values(), ids=ODD)
def test_no_driver_ends_a_run_with_an_exception(tmp_path, says):
    try:
        trace = play_tiny(lay_out(tmp_path).parent, driver=Says(says))
    except SystemExit as left:  # which pytest would obey
        raise AssertionError("the run has left") from left
    assert trace.status in ("completed", "interrupted")


def test_half_a_character_can_be_shown(tmp_path):
    assert play_tiny(lay_out(tmp_path).parent, Reply("\ud800", []))._repr_html_().encode()


@pytest.mark.parametrize("code", [
    "open('/dev/zero').read(1)",
    "shutil.rmtree('../w')"])
def test_devices_and_the_workspace_itself_stay_closed(top, code):
    trace = play(top, "code_repair", [anything(top, "hook")], Scripted([call("do", code=code)]))
    assert "Outside" in trace.calls[0]["result"]
