"""What a run leaves behind: its events in order, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from .ledger import PARTS

LONGEST = 200  # characters of a failure in the line that says how a run ended


def shown(value: Any) -> Any:
    """Return a value whose text can be shown: half a character, as models sometimes write, becomes its number."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


@dataclass(frozen=True, repr=False)
class Trace:
    """The events of a run, as its journal has them: task, reply, call, said, end."""

    events: list[dict]
    workspace: Path
    interruption: str = ""

    def of(self, kind: str) -> list[dict]:
        return [event for event in self.events if event["kind"] == kind]

    @property
    def status(self) -> str:
        """completed (the contract, if any, holds), failed, stopped (out of turns), or interrupted (can be resumed)."""
        return self.events[-1]["status"] if self.events and self.events[-1]["kind"] == "end" else "interrupted"

    @property
    def reason(self) -> str:
        return self.interruption if self.status == "interrupted" else self.events[-1]["reason"]

    @property
    def turns(self) -> int:
        return len(self.of("reply"))

    @property
    def calls(self) -> list[dict]:
        return self.of("call")

    @property
    def tokens(self) -> dict[str, int]:
        """Tokens over the run by part; total is prompts and completions, uncached what no cache could have kept."""
        rows = [event["tokens"] for event in self.of("reply")]
        summed = {part: sum(row[part] for row in rows) for part in (*PARTS, "prompt", "uncached")}
        return summed | {"total": summed["prompt"] + summed["completion"]}

    @property
    def notes(self) -> list[str]:
        """The failures of hooks, each once: they are heard of here, whatever `on_error` says."""
        return list(dict.fromkeys(note for event in self.events for note in event.get("notes", [])))

    def frame(self) -> pd.DataFrame:
        """Return the steps as a table: turn, phase, tool, arguments, how it ended, what came back."""
        rows, turn = [], 0
        phase = " ".join(self.events[0]["state"].get("phases", {}).values())
        for event in self.events[1:]:
            turn += event["kind"] == "reply"
            row: dict[str, Any] = {"turn": turn, "phase": phase, "what": event["kind"], "with": ""}
            if event["kind"] == "call":
                row |= {"what": event["name"], "with": event["arguments"], "status": event["status"],
                        "came back": event["result"]}  # fmt: skip
            elif event["kind"] == "reply" and event["calls"]:
                continue
            else:
                row |= {"came back": event.get("text") or event.get("reason", ""), "status": event.get("status", "")}
            phase = " ".join(event.get("state", {}).get("phases", {}).values()) or phase
            rows.append(row)
        rows = [{key: shown(value) for key, value in row.items()} for row in rows]
        return pd.DataFrame(rows, columns=["turn", "phase", "what", "with", "status", "came back"])

    def __str__(self) -> str:
        said = f"{self.status} after {self.turns} turns, {len(self.calls)} calls, {self.tokens['total']} tokens"
        said += "" if self.status == "completed" else f": {self.reason}"
        return shown("; ".join([said, *(note[:LONGEST] for note in self.notes)]))

    def __repr__(self) -> str:
        return f"<Trace: {self}>"

    def _repr_html_(self) -> str:
        frame = self.frame().map(lambda value: str(value)[:90])
        return f"<p>{escape(str(self))}</p>{frame.to_html(index=False, escape=True)}"
