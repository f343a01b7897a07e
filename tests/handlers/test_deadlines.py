from __future__ import annotations

import asyncio

import pytest

from handlers.deadlines import Deadlines
from handlers.errors import TurnDeadlineError


async def forever(started: asyncio.Event | None = None) -> None:
    if started is not None:
        started.set()
    await asyncio.Event().wait()


async def test_what_is_done_in_time_gives_its_outcome() -> None:
    async def answer() -> str:
        await asyncio.sleep(0)
        return "done"

    assert await Deadlines(5.0).keep(answer()) == "done"


async def test_what_takes_too_long_is_cut_off_and_says_so() -> None:
    with pytest.raises(TurnDeadlineError, match=r"took over 0\.01 s"):
        await Deadlines(0.01).keep(forever())
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_each_is_cut_off_at_its_own_time_and_those_that_end_are_left_alone() -> None:
    deadlines = Deadlines(0.03)

    async def take(work: asyncio.Future[str]) -> str:
        try:
            return await deadlines.keep(work)
        except TurnDeadlineError:
            return "late"

    loop = asyncio.get_running_loop()
    quick, slow, later = loop.create_future(), loop.create_future(), loop.create_future()
    first, second = asyncio.create_task(take(quick)), asyncio.create_task(take(slow))
    await asyncio.sleep(0)
    quick.set_result("in time")
    assert await first == "in time"
    assert await second == "late"
    third = asyncio.create_task(take(later))
    await asyncio.sleep(0)
    later.set_result("in time")
    assert await third == "in time"


async def test_who_is_cancelled_by_somebody_else_is_cancelled() -> None:
    started = asyncio.Event()
    task = asyncio.create_task(Deadlines(5.0).keep(forever(started)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_by_somebody_else_is_not_hidden_by_a_deadline_at_the_same_time() -> None:
    started, late = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            late.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(Deadlines(0.01).keep(stubborn()))
    await late.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_passes_and_so_does_a_timeout_of_its_own() -> None:
    async def fail(error: Exception) -> None:
        raise error

    deadlines = Deadlines(5.0)
    for error in (ValueError("x"), TimeoutError()):
        with pytest.raises(type(error)):
            await deadlines.keep(fail(error))


async def test_what_goes_on_all_the_same_is_not_cancelled_a_second_time() -> None:
    async def swallow() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "went on"
        return ""

    assert await Deadlines(0.01).keep(swallow()) == "went on"
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
