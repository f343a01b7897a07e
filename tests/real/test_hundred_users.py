"""A hundred and one users at once: every port of the range given out, and one user too many."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from ipaddress import IPv4Network
from typing import TYPE_CHECKING, Any

import pytest

from tests.real.docker_engine import DockerEngine, settings_for
from tests.real.stand_in_image import STAND_IN_IMAGE, stand_in_command

if TYPE_CHECKING:
    from conftest import RunningServer

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

USERS = 101
SECONDS = 600.0


def a_range_of_ports() -> range:
    """The ports that are meant for Home Assistants, or the next ones where one of those is taken."""
    for start in range(8200, 9900, USERS):
        ports = range(start, start + USERS)
        if not any(map(_is_taken, ports)):
            return ports
    raise AssertionError("no hundred ports are free here")


def _is_taken(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def ports() -> range:
    return a_range_of_ports()


@pytest.fixture(scope="module")
def server(
    tmp_path_factory: pytest.TempPathFactory,
    a_server: Callable[..., RunningServer],
    engine_with_stand_ins: DockerEngine,
    ports: range,
) -> Iterator[RunningServer]:
    server = a_server(
        tmp_path_factory.mktemp("hundred"),
        settings_for(engine_with_stand_ins, STAND_IN_IMAGE, stand_in_command(), ports=ports),
    )
    server.start()
    yield server
    server.stop()
    # They would run on: other tests have the engine after this.
    engine_with_stand_ins.remove_everything()


async def add_users(server: RunningServer) -> None:
    """Have all of them ask at the same moment."""
    async with server.stored() as stored:

        async def add(number: int) -> None:
            email = f"user{number}@example.org"
            user = await stored.users.add(email=email, password_hash="none", language="hu")
            await server.ask_for_instance(stored, user, driver="docker")

        await asyncio.gather(*map(add, range(USERS)))


def instances_of(server: RunningServer) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(server.run("instance", "list", "--json").stdout)
    return listed


async def ready_instances_of(server: RunningServer) -> list[dict[str, Any]]:
    """The instances when all of them are ready."""
    async with asyncio.timeout(SECONDS):
        while True:
            found = instances_of(server)
            assert not [one for one in found if one["status"] == "failed"]
            if all(one["status"] == "ready" for one in found):
                return found
            await asyncio.sleep(1)


async def test_all_become_ready_each_with_a_port_and_a_subnet_of_its_own_and_one_more_is_told_why_not(
    server: RunningServer, engine_with_stand_ins: DockerEngine, ports: range
) -> None:
    await add_users(server)
    found = await ready_instances_of(server)
    assert sorted(one["port"] for one in found) == list(ports)

    described = json.loads(
        engine_with_stand_ins.docker("network", "inspect", *(one["name"] for one in found))
    )
    subnets = [IPv4Network(one["IPAM"]["Config"][0]["Subnet"]) for one in described]
    assert len(set(subnets)) == USERS
    assert not [one for one in subnets for other in subnets if one != other and one.overlaps(other)]
    assert [len(one["Containers"]) for one in described] == [1] * USERS

    refused = server.run("user", "add", "one-more@example.org", check=False)
    assert refused.returncode == 1
    assert f"all {USERS} ports from {ports[0]} to {ports[-1]} are taken" in refused.stderr
    assert "widen HA_PORT_RANGE_START to HA_PORT_RANGE_END" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "one-more@example.org" not in server.run("user", "list").stdout
