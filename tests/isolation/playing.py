"""Plays a plan on a real server."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from ipaddress import ip_network
from itertools import count
from typing import Any, Final

from sqlalchemy import Table, delete, insert, update
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.info import Describe as DescribeEvent
from wyoming.intent import Entity, Recognize
from wyoming.intent import Intent as IntentEvent
from wyoming.ping import Ping as PingEvent
from wyoming.user_event import UserEvent

from handlers.device_token import DeviceToken
from storage.changes import changing
from storage.clock import utc_now
from storage.errors import StorageError
from storage.records import ChangeKind, new_id
from storage.schema import bindings, devices, sessions, users
from tests.isolation.homes import WORDS, StandInHome
from tests.isolation.plans import (
    INTENTS,
    PLACES,
    SENTENCES,
    AddDevice,
    AddPerson,
    Authenticate,
    Bind,
    Connect,
    Describe,
    GiveAway,
    Hold,
    HourPasses,
    Look,
    Ping,
    Plan,
    Rebuild,
    Release,
    RemovePerson,
    ReplaceToken,
    Revoke,
    Say,
    Step,
    Token,
    Unbind,
    Write,
)
from tests.isolation.serving import Served
from tests.isolation.story import Device, Grant, Person, Story, covers, possible_grants
from tests.isolation.wire import Asked, Wire
from wyoming_central.client import AUTHENTICATE

_HOUR_SECONDS: Final = 3600.0
_TOKEN_SECONDS: Final = 86_400.0 * 365
_SHORT_TOKEN_SECONDS: Final = _HOUR_SECONDS / 2
_MOST_ROWS: Final = 10_000


async def play(plan: Plan, served: Served) -> Story:
    """Play a plan to its end, and forget it."""
    playing = _Playing(plan, served)
    try:
        return await playing.all()
    finally:
        await served.forget()


class _Playing:
    """A plan that is being played."""

    def __init__(self, plan: Plan, served: Served) -> None:
        self._plan = plan
        self._served = served
        self._stored = served.app.repositories
        self._story = Story(served)
        self._now = count(1)
        self._names = count(1)
        self._age = new_id() if plan.fresh else served.age
        self._lines: dict[int, Wire] = {}
        self._works: set[asyncio.Task[None]] = set()
        self._held = asyncio.Event()
        self._administration = asyncio.Lock()

    def _tick(self) -> int:
        return next(self._now)

    async def all(self) -> Story:
        """Play it."""
        try:
            await self._begin()
            for step, waits in self._plan.steps:
                await self._take(step, waits=waits)
            await self._come_to_the_end()
        finally:
            for work in self._works:
                work.cancel()
            for wire in self._story.wires:
                wire.hang_up(politely=False)
        return await self._with_what_was_written()

    async def _begin(self) -> None:
        await self._move_in()
        place_of_the_next = {"binding": 0, "token elsewhere": 1}.get(self._plan.known)
        if place_of_the_next is not None:
            for number in range(self._plan.people):
                place = (number + place_of_the_next) % self._plan.people
                await self._bind(Bind(number, place, wide=False, write_only=False))
        await self._look()
        if self._plan.known in {"token", "token elsewhere"}:
            for number in range(self._plan.people):
                await self._take(Authenticate(number, number, "newest"), waits=True)

    async def _come_to_the_end(self) -> None:
        for person in self._story.people:
            person.home.release()
        while self._works:
            await asyncio.gather(*self._works)
        for wire in self._story.wires:
            wire.hang_up(politely=True)
        for wire in self._story.wires:
            await wire.over.wait()
        await self._served.settle()
        await self._look()

    async def _with_what_was_written(self) -> Story:
        story = self._story
        story.rows = list(await self._stored.audit.tail(_MOST_ROWS))
        story.sessions = await self._served.sessions_of([device.id for device in story.devices])
        story.lines = list(self._served.log.lines)
        story.end = self._tick()
        return story

    # One step.

    async def _take(self, step: Step, *, waits: bool) -> None:
        match step:
            case Say() | Authenticate() | Ping() | Describe():
                asked = await self._ask(step)
                if waits:
                    await self._until_answered_or_held(asked)
            case Connect(line, place, politely):
                if line in self._lines:
                    self._lines[line].hang_up(politely=politely)
                await self._connect(line, *PLACES[place])
            case Hold(person):
                self._person(person).home.hold()
            case Release(person):
                self._person(person).home.release()
            case Rebuild(person):
                self._person(person).home.rebuild()
            case HourPasses():
                self._pass_an_hour()
            case _:
                work = asyncio.create_task(self._work(step))
                self._works.add(work)
                work.add_done_callback(self._works.discard)
                if waits:
                    await work

    async def _work(self, step: Step) -> None:
        """What whoever looks after the server does, as the command line does it."""
        try:
            match step:
                case Look():
                    await self._look()
                case Write():
                    await self._served.write()
                case _:
                    # One after the other, as the database would have it anyway: so it is known here, too,
                    # what each of them found.
                    async with self._administration:
                        await self._change(step)
        except StorageError:
            # Refused, as it would be on the command line: the device is revoked by now, the network is taken.
            return

    async def _change(self, step: Step) -> None:
        match step:
            case AddPerson():
                await self._add_person()
            case AddDevice(person):
                await self._add_device(self._person(person))
            case ReplaceToken(device, short):
                await self._new_token(self._device(device), short=short)
            case Revoke(device):
                await self._revoke(self._device(device))
            case RemovePerson(person):
                await self._remove_person(self._person(person))
            case GiveAway(device, person):
                await self._give_away(self._device(device), self._person(person))
            case Bind():
                await self._bind(step)
            case Unbind(binding):
                await self._unbind(binding)

    def _person(self, number: int) -> Person:
        return self._story.people[number % len(self._story.people)]

    def _device(self, number: int) -> Device:
        return self._story.devices[number % len(self._story.devices)]

    # Lines.

    async def _line(self, number: int) -> Wire:
        """A line that is open, as far as this side knows."""
        wire = self._lines.get(number)
        if wire is None or wire.ended is not None or wire.hung_up:
            # A satellite comes back from where it was.
            place = (wire.listener, wire.address) if wire is not None else PLACES[number]
            wire = await self._connect(number, *place)
        return wire

    async def _connect(self, number: int, listener: str, address: str) -> Wire:
        _, wire = await self._served.loop.create_connection(
            lambda: Wire(listener, address, self._tick),
            "127.0.0.1",
            self._served.port_of(listener),
            local_addr=(address, 0),
        )
        self._lines[number] = wire
        self._story.wires.append(wire)
        return wire

    async def _ask(self, step: Say | Authenticate | Ping | Describe) -> Asked:
        wire = await self._line(step.line)
        match step:
            case Ping():
                event, asked = PingEvent(text="").event(), self._asking("ping", wire)
            case Describe():
                event, asked = DescribeEvent().event(), self._asking("describe", wire)
            case Authenticate(_, device, which):
                token = self._token(self._device(device), which)
                event = UserEvent(name=AUTHENTICATE, data={"token": token}).event()
                asked = self._asking("authenticate", wire, token=token)
                wire.known_as = token
            case Say():
                event, asked = self._saying(step, wire)
        asked.sent = self._tick()
        wire.ask(event, asked)
        return asked

    def _asking(self, kind: str, wire: Wire, *, text: str = "", token: str | None = None) -> Asked:
        return Asked(kind, wire, text, token, wire.known_as, sent=0)

    def _saying(self, step: Say, wire: Wire) -> tuple[Event, Asked]:
        language, text = SENTENCES[step.sentence % len(SENTENCES)]
        if step.kind == "intent":
            language, text = "en", INTENTS[step.sentence % len(INTENTS)]
        text = text.format(word=WORDS[step.about])
        asked = self._asking(step.kind, wire, text=text)
        asked.language = language
        context: dict[str, Any] = {}
        if step.device is not None:
            device = self._device(step.device)
            asked.token = context["token"] = self._token(device, step.token)
            asked.conversation_id = context["conversation_id"] = f"conversation {next(self._names)}"
        match step.kind:
            case "transcript":
                event = Transcript(text=text, language=language, context=context or None).event()
            case "recognize":
                event = Recognize(text=text, context=context or None).event()
                event.data["language"] = language
            case "intent":
                about = [Entity(name="name", value=text)]
                event = IntentEvent(name="HassTurnOn", entities=about, context=context or None).event()
                event.data["language"] = language
        if step.claims is not None:
            self._claim_to_be(self._person(step.claims), event)
        return event, asked

    def _claim_to_be(self, person: Person, event: Event) -> None:
        """Name somebody in every field that could be mistaken for a credential."""
        theirs = next((device for device in self._story.devices if device.person is person), None)
        claim = {
            "user_id": person.user_id,
            "user": person.user_id,
            "device_id": theirs.id if theirs else None,
        }
        event.data |= claim
        event.data["context"] = (
            (event.data.get("context") or {}) | claim | {"satellite_id": claim["device_id"]}
        )

    @staticmethod
    def _token(device: Device, which: Token) -> str:
        if not device.tokens:
            return "none yet"
        token = device.tokens[0 if which == "first" else -1]
        if which == "altered":
            head, _, signature = token.rpartition(".")
            return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
        return token

    # Waiting.

    async def _until_answered_or_held(self, asked: Asked) -> None:
        """Wait until an answer has come, or cannot come before a home lets a call go on."""
        answered = asyncio.create_task(asked.over.wait())
        try:
            while not asked.over.is_set() and not self._cannot_be_answered_now(asked):
                self._held.clear()
                held = asyncio.create_task(self._held.wait())
                await asyncio.wait({answered, held}, return_when=asyncio.FIRST_COMPLETED)
                held.cancel()
        finally:
            answered.cancel()

    def _cannot_be_answered_now(self, asked: Asked) -> bool:
        wire = asked.wire
        if self._may_be_mute(wire):
            return True
        unanswered = wire.unanswered
        if asked not in unanswered:
            return False
        in_turn = unanswered[: unanswered.index(asked) + 1]
        people = {grant.person for one in in_turn for grant in possible_grants(self._story, one)}
        return any(person.home.held for person in people)

    def _may_be_mute(self, wire: Wire) -> bool:
        """Whether a binding may have made a peer of it that never reads."""
        return any(
            grant.write_only
            and covers(grant, wire)
            and grant.may_count(wire.opened, wire.ended or self._tick())
            for grant in self._story.grants
        )

    # What whoever looks after the server does.

    async def _move_in(self) -> None:
        """Those who live here from the beginning, in one transaction, for it is the same in every plan."""
        rows: dict[Table, list[dict[str, Any]]] = {users: [], devices: []}
        now = utc_now()
        for number in range(self._plan.people):
            person = self._new_person(new_id(), WORDS[number])
            device = self._new_device(new_id(), person)
            # Every other one is over when an hour has passed.
            grant, token = self._minted(device, short=number % 2 == 0)
            grant.begun = grant.known = self._tick()
            rows[users].append(
                {"id": person.user_id, "email": _email(person.word), "password_hash": "-", "role": "user"}
                | {"language": "hu", "created_at": now, "updated_at": now}
            )
            rows[devices].append(
                {"id": device.id, "user_id": person.user_id, "name": device.name, "created_at": now}
                | {"token_id": token.token_id, "token_expires_at": _moment(token.expires_at)}
            )
            device.tokens.append(token.text)
        async with changing(self._served.database, ChangeKind.USER, new_id(), clock=utc_now) as session:
            for table, values in rows.items():
                await session.execute(insert(table), values)

    async def _add_person(self) -> None:
        if len(self._story.people) < len(WORDS):
            word = WORDS[len(self._story.people)]
            user = await self._stored.users.add(email=_email(word), password_hash="-", language="hu")
            self._new_person(user.id, word)

    def _new_person(self, user_id: str, word: str) -> Person:
        person = Person(word, user_id, StandInHome(word, age=self._age))
        person.home.on_hold = self._held.set
        self._served.homes.of_user[user_id] = person.home
        self._story.people.append(person)
        return person

    async def _add_device(self, person: Person) -> None:
        added = await self._stored.devices.add(
            user_id=person.user_id, name=self._new_name(person), area=None, language=None
        )
        await self._new_token(self._new_device(added.id, person, added.name), short=False)

    def _new_device(self, device_id: str, person: Person, name: str | None = None) -> Device:
        device = Device(device_id, name or self._new_name(person), person)
        self._story.devices.append(device)
        return device

    def _new_name(self, person: Person) -> str:
        return f"{person.word} {next(self._names)}"

    def _pass_an_hour(self) -> None:
        ending = self._begin_to_end([grant for grant in self._story.grants if grant.short])
        self._served.clock.ahead += _HOUR_SECONDS
        self._have_ended(ending)
        for grant in ending:
            # It is nothing that the server would have to look at.
            grant.ended = grant.ended or grant.changed

    async def _new_token(self, device: Device, *, short: bool) -> None:
        before = self._begin_to_end([grant for grant in self._open_grants(device) if grant.token])
        grant, token = self._minted(device, short=short)
        try:
            await self._stored.devices.set_token(
                device.id, token_id=token.token_id, expires_at=_moment(token.expires_at)
            )
        except StorageError:
            # The token is nobody's.
            self._story.grants.remove(grant)
            raise
        device.tokens.append(token.text)
        grant.known = self._tick()
        self._have_ended(before)

    def _minted(self, device: Device, *, short: bool) -> tuple[Grant, DeviceToken]:
        token = self._served.app.keys.mint(
            device.id,
            now=self._served.clock(),
            lifetime_seconds=_SHORT_TOKEN_SECONDS if short else _TOKEN_SECONDS,
        )
        grant = Grant(device, device.person, self._tick(), token=token.text, short=short)
        self._story.grants.append(grant)
        return grant, token

    async def _revoke(self, device: Device) -> None:
        ending = self._begin_to_end(self._open_grants(device))
        await self._stored.devices.revoke(device.id)
        self._have_ended(ending)

    async def _remove_person(self, person: Person) -> None:
        ending = self._begin_to_end([grant for grant in self._story.grants if grant.person is person])
        await self._stored.users.remove(person.user_id)
        person.removed = self._tick()
        self._have_ended(ending)

    async def _give_away(self, device: Device, person: Person) -> None:
        """Make a device somebody else's. No command does that yet; the server is made for it all the same."""
        if person is device.person or person.removed is not None:
            return
        record = await self._stored.devices.get(device.id)
        if record.revoked_at is not None:
            return
        ending = self._begin_to_end(self._open_grants(device))
        name = self._new_name(person)
        async with changing(self._served.database, ChangeKind.DEVICE, device.id, clock=utc_now) as session:
            for table in (bindings, sessions):
                await session.execute(delete(table).where(table.c.device_id == device.id))
            await session.execute(
                update(devices).where(devices.c.id == device.id).values(user_id=person.user_id, name=name)
            )
        device.name, device.person, device.changed_hands = name, person, True
        self._have_ended(ending)
        # Its token is the same, and stands for somebody else now.
        self._story.grants.extend(
            Grant(device, person, grant.ending or grant.begun, token=grant.token, short=grant.short)
            for grant in ending
            if grant.token and grant.token == device.tokens[-1]
        )

    async def _bind(self, step: Bind) -> None:
        device = self._device(step.device)
        listener, address = PLACES[step.place]
        network = str(ip_network(f"{address}/{24 if step.wide else 32}", strict=False))
        place, write_only = (listener, network), step.write_only
        grant = Grant(device, device.person, self._tick(), place=place, write_only=write_only)
        self._story.grants.append(grant)
        try:
            record = await self._stored.bindings.add(
                device_id=device.id, listener=listener, network=network, write_only=write_only
            )
        except StorageError:
            self._story.grants.remove(grant)
            raise
        grant.binding_id = record.id

    async def _unbind(self, number: int) -> None:
        bound = [grant for grant in self._story.grants if grant.binding_id is not None]
        if bound:
            grant = bound[number % len(bound)]
            ending = self._begin_to_end([grant])
            await self._stored.bindings.remove(str(grant.binding_id))
            self._have_ended(ending)

    async def _look(self) -> None:
        begun = self._tick()
        await self._served.look()
        ended = self._tick()
        for grant in self._story.grants:
            if grant.changed is not None and grant.changed < begun and grant.ended is None:
                grant.ended = ended

    def _open_grants(self, device: Device) -> list[Grant]:
        return [grant for grant in self._story.grants if grant.device is device and grant.changed is None]

    def _begin_to_end(self, grants: list[Grant]) -> list[Grant]:
        ending = [grant for grant in grants if grant.changed is None]
        now = self._tick()
        for grant in ending:
            grant.ending = grant.ending or now
        return ending

    def _have_ended(self, grants: list[Grant]) -> None:
        now = self._tick()
        for grant in grants:
            grant.changed = grant.changed or now


def _email(word: str) -> str:
    return f"{word}@example.org"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
