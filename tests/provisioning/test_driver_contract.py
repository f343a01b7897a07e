"""What every driver does alike: the process driver on a stand-in for Home Assistant, the Docker driver on a
real engine with containers that do nothing, and the stand-ins.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from provisioning.docker import engine as docker
from provisioning.docker.driver import DockerDriver, DockerOptions
from provisioning.docker.image import Image
from provisioning.docker.labels import Deployment
from provisioning.docker.pull import PullPolicy
from provisioning.driver import Condition, Driver, DriverEvent, InstanceSpec, Observation
from provisioning.errors import FailureReason, InstanceError
from provisioning.process.driver import ProcessDriver
from tests.provisioning.stand_ins import (
    DyingDriver,
    Engine,
    FailingDriver,
    NeverReadyDriver,
    SlowDriver,
    StandInDriver,
    StandInInstaller,
)
from tests.provisioning.until import until
from tests.real.docker_engine import IDLE_COMMAND, IDLE_IMAGE, DockerEngine


@dataclass
class Subject:
    """A driver under test, and how to make the one of a restarted server."""

    make: Callable[[], Driver]
    driver: Driver


def _process(folder: Path) -> Callable[[], Driver]:
    return lambda: ProcessDriver(data_dir=folder, installer=StandInInstaller())


def _slow(engine: Engine) -> Callable[[], Driver]:
    def make() -> Driver:
        driver = SlowDriver(engine)
        driver.may_start = asyncio.Semaphore(100)
        return driver

    return make


def _failing(engine: Engine) -> Callable[[], Driver]:
    error = InstanceError(FailureReason.IMAGE_MISSING, "there is no image")
    return lambda: FailingDriver(engine, errors=[] if engine.started else [error])


def _docker(engine: DockerEngine) -> Callable[[], Driver]:
    options = DockerOptions(Image(IDLE_IMAGE, command=IDLE_COMMAND), PullPolicy.NEVER)
    return lambda: DockerDriver(
        engine=docker.Engine(engine.url), deployment=Deployment("contract"), options=options
    )


@pytest.fixture(
    params=[
        "process",
        "plain",
        "slow",
        "never-ready",
        "dying",
        "failing",
        pytest.param("docker", marks=pytest.mark.real),
    ]
)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    engine = Engine()
    make = {
        "process": _process(tmp_path),
        "plain": lambda: StandInDriver(engine),
        "slow": _slow(engine),
        "never-ready": lambda: NeverReadyDriver(engine),
        "dying": lambda: DyingDriver(engine, times=0 if engine.started else 1),
        "failing": _failing(engine),
    }.get(request.param) or _docker(request.getfixturevalue("engine_of_the_tests"))
    subject = Subject(make, make())
    await subject.driver.prepare(lambda _: None)
    yield subject
    for name in await subject.driver.observe():
        await subject.driver.remove(name, keep_data=False)
    await subject.driver.close()


async def look(driver: Driver, name: str) -> Observation:
    return (await driver.observe([name]))[name]


async def start(driver: Driver, spec: InstanceSpec) -> Observation:
    """Start it, again where it fails or dies: the contract is about what comes then."""
    for _ in range(3):
        try:
            await driver.start(spec)
        except InstanceError:
            continue
        if (seen := await look(driver, spec.name)).condition is Condition.RUNNING:
            return seen
    raise AssertionError("it does not start")


async def test_what_was_never_started_is_absent(subject: Subject, spec: InstanceSpec) -> None:
    assert await subject.driver.observe([spec.name]) == {spec.name: Observation(spec.name, Condition.ABSENT)}
    assert await subject.driver.observe() == {}
    assert await subject.driver.logs(spec.name, tail=0) == []


async def test_prepare_may_be_repeated(subject: Subject, spec: InstanceSpec) -> None:
    await subject.driver.prepare(lambda _: None)
    await start(subject.driver, spec)
    await subject.driver.prepare(lambda _: None)


async def test_a_started_instance_runs_at_its_port_as_its_spec_says(
    subject: Subject, spec: InstanceSpec
) -> None:
    seen = await start(subject.driver, spec)
    assert seen.endpoint is not None
    assert seen.endpoint.url == f"http://127.0.0.1:{spec.host_port}"
    assert seen.fingerprint == spec.fingerprint()
    assert seen.container_id
    assert spec.name in await subject.driver.observe()


async def test_a_running_instance_is_not_started_twice(subject: Subject, spec: InstanceSpec) -> None:
    before = await start(subject.driver, spec)
    assert await subject.driver.start(spec) == before.endpoint
    assert (await look(subject.driver, spec.name)).container_id == before.container_id


async def test_a_changed_spec_shows_in_the_fingerprint_and_replaces_nothing_by_itself(
    subject: Subject, spec: InstanceSpec
) -> None:
    before = await start(subject.driver, spec)
    changed = replace(spec, generation=2)
    await subject.driver.start(changed)
    after = await look(subject.driver, spec.name)
    assert after.container_id == before.container_id
    assert after.fingerprint != changed.fingerprint()


async def test_a_stopped_instance_does_not_run_and_starts_again(subject: Subject, spec: InstanceSpec) -> None:
    before = await start(subject.driver, spec)
    await subject.driver.stop(spec.name, within=5)
    stopped = await look(subject.driver, spec.name)
    assert stopped.condition is Condition.STOPPED
    assert stopped.ended is None, "it did not end by itself"
    again = await start(subject.driver, spec)
    assert again.endpoint == before.endpoint


async def test_stopping_and_removing_what_does_not_run_or_exist_is_fine(
    subject: Subject, spec: InstanceSpec
) -> None:
    await subject.driver.stop(spec.name, within=5)
    await subject.driver.remove(spec.name, keep_data=True)
    await start(subject.driver, spec)
    for _ in range(2):
        await subject.driver.stop(spec.name, within=5)
    for keep_data in (True, False):
        await subject.driver.remove(spec.name, keep_data=keep_data)


@pytest.mark.parametrize("keep_data", [True, False])
async def test_a_removed_instance_is_absent_even_where_its_data_is_kept(
    subject: Subject, spec: InstanceSpec, *, keep_data: bool
) -> None:
    await start(subject.driver, spec)
    await subject.driver.remove(spec.name, keep_data=keep_data)
    assert (await look(subject.driver, spec.name)).condition is Condition.ABSENT
    assert spec.name not in await subject.driver.observe()


async def test_instances_do_not_touch_each_other(
    subject: Subject, spec: InstanceSpec, unused_ports: list[int], unused_subnets: Iterator[IPv4Network]
) -> None:
    other = replace(
        spec,
        user_id="b" * 32,
        name="wyoming-central-bbbbbbbbbbbb",
        host_port=unused_ports[1],
        network_subnet=str(next(unused_subnets)),
    )
    await start(subject.driver, spec)
    before = await start(subject.driver, other)
    await subject.driver.remove(spec.name, keep_data=True)
    after = await look(subject.driver, other.name)
    assert after.condition is Condition.RUNNING
    assert after.container_id == before.container_id


async def test_an_instance_survives_its_server_and_is_found_by_the_next(
    subject: Subject, spec: InstanceSpec
) -> None:
    before = await start(subject.driver, spec)
    await subject.driver.close()
    subject.driver = subject.make()
    await subject.driver.prepare(lambda _: None)
    after = await look(subject.driver, spec.name)
    assert (after.condition, after.container_id, after.fingerprint, after.endpoint) == (
        before.condition,
        before.container_id,
        before.fingerprint,
        before.endpoint,
    )
    assert await subject.driver.start(spec) == before.endpoint
    await subject.driver.stop(spec.name, within=5)
    assert (await look(subject.driver, spec.name)).condition is Condition.STOPPED


async def test_the_logs_are_lines_and_no_more_than_asked_for(subject: Subject, spec: InstanceSpec) -> None:
    await start(subject.driver, spec)

    async def said() -> bool:
        return bool(await subject.driver.logs(spec.name, tail=5))

    await until(said)
    assert len(await subject.driver.logs(spec.name, tail=1)) == 1
    assert await subject.driver.logs(spec.name, tail=0) == []


async def test_listening_for_events_can_be_given_up_and_taken_up_again(subject: Subject) -> None:
    for _ in range(2):
        events = subject.driver.events()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await _next(events)


async def _next(events: AsyncIterator[DriverEvent]) -> DriverEvent:
    async with aclosing(events) as listening:  # type: ignore[type-var]
        return await anext(listening)
