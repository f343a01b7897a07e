"""Whatever happens to an instance, in whatever order: left alone at last, it comes to where its row says."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from cryptography.fernet import Fernet
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from provisioning.driver import Condition
from provisioning.home.live import LiveHome
from provisioning.provisioner import Provisioner
from storage.database import Database
from storage.instances import Instances
from storage.journal import Journal
from storage.records import DesiredState, InstanceRecord, InstanceStatus
from storage.secret_box import SecretBox
from storage.users import Users
from tests.provisioning.house import House
from tests.provisioning.stand_ins import StandInDriver, StandInHome
from tests.provisioning.until import until
from tests.storage.migrated import put_migrated

ACTIONS = (
    "die",
    "stop",
    "start",
    "restart",
    "kick",
    "refuse",
    "take the port",
    "restart the server",
    "breathe",
)


@asynccontextmanager
async def new_house() -> AsyncIterator[House]:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+aiosqlite:///{Path(folder)}/wyoming-central.db"
        put_migrated(url)
        database = Database(url)
        box = SecretBox([Fernet.generate_key().decode()])
        try:
            yield House(Instances(database, box), Users(database, box), Journal(database))
        finally:
            await database.close()


class Trial:
    """One instance, its driver, and a server that may be restarted around them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.driver = StandInDriver(house.engine)
        self.user = ""
        self._server = AsyncExitStack()

    async def start_server(self) -> Provisioner:
        await self._server.aclose()
        self.driver = StandInDriver(self.house.engine)
        return await self._server.enter_async_context(self.house.provisioning(self.driver))

    async def close(self) -> None:
        await self._server.aclose()

    async def do(self, action: str) -> None:
        record = await self.house.instances.get(self.user)
        match action:
            case "stop":
                await self.house.instances.set_desired(self.user, DesiredState.STOPPED)
            case "start":
                await self.house.instances.set_desired(self.user, DesiredState.RUNNING)
            case "restart":
                await self.house.instances.restart(self.user)
            case "restart the server":
                await self.start_server()
            case "breathe":
                await asyncio.sleep(0.005)
            case _:
                self._strike(action, record)
        if action in {"stop", "start", "restart", "kick"}:
            self.provisioner.kick(self.user)

    def _strike(self, action: str, record: InstanceRecord) -> None:
        """What nobody asked for."""
        if action == "die" and record.container_name in self.house.engine.seen:
            self.driver.die(record.container_name)
        if action == "take the port":
            self.house.engine.ports_of_others = {record.host_port or 0}
        home = cast("LiveHome | StandInHome", self.provisioner.home_of(self.user))
        if action == "refuse" and isinstance(home, StandInHome):
            home.refuse()

    @property
    def provisioner(self) -> Provisioner:
        assert self.house.provisioner is not None
        return self.house.provisioner


async def trial(actions: list[str]) -> None:
    async with new_house() as house:
        subject = Trial(house)
        await subject.start_server()
        try:
            subject.user = await house.user()
            for action in actions:
                await subject.do(action)
            await subject.do("start")
            await until(lambda: _settled(subject), within=20)
            seen = house.engine.seen[(await house.instances.get(subject.user)).container_name]
            assert seen.condition is Condition.RUNNING
            assert sum(home.runs for home in house.homes) == 1, "one home, not two"
        finally:
            await subject.close()
        assert not any(home.runs for home in house.homes)


async def _settled(subject: Trial) -> bool:
    """Ready, in the generation that is wanted, with a home whose token is not refused."""
    house = subject.house
    record = await house.instances.get(subject.user)
    home = cast("StandInHome", subject.provisioner.home_of(subject.user))
    return (
        record.status is InstanceStatus.READY
        and record.observed_generation == record.generation
        and isinstance(home, StandInHome)
        and home.token not in house.refused
        and house.engine.seen[record.container_name].condition is Condition.RUNNING
    )


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(ACTIONS), max_size=12))
def test_left_alone_it_becomes_ready_whatever_happened_before(actions: list[str]) -> None:
    asyncio.run(trial(actions))
