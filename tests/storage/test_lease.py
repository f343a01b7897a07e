from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from storage.database import Database
from storage.errors import StorageError
from storage.lease import Lease, holder_of

TTL = 10.0


def _lease(database: Database, holder: str, clock: Any, name: str = "server") -> Lease:
    return Lease(database, name=name, holder=holder, ttl_seconds=TTL, clock=clock)


async def test_the_first_one_gets_it_and_the_second_does_not(database: Database, clock: Any) -> None:
    first, second = _lease(database, "first", clock), _lease(database, "second", clock)
    assert not first.held
    assert await first.acquire()
    assert not await second.acquire()
    assert (first.held, second.held) == (True, False)
    held_by = await holder_of(database, "server", clock=clock)
    assert held_by is not None
    assert (held_by.holder, held_by.fence) == ("first", first.fence)
    assert (held_by.expires_at - clock()).total_seconds() == TTL


async def test_other_names_are_other_leases(database: Database, clock: Any) -> None:
    assert await _lease(database, "first", clock).acquire()
    assert await _lease(database, "second", clock, name="other").acquire()


async def test_renewed_in_time_it_is_kept(database: Database, clock: Any) -> None:
    first, second = _lease(database, "first", clock), _lease(database, "second", clock)
    await first.acquire()
    fence = first.fence
    for _ in range(5):
        clock.move(seconds=TTL * 0.9)
        assert await first.renew()
        assert not await second.acquire()
    assert first.fence == fence


async def test_a_lapsed_one_is_taken_over_under_a_higher_number(database: Database, clock: Any) -> None:
    first, second = _lease(database, "first", clock), _lease(database, "second", clock)
    await first.acquire()
    before = first.fence
    clock.move(seconds=TTL)
    assert not first.held
    assert first.fence is None
    assert await second.acquire()
    assert before is not None
    assert second.fence is not None
    assert second.fence > before


async def test_a_holder_that_was_paused_too_long_learns_that_it_lost(database: Database, clock: Any) -> None:
    first, second = _lease(database, "first", clock), _lease(database, "second", clock)
    await first.acquire()
    clock.move(seconds=TTL + 1)
    await second.acquire()
    assert not await first.renew()
    assert not first.held
    await first.release()
    assert second.held
    assert await second.renew()


async def test_a_lapsed_one_that_nobody_took_can_be_renewed(database: Database, clock: Any) -> None:
    first = _lease(database, "first", clock)
    await first.acquire()
    clock.move(seconds=TTL * 3)
    assert await holder_of(database, "server", clock=clock) is None
    assert await first.renew()
    assert first.held


async def test_one_that_was_never_acquired_cannot_be_renewed(database: Database, clock: Any) -> None:
    assert not await _lease(database, "first", clock).renew()


async def test_a_released_one_is_free_at_once(database: Database, clock: Any) -> None:
    first, second = _lease(database, "first", clock), _lease(database, "second", clock)
    await first.acquire()
    await first.release()
    assert not first.held
    assert await holder_of(database, "server", clock=clock) is None
    assert await second.acquire()


async def test_two_claims_of_one_name_tell_each_other_apart(database: Database, clock: Any) -> None:
    first, again = _lease(database, "first", clock), _lease(database, "first", clock)
    await first.acquire()
    assert await again.acquire()
    assert not await first.renew()


async def test_of_many_who_want_it_at_once_one_gets_it(database: Database, clock: Any) -> None:
    leases = [_lease(database, f"holder-{number}", clock) for number in range(10)]
    for _ in range(3):
        assert sum(await asyncio.gather(*(lease.acquire() for lease in leases))) == 1
        clock.move(seconds=TTL)


async def test_while_the_database_is_away_a_claim_stands_until_its_time(
    sqlite_database: Database, sqlite_url: str, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engine._PRAGMAS", ("PRAGMA busy_timeout=10",))
    lease = _lease(sqlite_database, "first", clock)
    await lease.acquire()
    with closing(
        sqlite3.connect(sqlite_url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError):
            await lease.renew()
        assert lease.held
        clock.move(seconds=TTL)
        assert not lease.held
