"""`provision`: how long a user waits for their Home Assistant, and what a hundred and one of them cost.

One real Home Assistant in a container, from the row that asks for it to `ready` (its home mirrored), beside
`docker run` of the same image with the same limits and first files until it answers, and then the same calls
of its onboarding. Both alternate. The peer makes no network, looks at nothing again and mirrors no home.

Then a hundred and one users are added at once, each with a stand-in for Home Assistant (its onboarding, its
WebSocket, fifty entities): the time until all are ready, and until 95 in a hundred were. The memory of the
server is looked at with one connected home and with all of them.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from provisioning.docker.seed import archive_of
from provisioning.driver import Endpoint, InstanceSpec
from provisioning.home_http import session_for_homes
from provisioning.onboarding import Onboarding
from storage.records import InstanceStatus, UserRecord
from tests.bench.figures import Figure, Listing, Results, median, number
from tests.bench.options import Options, Steps
from tests.bench.processes import running_server
from tests.real.conftest import RunningServer
from tests.real.docker_engine import DockerEngine, docker_engine, settings_for
from tests.real.home_assistant_image import IMAGE, make_image
from tests.real.provisioned import installer
from tests.real.stand_in_image import STAND_IN_IMAGE, make_stand_in_image, stand_in_command
from wyoming_central.application import Repositories

ROUNDS: Final = 3
USERS: Final = 101
PEER_PORT: Final = 8301
WITHIN_SECONDS: Final = 900.0
LOOK_SECONDS: Final = 0.05
MEBIBYTE: Final = 1 << 20
DOCKER_RUN: Final = "`docker run` until it answers, and its onboarding"

FIGURES: Final = (
    Figure("overhead_ratio", "x", DOCKER_RUN, "≤ 1.15"),
    Figure("hundred_users_s", "s", f"{USERS} stand-ins, two starting at once"),
    Figure("hundred_users_p95_s", "s", "the same, until 95 in a hundred were ready"),
    Figure("memory_per_instance_mb", "MiB", f"{USERS} connected homes of 50 entities", "≤ 2"),
)


@dataclass(frozen=True, slots=True)
class Many:
    """What adding many users at once came to.

    Attributes:
        seconds: Of each, from before the first was added until it was seen to be ready, in order.
        resident_before: Bytes of the server without a home.
        resident_of_one: With one connected home.
        resident_of_all: With all.
    """

    seconds: tuple[float, ...]
    resident_before: int
    resident_of_one: int
    resident_of_all: int


@dataclass
class KeptInMemory:
    """An account that nobody will ask for."""

    secrets: dict[str, str] = field(default_factory=dict)

    async def password(self) -> str | None:
        return self.secrets.get("password")

    async def set_password(self, password: str) -> None:
        self.secrets["password"] = password

    async def set_token(self, url: str, token: str) -> None:
        self.secrets[url] = token


async def measure(options: Options, steps: Steps) -> Results:
    """Measure one real instance several times, and then many at once."""
    rounds = options.rounds or ROUNDS
    steps.expect(2 * rounds + 2)
    ours, peers = [], []
    steps.begin("making the images")
    with docker_engine() as engine:
        installation = await installer().install(lambda _: None)
        make_image(engine, installation)
        make_stand_in_image(engine)
        steps.done()
        command = " ".join(installation.command(Path("/config")))
        with running_server(settings_for(engine, IMAGE, command)) as server:
            for _ in range(rounds):
                steps.begin("one instance of ours")
                ours.append(await _request_to_ready(server))
                steps.done()
                steps.begin("docker run")
                peers.append(await _docker_run(engine, command))
                steps.done()
        steps.begin(f"{USERS} users at once")
        with running_server(settings_for(engine, STAND_IN_IMAGE, stand_in_command())) as server:
            many = await _many(server)
        steps.done()
    return _results(ours, peers, many)


# One of ours, and one by hand.


async def _request_to_ready(server: RunningServer) -> float:
    """Seconds from the row that asks for an instance until it is ready; it is taken down afterwards."""
    async with server.stored() as stored:
        user = await _new_user(stored)
        began = time.perf_counter()
        await server.ask_for_instance(stored, user, driver="docker")
        async with asyncio.timeout(WITHIN_SECONDS):
            while (await stored.instances.get(user.id)).status is not InstanceStatus.READY:
                await asyncio.sleep(LOOK_SECONDS)
        seconds = time.perf_counter() - began
        await _take_down(stored, user)
    return seconds


async def _take_down(stored: Repositories, user: UserRecord) -> None:
    """Have the only instance removed, with its data."""
    await stored.instances.ask_removal(user.id, with_data=True)
    async with asyncio.timeout(WITHIN_SECONDS):
        while await stored.instances.list():
            await asyncio.sleep(LOOK_SECONDS)


async def _docker_run(engine: DockerEngine, command: str) -> float:
    """Seconds from `docker run` until Home Assistant answered and was onboarded; its volume is there."""
    async with _seeded_volume(engine, command) as volume, session_for_homes() as http:
        onboarding = Onboarding(http=http)
        endpoint = Endpoint.local(PEER_PORT)
        began = time.perf_counter()
        await asyncio.to_thread(
            engine.docker,
            *("run", "--detach", "--name", volume, "--memory", "512m", "--cpus", "0.5"),
            *("--publish", f"127.0.0.1:{PEER_PORT}:8123", "--volume", f"{volume}:/config"),
            *(IMAGE, *command.split()),
        )
        async with asyncio.timeout(WITHIN_SECONDS):
            while not await onboarding.answers(endpoint):
                await asyncio.sleep(LOOK_SECONDS)
            await onboarding.run(endpoint, KeptInMemory(), language="hu")
        return time.perf_counter() - began


@asynccontextmanager
async def _seeded_volume(engine: DockerEngine, command: str) -> AsyncIterator[str]:
    """A volume with the first files in it, and its name, which is free for a container too."""
    name = f"peer-{secrets.token_hex(4)}"
    files = archive_of(InstanceSpec("peer", name, PEER_PORT, "hu", "HU", "Europe/Budapest"), user=None)
    mounted = ("--name", f"{name}-seed", "--volume", f"{name}:/config")
    await asyncio.to_thread(engine.docker, "create", *mounted, IMAGE, *command.split())
    await asyncio.to_thread(engine.docker, "cp", "-", f"{name}-seed:/config", given=files)
    await asyncio.to_thread(engine.docker, "rm", f"{name}-seed")
    try:
        yield name
    finally:
        await asyncio.to_thread(engine.docker, "rm", "--force", name)
        await asyncio.to_thread(engine.docker, "volume", "rm", name)


# Many.


async def _many(server: RunningServer) -> Many:
    async with server.stored() as stored:
        before = _resident(server)
        first = await _new_user(stored)
        await server.ask_for_instance(stored, first, driver="docker")
        await _all_ready(stored, 1)
        of_one = _resident(server)
        await _take_down(stored, first)
        began = time.perf_counter()
        await asyncio.gather(*(_add(stored, server) for _ in range(USERS)))
        ready_at = await _all_ready(stored, USERS)
        return Many(tuple(sorted(at - began for at in ready_at)), before, of_one, _resident(server))


async def _add(stored: Repositories, server: RunningServer) -> None:
    await server.ask_for_instance(stored, await _new_user(stored), driver="docker")


async def _new_user(stored: Repositories) -> UserRecord:
    email = f"{secrets.token_hex(4)}@example.org"
    return await stored.users.add(email=email, password_hash="none", language="hu")


async def _all_ready(stored: Repositories, count: int) -> list[float]:
    """When each was seen to be ready, once all are.

    Raises:
        RuntimeError: One failed.
    """
    ready: dict[str, float] = {}
    async with asyncio.timeout(WITHIN_SECONDS):
        while len(ready) < count:
            for record in await stored.instances.list():
                if record.status is InstanceStatus.FAILED:
                    raise RuntimeError(f"an instance failed: {record.failure_detail}")
                if record.status is InstanceStatus.READY:
                    ready.setdefault(record.user_id, time.perf_counter())
            await asyncio.sleep(LOOK_SECONDS)
    return list(ready.values())


def _resident(server: RunningServer) -> int:
    if server.process is None:
        raise RuntimeError("the server does not run")
    return int(psutil.Process(server.process.pid).memory_info().rss)


# What is told.


def _results(ours: list[float], peers: list[float], many: Many) -> Results:
    at_95 = many.seconds[round(0.95 * (len(many.seconds) - 1))]
    per_instance = (many.resident_of_all - many.resident_of_one) / (USERS - 1) / MEBIBYTE
    return Results(
        {
            "overhead_ratio": median(ours) / median(peers),
            "hundred_users_s": many.seconds[-1],
            "hundred_users_p95_s": at_95,
            "memory_per_instance_mb": per_instance,
        },
        [
            Listing(
                "one real Home Assistant, seconds",
                ("", "median", "each"),
                [
                    ("ours, request to ready", number(median(ours)), _each(ours)),
                    (DOCKER_RUN, number(median(peers)), _each(peers)),
                ],
            ),
            Listing(
                "resident memory of the server, MiB",
                ("no home", "one", f"all {USERS}"),
                [
                    tuple(
                        number(size / MEBIBYTE)
                        for size in (many.resident_before, many.resident_of_one, many.resident_of_all)
                    )
                ],
            ),
        ],
    )


def _each(seconds: list[float]) -> str:
    return json.dumps([round(one, 1) for one in seconds])[1:-1]
