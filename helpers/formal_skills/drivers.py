"""What sits where the language model would: `complete(messages, tools)` gives a text, calls of tools, or both."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from .awaiting import outcome_of
from .compat import INBOX
from .payloads import LlmToolCallRequest, Sealed


@dataclass(frozen=True)
class Reply:
    """One answer of a driver; without calls it claims that the task is done."""

    text: str = ""
    calls: list[LlmToolCallRequest] = field(default_factory=list)


@runtime_checkable
class Driver(Protocol):
    """Messages and tools come in the form of OpenAI's chat API; `complete` may be a coroutine."""

    def complete(self, messages: list[dict], tools: list[dict]) -> Reply: ...


class DriverFailed(Exception):
    """A driver could not be asked: the run is interrupted, and can be resumed."""


async def answer(driver: Driver, messages: list[dict], tools: list[dict], state: dict) -> Reply:
    """Return what a driver says; what cannot be read of it goes into the inbox, for its next turn.

    Raises DriverFailed for whatever the driver raises, and for what is no Reply: the fault of its code, not of a model.
    """
    try:
        reply, fault = readable(await outcome_of(asked(driver, messages, tools)))
    except (Exception, SystemExit) as error:
        raise DriverFailed(f"the driver failed ({type(error).__name__}: {error}); Runtime.resume asks again") from error
    if fault:
        state.setdefault(INBOX, []).append(f"Your answer could not be read: {fault}.")
    return reply


async def asked(driver: Driver, messages: list[dict], tools: list[dict]) -> Any:
    raw = driver.complete(messages, tools)
    return await raw if inspect.isawaitable(raw) else raw


def readable(raw: Any) -> tuple[Reply, str]:
    """Return a driver's reply with what cannot be read left out, and what that was ("" if nothing)."""
    if not isinstance(raw, Reply):
        raise TypeError(f"expected a Reply, got {type(raw).__name__}; a text alone is Reply(text)")
    calls = raw.calls if isinstance(raw.calls, (list, tuple)) else []
    good = [call for call in calls if isinstance(call, LlmToolCallRequest)
            and all(isinstance(part, str) for part in (call.call_id, call.name, call.arguments_json))]  # fmt: skip
    fault = "" if len(good) == len(calls) and calls is raw.calls else "some of the calls could not be read"
    return Reply(raw.text if isinstance(raw.text, str) else "", Sealed(good)), fault


@dataclass(frozen=True)
class Scripted:
    """Plays replies in order, one a turn, whatever comes back; after the last it says nothing and calls nothing."""

    replies: Sequence[Reply]

    def complete(self, messages: list[dict], tools: list[dict]) -> Reply:
        turn = sum(message["role"] == "assistant" for message in messages)
        return self.replies[turn] if turn < len(self.replies) else Reply()
