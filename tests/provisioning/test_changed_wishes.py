"""What is under way when something else is wanted: it is left, and the journal says so."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from storage.errors import StorageUnavailableError
from storage.records import DesiredState, InstanceStatus, OperationRecord
from tests.provisioning.house import OPTIONS, House
from tests.provisioning.stand_ins import SlowDriver, StandInDriver
from tests.provisioning.until import until


async def outcomes(house: House, user: str) -> list[tuple[str, str | None]]:
    """Kind and outcome of what was done for a user, the oldest first."""
    done = await house.journal.of(user, limit=10)
    return [(one.kind.value, one.outcome and one.outcome.value) for one in done[::-1]]


async def test_a_creation_that_is_not_wanted_any_more_is_superseded_and_not_for_ever_under_way(
    house: House,
) -> None:
    driver = SlowDriver(house.engine)
    async with house.provisioning(driver):
        user = await house.user()
        await driver.waiting.wait()
        await house.instances.set_desired(user, DesiredState.STOPPED)
        house.kick(user)
        await house.until(user, InstanceStatus.STOPPED)
        assert await outcomes(house, user) == [("create", "superseded")]


async def test_an_operation_that_only_had_to_be_closed_is_not_left_open_by_new_limits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = house.journal.end
    closing = asyncio.Event()

    async def end(*arguments: Any, **more: Any) -> None:
        if not closing.is_set():
            closing.set()
            await asyncio.get_running_loop().create_future()
        await real(*arguments, **more)

    monkeypatch.setattr(house.journal, "end", end)
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        await closing.wait()
        await house.instances.set_limits(user, memory_limit=1 << 30, cpu_limit=None)
        house.kick(user)

        async def closed() -> bool:
            return await outcomes(house, user) == [("create", "superseded")]

        await until(closed)


async def test_a_removal_is_done_although_its_row_is_gone_before_that_is_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_remove, real_get = house.instances.remove, house.instances.get
    seen_gone = asyncio.Event()

    async def get(user_id: str) -> Any:
        try:
            return await real_get(user_id)
        except Exception:
            seen_gone.set()
            raise

    async def remove(user_id: str) -> None:
        await real_remove(user_id)
        house.kick(user_id)
        await seen_gone.wait()
        await asyncio.sleep(0)

    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        await house.until_ready(user)
        monkeypatch.setattr(house.instances, "remove", remove)
        monkeypatch.setattr(house.instances, "get", get)
        await house.instances.ask_removal(user, with_data=False)
        house.kick(user)
        await until(house.is_empty)

        async def closed() -> bool:
            return (await outcomes(house, user))[-1] == ("remove", "done")

        await until(closed)


async def test_that_its_data_goes_too_may_be_said_while_it_is_removed(house: House) -> None:
    class HesitatingDriver(StandInDriver):
        """Does not get done with the first removal."""

        removing = asyncio.Event()

        async def remove(self, name: str, *, keep_data: bool) -> None:
            if not self.removing.is_set():
                self.removing.set()
                await asyncio.get_running_loop().create_future()
            await super().remove(name, keep_data=keep_data)

    driver = HesitatingDriver(house.engine)
    async with house.provisioning(driver):
        user = await house.user()
        await house.until_ready(user)
        await house.instances.ask_removal(user, with_data=False)
        house.kick(user)
        await driver.removing.wait()
        await house.instances.ask_removal(user, with_data=True)
        house.kick(user)
        await until(house.is_empty)
        assert house.engine.data == set()
        assert house.engine.put_aside == []


async def test_one_that_was_stopped_before_it_ever_came_up_is_no_one_that_was_up(house: House) -> None:
    """Else its empty volume would be told as data that is lost."""
    driver = SlowDriver(house.engine)
    async with house.provisioning(driver):
        user = await house.user()
        await driver.waiting.wait()
        await house.instances.set_desired(user, DesiredState.STOPPED)
        house.kick(user)
        await house.until(user, InstanceStatus.STOPPED)
        await house.instances.set_desired(user, DesiredState.RUNNING)
        house.kick(user)
        driver.may_start.release()
        await house.until_ready(user)
        assert [spec.was_up for spec in house.engine.started] == [False]
        await until(lambda: _all_closed(house, user))
    assert await outcomes(house, user) == [("create", "superseded"), ("create", "done")]


async def _all_closed(house: House, user: str) -> bool:
    return None not in {outcome for _, outcome in await outcomes(house, user)}


async def test_what_was_interrupted_is_known_as_that_although_the_database_failed_at_first(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowDriver(house.engine)
    async with house.provisioning(slow):
        user = await house.user()
        await slow.waiting.wait()
    real, times = house.journal.close_interrupted, 2

    async def close_interrupted() -> tuple[OperationRecord, ...]:
        nonlocal times
        times -= 1
        if times >= 0:
            raise StorageUnavailableError("the database is locked")
        return await real()

    monkeypatch.setattr(house.journal, "close_interrupted", close_interrupted)
    options = replace(OPTIONS, check_interval_seconds=0.005)
    async with house.provisioning(StandInDriver(house.engine), options):
        await house.until_ready(user)
    assert (await outcomes(house, user))[0] == ("create", "interrupted")
