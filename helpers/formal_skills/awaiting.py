"""Waiting for code that others have written: it may take too long, and it may not end the run."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any


async def outcome_of(call: Awaitable[Any], seconds: float | None = None) -> Any:
    """Return what an awaitable gives.

    Raises what it raises, TimeoutError if it took longer than `seconds` (a call that never awaits is not stopped, but
    told afterwards), and RuntimeError in place of a CancelledError of its own, which would end the run around it.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            result = await call
    except asyncio.CancelledError:
        if asyncio.current_task().cancelling():
            raise
        raise RuntimeError("what it waited for was cancelled") from None
    if seconds is not None and limit.when() < asyncio.get_running_loop().time():
        raise TimeoutError(f"it took longer than {seconds:g} s")
    return result
