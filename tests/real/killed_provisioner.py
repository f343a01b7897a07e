"""A provisioner with the Docker driver; as a program, one that is killed before or after a step.

    python -m tests.real.killed_provisioner PLACE before|after STEP

provisions what the database of a `Place` (JSON) asks for and kills itself with SIGKILL when it comes to STEP,
which is a request that changes something on the engine or in a Home Assistant, or a row that is written. It
writes each step to stderr as it comes to it. With no such step it goes on until all is done, and ends.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from aiodocker import Docker

from provisioning.docker.driver import DockerDriver, DockerOptions
from provisioning.docker.engine import Engine
from provisioning.docker.image import Image
from provisioning.docker.labels import Deployment
from provisioning.docker.pull import PullPolicy
from provisioning.home.live import HomeStatus
from provisioning.home.socket import HomeAssistantSocket
from provisioning.home_http import session_for_homes
from provisioning.options import ProvisionerOptions
from provisioning.provisioner import Provisioner
from storage.database import Database
from storage.instances import Instances
from storage.journal import Journal
from storage.records import DesiredState, InstanceRecord, InstanceStatus
from storage.secret_box import SecretBox
from storage.users import Users
from tests.real.stand_in_image import STAND_IN_IMAGE, stand_in_command

_ABOUT_TOKENS: Final = {"auth/long_lived_access_token", "auth/delete_refresh_token"}
_ID: Final = re.compile(r"[0-9a-f]{64}|wyoming-central-[0-9a-f-]+")


STEP: Final = "step: "
"""What the lines begin with that name a step."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is provisioned.

    Attributes:
        database: Its URL.
        key: Of the secrets in it.
        engine: The address of the engine.
        deployment: Whose containers they are.
        port: The first of two ports for the one user.
        pool: The subnets for them.
    """

    database: str
    key: str
    engine: str
    deployment: str
    port: int
    pool: str

    @property
    def options(self) -> ProvisionerOptions:
        """What instances are held to here."""
        return ProvisionerOptions(
            port_range=range(self.port, self.port + 2),
            network_pool=IPv4Network(self.pool),
            memory_limit=256 << 20,
            cpu_limit=1.0,
            stop_timeout_seconds=5,
            probe_interval_seconds=0.05,
        )


@dataclass
class Provisioned:
    """A provisioner that runs, and its tables."""

    provisioner: Provisioner
    driver: DockerDriver
    engine: Engine
    instances: Instances
    journal: Journal
    users: Users
    running: asyncio.Task[None]

    async def until(self, user_id: str, *statuses: InstanceStatus) -> InstanceRecord:
        """The user's instance when it has one of these statuses."""
        async with asyncio.timeout(60):
            while True:
                record = await self.instances.get(user_id)
                assert record.status is not InstanceStatus.FAILED, record
                if record.status in statuses:
                    return record
                await asyncio.sleep(0.02)

    async def until_up(self, user_id: str) -> InstanceRecord:
        """The user's instance when this provisioner has its home, as it was asked for last."""
        async with asyncio.timeout(60):
            while True:
                record, home = await self.instances.get(user_id), self.provisioner.home_of(user_id)
                as_asked = record.observed_generation == record.generation
                if home.status is HomeStatus.LIVE and record.status is InstanceStatus.READY and as_asked:
                    return record
                await asyncio.sleep(0.02)

    async def until_closed(self, user_id: str) -> None:
        """Wait until nothing is under way any more."""
        async with asyncio.timeout(10):
            while None in {one.outcome for one in await self.journal.of(user_id, limit=100)}:
                await asyncio.sleep(0.02)

    async def until_gone(self) -> None:
        """Wait until there is no instance."""
        async with asyncio.timeout(60):
            while await self.instances.list():
                await asyncio.sleep(0.02)


@asynccontextmanager
async def provisioned(place: Place) -> AsyncIterator[Provisioned]:
    """Provision until the block ends; what runs then runs on."""
    database, box = Database(place.database), SecretBox([place.key])
    users, instances = Users(database, box), Instances(database, box)
    engine = Engine(place.engine)
    driver = DockerDriver(
        engine=engine,
        deployment=Deployment(place.deployment),
        options=DockerOptions(
            Image(STAND_IN_IMAGE, command=tuple(stand_in_command().split())), PullPolicy.NEVER
        ),
    )
    async with session_for_homes() as http:
        http.trace_configs.append(_STEPS_IN_A_HOME)
        _STEPS_IN_A_HOME.freeze()
        provisioner = Provisioner(
            drivers={driver.kind: driver},
            instances=instances,
            journal=Journal(database),
            users=users,
            http=http,
            options=place.options,
        )
        running = asyncio.create_task(provisioner.run())
        try:
            yield Provisioned(provisioner, driver, engine, instances, Journal(database), users, running)
        finally:
            running.cancel()
            await asyncio.wait({running})
            await driver.close()
            await database.close()


