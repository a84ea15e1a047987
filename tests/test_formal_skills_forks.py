"""The server of workers: what a worker has and has not, and who ends it when a server or a runtime is killed."""

from __future__ import annotations

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from jsonschema import FormatChecker
from tiny_skills import Fort, alone, call, in_a_fork, lay_out, make_skill, play, soon

from helpers.formal_skills import Runtime, Scripted, forks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
SOCKETS = "out = str(sum('socket' in os.readlink(f'/proc/self/fd/{fd}') for fd in os.listdir('/proc/self/fd')[:-1]))"


def alive(process: int) -> bool:
    """Return whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_killed_server_is_replaced_and_takes_no_run_with_it(tmp_path):
    fort = Fort(tmp_path / "one", "hook")
    server = forks.SERVER.process
    server.kill()
    server.wait()
    assert fort.run("out = 'still here'") == ("ok", "still here")
    fort.shop.close()
    lay_out(tmp_path)
    assert play(tmp_path, call("do", code="out = 'again'")).calls[0]["result"] == "again"
    assert forks.SERVER.process.pid != server.pid


def test_a_closed_worker_ends_with_what_it_started(tmp_path):
    fort = Fort(tmp_path, "none")
    _, program = fort.run("out = str(subprocess.Popen(['sleep', '60']).pid)")
    assert alive(int(program))
    worker = fort.shop.worker.process
    fort.shop.close()
    assert soon(lambda: not alive(worker) and not alive(int(program)))


def test_a_program_with_a_session_of_its_own_outlives_the_run_as_the_notebook_says(tmp_path):
    fort = Fort(tmp_path, "whole")
    fort.run("""subprocess.Popen(['setsid', 'sh', '-c', 'echo $$ > pid; exec sleep 60'])""")
    assert soon(lambda: (tmp_path / "w" / "pid").is_file() and (tmp_path / "w" / "pid").read_text().endswith("\n"))
    fort.shop.close()
    process = int((tmp_path / "w" / "pid").read_text())
    time.sleep(0.2)
    assert alive(process)
    os.kill(process, signal.SIGKILL)


BUSY = """
Path('pids').write_text(f"{os.getpid()} {subprocess.Popen(['sleep', '60']).pid}")
while True:
    time.sleep(1)
