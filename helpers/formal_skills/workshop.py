"""The runtime's side of the worker process: start it, call it with a time limit, start it again when it is gone."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.forkserver
import os
import sys
from asyncio import to_thread
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .manifest import FormalSkill
from .payloads import LlmFunctionToolSpec
from .undo import roll_back
from .worker import end_group, keys_of, serve

# A fork of a small, clean server process starts in milliseconds and inherits no threads.
METHOD = "spawn" if sys.platform == "win32" else "forkserver"
PROCESSES = multiprocessing.get_context(METHOD)
if METHOD == "forkserver":
    PROCESSES.set_forkserver_preload(["helpers.formal_skills.worker", "multiprocessing.popen_forkserver"])


    def share_server() -> None:
        """In a fork of this process the server is nobody's child: use it, and do not ask whether it still runs."""
        server = multiprocessing.forkserver._forkserver
        if server._forkserver_pid is not None:
            server.ensure_running = lambda: None

    os.register_at_fork(after_in_child=share_server)

Skills = Sequence[FormalSkill]
STARTING = 30.0  # seconds for the imports of all scripts
BRIEF = 0.002  # seconds: an answer that comes so soon is awaited here, since a thread would take as long again


class NotStarted(Exception):
    """The worker could not start: a script of a skill cannot be imported."""


@dataclass(frozen=True)
class Budget:
    """What a run may use: calls of the driver; seconds and characters of result for one call of a tool."""

    turns: int = 30
    seconds: float | None = 20.0
    characters: int | None = 20_000


BUDGET = Budget()


@contextmanager
def apart() -> Iterator[None]:
    """Keep from a process that starts the main program, which it would run again, and the keys of the environment.

    What an executor prints of its environment lands in the journal; a program could read it of the server, too.
    """
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    keys = {name: os.environ.pop(name) for name in keys_of(os.environ)}
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        os.environ.update(keys)


def kit(skill: FormalSkill) -> dict:
    """Return what the worker needs of a skill, which it would take longer to load than to run."""
    tools = {tool.name: tool.script for tool in skill.tools.values()}
    return {"folder": skill.folder, "markdown": skill.source, "tools": tools}


def offered(skills: Skills) -> dict[str, LlmFunctionToolSpec]:
    """Return the tools of all skills by name; two that share a name must be the same, script and all."""
    found: dict[str, tuple[LlmFunctionToolSpec, bytes]] = {}
    for skill in skills:
        for spec in skill.specs():
            tool = (spec, (skill.folder / "scripts" / skill.tools[spec.name].script).read_bytes())
            if found.setdefault(spec.name, tool) != tool:
                raise ValueError(f"{skill.name} and another skill have different tools named {spec.name}; rename one")
    return {name: spec for name, (spec, _) in found.items()}


class Workshop:
    """A warm worker process for the executors of some skills in one workspace."""

    def __init__(self, workspace: Path, folder: Path, skills: Skills, fence: bool, budget: Budget) -> None:
        self.workspace, self.folder, self.confined = workspace, folder, False
        self.kits, self.fence, self.budget = [kit(skill) for skill in skills], fence, budget
        self.process = None

    def start(self) -> None:
        """Start the worker and wait until it is fenced; raises NotStarted with the reason."""
        self.channel, end = PROCESSES.Pipe()
        settings = (str(self.workspace), str(self.folder), self.kits, self.fence)
        process = PROCESSES.Process(target=serve, args=(end, *settings), daemon=True)
        with apart():
            process.start()
        self.process = process
        end.close()
        status, info = "failed", "its scripts end the process, or take too long to import"
        with suppress(EOFError):
            if self.channel.poll(STARTING):
                status, info, _ = json.loads(self.channel.recv_bytes())
        if status == "failed":
            self.close()
            raise NotStarted(info)
        self.confined = info

    async def call(self, name: str, arguments: str, state: dict, call: str) -> tuple[str, Any, dict]:
        """Return (status, result, state) of one call, whose arguments are JSON; a long result is cut.

        A worker that dies or lingers is replaced. Then the call counts as an error, its changes to the workspace are
        undone, and the state is as before.
        """
        try:
            if self.process is None:
                await to_thread(self.start)
            self.channel.send((name, arguments, json.dumps(state, default=str), call))
            if self.channel.poll(BRIEF) or await to_thread(self.channel.poll, self.budget.seconds):
                status, result, text = json.loads(self.channel.recv_bytes())
                return status, self.cut(result), json.loads(text)
            fault = f"Error: {name} took longer than {self.budget.seconds:g} s and was stopped; {self.undone}"
        except NotStarted as reason:
            fault = f"Error: {name} cannot run, since the skills' scripts do not load ({reason})"
        except (EOFError, ConnectionError):
            fault = f"Error: {name} ended its process; {self.undone}"
        self.close()
        roll_back(self.folder / "undo", self.workspace, lambda last: last == call)
        return "error", [fault] if name == "done_when" else fault, state

    @property
    def undone(self) -> str:
        """What is said of the changes of a call that did not end: without the fence nothing writes them down."""
        return "its changes were undone" if self.fence else "what it has changed stays"

    def cut(self, result: Any) -> Any:
        """Return a result of at most as many characters as the budget has, with a word on what is missing."""
        most = self.budget.characters
        if not isinstance(result, str) or most is None or len(result) <= most:
            return result
        return f"{result[:most]}\n[cut: {len(result) - most} characters more; ask for less]"

    def close(self) -> None:
        if self.process is not None:
            self.channel.close()
            end_group(self.process.pid)
            self.process.kill()
            self.process.join()
            self.process = None
