"""What others' code does to a run: workers that die, scripts that do not load, hooks and drivers that are cancelled."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time

import pytest
from hooked_skills import skill_of
from tiny_skills import ANYTHING, APPEND, bytes_of, call, lay_out, make_skill, play

from helpers.formal_skills import confinement, workshop
from helpers.formal_skills.drivers import Reply, Scripted
from helpers.formal_skills.runtime import Runtime
from helpers.formal_skills.undo import roll_back


class Waits(Scripted):
    """Plays replies, each after a while."""

    def complete(self, messages, tools):
        time.sleep(0.3)
        return super().complete(messages, tools)


def test_a_worker_that_dies_between_two_calls_takes_only_the_second_with_it(tmp_path):
    before = bytes_of(lay_out(tmp_path))
    die = "threading.Timer(0.1, os._exit, [3]).start(); " + APPEND
    late = Waits([call("do", code=die, names={"line": "x"}), call("do", code="out = 1"), call("do", code="out = 2")])
    trace = play(tmp_path, driver=late)
    undone = "Error: do ended its process; its changes were undone"
    assert [event["result"] for event in trace.calls] == ["x", undone, "2"]
    assert trace.status == "completed" and bytes_of(tmp_path / "w") == before | {"log": b"begun\nx\n"}


FORGED = """
import json, os, signal
with open("../w.run/undo/index") as index:
    own = [json.loads(line) for line in index]
lines = [*own, {"path": "../victim", "copy": "own"}, {"path": "stolen", "copy": "key"},
         {"path": "..", "copy": "own"}, {"path": "in/victim", "copy": "own"}]
