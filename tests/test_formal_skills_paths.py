"""Where a worker finds modules and its environment, and runs that begin and end at awkward moments."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hooked_skills import skill_of
from tiny_skills import Fort, alone, call, in_a_fork, lay_out, make_skill, play, runtime_of, soon

from helpers.formal_skills import Runtime, Scripted, forks

PLANTS = """
try:
    import planted
except ImportError:
    planted = None

async def execute(args, context):
    open("planted.py", "w").close()
    return str(planted)
"""
MAIN = """
import sys
from pathlib import Path
from helpers.formal_skills import Runtime, Scripted, load_skill
from tiny_skills import call
top = Path(sys.argv[1])
said = Runtime(top / "w", [load_skill(top / "skill")], Scripted([call("do", code=sys.argv[2])])).run("Work.").calls[0]
(top / "said").write_text(said["result"])
"""
LATE = """import os
import brought_later

async def execute(args, context):
    return os.environ.get("A_WORD", "unset ") + brought_later.WORD
"""


def test_no_module_comes_from_the_workspace(tmp_path, monkeypatch):
    """A notebook has an empty text in its path, and a worker works in the workspace."""
    monkeypatch.setattr(sys, "path", ["", "no-such-folder", *sys.path])
    lay_out(tmp_path)
    skill = make_skill(tmp_path / "skill", do=PLANTS)
    for _ in range(2):
        trace = Runtime(tmp_path / "w", [skill], Scripted([call("do")])).run("Work.")
        assert trace.calls[0]["result"] == "None"


def test_a_workspace_from_which_modules_come_is_refused(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(lay_out(tmp_path) / "sub")
    with pytest.raises(ValueError, match="imports modules from .*sub, which is in the workspace; give the driver a"):
        play(tmp_path, call("do", code="out = 'never'"))


def test_the_server_takes_no_module_from_where_a_program_works(tmp_path):
    (tmp_path / "w").mkdir()
    for name in ("json", "select", "traceback"):
        (tmp_path / "w" / f"{name}.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')")
    done = alone(tmp_path, MAIN, "out = 'well'", cwd=tmp_path / "w")
    assert (tmp_path / "said").read_text() == "well" and not (tmp_path / "pwned").exists(), done.stderr


def test_the_server_has_the_helpers_of_its_program_whatever_else_has_their_name(tmp_path):
    (tmp_path / "decoy").mkdir()
    (tmp_path / "decoy" / "helpers.py").write_text("raise ImportError('another helpers')")
    decoy = f"sys.path.insert(0, {str(tmp_path / 'decoy')!r})\n"
    done = alone(tmp_path, MAIN.replace("top = ", decoy + "top = "), "out = 'well'")
    assert (tmp_path / "said").read_text() == "well", done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="removes the folder that it is in")
def test_a_program_whose_folder_is_gone_runs(tmp_path):
    (tmp_path / "gone").mkdir()
    done = alone(tmp_path, "import os\nos.rmdir(os.getcwd())\nsys = __import__('sys')\nsys.path.insert(0, '')\n" + MAIN,
                 "out = 'well'", cwd=tmp_path / "gone")  # fmt: skip
    assert (tmp_path / "said").read_text() == "well", done.stderr


def test_a_later_run_has_the_paths_and_variables_of_now(tmp_path, monkeypatch):
    lay_out(tmp_path)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "brought_later.py").write_text("WORD = 'later'")
    make_skill(tmp_path / "skill", do=LATE)
    assert "No module named 'brought_later'" in play(tmp_path, call("do")).calls[0]["result"]
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "lib"), tmp_path])  # what is no text is left out
    monkeypatch.setenv("A_WORD", "set ")
    assert play(tmp_path, call("do")).calls[0]["result"] == "set later"
    monkeypatch.delenv("A_WORD")
    assert play(tmp_path, call("do")).calls[0]["result"] == "unset later"


def test_a_script_that_others_import_is_new_for_all_of_them_when_it_changes(tmp_path):
    lay_out(tmp_path)
    tool = "from .words import WORD\nasync def execute(args, context):\n    return WORD + context.state['heard']\n"
    hook = "from .words import WORD; state['heard'] = WORD"
    skill = skill_of(tmp_path / "skill", ("before_tool_call", hook), say=tool, words=PLANTS + "WORD = 'one '")
    for word in ("one ", "two "):  # of the same length
        (tmp_path / "skill" / "scripts" / "words.py").write_text(PLANTS + f"WORD = {word!r}")
        trace = Runtime(tmp_path / "w", [skill], Scripted([call("say"), call("words")])).run("Work.")
        assert [each["result"] for each in trace.calls] == [2 * word, "None"] and not trace.notes
        time.sleep(1.1)  # Python's own cache of a script tells seconds apart


def test_what_an_editor_leaves_beside_a_script_stops_nothing(tmp_path):
    lay_out(tmp_path)
    skill = skill_of(tmp_path / "skill", ("before_tool_call", "return None"))
    (tmp_path / "skill" / "scripts" / ".#hook0.py").symlink_to("someone@somewhere.1:2")
    assert Runtime(tmp_path / "w", [skill], Scripted([call("a")])).run("Work.").calls[0]["result"] == "a"


def test_skills_that_are_loaded_in_threads_at_once_are_whole(tmp_path):
    slow = "import time\ntime.sleep(0.05)\nasync def execute_hook(hook_input):\n    return None\n"
    skill = skill_of(tmp_path / "skill", ("before_tool_call", "return None"))
    (tmp_path / "skill" / "scripts" / "hook0.py").write_text(slow)
    for name in "abcd":
        lay_out(tmp_path / name)

    def run(name):
        return Runtime(tmp_path / name / "w", [skill], Scripted([call("a")])).run("Work.")

    with ThreadPoolExecutor(4) as pool:
        traces = list(pool.map(run, "abcd"))
    assert [trace.calls[0]["result"] for trace in traces] == ["a"] * 4 and not any(trace.notes for trace in traces)


POOL = """
import subprocess
from concurrent.futures import ThreadPoolExecutor
POOL = ThreadPoolExecutor(1)
POOL.submit(int).result()

