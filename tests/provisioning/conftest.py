from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from provisioning.driver import InstanceSpec
from storage.database import Database
from storage.instances import Instances
from storage.journal import Journal
from storage.secret_box import SecretBox
from storage.users import Users
from tests.provisioning.house import House
from tests.real.docker_engine import DockerEngine, engine_or_skip, unused_network
from tests.storage.migrated import put_migrated


def _free_ports(number: int) -> list[int]:
    probes = [socket.socket() for _ in range(number)]
    try:
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


@pytest.fixture
def unused_ports() -> list[int]:
    """Ports of this machine that nobody used a moment ago; the first one is `spec`'s."""
    return _free_ports(4)


@pytest.fixture(scope="session")
def _network_of_the_tests() -> IPv4Network:
    return unused_network()


@pytest.fixture
def unused_subnets(_network_of_the_tests: IPv4Network) -> Iterator[IPv4Network]:
    """Subnets that nobody used when the tests began, each in a /24 of its own; the first one is `spec`'s."""
    return iter([next(one.subnets(new_prefix=28)) for one in _network_of_the_tests.subnets(new_prefix=24)])


@pytest.fixture
def spec(unused_ports: list[int], unused_subnets: Iterator[IPv4Network]) -> InstanceSpec:
    return InstanceSpec(
        user_id="a" * 32,
        name="wyoming-central-aaaaaaaaaaaa",
        host_port=unused_ports[0],
        language="hu",
        country="HU",
        time_zone="Europe/Budapest",
        instance_id="1" * 32,
        network_subnet=str(next(unused_subnets)),
    )


@pytest.fixture(scope="session")
def engine_of_the_tests() -> Iterator[DockerEngine]:
    """A real Docker engine, started for these tests; skips where there is none."""
    with engine_or_skip() as engine:
        yield engine


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite+aiosqlite:///{tmp_path}/wyoming-central.db"
    put_migrated(url)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
def box() -> SecretBox:
    return SecretBox([Fernet.generate_key().decode()])


@pytest.fixture
def users(database: Database, box: SecretBox) -> Users:
    return Users(database, box)


@pytest.fixture
def instances(database: Database, box: SecretBox) -> Instances:
    return Instances(database, box)


@pytest.fixture
def house(instances: Instances, users: Users, database: Database) -> House:
    return House(instances, users, Journal(database))
