"""A run as its journal tells it: events that are written first and then applied, so that a resumed run is the same."""

from __future__ import annotations

import json
from pathlib import Path

from .files import append_line, read_lines
from .payloads import LlmChatMessage, LlmToolCallRequest

BASE = "You work in a folder of files, through tools. Answer without a call when the task is done."


class Conversation:
    """Messages, state and calls that wait, folded from the events of a journal."""

    def __init__(self, journal: Path) -> None:
        self.journal, self.events = journal, []
        self.messages: list[LlmChatMessage] = []
        self.state: dict = {}
        self.waiting: list[LlmToolCallRequest] = []
        self.shown: list[str] = []
        self.turns = 0
        self.claims = self.finishing = False

    def read(self) -> None:
        """Apply the events that the journal has."""
        for event in read_lines(self.journal):
            self.apply(event)

    def record(self, kind: str, **what) -> None:
        """Write an event as one line of the journal, with the state as it now is, and apply it."""
        self.apply(append_line(self.journal, {"kind": kind, **what, "state": self.state}))

    def apply(self, event: dict) -> None:
        self.events.append(event)
        self.state = json.loads(json.dumps(event["state"]))
        getattr(self, "_" + event["kind"])(event)

    @property
    def ended(self) -> bool:
        return bool(self.events) and self.events[-1]["kind"] == "end"

    @property
    def refused(self) -> int:
        """How often the contract has refused the driver's claim to be done."""
        return sum("faults" in event for event in self.events)

    @property
    def made(self) -> set[str]:
        """The ids of the calls that are recorded."""
        return {event["id"] for event in self.events if event["kind"] == "call"}

    def _task(self, event: dict) -> None:
        opening = [LlmChatMessage("system", text) for text in (BASE, *event["opening"])]
        self.messages = [*opening, LlmChatMessage("user", event["prompt"])]

    def _reply(self, event: dict) -> None:
        self.turns += 1
        self.waiting = [LlmToolCallRequest(**call) for call in event["calls"]]
        self.claims, self.finishing, self.shown = not self.waiting, False, event["shown"]
        self.messages.append(LlmChatMessage("assistant", event["text"], self.waiting or None))

    def _call(self, event: dict) -> None:
        call, *self.waiting = self.waiting
        self.finishing |= event["verdict"] == "finish"
        self.claims = self.finishing
        self.messages.append(LlmChatMessage("tool", event["result"], tool_call_id=call.call_id, name=call.name))

    def _said(self, event: dict) -> None:
        self.claims = False
        self.messages.append(LlmChatMessage("user", event["text"]))

    def _end(self, event: dict) -> None: ...
