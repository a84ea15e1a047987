"""The runtime's side of the worker process: start it, call it with a time limit, start it again when it is gone."""

from __future__ import annotations

import json
import multiprocessing
import multiprocessing.forkserver
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from .manifest import FormalSkill
from .payloads import LlmFunctionToolSpec
from .undo import roll_back
from .worker import end_group, serve

# A fork of a small, clean server process starts in milliseconds and inherits no threads.
METHOD = "spawn" if sys.platform == "win32" else "forkserver"
PROCESSES = multiprocessing.get_context(METHOD)
if METHOD == "forkserver":
    PROCESSES.set_forkserver_preload(["helpers.formal_skills.worker"])


    def share_server() -> None:
        """In a fork of this process the server is nobody's child: use it, and do not ask whether it still runs."""
        server = multiprocessing.forkserver._forkserver
        if server._forkserver_pid is not None:
            server.ensure_running = lambda: None

    os.register_at_fork(after_in_child=share_server)

Skills = Sequence[FormalSkill]


@dataclass(frozen=True)
class Budget:
    """What a run may use: calls of the driver; seconds and characters of result for one call of a tool."""

    turns: int = 30
    seconds: float | None = 20.0
    characters: int | None = 20_000


BUDGET = Budget()


@contextmanager
def without_main() -> Iterator[None]:
    """Hide the main program from a process that starts: it would run it again (slow, and endless without a guard)."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


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
        self.budget = budget
        self.settings = (str(workspace), str(folder), [kit(skill) for skill in skills], fence)
        self.process = None

    def start(self) -> None:
        """Start the worker and wait until it is fenced."""
        self.channel, end = PROCESSES.Pipe()
        process = PROCESSES.Process(target=serve, args=(end, *self.settings), daemon=True)
        with without_main():
            process.start()
        self.process = process
        end.close()
        try:
            _, self.confined, _ = json.loads(self.channel.recv_bytes())
        except EOFError:
            raise RuntimeError("the worker ended before its first call; do the skills' scripts import?") from None

    def call(self, name: str, arguments: str, state: dict, call: str) -> tuple[str, Any, dict]:
        """Return (status, result, state) of one call, whose arguments are JSON; a long result is cut.

        A worker that dies or lingers is replaced. Then the call counts as an error, its changes to the workspace are
        undone, and the state is as before.
        """
        if self.process is None:
            self.start()
        self.channel.send((name, arguments, json.dumps(state, default=str), call))
        try:
            if self.channel.poll(self.budget.seconds):
                status, result, text = json.loads(self.channel.recv_bytes())
                most = self.budget.characters
                if isinstance(result, str) and most is not None and len(result) > most:
                    result = f"{result[:most]}\n[cut: {len(result) - most} characters more; ask for less]"
                return status, result, json.loads(text)
            fault = f"Error: {name} took longer than {self.budget.seconds:g} s and was stopped; its changes were undone"
        except (EOFError, ConnectionError):
            fault = f"Error: {name} ended its process; its changes were undone"
        self.close()
        roll_back(self.folder / "undo", self.workspace)
        return "error", [fault] if name == "done_when" else fault, state

    def close(self) -> None:
        if self.process is not None:
            self.channel.close()
            end_group(self.process.pid)
            self.process.kill()
            self.process.join()
            self.process = None
