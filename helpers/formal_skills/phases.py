"""`phases.json`: the steps of a skill, what each shows and says, and the events that lead from one to the next."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from transitions import Machine

from .files import read_json
from .models import deepest_fault


class Phase(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    tools: list[str]
    say: str = ""


class Transition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    on: str
    status: Literal["ok", "error"] = "ok"
    source: str = Field(alias="from")
    to: str


class Declared(BaseModel):
    model_config = ConfigDict(extra="forbid")
    initial: str
    phases: dict[str, Phase]
    transitions: list[Transition]


@dataclass(frozen=True)
class Phases:
    """Phases and transitions of a skill; an event is a tool and how it ended."""

    initial: str
    phases: dict[str, Phase]
    transitions: tuple[Transition, ...]

    @cached_property
    def machine(self) -> Machine:
        """The same as a machine of the library `transitions`, which makes the moves."""
        moves = [{"trigger": f"{move.on} {move.status}", "source": move.source, "dest": move.to}
                 for move in self.transitions]  # fmt: skip
        return Machine(SimpleNamespace(), list(self.phases), initial=self.initial, transitions=moves,
                       auto_transitions=False, ignore_invalid_triggers=True)  # fmt: skip

    def after(self, phase: str, tool: str, status: str) -> str:
        """Return the phase after a tool has ended with a status ("ok" or "error"): the same one if no move fits."""
        event = f"{tool} {status}"
        if event in self.machine.get_triggers(phase):
            self.machine.set_state(phase)
            self.machine.model.trigger(event)
            return self.machine.model.state
        return phase

    def unreachable(self) -> list[str]:
        """Return the phases that no sequence of events leads to."""
        seen, new = set(), {self.initial}
        while new:
            seen |= new
            new = {move.to for move in self.transitions if move.source in seen} - seen
        return [phase for phase in self.phases if phase not in seen]


def read_phases(path: Path, tools: set[str]) -> Phases | None:
    """Return the phases declared in a file, None if there is no such file.

    Raises ValueError for a phase that is not declared or not reachable and for a tool that the manifest does not have.
    """
    if not path.exists():
        return None
    where = f"{path.parent.name}/phases.json"
    try:
        declared = Declared.model_validate(read_json(path))
    except ValidationError as error:
        raise ValueError(f"{where}: {deepest_fault(error)}") from None
    found = Phases(declared.initial, declared.phases, tuple(declared.transitions))
    named = [found.initial, *(name for move in found.transitions for name in (move.source, move.to))]
    for name in named:
        if name not in found.phases:
            raise ValueError(f"{where}: there is no phase {name!r} (phases: {', '.join(found.phases)}); declare it")
    used = [tool for phase in found.phases.values() for tool in phase.tools]
    for tool in (*used, *(move.on for move in found.transitions)):
        if tool not in tools:
            raise ValueError(f"{where}: {tool!r} is no tool of the manifest ({', '.join(sorted(tools))})")
    if lost := found.unreachable():
        raise ValueError(f"{where}: nothing leads to {', '.join(lost)}; add a transition, or delete it")
    return found


class Track:
    """Where each skill with phases stands, kept in the run's state: what it shows and says now, and where it goes."""

    def __init__(self, phases: dict[str, Phases]) -> None:
        self.phases = phases

    def start(self) -> dict[str, str]:
        return {name: phases.initial for name, phases in self.phases.items()}

    def now(self, state: dict) -> dict[str, Phase]:
        return {name: phases.phases[state["phases"][name]] for name, phases in self.phases.items()}

    def hides(self, state: dict, skill: str, tool: str) -> bool:
        return skill in self.phases and tool not in self.now(state)[skill].tools

    def says(self, state: dict) -> str:
        return "\n".join(f"[{name}] {phase.say}" for name, phase in self.now(state).items() if phase.say)

    def move(self, state: dict, tool: str, status: str) -> None:
        for name, phases in self.phases.items():
            state["phases"][name] = phases.after(state["phases"][name], tool, status)
