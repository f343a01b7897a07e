"""Exactly one server leads, and steps back the moment it may have lost the lease."""

from __future__ import annotations

import asyncio

import pytest

from storage.errors import StorageError
from wyoming_central.leadership import Leadership


class StandInLease:
    """A lease whose answers the test decides."""

    def __init__(self, *, acquired: bool = True) -> None:
        self.acquired = acquired
        self.failing = False
        self.held = False
        self.released = False

    async def acquire(self) -> bool:
        if self.failing:
            raise StorageError("locked")
        self.held = self.acquired
        return self.acquired

    async def renew(self) -> bool:
        if self.failing:
            raise StorageError("locked")
        return self.held

    async def release(self) -> None:
        if self.failing:
            raise StorageError("locked")
        self.released = True


class Work:
    """What a leader does, as a test can await it."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.times = 0
        self.failure = failure

    async def __call__(self) -> None:
        self.times += 1
        self.ended.clear()
        try:
            if self.failure is not None and self.times == 1:
                raise self.failure
            self.begun.set()
            await asyncio.Event().wait()
        finally:
            self.ended.set()


@pytest.fixture
def lease() -> StandInLease:
    return StandInLease()


def leadership(lease: StandInLease, work: Work) -> Leadership:
    return Leadership(lease, work, renew_seconds=0.001)  # type: ignore[arg-type]


async def test_a_leader_works_until_it_is_cancelled(lease: StandInLease) -> None:
    work = Work()
    leading = asyncio.create_task(leadership(lease, work).run())
    await asyncio.wait_for(work.begun.wait(), 5)
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)
    assert work.ended.is_set()


async def test_who_does_not_get_the_lease_does_not_work(lease: StandInLease) -> None:
    lease.acquired = False
    work = Work()
    leading = asyncio.create_task(leadership(lease, work).run())
    lease_was_asked = asyncio.Event()
    original = lease.acquire

    async def acquire() -> bool:
        lease_was_asked.set()
        return await original()

    lease.acquire = acquire  # type: ignore[method-assign]
    await asyncio.wait_for(lease_was_asked.wait(), 5)
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)
    assert work.times == 0


async def test_a_leader_that_lost_the_lease_stops_working_and_tries_again(lease: StandInLease) -> None:
    work = Work()
    leading = asyncio.create_task(leadership(lease, work).run())
    await asyncio.wait_for(work.begun.wait(), 5)
    work.begun.clear()
    lease.held = False
    await asyncio.wait_for(work.begun.wait(), 5)
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)
    assert work.times == 2


async def test_work_that_fails_begins_anew(lease: StandInLease) -> None:
    work = Work(failure=LookupError("broken"))
    leading = asyncio.create_task(leadership(lease, work).run())
    await asyncio.wait_for(work.begun.wait(), 5)
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)
    assert work.times == 2


async def test_a_locked_database_does_not_end_the_claim_before_its_time(lease: StandInLease) -> None:
    work = Work()
    leading = asyncio.create_task(leadership(lease, work).run())
    await asyncio.wait_for(work.begun.wait(), 5)
    lease.failing = True
    for _ in range(10):
        await asyncio.sleep(0.001)
    assert not work.ended.is_set()
    lease.failing = False
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)


async def test_a_database_that_hangs_does_not_hide_that_the_claim_has_lapsed(lease: StandInLease) -> None:
    work, renewing = Work(), asyncio.Event()

    async def never() -> bool:
        renewing.set()
        await asyncio.Event().wait()
        return True

    lease.renew = never  # type: ignore[method-assign]
    leading = asyncio.create_task(leadership(lease, work).run())
    await asyncio.wait_for(renewing.wait(), 5)
    lease.held = lease.acquired = False
    await asyncio.wait_for(work.ended.wait(), 5)
    leading.cancel()
    await asyncio.gather(leading, return_exceptions=True)


async def test_the_lease_is_held_on_to_while_the_last_things_are_done(lease: StandInLease) -> None:
    renewed = asyncio.Event()

    async def renew() -> bool:
        renewed.set()
        return True

    lease.held = True
    lease.renew = renew  # type: ignore[method-assign]
    keeping = asyncio.create_task(leadership(lease, Work()).keep())
    await asyncio.wait_for(renewed.wait(), 5)
    lease.held = False
    await asyncio.wait_for(keeping, 5)


async def test_resigning_gives_the_lease_up_and_bears_a_locked_database(lease: StandInLease) -> None:
    await leadership(lease, Work()).resign()
    assert lease.released
    lease.failing = True
    await leadership(lease, Work()).resign()