os.symlink(os.path.abspath("../victim"), "../w.run/undo/key")
os.symlink(os.path.abspath(".."), "in")
open("../w.run/undo/own", "w").write("mine")
open("../w.run/undo/index", "w").write("".join(json.dumps(line) + chr(10) for line in lines))
os.kill(os.getppid(), signal.SIGKILL)
"""


def test_a_program_that_writes_into_the_undo_log_does_not_lead_out(tmp_path):
    (lay_out(tmp_path) / "forge.py").write_text(FORGED)
    (tmp_path / "victim").write_text("precious")
    change = "open('a', 'w').write('half'); subprocess.run([sys.executable, 'forge.py'])"
    trace = play(tmp_path, call("do", code=change), call("do", code="out = 2"))
    assert (tmp_path / "w" / "a").read_text() == "a"  # what was before the forged lines is undone all the same
    assert [event["status"] for event in trace.calls] == ["error", "ok"]
    assert (tmp_path / "victim").read_text() == "precious" and not (tmp_path / "w" / "stolen").exists()


@pytest.mark.parametrize("index", [
    b"{}\n", b"[]\n", b"3\n", b"{\n", b"\xff\n", b'{"call": "c"}\n{"path": 3, "copy": "0"}\n',
    b'{"call": "c"}\n{"path": "a"}\n', b'{"call": "c"}\n7\n'])  # fmt: skip
def test_what_is_no_undo_log_undoes_nothing(tmp_path, index):
    before = bytes_of(lay_out(tmp_path))
    (tmp_path / "undo").mkdir()
    (tmp_path / "undo" / "index").write_bytes(index)
    roll_back(tmp_path / "undo", tmp_path / "w", lambda last: True)
    assert bytes_of(tmp_path / "w") == before


@pytest.mark.parametrize("script, words", [
    ("import nothing_of_this_name", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
    ("def execute(:", "SyntaxError"), ("raise SystemExit('enough')", "SystemExit: enough"),
    ("import os; os._exit(3)", "scripts end the process, or take too long to import"),
    ("import time; time.sleep(60)", "take too long to import"), ("x = 1", "has no execute; define it with async def")])
def test_a_script_that_does_not_load_is_an_error_of_the_call(tmp_path, monkeypatch, capfd, script, words):
    monkeypatch.setattr(workshop, "STARTING", 1.5)
    lay_out(tmp_path)
    trace = Runtime(tmp_path / "w", [make_skill(tmp_path / "skill", do=script)], Scripted([call("do")])).run("Work.")
    assert trace.status == "completed" and trace.calls[0]["status"] == "error"
    assert trace.calls[0]["result"].startswith("Error: do cannot run") and words in trace.calls[0]["result"]
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("program", ["rm -rf sub", "rm -rf sub; touch sub", "rm -rf sub; ln -s sub sub"])
def test_a_program_that_removes_what_was_to_be_undone_ends_no_run(tmp_path, program):
    lay_out(tmp_path)
    code = "Path('a').write_text('x'); Path('sub/c').write_text('x'); "
    code += f"subprocess.run({program!r}, shell=True); time.sleep(9)"
    look = call("do", code="out = Path('a').read_text()")
    trace = play(tmp_path, call("do", code=code), look, budget=workshop.Budget(seconds=1))
    assert "took longer than 1 s and was stopped" in trace.calls[0]["result"]
    assert trace.status == "completed" and trace.calls[1]["result"] == "a"
    assert (tmp_path / "w" / "sub" / "c").is_file() == (program == "rm -rf sub")


def test_a_script_that_no_parser_takes_is_an_error_of_the_call(tmp_path):
    lay_out(tmp_path)
    skill = make_skill(tmp_path / "skill", do="x = " + "-" * 200_000 + "1")
    trace = Runtime(tmp_path / "w", [skill], Scripted([call("do")])).run("Work.")
    assert "cannot run: the skills' scripts do not load" in trace.calls[0]["result"]


CANCELLED = "import asyncio\n    task = asyncio.ensure_future(asyncio.sleep(9))\n    task.cancel()\n    await task"


@pytest.mark.parametrize("code, words", [
    ("import time; time.sleep(0.2)", "TimeoutError: it took longer than 0.05 s"), (CANCELLED, "was cancelled"),
    ("import asyncio; raise asyncio.CancelledError", "was cancelled"),
    ("import asyncio; await asyncio.sleep(9)", "TimeoutError")])  # fmt: skip
def test_a_guard_that_is_late_or_cancelled_has_failed(tmp_path, code, words):
    lay_out(tmp_path)
    skill = skill_of(tmp_path / "s", ("before_tool_call", code, {"timeout_ms": 50}))
    trace = Runtime(tmp_path / "w", [skill], Scripted([call("a")])).run("Work.")
    assert trace.calls[0]["status"] == "deny" and words in trace.calls[0]["notes"][0] and trace.status == "completed"


class Cancelled:
    async def complete(self, messages, tools):
        raise asyncio.CancelledError


def test_a_driver_that_is_cancelled_interrupts_the_run(tmp_path):
    lay_out(tmp_path)
    trace = play(tmp_path, driver=Cancelled())
    assert trace.status == "interrupted" and "was cancelled" in trace.reason
    assert Runtime.resume(tmp_path / "w.run", Scripted([])).status == "completed"


def test_a_run_that_is_cancelled_from_outside_is_cancelled(tmp_path):
    lay_out(tmp_path)
    sleeps = type("Sleeps", (), {"complete": lambda self, messages, tools: asyncio.sleep(9)})()

    async def cancelled():
        run = asyncio.ensure_future(Runtime(tmp_path / "w", [], sleeps).arun("Work."))
        await asyncio.sleep(0.2)
        run.cancel()
        await run

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


class Resumes:
    """A driver that, while it is asked, lets another runtime carry the same run on."""

    def __init__(self, folder):
        self.folder, self.said = folder, ""

    def complete(self, messages, tools):
        try:
            Runtime.resume(self.folder, Scripted([]))
        except ValueError as error:
            self.said = str(error)
        return Reply("Done.")


def test_a_run_has_one_runtime_at_a_time(tmp_path):
    lay_out(tmp_path)
    driver = Resumes(tmp_path / "w.run")
    assert play(tmp_path, driver=driver).status == "completed" and "another runtime is at work" in driver.said


KEYS = """
import os
import sys
from pathlib import Path
from helpers.formal_skills import Runtime, Scripted, load_skill
from tiny_skills import call
look = f"out = subprocess.run({sys.argv[2]!r}, shell=True, capture_output=True, text=True).stdout"
top = Path(sys.argv[1])
said = str(Runtime(top / "w", [load_skill(top / "skill")], Scripted([call("do", code=look)])).run("Look.").events)
print("told" if "sk-precious" in said else "kept", os.environ["SOME_API_KEY"], "PATH=" in said)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no /proc")
@pytest.mark.parametrize("command", ["cat /proc/$PPID/environ; env", "cat /proc/[0-9]*/environ; env"])
def test_keys_of_the_environment_reach_no_program(tmp_path, command):
    if "*" in command and confinement.Ruleset is None:
        pytest.skip("this kernel has no Landlock")
    lay_out(tmp_path)
    make_skill(tmp_path / "skill", do=ANYTHING)
    variables = os.environ | {"SOME_API_KEY": "sk-precious", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", KEYS, str(tmp_path), command], env=variables, text=True,
                          capture_output=True, timeout=120)  # fmt: skip
    assert done.stdout.split() == ["kept", "sk-precious", "True"], done.stderr
