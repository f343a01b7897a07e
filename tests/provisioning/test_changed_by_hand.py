"""What somebody does to an instance by hand is put back, and no token goes where it may be anybody's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from provisioning.driver import Endpoint, InstanceSpec
from provisioning.home.live import HomeStatus
from storage.records import DesiredState, InstanceStatus
from tests.provisioning.house import OPTIONS, House
from tests.provisioning.stand_ins import SlowDriver, StandInDriver
from tests.provisioning.until import until


async def test_a_stopped_one_that_somebody_started_is_stopped_again(house: House) -> None:
    driver = StandInDriver(house.engine)
    async with house.provisioning(driver):
        user = await house.user()
        record = await house.until_ready(user)
        await house.instances.set_desired(user, DesiredState.STOPPED)
        house.kick(user)
        await house.until(user, InstanceStatus.STOPPED)
        name = record.container_name
        await driver.start(house.engine.started[-1])
        driver.tell(name)
        await until(lambda: house.engine.seen[name].condition == "stopped")

        async def in_the_journal() -> bool:
            done = await house.journal.of(user, limit=10)
            return [(one.kind, one.outcome) for one in done[:2]] == [("stop", "done"), ("stop", "done")]

        await until(in_the_journal)
        assert (await house.instances.get(user)).status is InstanceStatus.STOPPED


class LimitingDriver(StandInDriver):
    """Holds instances to their limits, and notes when they were put in force; may be unable to."""

    enforces_limits = True
    able = True

    def __init__(self, house: House) -> None:
        super().__init__(house.engine)
        self.adjusted: list[int | None] = []

    async def start(self, spec: InstanceSpec) -> Endpoint:
        endpoint = await super().start(spec)
        await self._limit(spec)
        return endpoint

    async def adjust(self, spec: InstanceSpec) -> None:
        self.adjusted.append(spec.memory_limit)
        await self._limit(spec)

    async def _limit(self, spec: InstanceSpec) -> None:
        if self.able:
            self.limit_by_hand(spec.name, spec.memory_limit, spec.cpu_limit)

    def limit_by_hand(self, name: str, memory: int | None, cpus: float | None) -> None:
        self.engine.seen[name] = replace(self.engine.seen[name], memory_limit=memory, cpu_limit=cpus)
        self.tell(name)


LIMITED = replace(OPTIONS, memory_limit=512 << 20, cpu_limit=0.5)


async def test_limits_that_somebody_changed_are_put_back_while_it_runs(house: House) -> None:
    driver = LimitingDriver(house)
    async with house.provisioning(driver, LIMITED):
        user = await house.user()
        name = (await house.until_ready(user)).container_name
        driver.limit_by_hand(name, 1 << 34, 8.0)
        await until(lambda: house.engine.seen[name].memory_limit == 512 << 20)
        await house.until_ready(user)
        assert house.engine.seen[name].cpu_limit == 0.5
        assert driver.adjusted == [512 << 20]
        assert len(house.engine.started) == 1
        assert house.homes[0].runs, "its home does not notice"


async def test_limits_that_an_engine_cannot_put_in_force_are_not_asked_for_again_and_again(
    house: House,
) -> None:
    driver = LimitingDriver(house)
    driver.able = False
    async with house.provisioning(driver, replace(LIMITED, check_interval_seconds=0.002)):
        user = await house.user()
        await house.until_ready(user)
        for _ in range(20):
            await asyncio.sleep(0.002)
        assert len(driver.adjusted) <= 1


# Where a token goes.


class Witness(StandInDriver):
    """Notes whether a home was connected when an instance was stopped: its port is anybody's after that."""

    def __init__(self, house: House) -> None:
        super().__init__(house.engine)
        self.house = house
        self.connected_at_a_stop: list[bool] = []

    async def stop(self, name: str, *, within: float) -> None:
        self.connected_at_a_stop.append(any(home.runs for home in self.house.homes))
        await super().stop(name, within=within)


@asynccontextmanager
async def witnessed(house: House) -> AsyncIterator[tuple[Witness, str]]:
    driver = Witness(house)
    options = replace(OPTIONS, check_interval_seconds=0.005, boot_timeout_seconds=0.1)
    async with house.provisioning(driver, options):
        user = await house.user()
        await house.until_ready(user)
        yield driver, user
        await until(lambda: bool(driver.connected_at_a_stop))
        assert driver.connected_at_a_stop == [False] * len(driver.connected_at_a_stop)


async def test_a_home_is_let_go_of_before_its_instance_is_replaced(house: House) -> None:
    async with witnessed(house) as (_, user):
        await house.instances.restart(user)
        house.kick(user)


async def test_a_home_is_let_go_of_before_an_instance_that_does_not_answer_is_stopped(house: House) -> None:
    async with witnessed(house) as (_, _user):
        house.homes[0].status = HomeStatus.STALE
        house.clock += OPTIONS.unresponsive_timeout_seconds + 1


async def test_a_home_is_let_go_of_before_an_adopted_one_is_stopped_that_never_answers(house: House) -> None:
    async with witnessed(house) as (driver, user):
        url = house.homes[0].url
        house.onboarding.deaf.add(url)
        await house.instances.set_limits(user, memory_limit=1 << 30, cpu_limit=None)
        house.kick(user)
        await until(lambda: bool(driver.connected_at_a_stop))
        house.onboarding.deaf.clear()


async def test_one_that_ends_while_its_successor_waits_for_its_turn_is_let_go_of(house: House) -> None:
    driver = SlowDriver(house.engine)
    async with house.provisioning(driver, replace(OPTIONS, start_concurrency=1)):
        driver.may_start.release()
        patient = await house.user()
        record = await house.until_ready(patient)
        starting = await house.user()
        await until(lambda: house.engine.starting == 1)
        await house.instances.restart(patient)
        house.kick(patient)
        await house.until(patient, InstanceStatus.CREATING, phase="waiting for its turn")
        assert house.homes[0].runs
        driver.die(record.container_name)
        await until(lambda: not house.homes[0].runs)
        for user in (starting, patient):
            driver.may_start.release()
            await house.until_ready(user)


async def test_what_all_need_is_waited_for_before_a_turn_is_taken(house: House) -> None:
    class PreparingDriver(StandInDriver):
        """Is asked by all, and prepared for none until it is let."""

        asked = 0
        may_go_on = asyncio.Event()

        async def prepare(self, report: object) -> None:
            self.asked += 1
            await self.may_go_on.wait()

    driver = PreparingDriver(house.engine)
    async with house.provisioning(driver, replace(OPTIONS, start_concurrency=1)):
        users = [await house.user() for _ in range(3)]
        await until(lambda: driver.asked == 3)
        driver.may_go_on.set()
        for user in users:
            await house.until_ready(user)
