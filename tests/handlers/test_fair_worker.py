"""Work in a thread, one piece of each owner in turn."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from handlers.fair_worker import FairWorker


@pytest.fixture
def worker() -> Iterator[FairWorker]:
    one = FairWorker("test")
    yield one
    one.close()


async def test_what_is_computed_comes_back_from_another_thread(worker: FairWorker) -> None:
    assert await worker.run("anna", threading.get_ident) != threading.get_ident()


async def test_what_goes_wrong_is_raised_where_it_was_asked_for(worker: FairWorker) -> None:
    def fail() -> None:
        raise LookupError("a bug")

    with pytest.raises(LookupError, match="a bug"):
        await worker.run("anna", fail)
    assert await worker.run("anna", lambda: 1) == 1


async def test_who_asks_for_much_waits_behind_himself(worker: FairWorker) -> None:
    order: list[str] = []
    gate = threading.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run("anna", lambda: gate.wait(10)))
        await asyncio.sleep(0)
        for owner in ("anna", "anna", "anna", "bela", "cili", "bela"):
            group.create_task(worker.run(owner, lambda owner=owner: order.append(owner)))
        await asyncio.sleep(0)
        gate.set()
    assert order == ["anna", "bela", "cili", "anna", "bela", "anna"]


async def test_who_does_not_wait_any_more_is_passed_over(worker: FairWorker) -> None:
    gate = threading.Event()
    computed: list[str] = []
    first = asyncio.create_task(worker.run("anna", lambda: gate.wait(10)))
    second = asyncio.create_task(worker.run("anna", lambda: computed.append("second")))
    third = asyncio.create_task(worker.run("bela", lambda: computed.append("third")))
    await asyncio.sleep(0)
    first.cancel()
    second.cancel()
    await asyncio.wait({first, second})
    gate.set()
    await third
    assert computed == ["third"]


async def test_what_fails_after_its_caller_has_gone_is_nobodys(worker: FairWorker) -> None:
    escaped: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: escaped.append(context))
    gate = threading.Event()

    def fail() -> None:
        gate.wait(10)
        raise LookupError("a bug")

    task = asyncio.create_task(worker.run("anna", fail))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task})
    gate.set()
    assert await worker.run("bela", lambda: 1) == 1
    assert escaped == []


async def test_the_loop_goes_on_meanwhile(worker: FairWorker) -> None:
    gate = threading.Event()
    task = asyncio.create_task(worker.run("anna", lambda: gate.wait(10)))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not task.done()
    gate.set()
    assert await task
