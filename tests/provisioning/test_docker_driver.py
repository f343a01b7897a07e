"""The Docker driver on a real engine, with containers that do nothing."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, closing, suppress
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest
import structlog

from provisioning.docker import engine as docker
from provisioning.docker.body import PIDS_LIMIT, volume_name
from provisioning.docker.driver import DockerDriver, DockerOptions
from provisioning.docker.image import Image
from provisioning.docker.labels import DEPLOYMENT, MANAGED_BY, Deployment
from provisioning.docker.pull import PullPolicy
from provisioning.docker.strays import Whose, find_strays, remove_orphan
from provisioning.driver import Condition, DriverEvent, InstanceSpec, Observation
from provisioning.errors import FailureReason, InstanceError
from tests.real.docker_engine import IDLE_COMMAND, IDLE_IMAGE, DockerEngine, engine_or_skip

pytestmark = pytest.mark.real

IMAGE = Image(IDLE_IMAGE, command=IDLE_COMMAND)
OURS = Deployment("ours")
MakeDriver = Callable[..., DockerDriver]


@pytest.fixture
async def make(engine_of_the_tests: DockerEngine) -> AsyncIterator[MakeDriver]:
    """Makes drivers on the engine; whatever they make is gone afterwards."""
    made: list[DockerDriver] = []

    def driver(
        image: Image = IMAGE, deployment: Deployment = OURS, routes: tuple[IPv4Network, ...] = ()
    ) -> DockerDriver:
        made.append(
            DockerDriver(
                engine=docker.Engine(engine_of_the_tests.url),
                deployment=deployment,
                options=DockerOptions(image, PullPolicy.NEVER),
                routes=lambda: routes,
            )
        )
        return made[-1]

    yield driver
    for one in made:
        for name in await one.observe():
            await one.remove(name, keep_data=False)
        await one.close()
    engine_of_the_tests.docker("volume", "prune", "-f")


@pytest.fixture
def driver(make: MakeDriver) -> DockerDriver:
    return make()


def inspected(engine: DockerEngine, kind: str, name: str) -> dict[str, Any]:
    (described,) = json.loads(engine.docker(kind, "inspect", name))
    assert isinstance(described, dict)
    return described


async def look(driver: DockerDriver, spec: InstanceSpec) -> Observation:
    return (await driver.observe([spec.name]))[spec.name]


# --- what it makes -----------------------------------------------------------------------------------


async def test_an_instance_has_the_limits_of_its_spec_and_no_more_rights_than_it_needs(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    limited = replace(spec, memory_limit=64 << 20, cpu_limit=0.25)
    await driver.start(limited)
    seen = await look(driver, limited)
    assert (seen.memory_limit, seen.cpu_limit) == (64 << 20, 0.25)
    assert _limits_in_force(engine_of_the_tests, spec.name) == (64 << 20, 0.25, PIDS_LIMIT)
    host = inspected(engine_of_the_tests, "container", spec.name)["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["RestartPolicy"]["Name"] == "unless-stopped"


async def test_limits_are_changed_while_it_runs(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await driver.start(replace(spec, memory_limit=64 << 20, cpu_limit=0.25))
    before = await look(driver, spec)
    await driver.adjust(replace(spec, memory_limit=96 << 20, cpu_limit=0.5))
    after = await look(driver, spec)
    assert after.container_id == before.container_id
    assert (after.memory_limit, after.cpu_limit) == (96 << 20, 0.5)
    assert _limits_in_force(engine_of_the_tests, spec.name) == (96 << 20, 0.5, PIDS_LIMIT)


async def test_one_that_is_started_again_has_the_limits_that_were_set_meanwhile(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await driver.start(replace(spec, memory_limit=64 << 20, cpu_limit=0.25))
    before = await look(driver, spec)
    await driver.stop(spec.name, within=1)
    await driver.start(replace(spec, memory_limit=96 << 20, cpu_limit=0.5))
    assert (await look(driver, spec)).container_id == before.container_id
    assert _limits_in_force(engine_of_the_tests, spec.name) == (96 << 20, 0.5, PIDS_LIMIT)


async def test_one_whose_limits_were_taken_away_is_made_anew_without(
    driver: DockerDriver, spec: InstanceSpec
) -> None:
    await driver.start(replace(spec, memory_limit=64 << 20, cpu_limit=0.25))
    await driver.stop(spec.name, within=1)
    await driver.start(spec)
    seen = await look(driver, spec)
    assert (seen.memory_limit, seen.cpu_limit) == (None, None)


def _limits_in_force(engine: DockerEngine, name: str) -> tuple[int, float, int]:
    """Memory, processors and processes, as the kernel has them for a container; of either cgroup version."""
    container = inspected(engine, "container", name)["Id"]
    (unified,) = [*Path("/sys/fs/cgroup").glob(f"**/docker*{container}*/memory.max")] or [None]
    if unified is not None:
        quota, period = (unified.parent / "cpu.max").read_text().split()
        pids = (unified.parent / "pids.max").read_text()
        return int(unified.read_text()), int(quota) / int(period), int(pids)

    def read(controller: str, file: str) -> int:
        return int(Path(f"/sys/fs/cgroup/{controller}/docker/{container}/{file}").read_text())

    share = read("cpu", "cpu.cfs_quota_us") / read("cpu", "cpu.cfs_period_us")
    return read("memory", "memory.limit_in_bytes"), share, read("pids", "pids.max")


async def test_its_port_is_open_on_127_0_0_1_and_nowhere_else(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    assert spec.host_port is not None
    await driver.start(spec)
    (published,) = inspected(engine_of_the_tests, "container", spec.name)["NetworkSettings"]["Ports"].values()
    assert published == [{"HostIp": "127.0.0.1", "HostPort": str(spec.host_port)}]
    with socket.create_connection(("127.0.0.1", spec.host_port), timeout=5):
        pass
    for address in _addresses_of_this_machine():
        with pytest.raises(OSError, match=r"refused|timed out|unreachable"):
            socket.create_connection((address, spec.host_port), timeout=1)


def _addresses_of_this_machine() -> list[str]:
    said = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout
    return [address for address in said.split() if "." in address]


async def test_instances_of_two_users_cannot_reach_each_other(
    make: MakeDriver, spec: InstanceSpec, unused_ports: list[int], engine_of_the_tests: DockerEngine
) -> None:
    other = _of_somebody_else(spec, unused_ports[1])
    driver = make(Image(IDLE_IMAGE, command=("/bin/busybox", "httpd", "-f", "-p", "8123", "-h", "/config")))
    await driver.start(spec)
    await driver.start(other)
    networks = inspected(engine_of_the_tests, "container", other.name)["NetworkSettings"]["Networks"]
    address = networks[other.name]["IPAddress"]
    request = "printf 'GET /automations.yaml HTTP/1.0\\r\\n\\r\\n'"
    asking = ("/bin/sh", "-c", f"{request} | /bin/busybox nc -w 2 {address} 8123 2>&1; true")
    async with asyncio.timeout(10):
        while "200 OK" not in engine_of_the_tests.docker("exec", other.name, *asking):
            await asyncio.sleep(0.1)
    assert "HTTP" not in engine_of_the_tests.docker("exec", spec.name, *asking)


def _of_somebody_else(spec: InstanceSpec, port: int) -> InstanceSpec:
    subnet = IPv4Network(str(spec.network_subnet))
    return replace(
        spec,
        user_id="b" * 32,
        name="wyoming-central-bbbbbbbbbbbb",
        host_port=port,
        instance_id="2" * 32,
        # The next one, as they are given out.
        network_subnet=f"{subnet.broadcast_address + 1}/28",
    )


async def test_a_new_instance_is_seeded_once_and_what_its_owner_changes_stays(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await driver.start(spec)
    said = engine_of_the_tests.docker("exec", spec.name, "/bin/cat", "/config/.storage/core.config")
    core = json.loads(said)["data"]
    assert (core["language"], core["country"], core["time_zone"]) == ("hu", "HU", "Europe/Budapest")
    write = "echo '# of the owner' > /config/configuration.yaml"
    engine_of_the_tests.docker("exec", spec.name, "/bin/sh", "-c", write)
    replaced = replace(spec, generation=2)
    await driver.stop(spec.name, within=5)
    await driver.start(replaced)
    assert (await look(driver, spec)).fingerprint == replaced.fingerprint()
    kept = engine_of_the_tests.docker("exec", spec.name, "/bin/cat", "/config/configuration.yaml")
    assert kept == "# of the owner\n"


async def test_a_removed_instance_leaves_its_data_unless_told_otherwise(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await driver.start(spec)
    await driver.remove(spec.name, keep_data=True)
    assert inspected(engine_of_the_tests, "volume", volume_name(spec))
    assert spec.name not in engine_of_the_tests.docker("network", "ls")
    anew = replace(spec, instance_id="3" * 32)
    await driver.start(anew)
    assert volume_name(anew) != volume_name(spec)
    await driver.remove(spec.name, keep_data=False)
    left = engine_of_the_tests.docker("volume", "ls", "-q").split()
    assert volume_name(anew) not in left
    assert volume_name(spec) in left, "somebody wanted it kept"


# --- what goes wrong -----------------------------------------------------------------------------------


async def test_a_port_that_another_program_has_is_told_and_left_for_another(
    driver: DockerDriver, spec: InstanceSpec, unused_ports: list[int]
) -> None:
    with closing(socket.socket()) as somebody:
        somebody.bind(("127.0.0.1", unused_ports[0]))
        somebody.listen()
        with pytest.raises(InstanceError) as refused:
            await driver.start(spec)
        assert refused.value.reason is FailureReason.PORT_TAKEN
        assert (await look(driver, spec)).condition is Condition.STOPPED
        moved = replace(spec, host_port=unused_ports[1])
        assert (await driver.start(moved)).url.endswith(f":{unused_ports[1]}")
    assert (await look(driver, spec)).condition is Condition.RUNNING


async def test_a_subnet_that_another_network_has_is_told(
    driver: DockerDriver,
    spec: InstanceSpec,
    engine_of_the_tests: DockerEngine,
    unused_subnets: Iterator[IPv4Network],
) -> None:
    theirs = IPv4Network(str(spec.network_subnet)).supernet(new_prefix=24)
    engine_of_the_tests.docker("network", "create", "--subnet", str(theirs), "of-somebody")
    try:
        with pytest.raises(InstanceError) as refused:
            await driver.start(spec)
        assert refused.value.reason is FailureReason.SUBNET_TAKEN
        await driver.start(replace(spec, network_subnet=str(next(unused_subnets))))
    finally:
        engine_of_the_tests.docker("network", "rm", "of-somebody")


async def test_a_subnet_that_this_machine_reaches_already_is_told(
    make: MakeDriver, spec: InstanceSpec
) -> None:
    driver = make(routes=(IPv4Network("10.0.0.0/8"),))
    with pytest.raises(InstanceError) as refused:
        await driver.start(spec)
    assert refused.value.reason is FailureReason.SUBNET_TAKEN


async def test_an_image_that_is_missing_and_may_not_be_fetched_is_told(make: MakeDriver) -> None:
    with pytest.raises(InstanceError) as refused:
        await make(Image("wyoming-central-test/none:1")).prepare(lambda _: None)
    assert refused.value.reason is FailureReason.IMAGE_MISSING


async def test_an_image_that_cannot_be_fetched_is_told(engine_of_the_tests: DockerEngine) -> None:
    driver = DockerDriver(
        engine=docker.Engine(engine_of_the_tests.url),
        deployment=OURS,
        # Nobody listens there.
        options=DockerOptions(Image("127.0.0.1:1/none:1"), PullPolicy.MISSING),
    )
    with pytest.raises(InstanceError, match="cannot be fetched") as refused:
        await driver.prepare(lambda _: None)
    assert refused.value.reason is FailureReason.IMAGE_MISSING
    await driver.close()


async def test_an_image_that_does_not_come_in_time_is_told(engine_of_the_tests: DockerEngine) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        port = silent.getsockname()[1]
        driver = DockerDriver(
            engine=docker.Engine(engine_of_the_tests.url),
            deployment=OURS,
            options=DockerOptions(Image(f"127.0.0.1:{port}/slow:1"), PullPolicy.MISSING, pull_seconds=0.5),
        )
        with pytest.raises(InstanceError, match="was not fetched within") as refused:
            await driver.prepare(lambda _: None)
    assert refused.value.reason is FailureReason.IMAGE_MISSING
    assert "HA_IMAGE_PULL_SECONDS" in str(refused.value.remedy)
    await driver.close()


async def test_an_instance_of_another_image_than_is_set_now_is_one_to_be_made_anew_on_its_volume(
    make: MakeDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await make().start(spec)
    engine_of_the_tests.docker("exec", spec.name, "/bin/sh", "-c", "echo mine > /config/mine")
    engine_of_the_tests.docker("tag", IDLE_IMAGE, "wyoming-central-test/idle:2")
    newer = make(replace(IMAGE, reference="wyoming-central-test/idle:2"))
    assert (await look(newer, spec)).fingerprint is None
    await newer.stop(spec.name, within=1)
    await newer.start(spec)
    assert (await look(newer, spec)).fingerprint == spec.fingerprint()
    assert inspected(engine_of_the_tests, "container", spec.name)["Config"]["Image"].endswith("idle:2")
    assert engine_of_the_tests.docker("exec", spec.name, "/bin/cat", "/config/mine") == "mine\n"


async def test_the_engine_asks_an_instance_whether_it_is_well(
    make: MakeDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await make(replace(IMAGE, health_command=("/bin/true",))).start(spec)
    health = inspected(engine_of_the_tests, "container", spec.name)["Config"]["Healthcheck"]
    assert health["Test"] == ["CMD", "/bin/true"]
    assert health["Interval"] == 120_000_000_000


async def test_an_instance_that_is_killed_for_want_of_memory_says_so(
    make: MakeDriver, spec: InstanceSpec
) -> None:
    greedy = Image(IDLE_IMAGE, command=("/bin/sh", "-c", "x=a; while :; do x=$x$x; done"))
    driver = make(greedy)
    await driver.start(replace(spec, memory_limit=16 << 20))
    async with asyncio.timeout(30):
        while not (seen := await look(driver, spec)).out_of_memory:
            await asyncio.sleep(0.05)
    assert seen.ended == "Home Assistant was killed for want of memory"


async def test_a_full_disk_of_the_engine_is_told_and_all_is_well_when_there_is_room(
    spec: InstanceSpec,
) -> None:
    with engine_or_skip(room="32m") as engine:
        ballast = engine.folder / "data/ballast"
        with ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(4096)):
                pass
        driver = DockerDriver(
            engine=docker.Engine(engine.url),
            deployment=OURS,
            options=DockerOptions(IMAGE, PullPolicy.NEVER),
            routes=lambda: (),
        )
        with pytest.raises(InstanceError) as refused:
            await driver.start(spec)
        assert refused.value.reason is FailureReason.DISK_FULL
        ballast.unlink()
        await driver.start(spec)
        assert (await look(driver, spec)).condition is Condition.RUNNING
        await driver.remove(spec.name, keep_data=False)
        await driver.close()


async def test_an_engine_that_is_not_there_is_told_with_the_way_out(spec: InstanceSpec) -> None:
    driver = DockerDriver(engine=docker.Engine("unix:///nowhere/docker.sock"), deployment=OURS)
    with pytest.raises(InstanceError) as refused:
        await driver.start(spec)
    assert refused.value.reason is FailureReason.ENGINE_DOWN
    assert refused.value.message == (
        "the Docker engine at unix:///nowhere/docker.sock cannot be reached: No such file or directory"
    )
    assert "DOCKER_HOST" in str(refused.value.remedy)
    await driver.close()


# --- what is somebody else's -----------------------------------------------------------------------------


async def test_what_is_not_ours_is_left_alone_whatever_it_is_called(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    run = ("run", "-d", "--name", spec.name, IDLE_IMAGE, *IDLE_COMMAND)
    engine_of_the_tests.docker(*run)
    try:
        with pytest.raises(InstanceError) as refused:
            await driver.start(spec)
        assert refused.value.reason is FailureReason.NAME_TAKEN
        await driver.stop(spec.name, within=1)
        await driver.remove(spec.name, keep_data=False)
        assert inspected(engine_of_the_tests, "container", spec.name)["State"]["Running"]
        assert await driver.observe() == {}
    finally:
        engine_of_the_tests.docker("rm", "-f", spec.name)


@pytest.mark.parametrize("kind", ["volume", "network"])
async def test_a_volume_or_network_of_our_name_without_our_labels_is_not_used(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine, kind: str
) -> None:
    name = volume_name(spec) if kind == "volume" else spec.name
    engine_of_the_tests.docker(kind, "create", name)
    try:
        with pytest.raises(InstanceError) as refused:
            await driver.start(spec)
        assert refused.value.reason is FailureReason.NAME_TAKEN
        await driver.remove(spec.name, keep_data=False)
        assert inspected(engine_of_the_tests, kind, name)
    finally:
        engine_of_the_tests.docker(kind, "rm", name)


async def test_two_deployments_on_one_engine_do_not_see_each_other(
    make: MakeDriver, spec: InstanceSpec, unused_ports: list[int], engine_of_the_tests: DockerEngine
) -> None:
    ours, theirs = make(), make(deployment=Deployment("theirs"))
    other = _of_somebody_else(spec, unused_ports[1])
    await ours.start(spec)
    await theirs.start(other)
    assert list(await ours.observe()) == [spec.name]
    await ours.remove(other.name, keep_data=False)
    found = inspected(engine_of_the_tests, "container", other.name)
    assert found["State"]["Running"]
    assert found["Config"]["Labels"][DEPLOYMENT] == "theirs"
    assert found["Config"]["Labels"][MANAGED_BY] == "wyoming-central"


async def test_what_is_left_over_and_what_is_in_the_way_is_found_and_only_the_first_can_be_removed(
    make: MakeDriver, spec: InstanceSpec, unused_ports: list[int], engine_of_the_tests: DockerEngine
) -> None:
    driver, of_others = make(), make(deployment=Deployment("theirs"))
    await driver.start(spec)
    await of_others.start(_of_somebody_else(spec, unused_ports[1]))
    port = unused_ports[2]
    run = ("run", "-d", "--name", "of-somebody", "-p", f"127.0.0.1:{port}:80", IDLE_IMAGE, *IDLE_COMMAND)
    engine_of_the_tests.docker(*run)
    engine_of_the_tests.docker("volume", "create", "wyoming-central-of-nobody")
    engine = docker.Engine(engine_of_the_tests.url)

    async def strays(*instance_ids: str) -> set[tuple[str, str, str]]:
        async def known() -> set[str]:
            return set(instance_ids)

        found = await find_strays(engine, OURS, known, {port})
        return {(one.kind.value, one.name, one.whose.value) for one in found}

    foreign = {
        ("container", "of-somebody", "foreign"),
        ("volume", "wyoming-central-of-nobody", "foreign"),
        *((kind, "wyoming-central-bbbbbbbbbbbb", "foreign") for kind in ("container", "network")),
        ("volume", volume_name(_of_somebody_else(spec, 1)), "foreign"),
    }
    try:
        assert await strays(spec.instance_id) == foreign
        assert await strays() - foreign == {
            ("container", spec.name, "orphan"),
            ("network", spec.name, "orphan"),
            ("volume", volume_name(spec), "orphan"),
        }
        for stray in await find_strays(engine, OURS, _nobody, {port}):
            if stray.whose is Whose.ORPHAN:
                await remove_orphan(engine, stray)
            else:
                with pytest.raises(ValueError, match="only what is this deployment's"):
                    await remove_orphan(engine, stray)
        assert await strays() == foreign
    finally:
        await engine.close()
        engine_of_the_tests.docker("rm", "-f", "of-somebody")
        engine_of_the_tests.docker("volume", "rm", "wyoming-central-of-nobody")


async def _nobody() -> set[str]:
    return set()


# --- what happens behind its back --------------------------------------------------------------------------


@asynccontextmanager
async def hearing(driver: DockerDriver) -> AsyncIterator[asyncio.Queue[DriverEvent]]:
    """The driver's events, from a moment on in which it certainly listens."""
    heard: asyncio.Queue[DriverEvent] = asyncio.Queue()

    async def listen() -> None:
        async with aclosing(driver.events()) as events:  # type: ignore[type-var]
            async for event in events:
                heard.put_nowait(event)

    async with asyncio.TaskGroup() as group:
        listening = group.create_task(listen())
        yield heard
        listening.cancel()


