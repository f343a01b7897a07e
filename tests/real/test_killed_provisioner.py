"""A server killed before and after every step of creating, onboarding, stopping and removing an instance.

The next server must bring about what was asked for, by itself. Home Assistant is a stand-in in a container
of a real engine.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.fernet import Fernet

from provisioning.docker.labels import DEPLOYMENT, Deployment
from provisioning.docker.strays import find_strays
from provisioning.driver import Condition
from storage.database import Database
from storage.instances import Instances
from storage.migrate import upgrade
from storage.records import DesiredState, InstanceStatus
from storage.secret_box import SecretBox
from storage.users import Users
from tests.real.docker_engine import DockerEngine, NoEngineError, docker_engine, unused_network
from tests.real.killed_provisioner import STEP, Place, Provisioned, arguments_of, provisioned
from tests.real.stand_in_image import make_stand_in_image

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(300)]

ROOT: Final = Path(__file__).parents[2]
OWNERS_FILE: Final = "something-of-the-owner"
NEVER: Final = "no such step"

# What each deed changes, in its order; that these are all of them is a test of its own.
STEPS: Final = {
    "create": (
        "observed creating",
        "POST networks/create",
        "POST volumes/create",
        "POST containers/create",
        "PUT containers/ID/archive",
        "POST containers/ID/start",
        "observed starting",
        "observed onboarding",
        "set_owner_password",
        "POST /api/onboarding/users",
        "POST /auth/token",
        "POST /api/onboarding/core_config",
        "POST /api/onboarding/analytics",
        "POST /api/onboarding/integration",
        "auth/long_lived_access_token",
        "set_home",
        "POST /auth/token, time 2",
        "observed ready",
    ),
    "stop": ("POST containers/ID/stop", "observed stopped"),
    "restart": (
        "observed starting",
        "POST containers/ID/stop",
        "observed creating",
        "DELETE containers/ID",
        "POST containers/create",
        "POST containers/ID/start",
        "observed starting, time 2",
        "observed ready",
    ),
    "remove": (
        "observed removing",
        "POST containers/ID/stop",
        "DELETE containers/ID",
        "DELETE networks/ID",
        "clear_home_token",
        "remove",
    ),
    "remove with data": (
        "observed removing",
        "POST containers/ID/stop",
        "DELETE containers/ID",
        "DELETE volumes/ID",
        "DELETE networks/ID",
        "clear_home_token",
        "remove",
    ),
}
POINTS: Final = [
    pytest.param(deed, step, when, id=f"{deed}: {when} {step}")
    for deed, steps in STEPS.items()
    for step in steps
    for when in ("before", "after")
]


@pytest.fixture(scope="module")
def engine() -> Iterator[DockerEngine]:
    with ExitStack() as stack:
        try:
            engine = stack.enter_context(docker_engine())
        except NoEngineError as error:
            pytest.skip(str(error))
        make_stand_in_image(engine)
        yield engine


class Asked:
    """One user's rows, and the engine's view of what came of them.

    Attributes:
        engine: The engine.
        user_id: The user.
        place: Where it is provisioned.
    """

    def __init__(self, engine: DockerEngine, place: Place, user_id: str) -> None:
        self.engine = engine
        self.place = place
        self.user_id = user_id

    async def ask(self, deed: str) -> None:
        """Write what the command line writes for a deed."""
        database = Database(self.place.database)
        instances = Instances(database, SecretBox([self.place.key]))
        options = self.place.options
        match deed:
            case "create":
                await instances.request(
                    user_id=self.user_id,
                    driver="docker",
                    timezone="Europe/Budapest",
                    language="hu",
                    country="HU",
                    port_range=options.port_range,
                    network_pool=options.network_pool,
                )
            case "stop":
                await instances.set_desired(self.user_id, DesiredState.STOPPED)
            case "restart":
                await instances.restart(self.user_id)
            case "remove" | "remove with data":
                await instances.ask_removal(self.user_id, with_data=deed.endswith("data"))
        await database.close()

    def there(self, kind: str) -> list[dict[str, Any]]:
        """Everything of a kind that is this deployment's."""
        listed = {"container": ("ps", "--all"), "network": ("network", "ls"), "volume": ("volume", "ls")}[
            kind
        ]
        label = f"label={DEPLOYMENT}={self.place.deployment}"
        names = self.engine.docker(*listed, "--quiet", "--filter", label).split()
        described = json.loads(self.engine.docker(kind, "inspect", *names)) if names else []
        assert isinstance(described, list)
        return described

    def killed(self, when: str, step: str) -> subprocess.CompletedProcess[str]:
        """A provisioner at work until it comes to a step."""
        return subprocess.run(
            arguments_of(self.place, when, step),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
async def asked(tmp_path: Path, engine: DockerEngine, free_port_pairs: Iterator[int]) -> AsyncIterator[Asked]:
    url, key = f"sqlite+aiosqlite:///{tmp_path}/wyoming-central.db", Fernet.generate_key().decode()
    await upgrade(url, backup_dir=None)
    database = Database(url)
    user = await Users(database, SecretBox([key])).add(
        email="anna@example.org", password_hash="-", language="hu"
    )
    await database.close()
    place = Place(url, key, engine.url, f"killed-{user.id[:8]}", next(free_port_pairs), str(unused_network()))
    asked = Asked(engine, place, user.id)
    yield asked
    for one in asked.there("container"):
        engine.docker("rm", "--force", one["Id"])
    for one in asked.there("network"):
        engine.docker("network", "rm", one["Id"])
    for one in asked.there("volume"):
        engine.docker("volume", "rm", one["Name"])


@pytest.fixture(scope="module")
def free_port_pairs() -> Iterator[int]:
    """Ports where each time nobody listens, nor at the next one."""
    return iter(range(8700, 9700, 2))


async def in_order(server: Provisioned, asked: Asked) -> None:
    """Check that the instance is up, once, and that its Home Assistant is entered with one token."""
    record = await server.until_up(asked.user_id)
    (container,) = asked.there("container")
    (network,) = asked.there("network")
    (volume,) = asked.there("volume")
    assert container["Id"].startswith(record.container_id)
    assert container["HostConfig"]["PortBindings"]["8123/tcp"][0]["HostPort"] == str(record.host_port)
    assert network["IPAM"]["Config"][0]["Subnet"] == record.network_subnet
    assert container["Mounts"][0]["Name"] == volume["Name"]
    accounts = json.loads(
        await asyncio.to_thread(
            asked.engine.docker,
            "exec",
            record.container_name,
            "/bin/busybox",
            "cat",
            "/config/stand_in.json",
        )
    )
    assert await server.users.home_token(asked.user_id) in accounts["long_lived"].values()
    assert len(accounts["long_lived"]) == 1, "what a killed server made and lost is deleted"


async def ask_and_settle(asked: Asked, deed: str) -> None:
    """Bring about, undisturbed, what a deed begins with."""
    if deed != "create":
        await asked.ask("create")
        async with provisioned(asked.place) as server:
            await server.until(asked.user_id, InstanceStatus.READY)
    await asked.ask(deed)


@pytest.mark.parametrize(("deed", "step", "when"), POINTS)
async def test_the_next_server_brings_about_what_was_asked_for(
    asked: Asked, deed: str, step: str, when: str
) -> None:
    await ask_and_settle(asked, deed)
    died = await asyncio.to_thread(asked.killed, when, step)
    assert died.returncode == -signal.SIGKILL, died.stdout + died.stderr
    volumes = [one["Name"] for one in asked.there("volume")]
    for one in asked.there("volume"):
        Path(one["Mountpoint"], OWNERS_FILE).touch()

    async with provisioned(asked.place) as server:
        match deed:
            case "create" | "restart":
                await in_order(server, asked)
            case "stop":
                record = await server.until(asked.user_id, InstanceStatus.STOPPED)
                seen = (await server.driver.observe([record.container_name]))[record.container_name]
                assert seen.condition is Condition.STOPPED
            case _:
                await server.until_gone()
                assert await server.users.home_token(asked.user_id) is None
        left = await find_strays(
            server.engine,
            Deployment(asked.place.deployment),
            instance_ids_of(server),
            asked.place.options.port_range,
        )
    assert [one.kind.value for one in left] == (["volume"] if deed == "remove" else [])
    if deed != "remove with data":
        (volume,) = asked.there("volume")
        if volumes:
            assert [volume["Name"]] == volumes
            assert Path(volume["Mountpoint"], OWNERS_FILE).exists(), "what was there is there still"


def instance_ids_of(server: Provisioned) -> Any:
    async def known() -> set[str]:
        return {record.id for record in await server.instances.list()}

    return known


@pytest.mark.parametrize("deed", STEPS)
async def test_these_are_all_steps(asked: Asked, deed: str) -> None:
    await ask_and_settle(asked, deed)
    unharmed = await asyncio.to_thread(asked.killed, "before", NEVER)
    assert unharmed.returncode == 0, unharmed.stderr
    lines = unharmed.stderr.splitlines()
    assert [line.removeprefix(STEP) for line in lines if line.startswith(STEP)] == list(STEPS[deed])
