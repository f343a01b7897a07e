"""A real server with everybody that the corpus speaks of: the honest, the others, those who are no more."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil

from config.settings import Settings, ensure_secrets
from handlers.device_token import TokenKeys
from storage.migrate import upgrade
from storage.records import InstanceStatus
from tests.hostile.corpus import Case, DeviceSpec, Home, Measure, Speaker
from tests.hostile.home import hostile_home
from tests.hostile.log_tail import LogTail
from tests.hostile.tokens import OWN, TokenSpec, forged
from tests.real.conftest import RunningServer
from wyoming_central.application import Repositories
from wyoming_central.client import Client, connect

HONEST: Final = "honest"
_LIFETIME: Final = 86_400.0
_READY_WITHIN: Final = 60.0
_LEADS: Final = "leading"
_LOOK_SECONDS: Final = 0.1
_QUIET_LOOKS: Final = 5
_LISTENERS: Final[Mapping[Speaker, str]] = {Speaker.BOUND: "bound", Speaker.WRITER: "writers"}
# Addresses in which a case's number has two bytes, and the number of its address the one before.
_CASES_A_BYTE: Final = 250
# How long a call takes in a slow home.
_SLOW_SECONDS: Final = 0.3

_PLUMBING: Final[Mapping[str, str]] = {
    "LISTEN": "tcp://127.0.0.1:0,bound=tcp://127.0.0.1:0,writers=tcp://127.0.0.1:0",
    "LOG_FORMAT": "json",
}


@dataclass(frozen=True, slots=True)
class KnownDevice:
    """A device of the database, with its token."""

    id: str
    user_id: str
    token: str


class World:
    """A server that runs, and its people; made by `world`.

    Attributes:
        server: The process.
        honest: A connection of an honest device, open all the time.
        honest_id: That device.
    """

    def __init__(self, server: RunningServer, stored: Repositories, secrets: Sequence[str]) -> None:
        self.server = server
        self._stored = stored
        self._secret = secrets[0]
        self._keys = TokenKeys(secrets)
        self._users: dict[Home, str] = {}
        self._tokens: dict[str, str] = {}
        self._devices: dict[str, KnownDevice] = {}
        self._ready: dict[tuple[str, int], KnownDevice] = {}
        self._plays: Counter[str] = Counter()
        self._begun = 0
        self._guests = 0
        self.honest: Client
        self.honest_id = ""

    # What the corpus asks for.

    @property
    def process(self) -> psutil.Process:
        """The server's process.

        Raises:
            psutil.NoSuchProcess: It is no more.
        """
        assert self.server.process is not None
        return psutil.Process(self.server.process.pid)

    @property
    def alive(self) -> bool:
        """Whether the process that was started still runs."""
        return self.server.process is not None and self.server.process.poll() is None

    @property
    def resident_bytes(self) -> int:
        """The server's resident memory."""
        return int(self.process.memory_info().rss)

    def connections_from(self, addresses: Collection[str]) -> int:
        """How many connections with these addresses the server has open."""
        return sum(
            # It has no address at the other end where it listens.
            getattr(one.raddr, "ip", None) in addresses
            for one in self.process.net_connections("tcp")
        )

    @property
    def connections(self) -> int:
        """How many connections the server has open, the honest one among them."""
        return sum(
            bool(one.raddr) and one.laddr.port in self._ports for one in self.process.net_connections("tcp")
        )

    def tail(self) -> LogTail:
        """The server's log, from now on."""
        return LogTail(self.server.log_file)

    async def begin(self, case: Case) -> tuple[str, ...]:
        """Make ready for a case; gives the addresses that its peers come from.

        Addresses and device are new each time: what the server has counted for them concerns no other case,
        and no earlier playing of this one.
        """
        self._plays[case.name] += 1
        if case.needs_device:
            self._devices[case.name] = await self._device_for_play(case, self._plays[case.name])
        high, low = divmod(self._begun, _CASES_A_BYTE)
        self._begun += 1
        return tuple(f"127.{which}.{high}.{low + 2}" for which in range(1, case.addresses + 1))

    def listener_of(self, speaker: Speaker) -> tuple[str, int]:
        """Where such a peer connects."""
        return self._listeners[_LISTENERS.get(speaker, "default")]

    def token_of(self, case: Case) -> str:
        """The token of the case's device."""
        return self._devices[case.name].token

    async def short_token_of(self, case: Case, lifetime: float) -> tuple[str, float]:
        """A new token for the case's device that is valid for `lifetime` seconds; and when it ends."""
        device = self._devices[case.name]
        token, expires_at = await self._new_token(device.id, lifetime)
        self._devices[case.name] = replace(device, token=token)
        return token, expires_at

    def forge(self, spec: TokenSpec, case: Case) -> str:
        """A token as a case describes it."""
        good = self._devices[case.name].token if spec.of == OWN else self._tokens[spec.of]
        return forged(spec, good, self._secret)

    async def take(self, measure: Measure, case: Case) -> None:
        """Do to the case's device what an administrator would do, in another process."""
        device = self._devices[case.name]
        match measure:
            case Measure.REVOKE:
                await self._stored.devices.revoke(device.id)
            case Measure.ROTATE:
                token, _ = await self._new_token(device.id, _LIFETIME)
                self._devices[case.name] = replace(device, token=token)
            case Measure.REMOVE_USER:
                await self._stored.users.remove(device.user_id)

    async def honest_token(self) -> str:
        """A token for another honest device."""
        self._guests += 1
        guest = DeviceSpec(f"Guest {self._guests}")
        return (await self._add_device(self._users[Home.NONE], guest)).token

    # Putting it together.

    async def settle(self, cases: Iterable[Case], *, plays: int) -> None:
        """Put everybody into the database whom so many playings need; before the server starts."""
        self._users[Home.NONE] = await self._add_user("mallory@example.org")
        honest = await self._add_device(await self._add_user("anna@example.org"), DeviceSpec("Kitchen"))
        self.honest_id, self._tokens[HONEST] = honest.id, honest.token
        for name in ("revoked", "replaced"):
            device = await self._add_device(self._users[Home.NONE], DeviceSpec(name))
            self._tokens[name] = device.token
            if name == "revoked":
                await self._stored.devices.revoke(device.id)
            else:
                await self._new_token(device.id, _LIFETIME)
        removed = await self._add_device(await self._add_user("gone@example.org"), DeviceSpec("Gone"))
        self._tokens["removed"] = removed.token
        await self._stored.users.remove(removed.user_id)
        self._tokens["nobody"] = self._keys.mint("0" * 32, now=time.time(), lifetime_seconds=_LIFETIME).text
        for speaker, listener in _LISTENERS.items():
            bound = await self._add_device(self._users[Home.NONE], DeviceSpec(listener))
            await self._stored.bindings.add(
                device_id=bound.id,
                listener=listener,
                network="127.0.0.0/8",
                write_only=speaker is Speaker.WRITER,
            )
        for case in cases:
            for play in range(1, plays + 1):
                if case.needs_device:
                    self._ready[case.name, play] = await self._add_case_device(case, play)

    async def furnish(self, home: Home, *, url: str, token: str) -> None:
        """Give one of the corpus' users a Home Assistant; before anybody is settled."""
        user_id = self._users[home] = await self._add_user(f"{home}@example.org")
        await self._stored.users.set_home(user_id, url=url, token=token)
        await self._stored.instances.request_external(
            user_id=user_id, timezone="Europe/Budapest", language="en", country="HU"
        )

    async def start(self) -> None:
        """Start the server; wait until it has said what it says at a start, found every home, and rests."""
        await asyncio.to_thread(self.server.start)
        self._listeners = {name: self._listener(name) for name in ("default", *_LISTENERS.values())}
        self._ports = {port for _, port in self._listeners.values()}
        async with asyncio.timeout(_READY_WITHIN):
            while not any(_LEADS in line["event"] for line in self.server.log()):
                await asyncio.sleep(0.05)
            for home, user_id in self._users.items():
                while home is not Home.NONE and not await self._is_ready(user_id):
                    await asyncio.sleep(0.05)
            await self._until_at_rest()

    @property
    def listener(self) -> tuple[str, int]:
        """Where honest devices connect."""
        return self._listeners["default"]

    async def welcome(self, honest: Client) -> None:
        """Let the honest device in."""
        self.honest = honest
        await honest.authenticate(self._tokens[HONEST])

    async def _until_at_rest(self) -> None:
        """Until the server has warmed up, which it says nowhere: until it does next to nothing."""
        quiet, before = 0, sum(self.process.cpu_times()[:2])
        while quiet < _QUIET_LOOKS:
            await asyncio.sleep(_LOOK_SECONDS)
            now = sum(self.process.cpu_times()[:2])
            quiet = quiet + 1 if now - before < _LOOK_SECONDS / 4 else 0
            before = now

    async def _is_ready(self, user_id: str) -> bool:
        return (await self._stored.instances.get(user_id)).status is InstanceStatus.READY

    def _listener(self, name: str) -> tuple[str, int]:
        host, _, port = self.server.uri(name).removeprefix("tcp://").rpartition(":")
        return host, int(port)

    async def _device_for_play(self, case: Case, play: int) -> KnownDevice:
        ready = self._ready.pop((case.name, play), None)
        return ready or await self._add_case_device(case, play)

    async def _add_case_device(self, case: Case, play: int) -> KnownDevice:
        spec = case.device
        if play > 1:
            spec = replace(spec, name=f"{play} {spec.name}"[:100].strip())
        return await self._add_device(await self._owner_of(case), spec)

    async def _owner_of(self, case: Case) -> str:
        taken = {step for act in case.acts for step in act.steps if isinstance(step, Measure)}
        if Measure.REMOVE_USER in taken:
            self._guests += 1
            return await self._add_user(f"guest-{self._guests}@example.org")
        return self._users[case.home]

    async def _add_user(self, email: str) -> str:
        return (await self._stored.users.add(email=email, password_hash="none", language="en")).id

    async def _add_device(self, user_id: str, spec: DeviceSpec) -> KnownDevice:
        device = await self._stored.devices.add(
            user_id=user_id, name=spec.name, area=spec.area, language=spec.language
        )
        token, _ = await self._new_token(device.id, _LIFETIME)
        return KnownDevice(device.id, user_id, token)

    async def _new_token(self, device_id: str, lifetime: float) -> tuple[str, float]:
        token = self._keys.mint(device_id, now=time.time(), lifetime_seconds=lifetime)
        expires_at = datetime.fromtimestamp(token.expires_at, UTC)
        await self._stored.devices.set_token(device_id, token_id=token.token_id, expires_at=expires_at)
        return token.text, token.expires_at


