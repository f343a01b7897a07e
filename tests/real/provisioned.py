"""A provisioner with real Home Assistants on a data folder; as a program, one that is killed at a step.

    python -m tests.real.provisioned DATA_DIR STEP

provisions what the database in DATA_DIR asks for, and kills itself with SIGKILL when the onboarding of an
instance has come to STEP. The key of the secrets comes from the environment (`TEST_KEY`).
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from provisioning.home.live import LiveHome
from provisioning.home_http import session_for_homes
from provisioning.onboarding import Checkpoint, Onboarding, Step
from provisioning.options import ProvisionerOptions
from provisioning.process.driver import ProcessDriver
from provisioning.process.installation import Installer
from provisioning.provisioner import Provisioner
from storage.database import Database
from storage.instances import Instances
from storage.journal import Journal
from storage.migrate import upgrade
from storage.records import InstanceRecord, InstanceStatus
from storage.secret_box import SecretBox
from storage.users import Users

PORTS = range(8400, 8440)
BOOT_SECONDS = 120.0


def cache_folder() -> Path:
    """Where the installations of Home Assistant are that tests share with each other and with the demo."""
    named = os.environ.get("WYOMING_CENTRAL_TEST_CACHE") or os.environ.get("CACHE_DIR")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wyoming-central"
    return (Path(named) if named else cache) / "home-assistant"


def installer(python: str | None = None) -> Installer:
    return Installer(folder=cache_folder(), python=python or os.environ.get("HA_PYTHON"))


@dataclass
class Provisioned:
    """A provisioner that runs, and its tables."""

    provisioner: Provisioner
    driver: ProcessDriver
    instances: Instances
    users: Users
    http: aiohttp.ClientSession
    running: asyncio.Task[None] = field(repr=False)

    async def user(self, email: str, **instance: Any) -> str:
        """A new user with an instance asked for."""
        user = await self.users.add(email=email, password_hash="-", language="hu")
        asked = {"timezone": "Europe/Budapest", "language": "hu", "country": None, **instance}
        await self.instances.request(user_id=user.id, driver="process", port_range=PORTS, **asked)
        self.provisioner.kick(user.id)
        return user.id

    async def until_ready(self, user_id: str, *, unlike: str | None = None) -> InstanceRecord:
        """The instance when it is ready, as another process than `unlike`."""
        async with asyncio.timeout(BOOT_SECONDS):
            while True:
                record = await self.instances.get(user_id)
                assert record.status is not InstanceStatus.FAILED, record
                if record.status is InstanceStatus.READY and record.container_id != unlike:
                    return record
                await asyncio.sleep(0.05)

    def home(self, user_id: str) -> LiveHome:
        home = self.provisioner.home_of(user_id)
        assert isinstance(home, LiveHome), home
        return home


@asynccontextmanager
async def provisioned(
    folder: Path,
    key: str,
    *,
    python: str | None = None,
    checkpoint: Checkpoint | None = None,
    stop: bool = True,
) -> AsyncIterator[Provisioned]:
    """Provision until the block ends; then stop the instances too, unless `stop` is false."""
    url = f"sqlite+aiosqlite:///{folder}/wyoming-central.db"
    await upgrade(url, backup_dir=None)
    database = Database(url)
    box = SecretBox([key])
    users, instances = Users(database, box), Instances(database, box)
    driver = ProcessDriver(data_dir=folder, installer=installer(python))
    async with session_for_homes() as http:
        onboarding = Onboarding(http=http, checkpoint=checkpoint) if checkpoint else Onboarding(http=http)
        provisioner = Provisioner(
            drivers={"process": driver},
            instances=instances,
            journal=Journal(database),
            users=users,
            http=http,
            options=ProvisionerOptions(port_range=PORTS),
            onboarding=onboarding,
        )
        running = asyncio.create_task(provisioner.run())
        try:
            yield Provisioned(provisioner, driver, instances, users, http, running)
        finally:
            running.cancel()
            await asyncio.wait({running})
            if stop:
                await provisioner.stop_all()
            await database.close()


async def _main(folder: Path, last: Step) -> None:
    async def checkpoint(step: Step) -> None:
        if step is last:
            os.kill(os.getpid(), signal.SIGKILL)

    async with provisioned(folder, os.environ["TEST_KEY"], checkpoint=checkpoint) as server:
        await server.running


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), Step(sys.argv[2])))
