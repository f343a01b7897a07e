"""The people of the demo: each gets an account, a satellite and a furnished Home Assistant."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from config.errors import WyomingCentralError
from provisioning.home.live import LiveHome
from storage.passwords import hash_password
from storage.records import InstanceStatus
from wyoming_central.application import Application
from wyoming_central.demo.furnish import furnish
from wyoming_central.demo.script import Script
from wyoming_central.demo.stage import Stage

# The first time Home Assistant has to be installed, which takes a minute or two.
READY_WITHIN_SECONDS: Final = 600.0
FURNISHED_WITHIN_SECONDS: Final = 30.0


class DemoError(WyomingCentralError):
    """The demo cannot go on."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a home and a satellite."""

    name: str
    user_id: str
    token: str = field(repr=False)


async def two_homes(server: Application, script: Script, stage: Stage) -> tuple[Person, Person]:
    """Anna and Ben, settled in at the same time."""
    async with asyncio.TaskGroup() as group:
        anna = group.create_task(_settle_in("Anna", "hu", "HU", server, script, stage))
        ben = group.create_task(_settle_in("Ben", "hu", "HU", server, script, stage))
    return anna.result(), ben.result()


async def _settle_in(
    name: str, language: str, country: str, server: Application, script: Script, stage: Stage
) -> Person:
    """Add a user with a device, have their Home Assistant made, and furnish it."""
    stored = server.repositories
    user = await stored.users.add(
        email=f"{name.lower()}@example.org",
        password_hash=await hash_password(secrets.token_urlsafe(16)),
        language=language,
    )
    device = await stored.devices.add(user_id=user.id, name=f"{name}'s satellite", area=None, language=None)
    token = server.keys.mint(device.id, now=time.time(), lifetime_seconds=86_400)
    await stored.devices.set_token(
        device.id, token_id=token.token_id, expires_at=datetime.fromtimestamp(token.expires_at, UTC)
    )
    async with stage.line(f"{name}'s home") as show:
        await stored.instances.request(
            user_id=user.id,
            driver="process",
            timezone="Europe/Budapest",
            language=language,
            country=country,
            config_yaml=script.configuration,
            port_range=server.settings.ha_port_range,
        )
        await _until_ready(name, user.id, server, show)
        show(f"{name}'s home: furnishing")
        await _furnish(user.id, server, script)
        show(f"{name}'s home is ready")
    return Person(name, user.id, token.text)


async def _until_ready(name: str, user_id: str, server: Application, show: Callable[[str], None]) -> None:
    try:
        async with asyncio.timeout(READY_WITHIN_SECONDS):
            while True:
                instance = await server.repositories.instances.get(user_id)
                show(f"{name}'s home: {instance.status}{f' ({instance.phase})' if instance.phase else ''}")
                if instance.status is InstanceStatus.READY:
                    return
                if instance.status is InstanceStatus.FAILED:
                    raise DemoError(
                        f"{name}'s home failed: {instance.failure_detail or instance.failure_reason}",
                        remedy="`wyoming-central doctor` says what is missing",
                    )
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise DemoError(f"{name}'s Home Assistant did not become ready in time") from None


async def access(user_id: str, server: Application) -> tuple[str, str]:
    """Address and token of a user's Home Assistant.

    Raises:
        DemoError: There is none yet.
    """
    user = await server.repositories.users.get(user_id)
    token = await server.repositories.users.home_token(user_id)
    if user.ha_instance_url is None or token is None:
        raise DemoError("the instance is ready, but its address or token is missing")
    return user.ha_instance_url, token


async def _furnish(user_id: str, server: Application, script: Script) -> None:
    """Furnish, and wait until the server's own picture of the home shows it."""
    url, token = await access(user_id, server)
    await furnish(url, token, script, http=server.http)
    wanted = {furniture.name for furniture in script.furniture}
    async with asyncio.timeout(FURNISHED_WITHIN_SECONDS):
        while True:
            home = server.provisioner.home_of(user_id)
            picture = home.picture if isinstance(home, LiveHome) else None
            shown = {entity.name for entity in picture.registry.exposed_entities()} if picture else set()
            if shown == wanted:
                return
            await asyncio.sleep(0.05)
