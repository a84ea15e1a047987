"""Coroutines beside a running event loop, such as a notebook's."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Coroutine
from functools import wraps
from typing import Any


def in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns, run in a thread of its own: a running event loop here does not matter."""
    box: dict[str, Any] = {}

    async def watched() -> None:
        box["loop"], box["task"] = asyncio.get_running_loop(), asyncio.current_task()
        box["result"] = await work

    def run() -> None:
        try:
            asyncio.run(watched())
        except BaseException as error:
            box["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        box["loop"].call_soon_threadsafe(box["task"].cancel)
        thread.join()
        raise
    if "error" in box:
        raise box["error"]
    return box["result"]


def settled(function: Any) -> Any:
    """Return the function (or value) as it is; a coroutine function as one that waits for its result."""
    if not inspect.iscoroutinefunction(function):
        return function

    @wraps(function)
    def waiting(*args: Any, **kwargs: Any) -> Any:
        return in_thread(function(*args, **kwargs))

    return waiting
