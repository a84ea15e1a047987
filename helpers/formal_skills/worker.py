"""The process in which executors run: one for a run, started warm, fenced before it takes its first call."""

from __future__ import annotations

import asyncio
import gc
import io
import json
import mimetypes
import os
import re
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from filelock import FileLock

from . import compat
from .confinement import confine
from .contracts import failed
from .fence import make_guard
from .markdown import load_markdown
from .models import Rule
from .payloads import ToolContext
from .scripts import entry_point
from .settings import read_config
from .state import Kept
from .undo import Undo

mimetypes.init()  # reads files that the fence would refuse; once, since every worker is forked from here

KEYS = re.compile("KEY|TOKEN|SECRET|PASSWORD")


def serve(channel: Connection, workspace: str, folder: str, skills: list[dict], fence: bool) -> None:
    """Answer calls until the channel closes: (name, arguments, state, id) -> (status, result, state).

    Arguments and state come as JSON, so that nothing in them can break the channel. The first answer is "ready" with
    whether the kernel confines this process, or "failed" and why.

    skills: for each its folder, the folder of a Markdown skill (or None), and its tools' scripts. A call named
    "done_when" checks a contract. Without `fence` nothing holds an executor back.
    """
    gc.freeze()
    lock = FileLock(Path(folder, "lock"))  # held as long as this process lives: see places.read_folder
    lock.acquire()
    scratch, undo = str(Path(folder, "scratch")), Undo(Path(folder, "undo"), workspace)
    settle(workspace, scratch)
    try:
        tools = load_tools(skills)
    except BaseException as error:  # whatever a script does when it is imported
        answer(channel, "failed", f"{type(error).__name__}: {error}", "{}")
        return
    readable = [str(place) for skill in skills for place in (skill["folder"], skill["markdown"]) if place]
    loop = asyncio.new_event_loop()
    confined = fence and confine([workspace, scratch, str(undo.folder)], readable)
    answer(channel, "ready", confined, "{}")
    if fence:
        sys.addaudithook(make_guard(workspace, scratch, undo, readable))
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


def settle(workspace: str, scratch: str) -> None:
    """Make this process the workspace's: a group of its own, its folders, its path, no keys, an end with its parent."""
    if hasattr(os, "setsid"):
        os.setsid()  # with this process ends what it has started
    os.chdir(workspace)
    os.environ["TMPDIR"] = tempfile.tempdir = scratch
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", "")])
    for name in keys_of(os.environ):  # the server has none, unless it was started before, by others
        del os.environ[name]
    sys.dont_write_bytecode = True
    threading.Thread(target=leave_with_parent, daemon=True).start()


def keys_of(names: Iterable[str]) -> list[str]:
    """Return the names of variables that hold keys: what an executor prints of them would land in the journal."""
    return [name for name in names if KEYS.search(name.upper())]


def load_tools(skills: list[dict]) -> dict[str, tuple[Callable, Any]]:
    """Return the executor of each tool, and its skill's settings; raises what a script raises when it is imported."""
    tools = {}
    for skill in skills:
        markdown = skill["markdown"] and load_markdown(skill["markdown"])
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


def end_group(process: int) -> None:
    """Kill a worker and the programs that it has started."""
    try:
        os.killpg(process, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):  # Windows; it is gone; it was not yet a group
        pass


def leave_with_parent() -> None:
    """End this process when the runtime's process ends, however that happens."""
    if parent_process() is not None:
        wait([parent_process().sentinel])
        end_group(os.getpid())
        os._exit(1)
