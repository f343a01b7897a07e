"""Drivers that are slow, never get ready, die, or fail; and an onboarding and a home to go with them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from provisioning.driver import (
    Condition,
    DriverEvent,
    Endpoint,
    EventKind,
    InstanceSpec,
    Observation,
    Progress,
    ProgressListener,
)
from provisioning.errors import FailureReason, HomeTimeoutError, HomeUnauthorizedError, InstanceError
from provisioning.home.live import HomeStatus
from provisioning.onboarding import OwnerAccount
from provisioning.process.installation import Installation

STAND_IN_HASS = Path(__file__).with_name("stand_in_hass.py")


@dataclass
class Engine:
    """What runs outside of the server, and survives it: shared by a driver and the one after a restart."""

    seen: dict[str, Observation] = field(default_factory=dict)
    started: list[InstanceSpec] = field(default_factory=list)
    data: set[str] = field(default_factory=set)
    put_aside: list[str] = field(default_factory=list)
    emptied: int = 0
    ports_of_others: set[int] = field(default_factory=set)
    starting: int = 0
    most_starting: int = 0


class StandInDriver:
    """A driver that does everything right, in memory, at once."""

    kind = "stand-in"
    onboards = True
    ends_with_server = True
    enforces_limits = False

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine or Engine()
        self.prepared = 0
        self._events: asyncio.Queue[DriverEvent] = asyncio.Queue()
        self._ids = 0

    async def prepare(self, report: ProgressListener) -> None:
        self.prepared += 1
        report(Progress("stand-in", 100))

    async def observe(self, names: Sequence[str] | None = None) -> Mapping[str, Observation]:
        if names is None:
            return dict(self.engine.seen)
        return {name: self.engine.seen.get(name, Observation(name, Condition.ABSENT)) for name in names}

    async def start(self, spec: InstanceSpec) -> Endpoint:
        seen = self.engine.seen.get(spec.name)
        if seen is not None and seen.condition is Condition.RUNNING and seen.endpoint is not None:
            return seen.endpoint
        if spec.host_port in self.engine.ports_of_others:
            raise InstanceError(FailureReason.PORT_TAKEN, f"another program uses port {spec.host_port}")
        self._ids += 1
        endpoint = Endpoint(f"http://127.0.0.1:{spec.host_port}")
        self.engine.started.append(spec)
        self.engine.data.add(spec.name)
        self.engine.seen[spec.name] = Observation(
            spec.name,
            Condition.RUNNING,
            endpoint=endpoint,
            listening=True,
            fingerprint=spec.fingerprint(),
            container_id=f"{id(self)}-{self._ids}",
            version="2026.11.0",
        )
        return endpoint

    async def adjust(self, spec: InstanceSpec) -> None:
        pass

    async def stop(self, name: str, *, within: float) -> None:
        if name in self.engine.seen:
            self.engine.seen[name] = Observation(name, Condition.STOPPED)

    async def remove(self, name: str, *, keep_data: bool) -> None:
        self.engine.seen.pop(name, None)
        if name in self.engine.data:
            self.engine.data.discard(name)
            if keep_data:
                self.engine.put_aside.append(name)
            else:
                self.engine.emptied += 1

    async def events(self) -> AsyncIterator[DriverEvent]:
        while True:
            yield await self._events.get()

    async def logs(self, name: str, *, tail: int) -> list[str]:
        return [f"{name} said something"][:tail]

    async def close(self) -> None:
        pass

    def die(self, name: str, **how: object) -> None:
        """End an instance behind the server's back."""
        ended = Observation(name, Condition.STOPPED, ended="it was struck by lightning")
        self.engine.seen[name] = replace(ended, **how)  # type: ignore[arg-type]
        self._events.put_nowait(DriverEvent(EventKind.ENDED, name))

    def tell(self, name: str) -> None:
        """Say that something about an instance has changed."""
        self._events.put_nowait(DriverEvent(EventKind.CHANGED, name))


class ForeignDriver(StandInDriver):
    """Instances that their users run and bring the token of, as with `ExternalDriver`."""

    onboards = False
    ends_with_server = False


class SlowDriver(StandInDriver):
    """Starts only when it is let; counts how many wait for that at once."""

    def __init__(self, engine: Engine | None = None) -> None:
        super().__init__(engine)
        self.may_start = asyncio.Semaphore(0)
        self.waiting = asyncio.Event()

    async def start(self, spec: InstanceSpec) -> Endpoint:
        self.engine.starting += 1
        self.engine.most_starting = max(self.engine.most_starting, self.engine.starting)
        self.waiting.set()
        try:
            await self.may_start.acquire()
            return await super().start(spec)
        finally:
            self.engine.starting -= 1


