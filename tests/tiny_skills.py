"""A formal skill made on the spot, from the text of its scripts; a driver's calls of its tools; a folder's bytes."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from helpers.formal_skills.conversation import Conversation
from helpers.formal_skills.drivers import Driver, Reply, Scripted
from helpers.formal_skills.forks import SERVER
from helpers.formal_skills.manifest import FormalSkill, load_skill
from helpers.formal_skills.models import Task, rules
from helpers.formal_skills.payloads import LlmToolCallRequest
from helpers.formal_skills.places import start_folder
from helpers.formal_skills.runtime import Runtime
from helpers.formal_skills.trace import Trace
from helpers.formal_skills.workshop import Budget, Workshop

# A tool that runs the program in its arguments; the program leaves in `out` what it has to say.
ANYTHING = """
import asyncio, csv, io, json, os, shutil, socket, sqlite3, subprocess, sys, tarfile, tempfile, threading, time, zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

async def execute(args, context):
    names = {**globals(), "context": context, "out": "done", **args.get("names", {})}
    exec(args["code"], names)
    return names["out"]
"""
# On top of a script, which is imported before the worker is fenced: the kernel is left out, the hook is alone.
NO_KERNEL = "from helpers.formal_skills import worker\nworker.confine = lambda *_: False\n"
FENCES = {"hook": NO_KERNEL, "whole": "", "none": NO_KERNEL}
SECRET = "do not tell"


def make_skill(folder: Path, **scripts: str) -> FormalSkill:
    """Return a skill with one tool for each script, which takes any arguments; a script defines `execute`."""
    (folder / "scripts").mkdir(parents=True)
    tools = []
    for name, text in scripts.items():
        (folder / "scripts" / f"{name}.py").write_text(text, encoding="utf-8")
        tools.append({"name": name, "description": name, "type": "Tool", "schema": {}, "script": f"{name}.py"})
    manifest = {"name": folder.name, "description": "For a test.", "always_enable_planner": False,
                "always_enable_subagent": False, "capabilities": tools}  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return load_skill(folder)


def call(name: str, **args) -> Reply:
    """Return a driver's reply with one call."""
    return Reply("", [LlmToolCallRequest("x", name, json.dumps(args))])