async def heard_of(heard: asyncio.Queue[DriverEvent], name: str | None, *, within: float = 2.0) -> None:
    async with asyncio.timeout(within):
        while (await heard.get()).name != name:
            pass


@pytest.mark.parametrize(
    "deed", [("kill",), ("stop", "-t", "1"), ("rm", "-f")], ids=["kill", "stop", "rm -f"]
)
async def test_what_is_done_to_a_container_is_heard_within_two_seconds_and_mended(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine, deed: tuple[str, ...]
) -> None:
    await driver.start(spec)
    async with hearing(driver) as heard:
        await asyncio.sleep(0.2)
        await asyncio.to_thread(engine_of_the_tests.docker, *deed, spec.name)
        await heard_of(heard, spec.name)
    assert (await look(driver, spec)).condition is not Condition.RUNNING
    await driver.start(spec)
    assert (await look(driver, spec)).condition is Condition.RUNNING


async def test_a_network_that_is_taken_away_makes_the_instance_one_to_be_made_anew(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await driver.start(spec)
    async with hearing(driver) as heard:
        await asyncio.sleep(0.2)
        await asyncio.to_thread(
            engine_of_the_tests.docker, "network", "disconnect", "-f", spec.name, spec.name
        )
        await heard_of(heard, spec.name)
    await asyncio.to_thread(engine_of_the_tests.docker, "network", "rm", spec.name)
    assert (await look(driver, spec)).fingerprint is None
    await driver.stop(spec.name, within=1)
    await driver.start(spec)
    assert (await look(driver, spec)).fingerprint == spec.fingerprint()


async def test_a_volume_that_is_taken_away_is_told_as_lost_and_the_instance_begins_anew(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await driver.start(spec)
    await asyncio.to_thread(engine_of_the_tests.docker, "rm", "-f", spec.name)
    await asyncio.to_thread(engine_of_the_tests.docker, "volume", "rm", volume_name(spec))
    with structlog.testing.capture_logs() as lines:
        await driver.start(replace(spec, was_up=True))
    lost = {"event": "instance_data_lost", "log_level": "error", "volume": volume_name(spec)}
    assert lost.items() <= next(line for line in lines if line["log_level"] == "error").items()
    assert "[]" in engine_of_the_tests.docker("exec", spec.name, "/bin/cat", "/config/automations.yaml")


async def test_a_restarted_engine_is_noticed_and_its_instances_run_again(
    driver: DockerDriver, spec: InstanceSpec, engine_of_the_tests: DockerEngine
) -> None:
    await driver.start(spec)
    async with hearing(driver) as heard:
        await asyncio.sleep(0.2)
        await asyncio.to_thread(engine_of_the_tests.stop)
        await heard_of(heard, None)
        with pytest.raises(InstanceError) as refused:
            await look(driver, spec)
        assert refused.value.reason is FailureReason.ENGINE_DOWN
        await asyncio.to_thread(engine_of_the_tests.start_again)
        await heard_of(heard, None)
    async with asyncio.timeout(10):
        while (await look(driver, spec)).condition is not Condition.RUNNING:
            await asyncio.sleep(0.05)
