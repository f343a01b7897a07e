"""Who is let in next, where there are fewer places than people."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.llm.errors import Failure, ModelError
from handlers.llm.fair_queue import FairQueue


class _Room:
    """A queue whose guests stay until they are told to leave."""

    def __init__(self, places: int = 1, most_waiting: int = 1000) -> None:
        self.places = places
        self.queue = FairQueue(lambda: self.places, most_waiting=most_waiting)
        self.inside: list[str] = []
        self.let_in: list[str] = []
        self._leave: dict[int, asyncio.Event] = {}
        self.tasks: list[asyncio.Task[None]] = []

    def arrive(self, owner: str) -> asyncio.Task[None]:
        leave = asyncio.Event()

        async def visit() -> None:
            async with self.queue.place(owner):
                self.inside.append(owner)
                self.let_in.append(owner)
                self._leave[len(self.let_in)] = leave
                try:
                    await leave.wait()
                finally:
                    self.inside.remove(owner)

        task = asyncio.create_task(visit())
        self.tasks.append(task)
        return task

    async def one_leaves(self) -> None:
        first = min(self._leave)
        self._leave.pop(first).set()
        await settled()

    async def empty(self) -> None:
        while self._leave:
            await self.one_leaves()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


async def settled() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def test_another_owner_waits_for_no_more_than_the_one_that_is_inside() -> None:
    room = _Room()
    for _ in range(200):
        room.arrive("flood")
    await settled()
    room.arrive("guest")
    await settled()
    await room.one_leaves()
    assert room.let_in == ["flood", "guest"]
    await room.empty()


async def test_who_was_just_inside_does_not_pass_one_who_waits() -> None:
    room = _Room()
    for _ in range(3):
        room.arrive("flood")
    await settled()
    for _ in range(4):
        room.arrive("guest")
        await settled()
        await room.one_leaves()
    assert Counter(room.let_in)["flood"] >= 3
    await room.empty()


async def test_one_owner_is_served_in_order() -> None:
    room = _Room()
    order: list[int] = []

    async def visit(number: int) -> None:
        async with room.queue.place("anna"):
            order.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(visit(number))
    assert order == list(range(20))


async def test_a_place_more_lets_one_more_in() -> None:
    room = _Room()
    room.arrive("a")
    room.arrive("b")
    await settled()
    assert room.inside == ["a"]
    room.places = 2
    room.queue.admit()
    await settled()
    assert room.inside == ["a", "b"]
    await room.empty()


async def test_too_many_are_turned_away_at_once() -> None:
    room = _Room(most_waiting=1)
    room.arrive("a")
    room.arrive("b")
    await settled()
    with pytest.raises(ModelError) as caught:
        async with room.queue.place("c"):
            pass
    assert caught.value.failure is Failure.QUEUE_FULL
    await room.empty()


async def test_all_who_wait_can_be_sent_away() -> None:
    room = _Room()
    room.arrive("a")
    waiting = [room.arrive("b"), room.arrive("c")]
    await settled()
    room.queue.send_away(ModelError(Failure.OPEN))
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, ModelError) for result in results)
    assert room.queue.waiting == 0
    await room.empty()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["arrive", "leave", "cancel", "more", "fewer"]), st.sampled_from("abc")),
        max_size=60,
    )
)
def test_places_are_neither_lost_nor_doubled_whoever_comes_goes_or_gives_up(
    steps: list[tuple[str, str]],
) -> None:
    async def play() -> None:
        room = _Room(places=2)
        for step, owner in steps:
            if step == "arrive":
                room.arrive(owner)
            elif step == "leave" and room._leave:
                await room.one_leaves()
            elif step == "cancel" and room.tasks:
                room.tasks.pop(len(room.tasks) // 2).cancel()
            elif step == "more":
                room.places = 2
                room.queue.admit()
            elif step == "fewer":
                room.places = 1
            await settled()
            assert len(room.inside) <= 2
        await room.empty()
        async with asyncio.timeout(1), room.queue.place("last"):
            assert room.queue.waiting == 0

    asyncio.run(play())