def bytes_of(folder: Path, *but: Path) -> dict[str, bytes | None]:
    """Return what is in a folder, links unfollowed: bytes of files, None for others; `but` some places and below."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() and not path.is_symlink() else None
            for path in sorted(folder.rglob("*")) if not {path, *path.parents} & {*but}}  # fmt: skip


class Fort:
    """A workspace w in a folder, with things beside it, and a worker for any program."""

    def __init__(self, top: Path, fence: str) -> None:
        self.top, self.workspace = top, top / "w"
        for folder in ("w/sub", "out", "W"):
            (top / folder).mkdir(parents=True, exist_ok=True)
        for name, text in {"w/a.txt": "a", "w/sub/b.txt": "b", "out/secret": SECRET, "W/secret": SECRET}.items():
            (top / name).write_text(text)
        start_folder(top / "w.run", Scripted([]))
        (top / "w.run" / "journal.jsonl").write_text(SECRET)
        skill = make_skill(top / "skill", do=FENCES[fence] + ANYTHING)
        self.shop = Workshop(self.workspace, top / "w.run", [skill], fence != "none", Budget())
        self.shop.start()
        assert fence == "whole" or not self.shop.confined

    def run(self, code: str, **names) -> tuple[str, str]:
        """Return status and result of a program."""
        names = {"top": str(self.top), **names}
        return asyncio.run(self.shop.call("do", json.dumps({"code": code, "names": names}), {}, "call"))[:2]

    def outside(self) -> dict:
        """What no executor may change: everything but the workspace, and what its worker writes for itself."""
        run = self.top / "w.run"
        return bytes_of(self.top, self.workspace, run / "scratch", run / "undo", run / "lock")


# runs that are killed

FILES = {"log": "begun\n", "a": "a", "b": "b", "sub/c": "c", "sub/d": "d"}
HALF = """
open("log", "a").write("half\\n")
open("a", "w").write("half")
os.remove("b")
os.rename("sub", "moved")
open("moved/c", "w").write("half")
os.makedirs("new/deep")
open("new/deep/x", "w").write("half")
"""
WAYS = ("before", "torn", "after")
APPEND = "open('log', 'a').write(f'{line}\\n'); out = line"
# Calls that append and calls that rewrite; the third reply has two.
PLAN = [
    call("do", code=APPEND, names={"line": "one"}),
    call("do", code="Path('a').write_text('new'); Path('sub/c').write_text('new')"),
    Reply("", [*call("do", code=APPEND, names={"line": "two"}).calls, *call("do", code="os.replace('a', 'e')").calls]),
    call("do", code=APPEND, names={"line": "three"}),
    call("do", code="shutil.rmtree('sub'); os.mkdir('sub'); raise ValueError('told')"),
    call("do", code="os.remove('b'); Path('sub/d').write_text('new')"),
    call("do", code=APPEND, names={"line": "four"}),
    call("do", code="os.rename('sub', 'moved')"),
]
TASK = Task("Work.", rules([{"type": "text_contains", "args": {"path": "log", "terms": ["four"]}}]))
EVENTS = 1 + 8 + 9 + 1 + 1  # the task, replies, calls, the last reply, the end
KILLS = [(step, way) for step in range(EVENTS) for way in WAYS]


def lay_out(top: Path) -> Path:
    """Return a new workspace."""
    for name, text in FILES.items():
        (top / "w" / name).parent.mkdir(parents=True, exist_ok=True)
        (top / "w" / name).write_text(text)
    return top / "w"


def runtime_of(top: Path, driver: Driver, **settings) -> Runtime:
    """Return the runtime of a driver with the tool that runs anything."""
    folder = top / "skill"
    skill = load_skill(folder) if folder.exists() else make_skill(folder, do=ANYTHING)
    return Runtime(top / "w", [skill], driver, **settings)


def play(top: Path, *replies: Reply, task: str | Task = "Work.", driver: Driver | None = None, **settings) -> Trace:
    return runtime_of(top, driver or Scripted(replies), **settings).run(task)


def until(top: Path, step: int, way: str) -> None:
    """Run the plan in this process, which ends before, in the midst of, or after writing an event of the journal."""
    record = Conversation.record

    def deadly(self, kind, **what):
        if len(self.events) < step:
            return record(self, kind, **what)
        if way == "torn":
            (self.journal.open("ab")).write(json.dumps({"kind": kind, **what})[:-9].encode())
        if way == "after":
            record(self, kind, **what)
        os.kill(os.getpid(), signal.SIGKILL)

    Conversation.record = deadly
    play(top, *PLAN, task=TASK)


def waits(top: Path) -> None:
    """Run a plan whose second call waits in the middle for a file."""
    play(top, PLAN[0], call("do", code=HALF + "while not os.path.exists('go'): time.sleep(0.01)"), PLAN[0])


def in_a_fork(work, *args) -> int:
    """Return the process that does some work. The server of workers is shared: starting one takes a second."""
    if process := os.fork():
        return process
    work(*args)
    os._exit(0)


def kill_all(top: str) -> None:
    """Kill a run at every step in every way, each in its own folder; and one while its executor is at work."""
    SERVER.start()
    for step, way in KILLS:
        lay_out(folder := Path(top) / f"{step}-{way}")
        assert os.waitpid(in_a_fork(until, folder, step, way), 0)[1] == signal.SIGKILL
    workspace = lay_out(Path(top) / "waits")
    process = in_a_fork(waits, workspace.parent)
    while not (workspace / "new" / "deep" / "x").exists():
        time.sleep(0.01)
    os.kill(process, signal.SIGKILL)


# programs of their own


def alone(top: Path, program: str, *arguments: str, before: str = "", **settings) -> subprocess.CompletedProcess:
    """Run a program in an interpreter of its own, with a folder, its workspace and a skill for anything in it."""
    make_skill(lay_out(top).parent / "skill", do=ANYTHING)
    (top / "main.py").write_text(program)
    words = shlex.join([sys.executable, str(top / "main.py"), str(top), *arguments])
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(None, sys.path)))}
    return subprocess.run(before + words, shell=True, text=True, capture_output=True, timeout=120, env=variables,
                          **settings)  # fmt: skip


def soon(condition: Callable[[], bool]) -> bool:
    """Return whether something comes true within ten seconds."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()
