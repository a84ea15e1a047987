"""Calls that end badly, and runs that are killed at every step: the workspace and the trace are as if nothing had been.

A killed run is a real process that gets SIGKILL before an event is written, in the middle of its line, or after it.
"""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_skills import APPEND, EVENTS, HALF, KILLS, PLAN, TASK, bytes_of, call, lay_out, play, runtime_of

from helpers.formal_skills.drivers import Scripted
from helpers.formal_skills.models import Task, rules
from helpers.formal_skills.runtime import Runtime
from helpers.formal_skills.workshop import Budget

ENDS = {
    "raises": ("raise KeyError('lost')", "Error: KeyError: 'lost'"),
    "leaves": ("sys.exit('enough')", "Error: SystemExit: enough"),
    "exits": ("os._exit(3)", "Error: do ended its process; its changes were undone"),
    "is killed": ("os.kill(os.getpid(), 9)", "Error: do ended its process; its changes were undone"),
    "sleeps": ("time.sleep(60)", "Error: do took longer than 0.5 s and was stopped; its changes were undone"),
}


def bug(reason):
    return pytest.mark.xfail(strict=True, reason=reason)


def told(trace) -> list:
    """What must be the same in two runs; tokens and the workspace's place may differ."""
    keys = ("kind", "id", "name", "arguments", "status", "result", "verdict", "text", "calls", "shown", "reason")
    return [[event.get(key) for key in keys] for event in trace.events]


# calls that end badly


@pytest.mark.parametrize("end", [pytest.param(end, marks=bug("only a dead worker's changes are undone"))
                                 if end in ("raises", "leaves") else end for end in ENDS])  # fmt: skip
def test_half_of_a_call_is_undone_and_the_run_goes_on(tmp_path, end):
    before, (code, result) = bytes_of(lay_out(tmp_path)), ENDS[end]
    trace = play(tmp_path, call("do", code=HALF + code), call("do", code="out = Path('log').read_text()"),
                 call("do", code=APPEND, names={"line": "x"}), budget=Budget(seconds=0.5))  # fmt: skip
    assert [event["status"] for event in trace.calls] == ["error", "ok", "ok"] and trace.status == "completed"
    assert [event["result"] for event in trace.calls] == [result, "begun\n", "x"]
    assert bytes_of(tmp_path / "w") == before | {"log": b"begun\nx\n"}


@pytest.mark.parametrize("code", [
    "shutil.copytree('sub', 'x'); shutil.rmtree('sub')",
    "os.mkdir('x'); open('x/c', 'w').close(); shutil.rmtree('sub'); os.rename('x', 'sub')",
    "Path('t').write_text('t'); os.replace('t', 'a'); os.chmod('sub', 0o700); os.utime('.')",
    "os.rename('sub', 'x'); Path('x/c').write_text('x'); os.rename('x', 'sub')",
    "os.mkdir('x'); open('x/c', 'w').close(); shutil.rmtree('x'); open('x', 'w').close()",
    "t = threading.Thread(target=lambda: open('large', 'r+b')); t.start()\n"
    "while t.is_alive(): open(str(time.time()), 'w')",
    pytest.param("c = sqlite3.connect('x'); c.execute('pragma cache_size = 1'); c.execute('create table t (x)')\n"
                 "c.executemany('insert into t values (?)', [('x' * 900,)] * 3000)",
                 marks=bug("x-journal stays, and SQLite would play it back into a later x"))])  # fmt: skip
def test_whatever_python_does_is_undone(tmp_path, code):
    (lay_out(tmp_path) / "large").write_bytes(bytes(100_000_000 if "large" in code else 1))
    before = bytes_of(tmp_path / "w")
    trace = play(tmp_path, call("do", code=code + "\nos._exit(3)"), call("do", code="pass"))
    assert [event["status"] for event in trace.calls] == ["error", "ok"] and bytes_of(tmp_path / "w") == before


def test_a_long_result_is_cut_and_says_so(tmp_path):
    lay_out(tmp_path)
    codes = ["out = 'x' * 30", "out = 'x' * 31"]
    trace = play(tmp_path, *[call("do", code=code) for code in codes], budget=Budget(characters=30))
    cut = "x" * 30 + "\n[cut: 1 characters more; ask for less]"
    assert [(event["status"], event["result"]) for event in trace.calls] == [("ok", "x" * 30), ("ok", cut)]


def test_a_contract_that_takes_too_long_says_so(tmp_path):
    lay_out(tmp_path)
    rule = {"type": "command_exit_code", "args": {"command": "sleep 9"}}
    trace = play(tmp_path, task=Task("Wait.", rules([rule])), budget=Budget(seconds=0.3))
    assert trace.status == "failed" and "done_when took longer than 0.3 s" in trace.reason


def test_a_state_that_only_the_worker_can_read_does_not_end_the_run(tmp_path):
    lay_out(tmp_path)
    code = "import types; m = sys.modules['m'] = types.ModuleType('m'); exec('class A: pass', vars(m))\n"
    assert play(tmp_path, call("do", code=code + "context.state['x'] = m.A()")).status == "completed"


def test_a_program_of_a_stopped_call_is_stopped_too(tmp_path):
    before = bytes_of(lay_out(tmp_path))
    code = "subprocess.run('sleep 1; touch late', shell=True)"
    assert play(tmp_path, call("do", code=code), budget=Budget(seconds=0.3)).calls[0]["status"] == "error"
    time.sleep(1.2)
    assert bytes_of(tmp_path / "w") == before


