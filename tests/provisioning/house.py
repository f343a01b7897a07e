"""A provisioner with everything around it that tests look at."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp

from provisioning.driver import Driver
from provisioning.home.live import LiveHome
from provisioning.onboarding import Onboarding
from provisioning.options import ProvisionerOptions
from provisioning.provisioner import Provisioner
from storage.instances import Instances
from storage.journal import Journal
from storage.records import InstanceRecord, InstanceStatus
from storage.users import Users
from tests.provisioning.stand_ins import Engine, StandInDriver, StandInHome, StandInOnboarding
from tests.provisioning.until import until

# Only what a test waits for elapses quickly; the rest must come by kicks and events.
OPTIONS = ProvisionerOptions(
    port_range=range(8200, 8204),
    boot_timeout_seconds=5,
    probe_interval_seconds=0.005,
    progress_interval_seconds=0.005,
    first_retry_seconds=0.01,
    longest_retry_seconds=0.05,
    check_interval_seconds=60,
    reconcile_interval_seconds=60,
)


class House:
    """A provisioner with everything around it that tests look at."""

    def __init__(self, instances: Instances, users: Users, journal: Journal) -> None:
        self.instances = instances
        self.journal = journal
        self.users = users
        self.engine = Engine()
        self.onboarding = StandInOnboarding()
        self.homes: list[StandInHome] = []
        self.refused: set[str] = set()
        self.clock = 1000.0
        self.now = 1_800_000_000.0
        self.provisioner: Provisioner | None = None
        self._emails = 0

    def _make_home(self, user_id: str, url: str, token: str) -> LiveHome:
        self.homes.append(StandInHome(user_id, url, token, self.refused))
        return cast("LiveHome", self.homes[-1])

    @asynccontextmanager
    async def provisioning(
        self, driver: StandInDriver, options: ProvisionerOptions = OPTIONS
    ) -> AsyncIterator[Provisioner]:
        async with aiohttp.ClientSession() as http:
            provisioner = self.provisioner = Provisioner(
                drivers={driver.kind: cast("Driver", driver)},
                instances=self.instances,
                journal=self.journal,
                users=self.users,
                http=http,
                options=options,
                onboarding=cast("Onboarding", self.onboarding),
                make_home=self._make_home,
                clock=lambda: self.clock,
                now=lambda: self.now,
            )
            running = asyncio.create_task(provisioner.run())
            try:
                yield provisioner
            finally:
                running.cancel()
                await asyncio.wait({running})
                assert running.cancelled(), running.exception()

    async def user(self, driver: str = "stand-in") -> str:
        """A new user with an instance asked for."""
        self._emails += 1
        user = await self.users.add(email=f"user{self._emails}@example.org", password_hash="-", language="hu")
        await self.ask_for_instance(user.id, driver)
        if self.provisioner is not None:
            self.provisioner.kick(user.id)
        return user.id

    async def ask_for_instance(self, user_id: str, driver: str = "stand-in") -> None:
        await self.instances.request(
            user_id=user_id,
            driver=driver,
            timezone="Europe/Budapest",
            language="hu",
            country=None,
            port_range=OPTIONS.port_range,
        )

    async def until(self, user_id: str, status: InstanceStatus, **more: Any) -> InstanceRecord:
        wanted = {"status": status, **more}

        async def so() -> bool:
            record = await self.instances.get(user_id)
            return all(getattr(record, name) == value for name, value in wanted.items())

        try:
            await until(so)
        except TimeoutError:
            raise AssertionError(f"not {wanted}: {await self.instances.get(user_id)}") from None
        return await self.instances.get(user_id)

    def kick(self, user_id: str) -> None:
        assert self.provisioner is not None
        self.provisioner.kick(user_id)

    async def is_empty(self) -> bool:
        return not await self.instances.list()

    async def until_ready(self, user_id: str) -> InstanceRecord:
        return await self.until(user_id, InstanceStatus.READY)
