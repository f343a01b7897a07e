"""The server that is soaked: stand-in homes whose names change, and devices that come and go.

    python -m tests.soak.server

Everything else is real. It says on stdout, in one line of JSON, where it listens, its process id and the
tokens of its satellites.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

from config.settings import ensure_secrets, load_settings
from provisioning.home.registry import Entity, HomePicture
from tests.bench.stand_in_homes import Homes, StandInHome
from wyoming_central.application import Application, running
from wyoming_central.background import background
from wyoming_central.event_loop import run
from wyoming_central.logs import configure_logs

USERS = 20
DEVICES_EACH = 3
# A home's names change once a minute in all homes together; in six hours' worth of traffic that is often.
RENAME_EVERY_SECONDS = 0.5
DEVICE_EVERY_SECONDS = 1.0
_DAY = 86_400.0


async def serve() -> None:
    """Serve until SIGTERM."""
    settings = ensure_secrets(load_settings())
    configure_logs(level="info", log_format="json", stream=sys.stderr)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    homes = Homes()
    async with running(settings, homes=homes) as server:
        stand_ins: list[StandInHome] = []
        tokens: list[str] = []
        for number in range(USERS):
            user = await server.repositories.users.add(
                email=f"user{number}@example.org", password_hash="none", language="en"
            )
            home = StandInHome(user.id)
            homes.put(user.id, home)
            stand_ins.append(home)
            tokens += [await add_device(server, user.id, f"Satellite {one}") for one in range(DEVICES_EACH)]
        (listening,) = server.listening
        said = {"host": listening.host, "port": listening.port, "pid": os.getpid(), "tokens": tokens}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        async with background(
            renaming=lambda: rename(stand_ins), devices=lambda: come_and_go(server, user.id)
        ):
            await stop.wait()


async def rename(homes: list[StandInHome]) -> None:
    """Give one thing of one home after another a new name, and the home a new revision with it."""
    for count in itertools.count():
        await asyncio.sleep(RENAME_EVERY_SECONDS)
        home = homes[count % len(homes)]
        registry = home.picture.registry
        entities = dict(registry.entities)
        entities["switch.radio"] = Entity("switch.radio", f"Radio {count}", area_id="bedroom")
        home.picture = HomePicture(
            replace(registry, revision=f"renamed {count}", entities=entities),
            home.picture.states,
        )


async def come_and_go(server: Application, user_id: str) -> None:
    """Add a device, and revoke the one before."""
    devices = server.repositories.devices
    before: str | None = None
    for count in itertools.count():
        await asyncio.sleep(DEVICE_EVERY_SECONDS)
        await add_device(server, user_id, f"Visitor {count}")
        (newest,) = [one for one in await devices.list(user_id) if one.name == f"Visitor {count}"]
        if before is not None:
            await devices.revoke(before)
        before = newest.id


async def add_device(server: Application, user_id: str, name: str) -> str:
    """A new device's token."""
    device = await server.repositories.devices.add(user_id=user_id, name=name, area="Office", language=None)
    token = server.keys.mint(device.id, now=time.time(), lifetime_seconds=_DAY)
    await server.repositories.devices.set_token(
        device.id, token_id=token.token_id, expires_at=datetime.fromtimestamp(token.expires_at, UTC)
    )
    return token.text


if __name__ == "__main__":
    run(serve())