"""


def test_a_killed_runtime_takes_a_busy_worker_and_its_programs_with_it(tmp_path):
    workspace = lay_out(tmp_path)
    runtime = in_a_fork(lambda: play(tmp_path, call("do", code=BUSY)))
    assert soon(lambda: (workspace / "pids").is_file() and len((workspace / "pids").read_text().split()) == 2)
    pids = [int(pid) for pid in (workspace / "pids").read_text().split()]
    assert all(map(alive, pids))
    os.kill(runtime, signal.SIGKILL)
    os.waitpid(runtime, 0)
    assert soon(lambda: not any(map(alive, pids)))


def test_a_worker_has_no_line_to_the_server_nor_to_other_workers(tmp_path):
    forts = [Fort(tmp_path / name, "none") for name in "abc"]
    counts = [fort.run(SOCKETS) for fort in forts]
    for fort in forts:
        fort.shop.close()
    assert set(counts) == {("ok", "3")}  # its channel, and the two by which an event loop wakes itself


def test_runs_in_threads_share_one_server(tmp_path, monkeypatch):
    monkeypatch.setattr(forks.SERVER, "line", None)
    started, start = [], forks.Server.start
    monkeypatch.setattr(forks.Server, "start", lambda self: started.append(1) or start(self))
    for name in "abcdef":
        lay_out(tmp_path / name)
    with ThreadPoolExecutor(6) as pool:
        traces = pool.map(lambda name: play(tmp_path / name, call("do", code=f"out = {name!r}")), "abcdef")
        assert [trace.calls[0]["result"] for trace in traces] == list("abcdef")
    assert started == [1]


def test_a_server_that_does_not_start_is_an_error_of_the_call(tmp_path, monkeypatch):
    monkeypatch.setattr(forks, "PROGRAM", "raise SystemExit('no')")
    monkeypatch.setattr(forks.SERVER, "line", None)
    lay_out(tmp_path)
    trace = play(tmp_path, call("do", code="out = 'never'"))
    assert trace.status == "completed" and "cannot run: the server of workers ended" in trace.calls[0]["result"]


def test_a_script_that_changed_since_its_skill_was_loaded_runs_as_it_is_now(tmp_path):
    lay_out(tmp_path)
    script = "async def execute(args, context):\n    return '{}'\n"
    skill = make_skill(tmp_path / "skill", do=script.format("old"))
    runtime = Runtime(tmp_path / "w", [skill], Scripted([call("do")]))
    (tmp_path / "skill" / "scripts" / "do.py").write_text(script.format("new"))
    assert runtime.run("Work.").calls[0]["result"] == "new"


def test_a_script_has_all_formats_of_jsonschema(tmp_path):
    lay_out(tmp_path)
    look = "import jsonschema; out = ' '.join(sorted(jsonschema.FormatChecker.checkers))"
    assert play(tmp_path, call("do", code=look)).calls[0]["result"] == " ".join(sorted(FormatChecker.checkers))


def test_where_there_is_no_fork_a_worker_is_spawned(tmp_path, monkeypatch):
    lay_out(tmp_path)
    monkeypatch.delattr(os, "fork")
    monkeypatch.setenv("SOME_API_KEY", "sk-precious")
    trace = play(tmp_path, call("do", code="out = str(os.getppid()) + os.environ.get('SOME_API_KEY', ' none')"),
                 call("do", code="open('../outside', 'w')"), call("do", code="os._exit(3)"),
                 call("do", code="out = 'again'"))  # fmt: skip
    assert [each["status"] for each in trace.calls] == ["ok", "error", "error", "ok"]
    assert trace.calls[0]["result"] == f"{os.getpid()} none" and "outside the workspace" in trace.calls[1]["result"]
    assert os.environ["SOME_API_KEY"] == "sk-precious"


UNGUARDED = """
import sys
from pathlib import Path
from helpers.formal_skills import Runtime, Scripted, load_skill
from tiny_skills import call
print("main")
top = Path(sys.argv[1])
driver = Scripted([call("do", code="out = 'well'")])
print(Runtime(top / "w", [load_skill(top / "skill")], driver).run("Work.").calls[0]["result"])
"""


def test_a_program_without_a_guard_runs_once_and_ends_without_a_warning(tmp_path):
    done = alone(tmp_path, UNGUARDED)
    assert (done.stdout.split(), done.stderr) == (["main", "well"], "")


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="has no shared memory to write to")
def test_no_program_changes_what_others_keep_in_shared_memory(tmp_path):
    fort, theirs = Fort(tmp_path, "whole"), Path(f"/dev/shm/theirs-{os.getpid()}")
    if not fort.shop.confined:
        pytest.skip("this kernel has no Landlock")
    theirs.write_text("kept")
    try:
        shell = f"echo lost > {theirs}; cat {theirs}; echo x > /dev/null && echo null"
        look = f"out = subprocess.run({shell!r}, shell=True, capture_output=True, text=True).stdout"
        assert fort.run(look) == ("ok", "null\n") and theirs.read_text() == "kept"
    finally:
        theirs.unlink()
        fort.shop.close()


def test_a_runtime_that_is_gone_before_its_worker_starts_leaves_the_server_to_others(tmp_path):
    fort = Fort(tmp_path / "one", "hook")
    server = forks.SERVER.process.pid
    for _ in range(20):
        ends = [*socket.socketpair(), *socket.socketpair()]
        forks.SERVER.send(ends[1], ends[3])
        for end in ends:
            end.close()
    assert fort.run("out = 'still here'") == ("ok", "still here")
    fort.shop.close()
    lay_out(tmp_path)
    assert play(tmp_path, call("do", code="out = 'again'")).calls[0]["result"] == "again"
    assert forks.SERVER.process.pid == server
