"""The server is killed after every step of onboarding a real Home Assistant, and comes up by itself again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
import structlog
from cryptography.fernet import Fernet

from provisioning.external import validate
from provisioning.home.socket import HomeAssistantSocket
from provisioning.onboarding import USERNAME, Step
from storage.database import Database
from storage.instances import Instances
from storage.migrate import upgrade
from storage.records import InstanceStatus
from storage.secret_box import SecretBox
from storage.users import Users
from tests.real.provisioned import PORTS, Provisioned, installer, provisioned

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[2]

LEAVES_AFTER_SECONDS = 0.1
HASHED_SECONDS = 3.0
"""Home Assistant takes about 0.3 s for it."""


async def ask_for_an_instance(folder: Path, key: str) -> str:
    """The rows that the command line writes, before any server runs."""
    url = f"sqlite+aiosqlite:///{folder}/wyoming-central.db"
    await upgrade(url, backup_dir=None)
    database = Database(url)
    box = SecretBox([key])
    user = await Users(database, box).add(email="anna@example.org", password_hash="-", language="hu")
    await Instances(database, box).request(
        user_id=user.id,
        driver="process",
        timezone="Europe/Budapest",
        language="hu",
        country=None,
        port_range=PORTS,
    )
    await database.close()
    return user.id


def run_until_killed(folder: Path, key: str, step: Step) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.real.provisioned", str(folder), step.value],
        cwd=ROOT,
        env={**os.environ, "TEST_KEY": key},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


async def tokens_left(server: Provisioned, user: str) -> list[str]:
    """Names of the tokens of ours that Home Assistant knows; checks that the stored one works."""
    url = (await server.users.get(user)).ha_instance_url
    token = await server.users.home_token(user)
    assert url is not None
    assert token is not None
    assert await validate(url, token, within=10)
    async with HomeAssistantSocket.connect(url, token, http=server.http, within=10) as socket:
        known = await socket.command("auth/refresh_tokens", within=10)
    return [entry["client_name"] for entry in known if entry["type"] == "long_lived_access_token"]


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.LOGGED_IN])
async def test_a_server_killed_while_it_onboards_comes_up_by_itself(tmp_path: Path, step: Step) -> None:
    key = Fernet.generate_key().decode()
    await installer().install(lambda _: None)
    user = await ask_for_an_instance(tmp_path, key)
    await asyncio.to_thread(run_until_killed, tmp_path, key, step)
    async with provisioned(tmp_path, key) as server:
        left = await server.instances.get(user)
        assert left.status is InstanceStatus.ONBOARDING
        record = await server.until_ready(user)
        assert len(await tokens_left(server, user)) == 1
        (seen,) = (await server.driver.observe()).values()
        assert record.container_id == seen.container_id
        said = await server.driver.logs(record.container_name, tail=200)
        assert len([line for line in said if "Skipping pip" in line]) == 1, "Home Assistant itself ran on"


@pytest.mark.parametrize("step", [Step.OWNER_CREATED, Step.TOKEN_STORED])
async def test_a_home_assistant_killed_while_it_is_onboarded_is_onboarded_again(
    tmp_path: Path, step: Step
) -> None:
    """It writes its accounts a second late: what is killed before that has forgotten them."""
    killed = False

    async def checkpoint(reached: Step) -> None:
        nonlocal killed
        if reached is step and not killed:
            killed = True
            (running,) = (await server.driver.observe()).values()
            os.kill(int(running.container_id or ""), signal.SIGKILL)

    async with provisioned(tmp_path, Fernet.generate_key().decode(), checkpoint=checkpoint) as server:
        user = await server.user("anna@example.org")
        await server.until_ready(user)
        assert killed
        assert await tokens_left(server, user)


async def test_an_account_that_home_assistant_made_half_is_begun_anew(tmp_path: Path) -> None:
    """A client that is gone while the password is hashed leaves an account that is not noted as made."""
    cut = False

    async def checkpoint(reached: Step) -> None:
        nonlocal cut
        if reached is Step.PASSWORD_STORED and not cut:
            cut = True
            (running,) = (await server.driver.observe()).values()
            assert running.endpoint is not None
            password = await server.instances.owner_password(user)
            await ask_for_an_owner_and_leave(server.http, running.endpoint.url, password)

    with structlog.testing.capture_logs() as lines:
        async with provisioned(tmp_path, Fernet.generate_key().decode(), checkpoint=checkpoint) as server:
            user = await server.user("anna@example.org")
            await server.until_ready(user)
            assert await tokens_left(server, user)
    assert cut
    assert [line["event"] for line in lines].count("instance_begins_anew") == 1


async def ask_for_an_owner_and_leave(http: aiohttp.ClientSession, url: str, password: str | None) -> None:
    """Ask Home Assistant for the owner's account, and be gone before it is made."""
    owner = {
        "client_id": f"{url}/",
        "name": "Wyoming Central",
        "username": USERNAME,
        "password": password,
        "language": "hu",
    }
    with contextlib.suppress(TimeoutError):
        await http.post(
            f"{url}/api/onboarding/users",
            json=owner,
            timeout=aiohttp.ClientTimeout(total=LEAVES_AFTER_SECONDS),
        )
    # It hashes on, in a thread that nothing shows of; after that the name is taken.
    await asyncio.sleep(HASHED_SECONDS)
