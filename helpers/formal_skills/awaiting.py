"""Waiting for what others wrote: a hook or a driver may take too long, and it may not end the run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from math import inf
from typing import Any


async def outcome_of(call: Awaitable[Any], seconds: float = inf) -> Any:
    """Return what an awaitable gives.

    Raises what it raises, TimeoutError if it took longer than `seconds` (a call that never awaits is not stopped, but
    told afterwards), and RuntimeError in place of a CancelledError of its own, which would end the run around it.
    """
    steps, time = result_of(call), asyncio.get_running_loop().time
    latest = time() + seconds
    try:
        result = await in_time(steps, latest)
    except asyncio.CancelledError:
        if asyncio.current_task().cancelling():
            raise
        raise RuntimeError("what it waited for was cancelled") from None
    if latest < time():
        raise TimeoutError(f"it took longer than {seconds:g} s")
    return result


async def result_of(call: Awaitable[Any]) -> Any:
    return await call


async def in_time(steps: Coroutine, latest: float) -> Any:
    """Return a coroutine's result; a timer is set only when it waits for something, as most hooks never do."""
    try:
        awaited = steps.send(None)
    except StopIteration as end:
        return end.value
    async with asyncio.timeout_at(latest if latest < inf else None):
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
