"""Coroutines in exercises and beside a running loop: run to their end, their errors passed on."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading

import pytest

from helpers.course import Case, Exercise, Mistake
from helpers.course.threads import in_thread, settled

HINTS = ("a nudge", "a push", "nearly there")


async def double(x):
    """Is that twice as much?"""
    await asyncio.sleep(0)
    return 2 * x


async def once(x):
    return x


async def fails(x):
    raise KeyError("gone")


def test_a_coroutine_runs_inside_a_running_loop():
    async def outside():
        return in_thread(double(4))

    assert asyncio.run(outside()) == 8 and in_thread(double(5)) == 10


def test_errors_are_passed_on():
    with pytest.raises(KeyError, match="gone"):
        in_thread(fails(1))


def test_settled_leaves_functions_alone_and_keeps_names():
    assert settled(len) is len and settled(3) == 3
    assert settled(double).__name__ == "double" and settled(double)(2) == 4


@pytest.mark.parametrize("judged", [False, True])
@pytest.mark.parametrize("answer, outcome", [(double, "right"), (once, "wrong"), (fails, "raised"),
                                             (lambda x: 2 * x, "right"), (None, "not attempted")])  # fmt: skip
def test_an_exercise_takes_an_async_function(judged, answer, outcome):
    how = {"judge": lambda f: (f(3) == 6, "six")} if judged else {"reference": double}
    ex = Exercise("double", "Double", 1, cases=[Case((3,)), Case((0,))],
                  mistakes=[Mistake("once", once, "Once?")], hints=HINTS, **how)  # fmt: skip
    found = ex.check(answer)
    assert found.outcome == outcome and ("Once?" in found.message) == (outcome == "wrong")


def test_an_async_stub_is_not_attempted():
    async def stub(x): ...

    ex = Exercise("double", "Double", 1, reference=double, cases=[Case((3,))], hints=HINTS)
    assert ex.check(stub).outcome == "not attempted"


@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
@pytest.mark.parametrize("seconds", [30, 0.11, 0.1])
def test_an_interrupt_waits_for_the_coroutine_to_clean_up(seconds):
    cleaned = []

    async def work():
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.sleep(0.05)
            cleaned.append(True)

    threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
    with pytest.raises(KeyboardInterrupt):
        in_thread(work())
    assert cleaned == [True]
