"""The conversation on one connection: fetch everything, then follow what changes.

States come by `subscribe_entities`, as Home Assistant's own front end has them: the first event is all there
is, each later one only the difference, so that a home that floods costs half of what `state_changed` would,
and nothing can happen between a snapshot and its subscription.

Registries are fetched again by their own events, and only what the event names. Exposure has an event where
the entity has a registry entry (`entity_registry_updated` with its options); for entities without a unique id
Home Assistant tells nobody, so a home that has such entities is asked at every heartbeat.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import islice
from typing import Any, Final

import structlog

from provisioning.errors import HomeTimeoutError, HomeUnreachableError, ServiceCallError
from provisioning.home.mirror import Mirror, StateChanges
from provisioning.home.parse import (
    parse_areas,
    parse_config,
    parse_devices,
    parse_entries,
    parse_exposure,
    parse_floors,
)
from provisioning.home.socket import HomeAssistantSocket

ENTRIES_AT_ONCE: Final = 500
"""Entities asked for in one `config/entity_registry/get_entries`: about 400 KiB of answer."""

ENTITIES_A_SLICE: Final = 250
"""Entities composed before others have their turn: about a millisecond."""

REST_FACTOR: Final = 9
"""After bringing the registry up to date, so many times the time it cost us passes before the next time."""

MAX_EARLY_EVENTS: Final = 10_000
"""State events kept while the first one is being worked in; one that sends more is tried again later."""

LONGEST_REST_SECONDS: Final = 2.0
"""However much it cost, nobody waits longer than this to be called by a new name."""

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FollowTimes:
    """How long things may take while following a home, in seconds.

    Attributes:
        command: For each of Home Assistant's answers while mirroring.
        heartbeat: Between two pings.
        pong: For the answer to a ping; without one the connection counts as lost.
        gather: From the first registry event until it is acted upon, so that several are one.
    """

    command: float = 10.0
    heartbeat: float = 15.0
    pong: float = 10.0
    gather: float = 0.03


class _Part(Enum):
    CONFIG = auto()
    FLOORS = auto()
    AREAS = auto()
    DEVICES = auto()
    EXPOSURE = auto()


_PART_OF_EVENT: Final = {
    "core_config_updated": _Part.CONFIG,
    "homeassistant_started": _Part.CONFIG,
    "floor_registry_updated": _Part.FLOORS,
    "area_registry_updated": _Part.AREAS,
    "device_registry_updated": _Part.DEVICES,
}


@dataclass(slots=True)
class _Outdated:
    """What has to be fetched or composed again."""

    parts: set[_Part] = field(default_factory=set)
    entries: set[str] = field(default_factory=set)
    entities: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.parts or self.entries or self.entities)


class Follower:
    """Keeps a mirror up to date over one connection.

    Args:
        socket: The connection.
        mirror: What is kept up to date; may hold what was known before the connection.
        user_id: For the log.
        times: Deadlines and intervals.
        on_states: Called with what every state event changed.
        on_composed: Called when the mirror's registry is complete and may have changed.
    """

    def __init__(
        self,
        socket: HomeAssistantSocket,
        mirror: Mirror,
        *,
        user_id: str,
        times: FollowTimes,
        on_states: Callable[[StateChanges], None],
        on_composed: Callable[[], None],
    ) -> None:
        self._socket = socket
        self._mirror = mirror
        self._times = times
        self._on_states = on_states
        self._on_composed = on_composed
        self._logger = _logger.bind(user_id=user_id)
        self._outdated = _Outdated(parts=set(_Part))
        self._wake = asyncio.Event()
        self._early: deque[Any] | None = deque()
        self._arrived = asyncio.Event()
        self._is_flooded = False
        self._refused: set[str] = set()
        self._skipped: set[str] = set()
        self._spent = 0.0

    async def fetch(self) -> None:
        """Subscribe to everything and mirror the home completely.

        Raises:
            HomeUnreachableError: The connection was lost.
            HomeTimeoutError: Home Assistant did not answer in time.
        """
        within = self._times.command
        await self._ask("supported_features", features={"coalesce_messages": 1})
        async with _plain_errors(), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._socket.subscribe("subscribe_entities", self._take_states, within=within))
            for event_type in (*_PART_OF_EVENT, "entity_registry_updated"):
                tasks.create_task(self._subscribe(event_type))
        if self._early is not None:
            await self._work_in_first_states(self._early)
        await self._bring_up_to_date()

    async def follow(self) -> None:
        """Keep the mirror up to date until the connection is lost.

        Raises:
            HomeUnreachableError: It was lost.
            HomeTimeoutError: Home Assistant has stopped answering.
        """
        async with _plain_errors(), asyncio.TaskGroup() as tasks:
            tasks.create_task(self._watch())
            tasks.create_task(self._beat())
            tasks.create_task(self._keep_up())

    async def _watch(self) -> None:
        raise HomeUnreachableError(await self._socket.lost())

    async def _beat(self) -> None:
        """See that Home Assistant still answers, and ask for what it tells nobody."""
        while True:
            await asyncio.sleep(self._times.heartbeat)
            await self._socket.ping(within=self._times.pong)
            if not self._mirror.config.running:
                self._mark(_Part.CONFIG)
            if self._mirror.unregistered:
                self._mark(_Part.EXPOSURE)

    async def _keep_up(self) -> None:
        """Fetch and compose what is outdated, never spending more than a tenth of the time on it."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(self._times.gather)
            self._spent = 0.0
            await self._bring_up_to_date()
            await asyncio.sleep(min(LONGEST_REST_SECONDS, REST_FACTOR * self._spent))

    @contextmanager
    def _spending(self) -> Iterator[None]:
        """Count the time of a block, which must not wait for anything, as spent on this home."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self._spent += time.perf_counter() - started

    # What Home Assistant says of its own accord.

    async def _subscribe(self, event_type: str) -> None:
        try:
            await self._socket.subscribe_events(
                event_type,
                lambda event: self._take_registry_event(event_type, event),
                within=self._times.command,
            )
        except ServiceCallError as error:
            self._note_refusal(f"subscribe_events {event_type}", error)

    def _take_registry_event(self, event_type: str, event: Any) -> None:
        if part := _PART_OF_EVENT.get(event_type):
            self._mark(part)
            if event_type == "homeassistant_started":
                self._mark(_Part.EXPOSURE)
            return
        data = event.get("data") if type(event) is dict else None
        identifier = data.get("entity_id") if type(data) is dict else None
        # An entity without a state is not mirrored; its entry is fetched when its state comes.
        if type(identifier) is str and identifier in self._mirror.states:
            self._outdated.entries.add(identifier)
            self._wake.set()

    def _take_states(self, event: Any) -> None:
        if self._early is None:
            self._apply(event)
            return
        # Everything that comes before the first event is worked in stays behind it, in order.
        if len(self._early) < MAX_EARLY_EVENTS:
            self._early.append(event)
        else:
            self._is_flooded = True
        self._arrived.set()

    def _apply(self, event: Any) -> None:
        changes = self._mirror.apply(event)
        self._report_skipped("states", changes.skipped)
        self._note(changes)

    def _note(self, changes: StateChanges) -> None:
        outdated = self._outdated
        outdated.entries |= changes.added
        outdated.entries -= changes.removed
        outdated.entities |= changes.renamed | changes.removed
        if outdated:
            self._wake.set()
        self._on_states(changes)

    async def _work_in_first_states(self, early: deque[Any]) -> None:
        """Work in all states there are, in slices, then what came meanwhile; from then on follow them."""
        await self._first_event()
        first = early.popleft()
        present = first.get("a") if type(first) is dict else None
        present = present if type(present) is dict else {}
        self._note(self._mirror.keep_only(present))
        remaining = iter(present.items())
        while part := dict(islice(remaining, ENTITIES_A_SLICE)):
            self._apply({"a": part})
            await asyncio.sleep(0)
        while early:
            self._apply(early.popleft())
            if len(early) % ENTITIES_A_SLICE == 0:
                await asyncio.sleep(0)
        if self._is_flooded:
            message = f"more than {MAX_EARLY_EVENTS} state events came before the states could be read"
            raise HomeUnreachableError(message)
        self._early = None
        self._outdated.entries |= set(self._mirror.states)

    async def _first_event(self) -> None:
        arriving = asyncio.ensure_future(self._arrived.wait())
        losing = asyncio.ensure_future(self._socket.lost())
        try:
            await asyncio.wait(
                (arriving, losing), timeout=self._times.command, return_when=asyncio.FIRST_COMPLETED
            )
            if losing.done():
                raise HomeUnreachableError(losing.result())
            if not arriving.done():
                message = f"Home Assistant did not send its states within {self._times.command:g} s"
                raise HomeTimeoutError(message)
        finally:
            arriving.cancel()
            losing.cancel()

    # What Home Assistant is asked.

    def _mark(self, part: _Part) -> None:
        self._outdated.parts.add(part)
        self._wake.set()

    async def _bring_up_to_date(self) -> None:
        """Fetch what is outdated, compose what that touches, and say so when all of it is done."""
        self._wake.clear()
        outdated, self._outdated = self._outdated, _Outdated()
        unregistered = await self._fetch_entries(outdated.entries)
        if unregistered:
            # Whether these are exposed stands nowhere but in the list.
            outdated.parts.add(_Part.EXPOSURE)
        async with _plain_errors(), asyncio.TaskGroup() as tasks:
            for part in outdated.parts:
                tasks.create_task(self._fetchers[part](self))
        with self._spending():
            self._mirror.compose_places()
        touches_all = outdated.parts - {_Part.CONFIG, _Part.FLOORS}
        touched = set(self._mirror.states) if touches_all else set()
        await self._compose(touched | outdated.entries | outdated.entities)
        with self._spending():
            self._on_composed()

    async def _compose(self, identifiers: Iterable[str]) -> None:
        remaining = iter(identifiers)
        while part := tuple(islice(remaining, ENTITIES_A_SLICE)):
            with self._spending():
                self._mirror.compose(part)
            await asyncio.sleep(0)

    async def _fetch_entries(self, identifiers: Iterable[str]) -> bool:
        """Fetch registry entries, and say whether one of the entities has none."""
        remaining = iter(identifiers)
        unregistered = False
        while asked := list(islice(remaining, ENTRIES_AT_ONCE)):
            answer = await self._ask("config/entity_registry/get_entries", entity_ids=asked)
            with self._spending():
                entries = parse_entries(answer)
                self._mirror.replace_entries(asked, entries)
            unregistered = unregistered or len(entries) < len(asked)
        return unregistered

    async def _fetch_config(self) -> None:
        answer = await self._ask("get_config")
        if answer is not None:
            self._mirror.config = parse_config(answer)

    async def _fetch_floors(self) -> None:
        table = parse_floors(await self._ask("config/floor_registry/list"))
        self._mirror.replace_floors(table)
        self._report_skipped("floors", table.skipped)

    async def _fetch_areas(self) -> None:
        table = parse_areas(await self._ask("config/area_registry/list"))
        self._mirror.replace_areas(table)
        self._report_skipped("areas", table.skipped)

    async def _fetch_devices(self) -> None:
        table = parse_devices(await self._ask("config/device_registry/list"))
        self._mirror.replace_devices(table)
        self._report_skipped("devices", table.skipped)

    async def _fetch_exposure(self) -> None:
        listed = await self._ask("homeassistant/expose_entity/list")
        new = await self._ask("homeassistant/expose_new_entities/get", assistant="conversation")
        self._mirror.replace_exposure(
            parse_exposure(listed), expose_new=type(new) is dict and new.get("expose_new") is True
        )

    _fetchers: Final = {
        _Part.CONFIG: _fetch_config,
        _Part.FLOORS: _fetch_floors,
        _Part.AREAS: _fetch_areas,
        _Part.DEVICES: _fetch_devices,
        _Part.EXPOSURE: _fetch_exposure,
    }

    async def _ask(self, type_: str, **fields: Any) -> Any:
        """Give the result of a command, or None where Home Assistant refuses it (an older one, no admin)."""
        try:
            return await self._socket.command(type_, within=self._times.command, **fields)
        except ServiceCallError as error:
            self._note_refusal(type_, error)
            return None

    def _note_refusal(self, type_: str, error: ServiceCallError) -> None:
        if type_ not in self._refused:
            self._refused.add(type_)
            self._logger.info("home_refuses_command", command=type_, code=error.code)

    def _report_skipped(self, what: str, count: int) -> None:
        """Log what was left out, once a connection for each kind: what is odd stays so."""
        if count and what not in self._skipped:
            self._skipped.add(what)
            self._logger.warning("home_rows_skipped", what=what, count=count)


@asynccontextmanager
async def _plain_errors() -> AsyncIterator[None]:
    """Raise the first error of a task group instead of the group: one reason is enough to give up."""
    try:
        yield
    except BaseExceptionGroup as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None
