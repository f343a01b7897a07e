"""What becomes of instances whose drivers are slow, never get ready, die, or fail."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import aiohttp
import pytest
import structlog

from provisioning.driver import Condition, Driver, Endpoint, InstanceSpec, ProgressListener
from provisioning.errors import FailureReason, HalfMadeOwnerError, InstanceError
from provisioning.home.live import HomeStatus
from provisioning.homes import Absence
from provisioning.onboarding import RENEW_BEFORE_DAYS
from provisioning.options import ProvisionerOptions
from provisioning.provisioner import Provisioner
from storage.errors import NotFoundError, StorageUnavailableError
from storage.records import DesiredState, InstanceRecord, InstanceStatus, UserRecord
from tests.provisioning.house import OPTIONS, House
from tests.provisioning.stand_ins import (
    DyingDriver,
    FailingDriver,
    ForeignDriver,
    NeverReadyDriver,
    SlowDriver,
    StandInDriver,
)
from tests.provisioning.until import until


def token_expiring_at(moment: float) -> str:
    body = base64.urlsafe_b64encode(json.dumps({"exp": moment}).encode()).rstrip(b"=").decode()
    return f"e30.{body}.c2ln"


# The ordinary life.


async def test_a_requested_instance_becomes_ready_and_its_home_is_there(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        user = await house.user()
        record = await house.until_ready(user)
        assert record.failure_reason is None
        assert record.observed_generation == record.generation
        assert record.version == "2026.11.0"
        assert record.container_id
        home = provisioner.home_of(user)
        assert home is house.homes[0]
        assert house.homes[0].runs
        assert house.homes[0].url == f"http://127.0.0.1:{record.host_port}"
        assert (await house.users.get(user)).ha_instance_url == house.homes[0].url
        assert await house.users.home_token(user) == house.homes[0].token
        assert await house.instances.owner_password(user) == "a generated password"
        assert house.onboarding.runs == [(house.homes[0].url, "hu")]


async def test_nobody_without_an_instance_has_a_home(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        assert provisioner.home_of("f" * 32) == Absence(HomeStatus.MISSING)


async def test_a_restarted_server_adopts_what_runs_and_onboards_nothing_again(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        await house.until_ready(user)
    assert not house.homes[0].runs
    async with house.provisioning(StandInDriver(house.engine)):
        await until(lambda: len(house.homes) == 2 and house.homes[1].runs)
        await house.until_ready(user)
    assert len(house.engine.started) == 1
    assert len(house.onboarding.runs) == 1


async def test_a_clean_end_stops_instances_and_the_next_start_brings_them_up(house: House) -> None:
    driver = StandInDriver(house.engine)
    async with house.provisioning(driver) as provisioner:
        user = await house.user()
        name = (await house.until_ready(user)).container_name
    await provisioner.stop_all()
    assert house.engine.seen[name].condition == "stopped"
    assert (await house.instances.get(user)).status is InstanceStatus.STOPPED
    async with house.provisioning(driver):
        await house.until_ready(user)
    assert len(house.engine.started) == 2


async def test_a_server_that_never_provisioned_stops_nothing_at_its_end(house: House) -> None:
    driver = StandInDriver(house.engine)
    async with house.provisioning(driver):
        user = await house.user()
        name = (await house.until_ready(user)).container_name
        async with aiohttp.ClientSession() as http:
            other = Provisioner(
                drivers={"stand-in": cast("Driver", driver)},
                instances=house.instances,
                journal=house.journal,
                users=house.users,
                http=http,
                options=OPTIONS,
            )
            await other.stop_all()
        assert house.engine.seen[name].condition == "running"


async def test_stopped_by_a_person_it_stays_stopped_until_started(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        user = await house.user()
        await house.until_ready(user)
        await house.instances.set_desired(user, DesiredState.STOPPED)
        provisioner.kick(user)
        await house.until(user, InstanceStatus.STOPPED)
        assert provisioner.home_of(user) == Absence(HomeStatus.STOPPED)
        assert not house.homes[0].runs
        provisioner.kick()
        await house.instances.set_desired(user, DesiredState.RUNNING)
        provisioner.kick(user)
        await house.until_ready(user)
        assert len(house.engine.started) == 2


async def test_a_restart_asked_for_replaces_what_runs(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        user = await house.user()
        before = await house.until_ready(user)
        await house.instances.restart(user)
        provisioner.kick(user)
        after = await house.until(user, InstanceStatus.READY, observed_generation=2)
        assert after.container_id != before.container_id


async def test_one_that_is_to_be_replaced_is_of_use_until_its_turn(house: House) -> None:
    driver = SlowDriver(house.engine)
    async with house.provisioning(driver, replace(OPTIONS, start_concurrency=1)) as provisioner:
        driver.may_start.release()
        patient = await house.user()
        record = await house.until_ready(patient)
        starting = await house.user()
        await until(lambda: house.engine.starting == 1)
        await house.instances.restart(patient)
        provisioner.kick(patient)
        await house.until(patient, InstanceStatus.CREATING, phase="waiting for its turn")
        assert house.engine.seen[record.container_name].condition == "running"
        assert provisioner.home_of(patient).status is HomeStatus.LIVE
        for user in (starting, patient):
            driver.may_start.release()
            await house.until_ready(user)
        assert (await house.instances.get(patient)).observed_generation == 2


async def test_a_restart_asked_for_while_the_server_was_down_is_not_forgotten(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        await house.until_ready(user)
    await house.instances.restart(user)
    async with house.provisioning(StandInDriver(house.engine)):
        await house.until(user, InstanceStatus.READY, observed_generation=2)
    assert len(house.engine.started) == 2


async def test_the_instance_of_a_removed_user_goes_and_its_data_is_put_aside(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        user = await house.user()
        record = await house.until_ready(user)
        await house.users.remove(user)
        provisioner.kick()
        await until(house.is_empty)
        assert house.engine.put_aside == [record.container_name]
        assert record.container_name not in house.engine.seen
        await until(lambda: provisioner.home_of(user) == Absence(HomeStatus.MISSING))
        assert not house.homes[0].runs


async def test_a_removed_instance_takes_the_token_of_its_home_along(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        user = await house.user()
        await house.until_ready(user)
        await house.instances.set_desired(user, DesiredState.REMOVED)
        provisioner.kick(user)
        await until(house.is_empty)
        assert not (await house.users.get(user)).has_ha_token


# Slow.


async def test_while_it_starts_that_is_said_and_not_more_start_than_are_allowed(house: House) -> None:
    driver = SlowDriver(house.engine)
    async with house.provisioning(driver) as provisioner:
        users = [await house.user() for _ in range(4)]
        await driver.waiting.wait()
        for user in users:
            await house.until(user, InstanceStatus.CREATING)
            assert provisioner.home_of(user) == Absence(HomeStatus.STARTING)
        for _ in users:
            driver.may_start.release()
        for user in users:
            await house.until_ready(user)
    assert house.engine.most_starting == OPTIONS.start_concurrency


async def test_one_that_still_starts_can_be_stopped(house: House) -> None:
    driver = SlowDriver(house.engine)
    async with house.provisioning(driver) as provisioner:
        user = await house.user()
        await driver.waiting.wait()
        await house.instances.set_desired(user, DesiredState.STOPPED)
        provisioner.kick(user)
        await house.until(user, InstanceStatus.STOPPED)
        assert house.engine.starting == 0


# What is written down of it.


async def test_what_is_done_with_an_instance_is_in_the_journal_with_what_came_of_it(house: House) -> None:
    errors = [InstanceError(FailureReason.DISK_FULL, "the disk is full")]
    async with house.provisioning(FailingDriver(house.engine, errors=errors)) as provisioner:
        user = await house.user()
        await house.until_ready(user)
        await house.instances.restart(user)
        provisioner.kick(user)
        await house.until(user, InstanceStatus.READY, observed_generation=2)
        await house.instances.set_desired(user, DesiredState.STOPPED)
        provisioner.kick(user)
        await house.until(user, InstanceStatus.STOPPED)
        await house.instances.set_desired(user, DesiredState.RUNNING)
        provisioner.kick(user)
        await house.until_ready(user)
        await house.instances.ask_removal(user, with_data=False)
        provisioner.kick(user)
        await until(house.is_empty)

        async def closed() -> bool:
            return (await house.journal.of(user, limit=1))[0].outcome is not None

        await until(closed)
    done = [(one.kind, one.outcome, one.detail) for one in await house.journal.of(user, limit=10)]
    assert done[::-1] == [
        ("create", "failed", "disk-full: the disk is full"),
        ("create", "done", None),
        ("replace", "done", None),
        ("stop", "done", None),
        ("start", "done", None),
        ("remove", "done", None),
    ]


async def test_an_adopted_instance_is_no_operation(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        await house.until_ready(user)
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        await until(lambda: provisioner.home_of(user).status is HomeStatus.LIVE)
    assert [one.kind for one in await house.journal.of(user, limit=10)] == ["create"]


async def test_what_a_server_left_undone_is_closed_by_the_next_and_done(house: House) -> None:
    slow = SlowDriver(house.engine)
    async with house.provisioning(slow):
        user = await house.user()
        await slow.waiting.wait()
    with structlog.testing.capture_logs() as lines:
        async with house.provisioning(StandInDriver(house.engine)):
            await house.until_ready(user)

            async def closed() -> bool:
                return (await house.journal.of(user, limit=1))[0].outcome is not None

            await until(closed)
    assert [(one.kind, one.outcome) for one in await house.journal.of(user, limit=10)] == [
        ("create", "done"),
        ("create", "interrupted"),
    ]
    (said,) = [line for line in lines if line["event"] == "operation_interrupted"]
    assert (said["operation"], said["user_id"]) == ("create", user)


# Never ready.


async def test_one_that_never_answers_fails_as_boot_timeout_with_its_last_words(house: House) -> None:
    options = ProvisionerOptions(
        port_range=OPTIONS.port_range,
        boot_timeout_seconds=0.05,
        probe_interval_seconds=0.005,
        first_retry_seconds=60,
    )
    async with house.provisioning(NeverReadyDriver(house.engine), options) as provisioner:
        user = await house.user()
        record = await house.until(user, InstanceStatus.FAILED)
        assert record.failure_reason == FailureReason.BOOT_TIMEOUT
        assert "said something" in (record.failure_detail or "")
        assert provisioner.home_of(user) == Absence(HomeStatus.FAILED, "boot-timeout")
        assert house.engine.seen[record.container_name].condition == "stopped"


async def test_one_whose_port_somebody_else_took_meanwhile_does_not_wait_for_it(house: House) -> None:
    class BeatenDriver(StandInDriver):
        """Its first instance finds, after it was started, that somebody else listens at its port."""

        async def start(self, spec: InstanceSpec) -> Endpoint:
            endpoint = await super().start(spec)
            if len(self.engine.started) == 1:
                self.engine.ports_of_others.add(spec.host_port or 0)
                self.engine.seen[spec.name] = replace(
                    self.engine.seen[spec.name], listening=False, port_taken=True
                )
            return endpoint

    async with house.provisioning(BeatenDriver(house.engine)):
        record = await house.until_ready(await house.user())
    first, second = (spec.host_port for spec in house.engine.started)
    assert first != second == record.host_port


async def test_no_secret_goes_to_a_port_where_somebody_else_answers(house: House) -> None:
    async with house.provisioning(NeverReadyDriver(house.engine)):
        user = await house.user()
        await house.until(user, InstanceStatus.STARTING)
        assert house.onboarding.runs == []
        assert house.homes == []


# Dies.


async def test_one_that_dies_is_started_again(house: House) -> None:
    driver = StandInDriver(house.engine)
    async with house.provisioning(driver):
        user = await house.user()
        record = await house.until_ready(user)
        driver.die(record.container_name)
        await until(lambda: len(house.engine.started) == 2)
        await house.until_ready(user)
        assert len(house.onboarding.runs) == 1
        assert not house.homes[0].runs
        assert house.homes[1].runs


async def test_one_that_dies_while_it_starts_is_started_again(house: House) -> None:
    async with house.provisioning(DyingDriver(house.engine, times=2)):
        await house.until_ready(await house.user())
    assert len(house.engine.started) == 3


async def test_one_that_dies_while_it_is_onboarded_is_not_waited_for(house: House) -> None:
    driver = StandInDriver(house.engine)

    def die() -> None:
        (name,) = house.engine.seen
        driver.die(name)

    house.onboarding.meanwhile = [die]
    async with house.provisioning(driver):
        await house.until_ready(await house.user())
    assert len(house.engine.started) == 2


async def test_one_that_dies_again_and_again_fails_with_the_reason_and_is_still_tried(house: House) -> None:
    driver = DyingDriver(house.engine, times=10_000)
    async with house.provisioning(driver) as provisioner:
        user = await house.user()
        record = await house.until(user, InstanceStatus.FAILED)
        assert record.failure_reason == FailureReason.DIED
        assert "struck by lightning" in (record.failure_detail or "")
        driver.times = 0
        await house.until_ready(user)
        assert provisioner.home_of(user) is house.homes[-1]


async def test_one_killed_for_want_of_memory_says_so(house: House) -> None:
    driver = StandInDriver(house.engine)
    options = ProvisionerOptions(port_range=OPTIONS.port_range, first_retry_seconds=60)
    async with house.provisioning(driver, options):
        user = await house.user()
        record = await house.until_ready(user)
        driver.die(record.container_name, out_of_memory=True)
        await house.until(user, InstanceStatus.FAILED, failure_reason=FailureReason.OUT_OF_MEMORY)


async def test_a_restart_by_its_owner_counts_as_no_death(house: House) -> None:
    driver = StandInDriver(house.engine)
    options = ProvisionerOptions(port_range=OPTIONS.port_range, first_retry_seconds=60, crash_limit=1)
    async with house.provisioning(driver, options):
        user = await house.user()
        record = await house.until_ready(user)
        driver.die(record.container_name, restart_wanted=True)
        await until(lambda: len(house.engine.started) == 2)
        await house.until_ready(user)


async def test_one_that_runs_and_answers_nobody_for_long_is_started_anew(house: House) -> None:
    options = ProvisionerOptions(
        port_range=OPTIONS.port_range,
        first_retry_seconds=0.01,
        check_interval_seconds=0.005,
        unresponsive_timeout_seconds=100,
    )
    async with house.provisioning(StandInDriver(house.engine), options):
        user = await house.user()
        await house.until_ready(user)
        house.homes[0].status = HomeStatus.STALE
        house.clock += 99
        for _ in range(5):
            await asyncio.sleep(0.005)
        assert len(house.engine.started) == 1
        house.clock += 2
        await until(lambda: len(house.engine.started) == 2)
        await house.until_ready(user)


# Fails.


async def test_one_that_fails_says_why_and_recovers_by_itself(house: House) -> None:
    errors = [InstanceError(FailureReason.DISK_FULL, "the disk is full", remedy="make room")] * 3
    driver = FailingDriver(house.engine, errors=errors)
    async with house.provisioning(driver):
        user = await house.user()
        await house.until_ready(user)
        assert driver.attempts == 4
        record = await house.instances.get(user)
        assert (record.failure_reason, record.failure_detail) == (None, None)


async def test_what_somebody_must_mend_is_tried_again_when_they_say_so(house: House) -> None:
    error = InstanceError(FailureReason.NO_INTERPRETER, "no Python", remedy="install one", transient=False)
    driver = FailingDriver(house.engine, errors=[error])
    async with house.provisioning(driver) as provisioner:
        user = await house.user()
        record = await house.until(user, InstanceStatus.FAILED)
        assert record.failure_reason == FailureReason.NO_INTERPRETER
        assert record.failure_detail == "no Python (install one)"
        assert driver.attempts == 1
        provisioner.kick(user)
        await house.until_ready(user)


async def test_a_kick_ends_the_waiting_after_a_failure(house: House) -> None:
    options = ProvisionerOptions(port_range=OPTIONS.port_range, first_retry_seconds=600)
    driver = FailingDriver(house.engine, errors=[InstanceError(FailureReason.ENGINE_DOWN, "down")])
    async with house.provisioning(driver, options) as provisioner:
        user = await house.user()
        await house.until(user, InstanceStatus.FAILED)
        provisioner.kick()
        await house.until_ready(user)


async def test_an_unforeseen_error_costs_one_user_one_attempt(house: House) -> None:
    driver = FailingDriver(house.engine, errors=[RuntimeError("a mistake")])
    async with house.provisioning(driver):
        users = [await house.user() for _ in range(2)]
        for user in users:
            await house.until_ready(user)


async def test_ones_failure_is_not_anothers(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        lost = await house.user(driver="no-such-driver")
        record = await house.until(lost, InstanceStatus.FAILED)
        assert record.failure_reason == FailureReason.CONFIGURATION
        found = await house.user()
        await house.until_ready(found)
        assert provisioner.home_of(lost) == Absence(HomeStatus.FAILED, "configuration")


async def test_a_database_that_fails_for_a_moment_is_waited_for(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = 3
    real = house.instances.observed

    async def locked(*args: Any, **kwargs: Any) -> None:
        nonlocal times
        times -= 1
        if times >= 0:
            raise StorageUnavailableError("the database is locked")
        await real(*args, **kwargs)

    monkeypatch.setattr(house.instances, "observed", locked)
    async with house.provisioning(StandInDriver(house.engine)):
        await house.until_ready(await house.user())


async def test_a_status_that_was_written_and_not_confirmed_does_not_stick(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = StorageUnavailableError("the connection broke after the commit")
    real_get, real_observed = house.users.get, house.instances.observed
    written = asyncio.Event()

    async def get(user_id: str) -> UserRecord:
        if not written.is_set():
            raise lost
        return await real_get(user_id)

    async def observed(user_id: str, **values: Any) -> None:
        await real_observed(user_id, **values)
        if not written.is_set():
            written.set()
            raise lost

    options = replace(OPTIONS, check_interval_seconds=0.005)
    user = await foreign_user(house, "given")
    async with house.provisioning(ForeignDriver(house.engine), options):
        await house.until_ready(user)
        monkeypatch.setattr(house.instances, "observed", observed)
        monkeypatch.setattr(house.users, "get", get)
        await written.wait()
        await house.until_ready(user)


async def test_an_installation_goes_on_while_its_progress_cannot_be_written(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = house.instances.observed
    refused = asyncio.Event()

    class Installing(StandInDriver):
        async def prepare(self, report: ProgressListener) -> None:
            await super().prepare(report)
            await refused.wait()

    async def observed(user_id: str, *, phase: str | None = None, **values: Any) -> None:
        if phase is not None and phase.startswith("installing"):
            refused.set()
            raise StorageUnavailableError("the database is locked")
        await real(user_id, phase=phase, **values)

    monkeypatch.setattr(house.instances, "observed", observed)
    driver = Installing(house.engine)
    async with house.provisioning(driver):
        await house.until_ready(await house.user())
        assert driver.prepared == 1


async def test_an_instance_asked_for_anew_while_its_keeper_ends_is_not_overlooked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_get, real_list = house.instances.get, house.instances.list
    asked_anew, listed = False, asyncio.Event()

    async def get(user_id: str) -> InstanceRecord:
        nonlocal asked_anew
        try:
            return await real_get(user_id)
        except NotFoundError:
            if not asked_anew:
                asked_anew = True
                await house.ask_for_instance(user_id)
                listed.clear()
                provisioner.kick(user_id)
                await listed.wait()
            raise

    async def list_() -> tuple[InstanceRecord, ...]:
        records = await real_list()
        listed.set()
        return records

    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        user = await house.user()
        await house.until_ready(user)
        monkeypatch.setattr(house.instances, "get", get)
        monkeypatch.setattr(house.instances, "list", list_)
        await house.instances.set_desired(user, DesiredState.REMOVED)
        provisioner.kick(user)
        await until(lambda: len(house.engine.started) == 2)
        await house.until_ready(user)


# Ports.


async def test_a_port_of_somebody_else_is_left_to_them(house: House) -> None:
    house.engine.ports_of_others = {8200, 8201}
    async with house.provisioning(StandInDriver(house.engine)):
        users = [await house.user() for _ in range(2)]
        ports = {(await house.until_ready(user)).host_port for user in users}
        assert ports == {8202, 8203}


async def test_a_subnet_of_somebody_else_is_left_to_them(house: House) -> None:
    class OccupiedDriver(StandInDriver):
        """Somebody else has the first subnet."""

        async def start(self, spec: InstanceSpec) -> Endpoint:
            if spec.network_subnet == "10.213.0.0/28":
                raise InstanceError(FailureReason.SUBNET_TAKEN, "somebody has it")
            return await super().start(spec)

    async with house.provisioning(OccupiedDriver(house.engine)):
        user = await house.users.add(email="anna@example.org", password_hash="-", language="hu")
        await house.instances.request(
            user_id=user.id,
            driver="stand-in",
            timezone="UTC",
            language="hu",
            country=None,
            port_range=OPTIONS.port_range,
            network_pool=OPTIONS.network_pool,
        )
        house.kick(user.id)
        assert (await house.until_ready(user.id)).network_subnet == "10.213.0.16/28"


async def test_an_instance_has_the_limits_that_are_set_for_all_unless_it_has_its_own(house: House) -> None:
    class LimitingDriver(StandInDriver):
        """Tells what limits it was to put in force."""

        enforces_limits = True
        adjusted: tuple[tuple[int | None, float | None], ...] = ()

        async def adjust(self, spec: InstanceSpec) -> None:
            self.adjusted += ((spec.memory_limit, spec.cpu_limit),)
            self.engine.seen[spec.name] = replace(
                self.engine.seen[spec.name], memory_limit=spec.memory_limit, cpu_limit=spec.cpu_limit
            )

    driver = LimitingDriver(house.engine)
    async with house.provisioning(driver, replace(OPTIONS, memory_limit=512 << 20, cpu_limit=0.5)):
        user = await house.user()
        await house.until_ready(user)
        (spec,) = house.engine.started
        assert (spec.memory_limit, spec.cpu_limit) == (512 << 20, 0.5)
        await house.instances.set_limits(user, memory_limit=1 << 30, cpu_limit=None)
        house.kick(user)
        await until(lambda: (1 << 30, 0.5) in driver.adjusted)
        await house.until_ready(user)
        assert len(house.engine.started) == 1


async def test_one_that_somebody_changed_behind_our_back_is_made_anew(house: House) -> None:
    driver = StandInDriver(house.engine)
    async with house.provisioning(driver) as provisioner:
        user = await house.user()
        record = await house.until_ready(user)
        house.engine.seen[record.container_name] = replace(
            house.engine.seen[record.container_name], fingerprint=None
        )
        provisioner.kick(user)
        await until(lambda: len(house.engine.started) == 2)
        await house.until_ready(user)


async def test_where_every_port_is_taken_that_is_said_and_looked_at_again(house: House) -> None:
    house.engine.ports_of_others = set(OPTIONS.port_range)
    options = ProvisionerOptions(port_range=OPTIONS.port_range, first_retry_seconds=600)
    async with house.provisioning(StandInDriver(house.engine), options) as provisioner:
        user = await house.user()
        await house.until(user, InstanceStatus.FAILED, failure_reason=FailureReason.PORTS_EXHAUSTED)
        house.engine.ports_of_others.clear()
        provisioner.kick(user)
        await house.until_ready(user)


# Tokens.


async def test_a_refused_token_is_replaced_at_once(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)) as provisioner:
        user = await house.user()
        await house.until_ready(user)
        house.homes[0].refuse()
        await until(lambda: len(house.homes) == 2 and house.homes[1].runs)
        await house.until_ready(user)
        assert len(house.onboarding.runs) == 2
        assert await house.users.home_token(user) == house.homes[1].token != house.homes[0].token
        assert not house.homes[0].runs
        assert provisioner.home_of(user) is house.homes[1]


async def test_where_even_a_new_token_is_refused_it_fails_as_unauthorized(house: House) -> None:
    house.refused |= {f"token-{number}" for number in range(1000)}
    options = ProvisionerOptions(port_range=OPTIONS.port_range, first_retry_seconds=600)
    async with house.provisioning(StandInDriver(house.engine), options) as provisioner:
        user = await house.user()
        await house.until(user, InstanceStatus.FAILED, failure_reason=FailureReason.UNAUTHORIZED)
        assert provisioner.home_of(user) == Absence(HomeStatus.UNAUTHORIZED, "unauthorized")


async def test_a_failed_onboarding_is_tried_again(house: House) -> None:
    house.onboarding.errors = [InstanceError(FailureReason.ONBOARDING, "no answer")]
    async with house.provisioning(StandInDriver(house.engine)):
        await house.until_ready(await house.user())
        assert len(house.engine.started) == 1


async def test_an_onboarding_that_does_not_end_is_taken_up_again(house: House) -> None:
    house.onboarding.meanwhile.append(lambda: None)
    options = replace(OPTIONS, onboarding_timeout_seconds=0.05, first_retry_seconds=60)
    async with house.provisioning(StandInDriver(house.engine), options) as provisioner:
        user = await house.user()
        record = await house.until(user, InstanceStatus.FAILED)
        assert record.failure_reason == FailureReason.ONBOARDING
        assert "did not end within 0.05 s" in (record.failure_detail or "")
        provisioner.kick(user)
        await house.until_ready(user)
        assert len(house.engine.started) == 1, "it runs on meanwhile"


async def test_a_half_made_owner_account_is_begun_anew_where_nobody_was_in_yet(house: House) -> None:
    house.onboarding.errors = [HalfMadeOwnerError("it fails")]
    async with house.provisioning(StandInDriver(house.engine)):
        await house.until_ready(await house.user())
        assert [spec.was_up for spec in house.engine.started] == [False, False]
        assert house.engine.emptied == 1


async def test_where_it_was_up_before_it_is_restarted_and_its_data_stays(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        await house.until_ready(user)
        house.onboarding.errors = [HalfMadeOwnerError("it fails")]
        house.homes[0].refuse()
        await until(lambda: len(house.engine.started) == 2)
        await house.until_ready(user)
        assert house.engine.emptied == 0


@pytest.mark.parametrize("password", [None, "changed since"])
async def test_a_home_assistant_that_somebody_else_took_first_is_stopped(
    house: House, password: str | None
) -> None:
    house.onboarding.errors = [InstanceError(FailureReason.ONBOARDING, "has an owner", transient=False)]
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        if password is not None:
            await house.instances.set_owner_password(user, password)
        await house.until(user, InstanceStatus.FAILED)
        running = [one for one in house.engine.seen.values() if one.condition is Condition.RUNNING]
        assert bool(running) is (password is not None)


async def test_a_token_is_renewed_well_before_it_expires(house: House) -> None:
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        record = await house.until_ready(user)
    for days, renewals in ((RENEW_BEFORE_DAYS + 1, 0), (RENEW_BEFORE_DAYS - 1, 1)):
        token = token_expiring_at(house.now + days * 86_400)
        await house.users.set_home(user, url=f"http://127.0.0.1:{record.host_port}", token=token)
        homes = len(house.homes)
        async with house.provisioning(StandInDriver(house.engine)):
            await until(lambda: len(house.homes) > homes and house.homes[-1].runs)  # noqa: B023 - awaited in the loop
            await house.until_ready(user)
        assert len(house.onboarding.renewals) == renewals
        assert (house.homes[-1].token == token) is (renewals == 0)


async def test_a_token_is_renewed_while_the_home_runs(house: House) -> None:
    options = ProvisionerOptions(port_range=OPTIONS.port_range, check_interval_seconds=0.005)
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        record = await house.until_ready(user)
    old = token_expiring_at(house.now + (RENEW_BEFORE_DAYS + 1) * 86_400)
    await house.users.set_home(user, url=f"http://127.0.0.1:{record.host_port}", token=old)
    async with house.provisioning(StandInDriver(house.engine), options) as provisioner:
        await until(lambda: len(house.homes) == 2 and house.homes[1].status is HomeStatus.LIVE)
        house.now += 2 * 86_400
        await until(lambda: house.homes[1].token != old)
        assert house.onboarding.renewals == [old]
        assert provisioner.home_of(user) is house.homes[1], "the home lives on with the new token"


# Homes that their users run.


async def foreign_user(house: House, token: str | None) -> str:
    user = await house.user()
    if token is not None:
        await house.users.set_home(user, url="http://ha.local:8123", token=token)
    return user


async def test_a_home_that_its_user_runs_is_used_with_the_token_that_was_given(house: House) -> None:
    driver = ForeignDriver(house.engine)
    user = await foreign_user(house, "given")
    async with house.provisioning(driver) as provisioner:
        record = await house.until_ready(user)
        assert house.homes[0].token == "given"
        assert house.onboarding.runs == []
    await provisioner.stop_all()
    assert house.engine.seen[record.container_name].condition == "running", "it is not ours to stop"


async def test_it_does_not_wait_for_a_turn_to_start(house: House) -> None:
    options = replace(OPTIONS, start_concurrency=0)
    user = await foreign_user(house, "given")
    async with house.provisioning(ForeignDriver(house.engine), options):
        await house.until_ready(user)


async def test_a_new_token_for_it_is_used_at_once(house: House) -> None:
    user = await foreign_user(house, "given")
    async with house.provisioning(ForeignDriver(house.engine)) as provisioner:
        await house.until_ready(user)
        await house.users.set_home(user, url="http://ha.local:8123", token="newer")
        provisioner.kick(user)
        await until(lambda: house.homes[-1].token == "newer")
        await house.until_ready(user)
        assert len(house.engine.started) == 2, "and validated before"


async def test_its_refused_token_is_not_tried_again_until_there_is_another(house: House) -> None:
    house.refused.add("given")
    user = await foreign_user(house, "given")
    driver = ForeignDriver(house.engine)
    async with house.provisioning(driver) as provisioner:
        await house.until(user, InstanceStatus.FAILED, failure_reason=FailureReason.UNAUTHORIZED)
        assert provisioner.home_of(user) == Absence(HomeStatus.UNAUTHORIZED, "unauthorized")
        assert not house.homes[0].runs, "every attempt counts towards a ban"
        assert len(house.engine.started) == 1
        await house.users.set_home(user, url="http://ha.local:8123", token="newer")
        provisioner.kick(user)
        await house.until_ready(user)
        assert house.onboarding.runs == []


# What else is there.


async def test_what_has_no_row_is_reported_and_left_alone(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    async with house.provisioning(StandInDriver(house.engine)):
        user = await house.user()
        record = await house.until_ready(user)
        await house.instances.remove(user)  # as an older database that was put back would have it
    async with house.provisioning(StandInDriver(house.engine)):
        await until(_printed(capsys, "instance_orphaned"))
    assert house.engine.seen[record.container_name].condition == "running"


def _printed(capsys: pytest.CaptureFixture[str], words: str) -> Callable[[], bool]:
    return lambda: words in capsys.readouterr().out