@asynccontextmanager
async def world(
    folder: Path, settings: Mapping[str, str], cases: Sequence[Case], *, plays: int = 1
) -> AsyncIterator[World]:
    """A server with these settings on a data folder of its own, for the length of the block.

    Args:
        folder: Made for it.
        settings: From the environment.
        cases: Those that are to be played.
        plays: How often; more than that are slower to begin.
    """
    server = RunningServer(folder, {**_PLUMBING, **settings})
    folder.mkdir(parents=True, exist_ok=True)
    secrets = ensure_secrets(Settings(data_dir=folder)).jwt_secrets
    await upgrade(f"sqlite+aiosqlite:///{folder / 'wyoming-central.db'}", backup_dir=None)
    async with AsyncExitStack() as stack:
        stored = await stack.enter_async_context(server.stored())
        one = World(server, stored, secrets)
        for home in {case.home for case in cases} - {Home.NONE}:
            standing_in = await stack.enter_async_context(hostile_home())
            standing_in.delay = _SLOW_SECONDS if home is Home.SLOW else 0.0
            await one.furnish(home, url=standing_in.url, token=standing_in.token)
        await one.settle(cases, plays=plays)
        stack.push_async_callback(_stop, server)
        await one.start()
        async with connect("tcp://{}:{}".format(*one.listener)) as honest:
            await one.welcome(honest)
            yield one


async def _stop(server: RunningServer) -> None:
    if server.process is not None and server.process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            await asyncio.to_thread(server.stop)
