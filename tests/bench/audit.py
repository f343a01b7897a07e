"""`audit`: what the audit costs, beside a commit a row.

- Rows a second: `storage.audit.AuditWriter`, kept supplied, beside `commit_a_row.py`, which commits each row
  by itself. Both write the same real rows into the same SQLite database, in rounds that alternate.
- A turn's p95 at `TURNS_A_SECOND` turns a second, in this process: the real `Turns` with session, stand-in
  home and warm cache. Ours has the writer at work behind it; the peer's answer waits for the commit of its
  row. These rounds alternate, too.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final, Protocol

from cryptography.fernet import Fernet

from config.schema import DATABASE_FILE
from handlers.answer import Answers
from handlers.audit_row import audit_row
from handlers.cascade import cascade
from handlers.listener import Listener
from handlers.peer import Identity
from handlers.recognize import Recognizer
from handlers.sentence import Sentence
from handlers.session import SessionKeeper
from handlers.sightings import Sightings
from handlers.turn import TurnLimits, Turns
from handlers.turn_result import TurnResult
from storage.audit import AuditWriter
from storage.database import Database
from storage.migrate import upgrade
from storage.records import AuditRow
from storage.secret_box import SecretBox
from tests.bench.commit_a_row import CommitARow, CommittingTurns, NoAudit
from tests.bench.figures import Figure, Listing, Results, median
from tests.bench.load import LoadError, percentile
from tests.bench.options import Options, Steps
from tests.bench.stand_in_homes import SENTENCES, Homes, StandInHome
from wyoming_central.application import Repositories, repositories_on
from wyoming_central.background import background

ROUNDS: Final = 5
SECONDS: Final = 2.0
TURNS_A_SECOND: Final = 200.0
# Rows that wait in the writer's queue while it is measured; below what it takes.
QUEUED: Final = 5000
DEVICES: Final = 20
# How often the queue is looked at; it lasts for many times as long.
_LOOK_SECONDS: Final = 0.002

_BESIDE: Final = "a commit a row"
FIGURES: Final = (
    Figure("audit_rows_per_s", "1/s", _BESIDE),
    Figure("audit_ratio", "x", _BESIDE),
    Figure("turn_p95_ms_with_writer", "ms", _BESIDE),
    Figure("turn_p95_ratio", "x", _BESIDE),
)


@dataclass(slots=True)
class _Found:
    """What was found of one of the two."""

    rates: list[float] = field(default_factory=list)
    waits: list[list[float]] = field(default_factory=list)

    def p95s(self) -> list[float]:
        return [percentile(sorted(one), 0.95) for one in self.waits]

    def p50s(self) -> list[float]:
        return [percentile(sorted(one), 0.5) for one in self.waits]


@dataclass(frozen=True, slots=True)
class _House:
    """Everything that turns need, with nobody at the door."""

    database: Database
    writer: AuditWriter
    peer: CommitARow
    turns: Turns
    committing: CommittingTurns
    identities: tuple[Identity, ...]


class _Taking(Protocol):
    """Something that takes turns: `Turns`, or its peer."""

    async def of_sentence(
        self, sentence: Sentence, identity: Identity, request_id: str, *, listener: Listener | None = None
    ) -> TurnResult: ...

    def settle(self, result: TurnResult) -> None: ...


_Write = Callable[[_House, AuditRow, float], Awaitable[float]]


async def measure(options: Options, steps: Steps) -> Results:
    """Measure on a SQLite database in a temporary folder."""
    rounds, seconds = options.rounds or ROUNDS, options.seconds or SECONDS
    steps.expect(rounds * 4)
    ours, peer = _Found(), _Found()
    async with _house() as house:
        row = await _real_row(house)
        order: list[tuple[_Write, _Taking, _Found]] = [
            (_through_writer, house.turns, ours),
            (_one_by_one, house.committing, peer),
        ]
        for number in range(rounds):
            for write, turns, found in order:
                steps.begin(f"rows, round {number + 1} of {rounds}")
                found.rates.append(await write(house, row, seconds))
                steps.done()
                steps.begin(f"turns, round {number + 1} of {rounds}")
                found.waits.append(await _turns(house, turns, seconds))
                steps.done()
            order.reverse()
        if house.writer.counters.dropped:
            raise LoadError(f"the writer dropped {house.writer.counters.dropped} rows")
    return _results(ours, peer, rounds, seconds)


@asynccontextmanager
async def _house() -> AsyncIterator[_House]:
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wyoming-central-bench-"))
        url = f"sqlite+aiosqlite:///{Path(folder) / DATABASE_FILE}"
        await upgrade(url, backup_dir=None)
        database = Database(url)
        stack.push_async_callback(database.close)
        stored = repositories_on(database, SecretBox([Fernet.generate_key().decode()]))
        homes = Homes()
        identities = await _identities(stored, homes)
        writer = AuditWriter(database)
        sessions = SessionKeeper(stored.sessions, ttl_seconds=3600, question_ttl_seconds=30)
        sightings = Sightings(stored.devices)
        recognizer = stack.enter_context(cascade())

        def turns(audit: Any) -> Turns:
            return _turns_with(audit, homes, recognizer, sessions, sightings)

        await stack.enter_async_context(
            background(audit=writer.run, sessions=sessions.run, sightings=sightings.run)
        )
        peer = CommitARow(database)
        committing = CommittingTurns(turns(NoAudit()), peer)
        yield _House(database, writer, peer, turns(writer), committing, identities)
        await writer.close()


def _turns_with(
    audit: Any, homes: Homes, recognizer: Recognizer, sessions: SessionKeeper, sightings: Sightings
) -> Turns:
    return Turns(
        homes=homes,
        recognizer=recognizer,
        answers=Answers.load(),
        sessions=sessions,
        sightings=sightings,
        audit=audit,
        limits=TurnLimits(deadline=10.0, home_call=5.0),
    )


async def _identities(stored: Repositories, homes: Homes) -> tuple[Identity, ...]:
    """The devices of one user, who has a home."""
    user = await stored.users.add(email="anna@example.org", password_hash="none", language="en")
    homes.put(user.id, StandInHome(user.id))
    devices = [
        await stored.devices.add(user_id=user.id, name=f"Satellite {number}", area=None, language=None)
        for number in range(DEVICES)
    ]
    return tuple(Identity(user.id, device.id, device.name, "en") for device in devices)


async def _real_row(house: _House) -> AuditRow:
    """The row of a turn; on the way every sentence is understood once."""
    results = [
        await house.turns.of_sentence(Sentence(text, language), house.identities[0], uuid.uuid4().hex)
        for language, text in SENTENCES
    ]
    return audit_row(results[0], datetime.now(UTC))


# --- rows a second --------------------------------------------------------------------------------------


async def _through_writer(house: _House, row: AuditRow, seconds: float) -> float:
    """Rows a second of the writer, whose queue never runs dry."""
    writer = house.writer
    began, rows = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        for _ in range(QUEUED - writer.queued):
            writer.record(replace(row, request_id=uuid.uuid4().hex))
            rows += 1
        await asyncio.sleep(_LOOK_SECONDS)
    await _until_written(writer)
    return rows / (time.perf_counter() - began)


async def _one_by_one(house: _House, row: AuditRow, seconds: float) -> float:
    """Rows a second where each is a commit."""
    began, rows = time.perf_counter(), 0
    while time.perf_counter() < began + seconds:
        await house.peer.write(replace(row, request_id=uuid.uuid4().hex))
        rows += 1
    return rows / (time.perf_counter() - began)


async def _until_written(writer: AuditWriter) -> None:
    while writer.queued:
        await asyncio.sleep(_LOOK_SECONDS)


# --- turns ----------------------------------------------------------------------------------------------


async def _turns(house: _House, subject: _Taking, seconds: float) -> list[float]:
    """How long turns took that began at a steady pace, whatever became of those before; milliseconds."""
    count = round(seconds * TURNS_A_SECOND)
    waits: list[float] = []

    async def turn(language: str, text: str, identity: Identity) -> None:
        began = time.perf_counter()
        result = await subject.of_sentence(Sentence(text, language), identity, uuid.uuid4().hex)
        waits.append((time.perf_counter() - began) * 1000)
        if not result.status.handled:
            raise LoadError(f"{text!r} ended as {result.status}")
        subject.settle(result)

    began = time.perf_counter()
    speakers = zip(cycle(SENTENCES), cycle(house.identities), strict=False)
    async with asyncio.TaskGroup() as group:
        for index, ((language, text), identity) in enumerate(islice(speakers, count)):
            await asyncio.sleep(began + index / TURNS_A_SECOND - time.perf_counter())
            group.create_task(turn(language, text, identity))
    return waits


# --- what came of it ------------------------------------------------------------------------------------


def _results(ours: _Found, peer: _Found, rounds: int, seconds: float) -> Results:
    values = {
        "audit_rows_per_s": median(ours.rates),
        "audit_ratio": _ratio(ours.rates, peer.rates),
        "turn_p95_ms_with_writer": median(ours.p95s()),
        "turn_p95_ratio": _ratio(ours.p95s(), peer.p95s()),
    }
    beside = {
        "audit_rows_per_s": f"{_BESIDE}: {median(peer.rates):,.0f}",
        "turn_p95_ms_with_writer": f"{_BESIDE}: {median(peer.p95s()):.3g}",
    }
    rows = [
        (
            name,
            f"{median(found.rates):,.0f}",
            f"{median(found.p50s()):.3f}",
            f"{median(found.p95s()):.3f}",
        )
        for name, found in (("the audit writer", ours), (_BESIDE, peer))
    ]
    return Results(
        values,
        (
            Listing(
                "rows, and turns beside them",
                ("who writes", "rows/s", "turn p50 ms", "turn p95 ms"),
                rows,
                f"medians of {rounds} rounds of {seconds:g} s, alternating; SQLite; "
                f"{TURNS_A_SECOND:g} turns a second",
            ),
        ),
        beside,
    )


def _ratio(ours: Sequence[float], peer: Sequence[float]) -> float:
    return median(one / other for one, other in zip(ours, peer, strict=True))
