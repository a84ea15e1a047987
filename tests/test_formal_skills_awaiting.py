"""What a hook or a driver may do when it is awaited: answer at once, wait, be late, fail, cancel itself."""

from __future__ import annotations

import asyncio
import time

import pytest

from helpers.formal_skills.awaiting import outcome_of

STEPS: list[str] = []


async def at_once():
    return "done"


async def after_one_breath():
    await asyncio.sleep(0)
    return "done"


async def after_several_waits():
    for _ in range(3):
        await asyncio.sleep(0.001)
    return (await asyncio.gather(at_once(), after_one_breath()))[1]


async def with_its_own_task():
    return await asyncio.create_task(at_once())


async def with_a_thread():
    return await asyncio.to_thread(lambda: "done")


async def waits_too_long():
    try:
        await asyncio.sleep(9)
    finally:
        STEPS.append("cleaned up")


async def will_not_be_stopped():
    try:
        await asyncio.sleep(9)
    except asyncio.CancelledError:
        return "done"


async def never_awaits_and_is_late():
    time.sleep(0.2)
    return "done"


async def cancels_itself():
    raise asyncio.CancelledError


async def awaits_what_is_cancelled():
    waiting = asyncio.create_task(asyncio.sleep(9))
    await asyncio.sleep(0)
    waiting.cancel()
    await waiting


async def fails_at_once():
    raise KeyError("at once")


async def fails_after_a_wait():
    await asyncio.sleep(0.001)
    raise KeyError("after a wait")


@pytest.mark.parametrize("call", [at_once, after_one_breath, after_several_waits, with_its_own_task, with_a_thread])
@pytest.mark.parametrize("limit", [{}, {"seconds": 5.0}])
def test_its_result_comes_back(call, limit):
    assert asyncio.run(outcome_of(call(), **limit)) == "done"


@pytest.mark.parametrize("call", [waits_too_long, will_not_be_stopped, never_awaits_and_is_late])
def test_what_is_late_is_an_error(call):
    STEPS.clear()
    with pytest.raises(TimeoutError):
        asyncio.run(outcome_of(call(), 0.1))
    assert STEPS == (["cleaned up"] if call is waits_too_long else [])


@pytest.mark.parametrize("call", [cancels_itself, awaits_what_is_cancelled])
@pytest.mark.parametrize("limit", [{}, {"seconds": 5.0}])
def test_its_own_cancellation_is_no_end_of_the_run(call, limit):
    with pytest.raises(RuntimeError, match="cancelled"):
        asyncio.run(outcome_of(call(), **limit))


@pytest.mark.parametrize("call, message", [(fails_at_once, "at once"), (fails_after_a_wait, "after a wait")])
def test_its_error_is_raised(call, message):
    with pytest.raises(KeyError, match=message):
        asyncio.run(outcome_of(call(), 5.0))


def test_the_run_can_be_cancelled_while_it_waits():
    async def run():
        task = asyncio.create_task(outcome_of(waits_too_long(), 5.0))
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    STEPS.clear()
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    assert STEPS == ["cleaned up"]


def test_what_cannot_be_awaited_is_a_type_error():
    with pytest.raises(TypeError, match="await"):
        asyncio.run(outcome_of(None, 5.0))
