"""The event loop's lag is measured, and whoever causes it is named."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
import structlog

from wyoming_central import loop_watch as loop_watch_module
from wyoming_central.loop_watch import LoopWatch


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MutableMapping[str, Any]]]:
    monkeypatch.setattr(loop_watch_module, "_log", structlog.wrap_logger(structlog.PrintLogger()))
    with structlog.testing.capture_logs() as lines:
        yield lines


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_loop_that_goes_on_leaves_no_line(log: list[Any]) -> None:
    clock = Clock()
    watch = LoopWatch(threshold=0.1, clock=clock)
    for _ in range(5):
        clock.now += 0.05
        watch.look(asyncio.get_running_loop(), threading.get_ident())
        watch.note()
    assert log == []
    assert watch.longest == pytest.approx(0.025)


async def test_a_loop_that_is_held_up_is_told_once_while_it_lasts_and_once_after(log: list[Any]) -> None:
    clock = Clock()
    watch = LoopWatch(threshold=0.1, clock=clock)
    loop, thread = asyncio.get_running_loop(), threading.get_ident()
    clock.now += 0.2
    watch.look(loop, thread)
    clock.now += 0.2
    watch.look(loop, thread)
    watch.note()
    assert [line["event"] for line in log] == ["the event loop is held up", "the event loop was held up"]
    assert log[0]["task"] == asyncio.current_task().get_name()  # type: ignore[union-attr]
    assert log[1]["seconds"] == pytest.approx(0.375)
    assert watch.longest == pytest.approx(0.375)


async def test_the_task_that_hogs_and_the_place_where_it_does_are_named(log: list[Any]) -> None:
    """A real hog on the real loop, seen by the watch's own thread."""
    watch = LoopWatch(threshold=0.02)
    watching = asyncio.create_task(watch.run())
    await asyncio.sleep(0)

    async def hog() -> None:
        while not log:
            time.sleep(0.001)

    await asyncio.wait_for(asyncio.create_task(hog(), name="turns of 8ab3c1"), 10)
    while len(log) < 2:
        await asyncio.sleep(0)
    watching.cancel()
    await asyncio.wait({watching})
    assert log[0]["task"] == "turns of 8ab3c1"
    assert any("hog" in place for place in log[0]["where"])
    assert log[1]["event"] == "the event loop was held up"


async def test_its_thread_ends_with_it() -> None:
    before = set(threading.enumerate())
    watching = asyncio.create_task(LoopWatch(threshold=0.1).run())
    await asyncio.sleep(0)
    (thread,) = set(threading.enumerate()) - before
    watching.cancel()
    await asyncio.wait({watching})
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()
