"""A server killed before and after every request with which the Docker driver changes something."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Network
from typing import Final

import pytest

from provisioning.docker import engine as docker
from provisioning.docker.body import volume_name
from provisioning.docker.driver import DockerDriver
from provisioning.docker.seed import MARK
from provisioning.docker.strays import find_strays
from provisioning.driver import Condition, InstanceSpec
from tests.real.docker_engine import DockerEngine
from tests.real.killed_docker_driver import DEPLOYMENT, do, the_driver, the_spec

pytestmark = pytest.mark.real

# What each deed changes, in its order; that these are all of them is a test of its own.
STEPS: Final = {
    "start": ("network", "volume", "container", "first files", "start"),
    "stop": ("stop",),
    "remove": ("stop", "container", "network"),
    "remove with data": ("stop", "container", "volume", "network"),
}
POINTS: Final = [
    pytest.param(deed, number, when, id=f"{when} {step} of {deed}")
    for deed, steps in STEPS.items()
    for number, step in enumerate(steps)
    for when in ("before", "after")
]


@pytest.fixture
def killed_spec(unused_ports: list[int], unused_subnets: Iterator[IPv4Network]) -> InstanceSpec:
    return the_spec(unused_ports[0], str(next(unused_subnets)))


@pytest.fixture
async def driver(engine_of_the_tests: DockerEngine, killed_spec: InstanceSpec) -> AsyncIterator[DockerDriver]:
    driver, spec = the_driver(engine_of_the_tests.url), killed_spec
    yield driver
    await driver.remove(spec.name, keep_data=False)
    await driver.close()
    engine_of_the_tests.docker("volume", "prune", "-f")


def killed(
    engine: DockerEngine, deed: str, when: str, request: int, spec: InstanceSpec
) -> subprocess.CompletedProcess[str]:
    module = "tests.real.killed_docker_driver"
    return subprocess.run(
        [
            sys.executable,
            "-m",
            module,
            engine.url,
            deed,
            when,
            str(request),
            str(spec.host_port),
            str(spec.network_subnet),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def _no_rows() -> set[str]:
    return set()


@pytest.mark.parametrize(("deed", "request_number", "when"), POINTS)
async def test_the_next_server_brings_it_to_where_it_was_meant_to_be(
    driver: DockerDriver,
    engine_of_the_tests: DockerEngine,
    killed_spec: InstanceSpec,
    deed: str,
    request_number: int,
    when: str,
) -> None:
    spec = killed_spec
    if deed != "start":
        await driver.start(spec)
    died = killed(engine_of_the_tests, deed, when, request_number, spec)
    assert died.returncode == -signal.SIGKILL, died.stderr

    await do(driver, deed, spec)

    engine = docker.Engine(engine_of_the_tests.url)
    there = await find_strays(engine, DEPLOYMENT, _no_rows, ())
    await engine.close()
    found = sorted((one.kind.value, one.name) for one in there if one.whose.value == "orphan")
    volume = ("volume", volume_name(spec))
    if deed.startswith("remove"):
        assert found == ([volume] if deed == "remove" else [])
        return
    assert found == [("container", spec.name), ("network", spec.name), volume]
    seen = (await driver.observe([spec.name]))[spec.name]
    assert seen.condition is (Condition.RUNNING if deed == "start" else Condition.STOPPED)
    assert seen.fingerprint == spec.fingerprint()
    if deed == "start":
        files = engine_of_the_tests.docker("exec", spec.name, "/bin/busybox", "ls", "-a", "/config")
        assert {MARK, "configuration.yaml", ".storage"} <= set(files.split())


@pytest.mark.parametrize("deed", STEPS)
async def test_these_are_all_steps(
    driver: DockerDriver, engine_of_the_tests: DockerEngine, killed_spec: InstanceSpec, deed: str
) -> None:
    if deed != "start":
        await driver.start(killed_spec)
    unharmed = killed(engine_of_the_tests, deed, "before", 99, killed_spec)
    assert unharmed.returncode == 0, unharmed.stderr
    changes = [line for line in unharmed.stdout.splitlines() if line.startswith(("POST", "PUT", "DELETE"))]
    assert len(changes) == len(STEPS[deed]), changes
