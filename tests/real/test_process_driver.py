"""Real Home Assistants as processes: installed, started, killed, adopted, stopped."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
import pytest
from cryptography.fernet import Fernet

from provisioning.driver import Condition, InstanceSpec
from provisioning.errors import HomeUnreachableError
from provisioning.external import ExternalDriver, validate
from provisioning.home.live import HomeStatus
from provisioning.process.interpreter import find_interpreters
from storage.records import DesiredState, InstanceStatus
from tests.real.provisioned import PORTS, Provisioned, installer, provisioned

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]


async def pythons() -> dict[str, str]:
    """The best interpreter of this machine, and one of 3.11 where there is another of that."""
    found = await find_interpreters(os.environ.get("HA_PYTHON"))
    chosen = {"best": found[0]}
    older = next((interpreter for interpreter in found[1:] if interpreter.version[:2] == (3, 11)), None)
    if older is not None:
        chosen["3.11"] = older
    return {name: str(interpreter.path) for name, interpreter in chosen.items()}


@pytest.fixture(params=["best", "3.11"])
async def python(request: pytest.FixtureRequest) -> str:
    found = await pythons()
    if request.param not in found:
        pytest.skip(f"no interpreter of {request.param} besides the best one")
    return found[request.param]


@pytest.fixture
def key() -> str:
    return Fernet.generate_key().decode()


@pytest.fixture
async def server(tmp_path: Path, key: str) -> AsyncIterator[Provisioned]:
    async with provisioned(tmp_path, key) as server:
        yield server


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.05)


async def test_a_user_gets_a_home_assistant_of_their_own(tmp_path: Path, key: str, python: str) -> None:
    installation = await installer(python).install(lambda _: None)
    async with provisioned(tmp_path, key, python=python) as server:
        user = await server.user("anna@example.org")
        record = await server.until_ready(user)
        assert record.version == installation.version
        home = server.home(user)
        assert home.status is HomeStatus.LIVE
        assert home.picture is not None
        registry = home.picture.registry
        assert (registry.language, registry.time_zone) == ("hu", "Europe/Budapest")
        assert {area.name for area in registry.areas.values()} >= {"Nappali", "Konyha"}
        account = await server.users.get(user)
        token = await server.users.home_token(user)
        assert account.ha_instance_url == f"http://127.0.0.1:{record.host_port}"
        assert token is not None
        assert await validate(account.ha_instance_url, token, within=10) == installation.version
        # 127.0.0.1 and nowhere else.
        process = psutil.Process(int(record.container_id or ""))
        listening = [c.laddr for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
        assert listening == [("127.0.0.1", record.host_port)]
        said = await server.driver.logs(record.container_name, tail=200)
        assert not [line for line in said if "ERROR" in line or "Traceback" in line]
    await until_gone(process.pid)


async def test_an_external_home_is_validated_at_a_real_one(server: Provisioned) -> None:
    user = await server.user("anna@example.org")
    await server.until_ready(user)
    endpoint = await ExternalDriver(credentials=server.users).start(InstanceSpec(user, "external", None))
    assert endpoint.url == (await server.users.get(user)).ha_instance_url


async def test_a_killed_home_assistant_comes_back_with_what_it_knew(server: Provisioned) -> None:
    user = await server.user("anna@example.org")
    before = await server.until_ready(user)
    # Home Assistant writes its accounts a second after they changed; one killed before is mended as well,
    # which the tests of the onboarding show.
    token = await server.users.home_token(user)
    os.kill(int(before.container_id or ""), signal.SIGKILL)
    after = await server.until_ready(user, unlike=before.container_id)
    assert after.host_port == before.host_port
    assert server.home(user).status is HomeStatus.LIVE
    current = await server.users.home_token(user)
    assert current is not None
    assert await validate(f"http://127.0.0.1:{after.host_port}", current, within=10) == after.version
    assert token is not None


async def test_stop_and_start_and_restart_as_a_person_asks(server: Provisioned) -> None:
    user = await server.user("anna@example.org")
    first = await server.until_ready(user)
    await server.instances.restart(user)
    server.provisioner.kick(user)
    second = await server.until_ready(user, unlike=first.container_id)
    await server.instances.set_desired(user, DesiredState.STOPPED)
    server.provisioner.kick(user)
    await until_gone(int(second.container_id or ""))
    async with asyncio.timeout(10):
        while (await server.instances.get(user)).status is not InstanceStatus.STOPPED:
            await asyncio.sleep(0.05)
    await server.instances.set_desired(user, DesiredState.RUNNING)
    server.provisioner.kick(user)
    await server.until_ready(user, unlike=second.container_id)


async def test_a_restart_asked_for_in_home_assistant_brings_it_back(server: Provisioned) -> None:
    user = await server.user("anna@example.org")
    before = await server.until_ready(user)
    with suppress(HomeUnreachableError):  # it may close the connection before it answers
        await server.home(user).call_service("homeassistant", "restart", (), within=30)
    after = await server.until_ready(user, unlike=before.container_id)
    assert after.failure_reason is None


async def test_a_port_taken_by_somebody_else_is_left_to_them(server: Provisioned) -> None:
    taken = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", PORTS.start)
    async with taken:
        record = await server.until_ready(await server.user("anna@example.org"))
        assert record.host_port == PORTS.start + 1


async def test_a_server_that_ends_uncleanly_leaves_homes_running_for_the_next(
    tmp_path: Path, key: str, http: aiohttp.ClientSession
) -> None:
    async with provisioned(tmp_path, key, stop=False) as server:
        user = await server.user("anna@example.org")
        before = await server.until_ready(user)
        token = await server.users.home_token(user)
    async with provisioned(tmp_path, key) as server:
        await server.until_ready(user)
        assert (await server.instances.get(user)).container_id == before.container_id
        async with asyncio.timeout(10):
            while server.provisioner.home_of(user).status is not HomeStatus.LIVE:
                await asyncio.sleep(0.02)
        assert await server.users.home_token(user) == token
        seen = await server.driver.observe([before.container_name])
        assert seen[before.container_name].condition is Condition.RUNNING
    await until_gone(int(before.container_id or ""))


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session