# runs that are killed


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    lay_out(top := tmp_path_factory.mktemp("undisturbed"))
    trace = play(top, *PLAN, task=TASK)
    assert trace.status == "completed" and len(trace.events) == EVENTS
    assert (top / "w" / "log").read_text() == "begun\none\ntwo\nthree\nfour\n"
    return trace


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of all killed runs; one process of its own makes them."""
    top, here = tmp_path_factory.mktemp("killed"), Path(__file__)
    path = os.pathsep.join([str(here.parent), str(here.parents[1]), os.environ["PYTHONPATH"]])
    program = f"from tiny_skills import kill_all; kill_all({str(top)!r})"
    subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}, check=True, timeout=120)
    return top


@pytest.mark.parametrize("step, way", KILLS[2:])
def test_killed_at_any_step_it_ends_as_if_undisturbed(killed, undisturbed, step, way):
    top = killed / f"{step}-{way}"
    assert len((top / "w.run" / "journal.jsonl").read_bytes().splitlines()) == step + (way != "before")
    trace = Runtime.resume(top / "w.run")
    assert trace.status == "completed" and told(trace) == told(undisturbed)
    assert bytes_of(top / "w") == bytes_of(undisturbed.workspace)
    assert [json.loads(line) for line in (top / "w.run" / "journal.jsonl").open()] == trace.events


@pytest.mark.parametrize("step, way", KILLS[:2])
def test_killed_before_its_first_event_it_has_not_begun(killed, undisturbed, step, way):
    top = killed / f"{step}-{way}"
    with pytest.raises(ValueError, match="has no journal of a run"):
        Runtime.resume(top / "w.run")
    assert told(play(top, *PLAN, task=TASK)) == told(undisturbed)


def test_killed_while_an_executor_works_it_does_that_call_again(killed):
    top = killed / "waits"
    (top / "w" / "go").touch()
    trace = Runtime.resume(top / "w.run")
    assert [event["status"] for event in trace.calls] == ["ok"] * 3 and trace.status == "completed"
    assert (top / "w" / "log").read_text() == "begun\none\nhalf\none\n" and (top / "w" / "moved" / "c").exists()


def test_what_has_ended_stays_as_it_is(undisturbed):
    before = bytes_of(undisturbed.workspace.parent)
    again = Runtime.resume(undisturbed.workspace.with_name("w.run"))
    assert again == undisturbed and bytes_of(undisturbed.workspace.parent) == before


@pytest.fixture
def unfinished(tmp_path):
    """The trace of a run whose driver, which cannot be pickled, fails at its second turn."""

    class Falters:
        def complete(self, messages, tools):
            if len(messages) > 2:
                raise ConnectionError("gone")
            return PLAN[0]

    lay_out(tmp_path)
    return play(tmp_path, task=TASK, driver=Falters())


def test_an_interrupted_run_says_why(unfinished):
    assert unfinished.status == "interrupted" and "the driver failed (ConnectionError: gone)" in unfinished.reason


def test_a_new_run_over_an_unfinished_one_is_refused_and_nothing_is_lost(unfinished):
    top = unfinished.workspace.parent
    before = bytes_of(top)
    with pytest.raises(ValueError, match="an unfinished run is in .*resume"):
        play(top, *PLAN)
    assert bytes_of(top) == before


def test_a_driver_that_could_not_be_stored_has_to_be_given(unfinished, undisturbed):
    folder = unfinished.workspace.with_name("w.run")
    with pytest.raises(ValueError, match="give it: Runtime.resume"):
        Runtime.resume(folder)
    assert told(Runtime.resume(folder, Scripted(PLAN))) == told(undisturbed)


def test_a_driver_whose_class_is_gone_has_to_be_given(unfinished, undisturbed):
    folder = unfinished.workspace.with_name("w.run")
    stored = pickle.dumps(Scripted(PLAN)).replace(b"Scripted", b"Vanished")
    (folder / "driver.pickle").write_bytes(stored)
    with pytest.raises(ValueError, match="Vanished.*define its class and give it: Runtime.resume"):
        Runtime.resume(folder)
    trace = Runtime.resume(folder, Scripted(PLAN))
    assert told(trace) == told(undisturbed) and "events" not in repr(trace)


@pytest.mark.parametrize("torn", [b"{", b'{"kind": "reply", "text": "\xc3', b"\0\0"])
def test_a_torn_last_line_of_the_journal_is_dropped(unfinished, undisturbed, torn):
    journal = unfinished.workspace.with_name("w.run") / "journal.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole + torn)
    assert told(Runtime.resume(str(journal.parent), Scripted(PLAN))) == told(undisturbed)
    assert journal.read_bytes().startswith(whole) and len(journal.read_bytes().splitlines()) == EVENTS


# event loops


def test_run_works_inside_a_running_loop(tmp_path, undisturbed):
    async def cell():
        return play(tmp_path, *PLAN, task=TASK)

    lay_out(tmp_path)
    assert told(asyncio.run(cell())) == told(undisturbed)


def test_arun_leaves_the_loop_free(tmp_path):
    async def both():
        run, ticks = asyncio.create_task(runtime.arun("Wait.")), 0
        while not run.done():
            await asyncio.sleep(0.01)
            ticks += 1
        return run.result(), ticks

    runtime = runtime_of(lay_out(tmp_path).parent, Scripted([call("do", code="time.sleep(0.5)")]))
    trace, ticks = asyncio.run(both())
    assert trace.status == "completed" and ticks > 20
