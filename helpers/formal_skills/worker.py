"""The process in which executors run: one for a run, started warm, fenced before it takes its first call."""

from __future__ import annotations

import asyncio
import io
import json
import marshal
import mimetypes
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows
    from filelock import FileLock

    fcntl = None

from . import compat
from .confinement import confine
from .contracts import failed
from .fence import Guard, within
from .markdown import load_markdown
from .models import Rule
from .payloads import ToolContext
from .scripts import READY, entry_point
from .settings import read_config
from .state import Kept
from .undo import Undo

mimetypes.init()  # reads files that the fence would refuse; once, since every worker is forked from here


def serve_channel(channel: Connection) -> None:
    """Answer calls until the channel closes: (name, arguments, state, id) -> (status, result, state).

    Arguments and state come as JSON, so that nothing in them can break the channel. The first answer is "ready" with
    whether the kernel confines this process, or "failed" and why.

    First comes what it works with: workspace, the run's folder, a kit of each skill, fence, where modules are, and what
    is new in the environment. A call named "done_when" checks a contract. Without `fence` executors are not held back.
    """
    workspace, folder, skills, fence, paths, changed = channel.recv()
    _lock = hold(os.path.join(folder, "lock"))  # as long as this process lives: see places.read_folder
    scratch, undo = str(Path(folder, "scratch")), Undo(Path(folder, "undo"), workspace)
    settle(workspace, scratch, paths, changed)
    try:
        tools = load_tools(skills)
    except BaseException as error:  # whatever a script does when it is imported
        answer(channel, "failed", f"the skills' scripts do not load ({type(error).__name__}: {error})", "{}")
        return
    if fence and threading.active_count() > 1:  # the kernel confines this thread, and what comes of it
        answer(channel, "failed", "a script starts a thread when it is imported; start it in execute", "{}")
        return
    readable = [str(place) for skill in skills for place in (skill["folder"], skill["markdown"]) if place]
    loop = asyncio.new_event_loop()
    confined = fence and confine([workspace, scratch, str(undo.folder)], readable)
    answer(channel, "ready", confined, "{}")
    if fence:
        os.environ["HOME"] = scratch  # where programs look for settings, that of others being out of reach
        sys.addaudithook(Guard(workspace, scratch, undo, readable))
    while True:
        try:
            name, arguments, state, call = channel.recv()
        except (EOFError, OSError):
            return
        undo.begin(call)
        if name == "done_when":
            contract = tuple(Rule.model_construct(**rule) for rule in json.loads(arguments))  # checked when it was read
            answer(channel, "ok", failed(contract, Path(workspace)), state)
            continue
        execute, config = tools[name]
        context = ToolContext(Path(workspace).name, None, None, config, workspace, workspace, None, json.loads(state))
        answer(channel, *execute_one(loop, execute, arguments, context))


def hold(file: str) -> Any:
    """Return a lock on a file, once it is ours; on Unix it is the one that FileLock takes, in a tenth of its time."""
    if fcntl is None:
        return FileLock(file).acquire()
    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(handle, fcntl.LOCK_EX)
    return handle


def settle(workspace: str, scratch: str, paths: list[str], changed: dict[str, str | None]) -> None:
    """Make this process the workspace's: a group of its own, its folders and paths; no module comes from there."""
    if hasattr(os, "setsid"):
        os.setsid()  # with this process ends what it has started, but for what takes a session of its own
    os.chdir(workspace)
    sys.path[:] = [path for path in paths if not within(os.path.realpath(path), workspace)]
    for name, value in changed.items():
        os.environ.pop(name, None) if value is None else os.environ.update({name: value})
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    sys.dont_write_bytecode = True


def load_tools(skills: list[dict]) -> dict[str, tuple[Callable, Any]]:
    """Return the executor of each tool, and its skill's settings; raises what a script raises when it is imported."""
    tools = {}
    for skill in skills:
        markdown = skill["markdown"] and load_markdown(skill["markdown"])
        READY.update((key, marshal.loads(code)) for key, code in skill["code"].items() if code)
        config = markdown.config if markdown else read_config(skill["folder"])
        for name, script in skill["tools"].items():
            tools[name] = (entry_point(skill["folder"], script, "execute"), config)
    return tools


def answer(channel: Connection, status: str, result: Any, state: str) -> None:
    """Send an answer as JSON: the runtime unpickles nothing that an executor had in its hands."""
    channel.send_bytes(json.dumps([status, result, state]).encode())


def execute_one(loop: asyncio.AbstractEventLoop, execute: Any, arguments: str, context: Any) -> tuple[str, str, str]:
    """Return how an executor ended ("ok" or "error"), its result, or what it raised, as text, and the state as JSON."""
    kept = Kept(context.state)
    compat.STATE.set(context.state)
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            result = loop.run_until_complete(execute(json.loads(arguments), context))
        result = result if isinstance(result, str) else str(result)
        return "error" if says_no(result) else "ok", result, kept.check(context.state)
    except BaseException as error:  # an executor that calls sys.exit has failed, and the run goes on
        return "error", f"Error: {type(error).__name__}: {error}", kept.text


def says_no(result: str) -> bool:
    """Return whether a result reports an error: it begins with "Error:", or is a JSON object with "ok": false."""
    try:
        return result.startswith("Error:") or (result[:1] == "{" and json.loads(result).get("ok") is False)
    except ValueError:
        return False
