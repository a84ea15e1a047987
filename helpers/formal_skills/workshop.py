"""The runtime's side of the worker process: start it, call it with a time limit, start it again when it is gone."""

from __future__ import annotations

import json
from asyncio import to_thread
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import to_json
from .forks import SERVER, Worker
from .manifest import FormalSkill
from .payloads import LlmFunctionToolSpec
from .scripts import code_of
from .surroundings import paths
from .undo import roll_back

Skills = Sequence[FormalSkill]
STARTING = 30.0  # seconds for the imports of all scripts
BRIEF = 0.002  # seconds: an answer that comes so soon is awaited here, since a thread would take as long again


class NotStarted(Exception):
    """The worker could not start, such as when a script of a skill cannot be imported."""


@dataclass(frozen=True)
class Budget:
    """What a run may use: calls of the driver; seconds and characters of result for one call of a tool."""

    turns: int = 30
    seconds: float | None = 20.0
    characters: int | None = 20_000


BUDGET = Budget()


def kit(skill: FormalSkill) -> dict:
    """Return what the worker needs of a skill, which it would take longer to load than to run."""
    tools = {tool.name: tool.script for tool in skill.tools.values()}
    places = {skill.folder / "scripts" / script for script in tools.values()}
    sources = [(str(place), place.read_bytes()) for place in places]
    code = {source: code_of(*source) for source in sources}
    return {"folder": skill.folder, "markdown": skill.source, "tools": tools, "code": code}


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
        self.worker: Worker | None = None
        self.closed = False

    def start(self) -> None:
        """Start the worker and wait until it is fenced; raises NotStarted with the reason."""
        try:
            worker = self.worker = SERVER.start_worker()
        except OSError as error:
            raise NotStarted(str(error)) from error
        status, info = "failed", "the skills' scripts end the process, or take too long to import"
        with suppress(EOFError, OSError):
            settings = str(self.workspace), str(self.folder), self.kits, self.fence
            worker.channel.send((*settings, paths(), SERVER.changed()))
            if worker.channel.poll(STARTING):
                status, info, _ = json.loads(worker.channel.recv_bytes())
        if status == "failed" or self.closed:  # closed: the run was interrupted meanwhile
            self.close()
            raise NotStarted(info)
        self.confined = info

    async def call(self, name: str, arguments: str, state: dict, call: str) -> tuple[str, Any, dict]:
        """Return (status, result, state) of one call, whose arguments are JSON; a long result is cut.

        A worker that dies or lingers is replaced. Then the call counts as an error, its changes to the workspace are
        undone, and the state is as before.
        """
        try:
            if self.worker is None:
                self.closed = False
                await to_thread(self.start)
            self.worker.channel.send((name, arguments, to_json(state), call))
            if self.worker.channel.poll(BRIEF) or await to_thread(self.worker.channel.poll, self.budget.seconds):
                status, result, text = json.loads(self.worker.channel.recv_bytes())
                return status, self.cut(result), json.loads(text)
            fault = f"Error: {name} took longer than {self.budget.seconds:g} s and was stopped; {self.undone}"
        except NotStarted as reason:
            fault = f"Error: {name} cannot run: {reason}"
        except (EOFError, OSError):  # also in the middle of an answer
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
        self.closed, worker, self.worker = True, self.worker, None
        if worker is not None:
            worker.end()