async def execute(args, context):
    return str(POOL.submit(subprocess.run, args["command"], shell=True).result())
"""


def test_a_script_that_starts_a_thread_before_the_fence_is_refused(tmp_path):
    lay_out(tmp_path)
    skill = make_skill(tmp_path / "skill", do=POOL)
    replies = [call("do", command=f"echo x > {tmp_path / 'outside'}")]
    trace = Runtime(tmp_path / "w", [skill], Scripted(replies)).run("Work.")
    assert "cannot run: a script starts a thread when it is imported" in trace.calls[0]["result"]
    assert not (tmp_path / "outside").exists()


def test_a_run_that_is_stopped_while_its_server_starts_leaves_no_worker(tmp_path, monkeypatch):
    started, start = [], forks.Server.start_worker
    monkeypatch.setattr(forks.Server, "start_worker",
                        lambda self: time.sleep(0.5) or started.append(start(self)) or started[-1])  # fmt: skip
    lay_out(tmp_path)
    runtime = runtime_of(tmp_path, Scripted([call("do", code="out = 'well'")]))

    async def stopped():
        run = asyncio.ensure_future(runtime.arun("Work."))
        await asyncio.sleep(0.1)
        run.cancel()
        await run

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(stopped())
    assert len(started) == 1 and runtime.workshop.worker is None
    assert soon(lambda: not Path(f"/proc/{started[0].process}").exists())
    assert Runtime.resume(tmp_path / "w.run").calls[0]["result"] == "well"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_fork_of_this_process_keeps_no_worker_alive(tmp_path):
    fort = Fort(tmp_path, "none")
    worker = fort.shop.worker.process
    sleeper = in_a_fork(time.sleep, 30)
    fort.shop.close()
    try:
        assert soon(lambda: not Path(f"/proc/{worker}").exists())  # not even as a zombie
    finally:
        os.kill(sleeper, signal.SIGKILL)
        os.waitpid(sleeper, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="asks a Unix shell")
def test_a_program_without_stdout_and_stderr_runs_what_writes_to_them(tmp_path):
    code = "out = str(subprocess.run(['sh', '-c', 'echo loud; echo louder >&2']).returncode)"
    alone(tmp_path, MAIN, code, before="exec >&- 2>&-; ")
    assert (tmp_path / "said").read_text() == "0"
