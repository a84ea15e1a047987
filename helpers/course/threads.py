"""Coroutines beside a running event loop, such as a notebook's."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Coroutine
from contextlib import suppress
from functools import wraps
from typing import Any


def in_thread(work: Coroutine[Any, Any, Any]) -> Any:
    """Return what a coroutine returns, run in a thread of its own: a running event loop here does not matter."""
    box: dict[str, Any] = {}
    began, done = threading.Event(), threading.Event()

    async def watched() -> None:
        box["loop"], box["task"] = asyncio.get_running_loop(), asyncio.current_task()
        began.set()
        box["result"] = await work

    def run() -> None:
        try:
            asyncio.run(watched())
        except BaseException as error:
            box["error"] = error
        finally:
            began.set()
            done.set()

    try:
        threading.Thread(target=run, daemon=True).start()
        done.wait()
    except KeyboardInterrupt:
        if not began.wait(1):  # the thread was not even started
            raise
        with suppress(RuntimeError, KeyError):  # it has ended in this moment, or never began
            box["loop"].call_soon_threadsafe(box["task"].cancel)
        done.wait()
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
