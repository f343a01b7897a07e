"""A user's home as it is now: connected, mirrored, followed, and found again when it was lost."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final

import aiohttp
import structlog

from provisioning.errors import (
    HomeError,
    HomeTimeoutError,
    HomeUnauthorizedError,
    HomeUnreachableError,
)
from provisioning.home.follow import Follower, FollowTimes
from provisioning.home.mirror import Mirror, StateChanges
from provisioning.home.registry import EntityState, HomePicture
from provisioning.home.socket import HomeAssistantSocket

_logger = structlog.get_logger(__name__)

_revisions: Final = itertools.count(1)
"""Registry revisions: one sequence for all homes of the process, so that no two share one."""


_CHANGING: Final = "its address or token is being changed"


class HomeStatus(StrEnum):
    """How a home is.

    `missing`, `stopped` and `failed` are said of instances that have no live home; a `LiveHome` itself is:

    - `connecting`: it has not been reached yet;
    - `starting`: Home Assistant answers and is mirrored, but has not finished starting;
    - `live`: mirrored and followed;
    - `stale`: the connection was lost or Home Assistant stopped answering; the picture is the last one;
    - `down`: nobody answers at its address; the picture, if there is one, is the last one;
    - `unauthorized`: Home Assistant refuses the token.
    """

    MISSING = "missing"
    STARTING = "starting"
    CONNECTING = "connecting"
    LIVE = "live"
    STALE = "stale"
    DOWN = "down"
    STOPPED = "stopped"
    FAILED = "failed"
    UNAUTHORIZED = "unauthorized"


@dataclass(frozen=True, slots=True)
class HomeTimes:
    """How long things may take with a home, in seconds.

    Attributes:
        connect: For connecting and authenticating.
        first_delay: Before the first attempt to reconnect, at most; each further one waits up to twice as
            long as the one before (full jitter, so that a hundred homes do not come back at once).
        longest_delay: The most that an attempt waits.
        unauthorized_delay: Between attempts while the token is refused. Home Assistant logs every refusal.
        follow: Those of mirroring and following.
    """

    connect: float = 10.0
    first_delay: float = 0.25
    longest_delay: float = 15.0
    unauthorized_delay: float = 60.0
    follow: FollowTimes = field(default_factory=FollowTimes)


_DEFAULT_TIMES: Final = HomeTimes()


class LiveHome:
    """One user's home, mirrored over one WebSocket for as long as `run` runs.

    Args:
        user_id: Whose home it is; for the log.
        url: Home Assistant's base address.
        token: Its access token.
        http: Session to connect with.
        random: Source of the jitter between attempts.
        clock: Monotonic seconds.
        times: Deadlines and intervals.
    """

    def __init__(
        self,
        *,
        user_id: str,
        url: str,
        token: str,
        http: aiohttp.ClientSession,
        random: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        times: HomeTimes = _DEFAULT_TIMES,
    ) -> None:
        self.user_id = user_id
        self._url = url
        self._token = token
        self._http = http
        self._random = random or Random()
        self._clock = clock
        self._times = times
        self._mirror = Mirror()
        self._socket: HomeAssistantSocket | None = None
        self._status = HomeStatus.CONNECTING
        self._reason = "Home Assistant has not been reached yet"
        self._picture: HomePicture | None = None
        self._status_changed = asyncio.Event()
        self._address_changed = asyncio.Event()
        self._waiting: dict[str, list[Callable[[EntityState | None], None]]] = {}
        self._registry_listeners: list[Callable[[HomePicture], None]] = []
        self._unauthorized_listeners: list[Callable[[], None]] = []
        self.version: str | None = None

    @property
    def status(self) -> HomeStatus:
        """How the home is now."""
        return self._status

    @property
    def reason(self) -> str | None:
        """Why it is not live, one line without secrets; None while it is."""
        return None if self._status is HomeStatus.LIVE else self._reason

    @property
    def picture(self) -> HomePicture | None:
        """The last complete picture, or None as long as there has been none."""
        return self._picture

    def on_registry_change(self, listener: Callable[[HomePicture], None]) -> Callable[[], None]:
        """Have `listener` called, on the event loop, whenever the registry's revision is a new one.

        Returns:
            A function that ends it.
        """
        self._registry_listeners.append(listener)
        return lambda: self._registry_listeners.remove(listener)

    def on_unauthorized(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Have `listener` called, on the event loop, whenever the token turns out to be refused.

        Returns:
            A function that ends it.
        """
        self._unauthorized_listeners.append(listener)
        return lambda: self._unauthorized_listeners.remove(listener)

    def use(self, *, url: str | None = None, token: str | None = None) -> None:
        """Connect anew with another address or token, at once; the picture stays until it is replaced."""
        self._url = url or self._url
        self._token = token or self._token
        self._address_changed.set()
        if self._status is HomeStatus.UNAUTHORIZED:
            # That was said of the token before; whoever waits from here on waits for the new one.
            self._turn(HomeStatus.STALE if self._picture else HomeStatus.CONNECTING, _CHANGING)

    async def run(self) -> None:
        """Connect, mirror, follow and reconnect until cancelled; raises for no trouble of the connection."""
        attempt = 0
        try:
            while True:
                self._address_changed.clear()
                started = self._clock()
                reached = await self._live_until_lost()
                # One that drops us again and again is left alone longer and longer, reached or not.
                if reached and self._clock() - started > self._times.longest_delay:
                    attempt = 0
                await self._pause(attempt)
                attempt += 1
        finally:
            self._turn(HomeStatus.DOWN, "the server has let go of this home")

    async def wait_ready(self, within: float) -> None:
        """Wait until the home is live.

        Raises:
            HomeUnauthorizedError: The token is refused.
            HomeTimeoutError: It is not live within so many seconds; the message says how it is instead.
        """
        try:
            async with asyncio.timeout(within):
                while self._status is not HomeStatus.LIVE:
                    if self._status is HomeStatus.UNAUTHORIZED:
                        raise HomeUnauthorizedError(self._reason)
                    await self._next_status()
        except TimeoutError:
            message = f"the home is still {self._status} after {within:g} s: {self._reason}"
            raise HomeTimeoutError(message) from None

    async def call_service(
        self,
        domain: str,
        service: str,
        entity_ids: Sequence[str],
        data: Mapping[str, Any] | None = None,
        *,
        within: float,
    ) -> None:
        """Call a service and wait for Home Assistant's result.

        A connection that was lost a moment ago is waited for; a call that was sent is never sent again.

        Args:
            domain: Of the service.
            service: Its name.
            entity_ids: Its targets; none for a service that has none.
            data: Its further fields; JSON values.
            within: Seconds for all of it.

        Raises:
            HomeUnreachableError: There is no connection, or it was lost before the result; then the call may
                have been carried out.
            HomeTimeoutError: No result in time; the call may have been carried out.
            HomeUnauthorizedError: The token is refused.
            ServiceCallError: Home Assistant refused it or failed in it.
        """
        deadline = self._clock() + within
        socket = await self._connected(within)
        fields: dict[str, Any] = {"domain": domain, "service": service, "service_data": dict(data or {})}
        if entity_ids:
            fields["target"] = {"entity_id": list(entity_ids)}
        await socket.command("call_service", within=max(0.0, deadline - self._clock()), **fields)

    async def wait_until(
        self, entity_id: str, accept: Callable[[EntityState], bool], *, within: float
    ) -> bool:
        """Wait for a state.

        Args:
            entity_id: Whose state.
            accept: Whether a state is the one waited for; asked at once, then at every change.
            within: Seconds.

        Returns:
            True as soon as it is accepted; False if it was not in time, or the entity is gone.
        """
        state = self._mirror.states.get(entity_id)
        if state is None or accept(state):
            return state is not None
        settled: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def look(changed: EntityState | None) -> None:
            if not settled.done() and (changed is None or accept(changed)):
                settled.set_result(changed is not None)

        watchers = self._waiting.setdefault(entity_id, [])
        watchers.append(look)
        try:
            async with asyncio.timeout(within):
                return await settled
        except TimeoutError:
            return False
        finally:
            watchers.remove(look)
            if not watchers:
                self._waiting.pop(entity_id, None)

    # The connection.

    async def _live_until_lost(self) -> bool:
        """Connect and follow until the connection is lost; says whether the home was reached at all."""
        reached = False
        try:
            async with HomeAssistantSocket.connect(
                self._url, self._token, http=self._http, within=self._times.connect
            ) as socket:
                follower = Follower(
                    socket,
                    self._mirror,
                    user_id=self.user_id,
                    times=self._times.follow,
                    on_states=self._take_states,
                    on_composed=self._publish,
                )
                await follower.fetch()
                reached = True
                self.version = socket.version
                self._socket = socket
                self._publish()
                await self._follow(follower)
        except HomeUnauthorizedError as error:
            self._turn(HomeStatus.UNAUTHORIZED, error.message)
        except HomeTimeoutError as error:
            self._turn(HomeStatus.STALE if self._picture else HomeStatus.DOWN, error.message)
        except HomeError as error:
            self._turn(HomeStatus.STALE if reached else HomeStatus.DOWN, error.message)
        except (
            Exception
        ) as error:  # one home's trouble, foreseen or not, is nobody else's: it is logged and tried again
            _logger.exception("home_failed_unexpectedly", user_id=self.user_id)
            self._turn(HomeStatus.DOWN, f"unexpected {type(error).__name__}")
        finally:
            self._socket = None
        return reached

    async def _follow(self, follower: Follower) -> None:
        """Follow until the connection is lost, or another address or token is to be used."""
        following = asyncio.ensure_future(follower.follow())
        changing = asyncio.ensure_future(self._address_changed.wait())
        try:
            await asyncio.wait((following, changing), return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
            self._turn(HomeStatus.STALE, _CHANGING)
        finally:
            for task in (following, changing):
                task.cancel()
            await asyncio.gather(following, changing, return_exceptions=True)

    async def _pause(self, attempt: int) -> None:
        """Wait before the next attempt; `use` ends the waiting."""
        times = self._times
        longest = min(times.longest_delay, times.first_delay * 2 ** min(attempt, 16))
        delay = longest * self._random.random()
        if self._status is HomeStatus.UNAUTHORIZED:
            delay += times.unauthorized_delay
        try:
            async with asyncio.timeout(delay):
                await self._address_changed.wait()
        except TimeoutError:
            pass

    async def _connected(self, within: float) -> HomeAssistantSocket:
        """Give the connection, waiting for it where it was lost a moment ago."""
        if self._socket is not None and self._socket.connected:
            return self._socket
        try:
            async with asyncio.timeout(within):
                while self._socket is None or not self._socket.connected:
                    if self._status is HomeStatus.UNAUTHORIZED:
                        raise HomeUnauthorizedError(self._reason)
                    if self._status is HomeStatus.DOWN:
                        raise HomeUnreachableError(self._reason)
                    await self._next_status()
                return self._socket
        except TimeoutError:
            raise HomeTimeoutError(self._reason) from None

    async def _next_status(self) -> None:
        await self._status_changed.wait()

    # What the follower tells.

    def _take_states(self, changes: StateChanges) -> None:
        if not self._waiting:
            return
        for identifier in changes.changed | changes.removed:
            for look in tuple(self._waiting.get(identifier, ())):
                look(self._mirror.states.get(identifier))

    def _publish(self) -> None:
        """Make the mirror's registry the picture if it differs, and the status what Home Assistant says."""
        before = self._picture
        if self._mirror.differs_from(before.registry if before else None):
            registry = self._mirror.registry(f"r{next(_revisions)}", home=self.user_id)
            self._picture = HomePicture(registry, self._mirror.states)
            for listener in tuple(self._registry_listeners):
                _call(listener, self._picture)
        if self._socket is not None:
            if self._mirror.config.running:
                self._turn(HomeStatus.LIVE, "")
            else:
                self._turn(HomeStatus.STARTING, "Home Assistant has not finished starting")

    def _turn(self, status: HomeStatus, reason: str) -> None:
        self._reason = reason
        if status is self._status:
            return
        _logger.info("home_status", user_id=self.user_id, status=status, before=self._status, reason=reason)
        self._status = status
        changed, self._status_changed = self._status_changed, asyncio.Event()
        changed.set()
        if status is HomeStatus.UNAUTHORIZED:
            for listener in tuple(self._unauthorized_listeners):
                _call(listener)


def _call(listener: Callable[..., None], *arguments: Any) -> None:
    try:
        listener(*arguments)
    except Exception:  # a listener's mistake must not cost the home, and must be seen
        _logger.exception("home_listener_failed")
