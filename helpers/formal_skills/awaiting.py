"""Waiting for what others wrote: a hook or a driver may take too long, and it may not end the run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from math import inf
from time import monotonic
from types import CoroutineType
from typing import Any


async def outcome_of(call: Awaitable[Any], seconds: float = inf) -> Any:
    """Return what an awaitable gives.

    Raises what it raises, TimeoutError if it took longer than `seconds` (a call that never awaits is not stopped, but
    told afterwards), and RuntimeError in place of a CancelledError of its own, which would end the run around it.
    """
    steps, latest = call if isinstance(call, CoroutineType) else result_of(call), monotonic() + seconds
    try:
        try:
            awaited = steps.send(None)
        except StopIteration as end:  # it waits for nothing, as most hooks do: no timer
            result = end.value
        else:
            result = await rest_of(steps, awaited, latest)
    except asyncio.CancelledError:
        if asyncio.current_task().cancelling():
            raise
        raise RuntimeError("what it waited for was cancelled") from None
    if latest < monotonic():
        raise TimeoutError(f"it took longer than {seconds:g} s")
    return result


async def result_of(call: Awaitable[Any]) -> Any:
    return await call


async def rest_of(steps: Coroutine, awaited: Any, latest: float) -> Any:
    """Return the result of a coroutine that has begun and waits for something; TimeoutError when it is late."""
    async with asyncio.timeout(latest - monotonic() if latest < inf else None):
        return await Rest(steps, awaited)


class Rest:
    """The rest of a coroutine that has been started: an awaitable that first hands on what it waits for."""

    def __init__(self, steps: Coroutine, awaited: Any) -> None:
        self.steps, self.first = steps, [awaited]

    def __await__(self) -> Rest:
        return self

    def __next__(self) -> Any:
        return self.first.pop() if self.first else self.steps.send(None)

    def throw(self, *error: Any) -> Any:
        return self.steps.throw(*error)

    def close(self) -> None:
        self.steps.close()