# The steps.

Come = Callable[[str], None]
"""Called as a step is come to."""


def _nothing(step: str) -> None:
    del step


_before: Come = _nothing
_after: Come = _nothing


async def _request_begins(
    _: aiohttp.ClientSession, __: SimpleNamespace, request: aiohttp.TraceRequestStartParams
) -> None:
    if request.method != "GET":
        _before(f"{request.method} {request.url.path}")


async def _request_ended(
    _: aiohttp.ClientSession, __: SimpleNamespace, request: aiohttp.TraceRequestEndParams
) -> None:
    if request.method != "GET":
        _after(f"{request.method} {request.url.path}")


_STEPS_IN_A_HOME: Final = aiohttp.TraceConfig()
_STEPS_IN_A_HOME.on_request_start.append(_request_begins)
_STEPS_IN_A_HOME.on_request_end.append(_request_ended)


def _watch_steps(before: Come, after: Come) -> None:
    """Have these called around every step that this process takes from now on."""
    global _before, _after
    _before, _after = before, after
    for table, names in (
        (Instances, ("observed", "set_owner_password", "remove", "move_port", "move_subnet")),
        (Journal, ("begin", "end")),
        (Users, ("set_home", "clear_home_token")),
    ):
        for name in names:
            setattr(table, name, _stepping(name, getattr(table, name), before, after))
    tell = HomeAssistantSocket.command

    async def told(socket: HomeAssistantSocket, type_: str, **more: Any) -> Any:
        if type_ not in _ABOUT_TOKENS:
            return await tell(socket, type_, **more)
        before(type_)
        answer = await tell(socket, type_, **more)
        after(type_)
        return answer

    HomeAssistantSocket.command = told  # type: ignore[assignment, method-assign]
    ask = Docker._do_query

    async def asked(docker: Docker, path: Any, method: str, **more: Any) -> Any:
        step = f"{method} {_ID.sub('ID', str(path))}"
        if method != "GET":
            before(step)
        answer = await ask(docker, path, method, **more)
        if method != "GET":
            after(step)
        return answer

    Docker._do_query = asked  # type: ignore[method-assign]


def _stepping(name: str, write: Callable[..., Awaitable[Any]], before: Come, after: Come) -> Any:
    @functools.wraps(write)
    async def stepped(*arguments: Any, **more: Any) -> Any:
        step = f"{name} {more['status'].value}" if "status" in more else name
        before(step)
        outcome = await write(*arguments, **more)
        after(step)
        return outcome

    return stepped


async def _main(place: Place, when: str, last: str) -> None:
    seen: Counter[str] = Counter()

    def come(here: str, step: str) -> None:
        seen[step] += here == "before"
        if seen[step] > 1:
            step = f"{step}, time {seen[step]}"
        if here == "before":
            sys.stderr.write(f"{STEP}{step}\n")
            sys.stderr.flush()
        if (here, step) == (when, last):
            os.kill(os.getpid(), signal.SIGKILL)

    _watch_steps(functools.partial(come, "before"), functools.partial(come, "after"))
    async with provisioned(place) as server, asyncio.timeout(60):
        while not await _is_done(server):
            await asyncio.sleep(0.02)


async def _is_done(server: Provisioned) -> bool:
    settled = {
        DesiredState.RUNNING: InstanceStatus.READY,
        DesiredState.STOPPED: InstanceStatus.STOPPED,
    }
    for user in await server.users.list():
        if None in {one.outcome for one in await server.journal.of(user.id, limit=1)}:
            return False
    return all(
        settled.get(one.desired) is one.status and one.observed_generation == one.generation
        for one in await server.instances.list()
    )


def arguments_of(place: Place, when: str, step: str) -> list[str]:
    """What the program is called with."""
    return [sys.executable, "-m", "tests.real.killed_provisioner", json.dumps(asdict(place)), when, step]


if __name__ == "__main__":
    asyncio.run(_main(Place(**json.loads(sys.argv[1])), *sys.argv[2:4]))
