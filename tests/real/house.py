"""A real Home Assistant of a test's own: started, onboarded, lived in, ended."""

from __future__ import annotations

import asyncio
import os
import signal
import socket as sockets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from config.settings import load_settings
from provisioning.driver import Endpoint, InstanceSpec
from provisioning.home.follow import FollowTimes
from provisioning.home.live import HomeTimes, LiveHome
from provisioning.home.socket import HomeAssistantSocket
from provisioning.onboarding import Onboarding
from provisioning.process.driver import ProcessDriver
from provisioning.process.installation import Installer

TIMES: Final = HomeTimes(first_delay=0.05, longest_delay=0.5, follow=FollowTimes(heartbeat=0.3))

DEMONSTRATION: Final = """
frontend:
config:
conversation:
demo:
logger:
  default: warning
"""
"""What a house is configured with for Home Assistant's demonstration things to be in it."""


@dataclass
class Account:
    """The secrets of the instance, in memory."""

    token: str = ""
    secret: str | None = field(default=None, repr=False)

    async def password(self) -> str | None:
        return self.secret

    async def set_password(self, password: str) -> None:
        self.secret = password

    async def set_token(self, url: str, token: str) -> None:
        del url
        self.token = token


@dataclass
class House:
    """A Home Assistant that a test may end and start again."""

    driver: ProcessDriver
    spec: InstanceSpec
    http: aiohttp.ClientSession
    endpoint: Endpoint
    token: str = field(default="", repr=False)

    async def start(self) -> None:
        self.endpoint = await self.driver.start(self.spec)
        await eventually(lambda: Onboarding(http=self.http).answers(self.endpoint), within=120)

    async def stop(self) -> None:
        await self.driver.stop(self.spec.name, within=20)

    def kill(self) -> None:
        os.kill(self.driver._children[self.spec.name].pid, signal.SIGKILL)

    @asynccontextmanager
    async def living(self, token: str | None = None) -> AsyncIterator[LiveHome]:
        home = LiveHome(
            user_id="u", url=self.endpoint.url, token=token or self.token, http=self.http, times=TIMES
        )
        running = asyncio.create_task(home.run())
        try:
            await home.wait_ready(60)
            yield home
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    @asynccontextmanager
    async def admin(self) -> AsyncIterator[HomeAssistantSocket]:
        """A connection beside the home's: somebody who changes things in Home Assistant."""
        async with HomeAssistantSocket.connect(
            self.endpoint.url, self.token, http=self.http, within=10
        ) as socket:
            yield socket


@asynccontextmanager
async def started_house(
    folder: Path, name: str, configuration: str, *, language: str = "hu"
) -> AsyncIterator[House]:
    """A house with this configuration, onboarded in this language; gone when the context is left."""
    settings = load_settings()
    python = str(settings.ha_python) if settings.ha_python else None
    driver = ProcessDriver(
        data_dir=folder, installer=Installer(folder=settings.cache_dir / "home-assistant", python=python)
    )
    spec = InstanceSpec(
        user_id="u",
        name=name,
        host_port=free_port(),
        language=language,
        country="HU",
        time_zone="Europe/Budapest",
        config_yaml=configuration,
    )
    async with aiohttp.ClientSession() as http:
        await driver.prepare(lambda _progress: None)
        house = House(driver, spec, http, Endpoint(""))
        try:
            await house.start()
            house.token = await Onboarding(http=http).run(house.endpoint, Account(), language=language)
            yield house
        finally:
            await house.stop()
            await driver.close()


async def eventually(holds: Callable[[], Any], *, within: float = 5) -> None:
    """Wait until something holds, or comes true when awaited."""
    async with asyncio.timeout(within):
        while True:
            answer = holds()
            if await answer if asyncio.iscoroutine(answer) else answer:
                return
            await asyncio.sleep(0.01)


def free_port() -> int:
    """A port that nobody listens on."""
    with sockets.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