class NeverReadyDriver(StandInDriver):
    """Runs, and never listens."""

    async def start(self, spec: InstanceSpec) -> Endpoint:
        endpoint = await super().start(spec)
        self.engine.seen[spec.name] = replace(self.engine.seen[spec.name], listening=False)
        return endpoint


class DyingDriver(StandInDriver):
    """Dies as soon as it is started, so many times."""

    def __init__(self, engine: Engine | None = None, *, times: int = 1) -> None:
        super().__init__(engine)
        self.times = times

    async def start(self, spec: InstanceSpec) -> Endpoint:
        endpoint = await super().start(spec)
        if self.times > 0:
            self.times -= 1
            self.die(spec.name)
        return endpoint


class FailingDriver(StandInDriver):
    """Refuses to start with these errors, one after the other, and works when there are none left."""

    def __init__(self, engine: Engine | None = None, *, errors: Sequence[Exception] = ()) -> None:
        super().__init__(engine)
        self.errors = list(errors)
        self.attempts = 0

    async def start(self, spec: InstanceSpec) -> Endpoint:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)
        return await super().start(spec)


class StandInOnboarding:
    """Makes tokens out of nothing; refuses with these errors first."""

    def __init__(self) -> None:
        self.errors: list[InstanceError] = []
        self.runs: list[tuple[str, str]] = []
        self.renewals: list[str] = []
        self.deaf: set[str] = set()
        self.meanwhile: list[Callable[[], None]] = []

    async def answers(self, endpoint: Endpoint) -> bool:
        return endpoint.url not in self.deaf

    async def run(self, endpoint: Endpoint, account: OwnerAccount, *, language: str) -> str:
        if self.errors:
            raise self.errors.pop(0)
        self.runs.append((endpoint.url, language))
        if self.meanwhile:
            self.meanwhile.pop(0)()
            await asyncio.get_running_loop().create_future()
        if await account.password() is None:
            await account.set_password("a generated password")
        return await self._store(endpoint, account)

    async def renew(self, endpoint: Endpoint, account: OwnerAccount, token: str) -> str:
        self.renewals.append(token)
        return await self._store(endpoint, account)

    async def _store(self, endpoint: Endpoint, account: OwnerAccount) -> str:
        token = f"token-{len(self.runs) + len(self.renewals)}"
        await account.set_token(endpoint.url, token)
        return token


class StandInHome:
    """A home that is live as soon as it runs, unless its token is refused or it is told otherwise."""

    refused: set[str]
    version = "2026.11.0"

    def __init__(self, user_id: str, url: str, token: str, refused: set[str]) -> None:
        self.user_id = user_id
        self.url = url
        self.token = token
        self.refused = refused
        self.status = HomeStatus.CONNECTING
        self.runs = False
        self._on_unauthorized: list[Callable[[], None]] = []

    def on_unauthorized(self, listener: Callable[[], None]) -> Callable[[], None]:
        self._on_unauthorized.append(listener)
        return lambda: None

    def use(self, *, url: str | None = None, token: str | None = None) -> None:
        self.url, self.token = url or self.url, token or self.token

    async def run(self) -> None:
        self.runs = True
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.runs = False

    async def wait_ready(self, within: float) -> None:
        if self.token in self.refused:
            self.status = HomeStatus.UNAUTHORIZED
            raise HomeUnauthorizedError("Home Assistant refuses the token")
        if self.status is HomeStatus.DOWN:
            raise HomeTimeoutError("the home is still down")
        self.status = HomeStatus.LIVE

    def refuse(self) -> None:
        """Home Assistant takes the token back."""
        self.refused.add(self.token)
        self.status = HomeStatus.UNAUTHORIZED
        for listener in self._on_unauthorized:
            listener()


class StandInInstallation(Installation):
    """Runs `stand_in_hass.py` where Home Assistant would run."""

    __slots__ = ()

    def command(self, config_folder: Path) -> list[str]:
        return [str(self.python), "-I", str(STAND_IN_HASS), "-c", str(config_folder)]


class StandInInstaller:
    """Has it installed at once."""

    async def install(self, report: ProgressListener) -> Installation:
        report(Progress("stand-in", 100))
        return StandInInstallation(Path(sys.executable), "2025.4.4")
