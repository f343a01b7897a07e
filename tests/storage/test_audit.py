from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from storage.audit import AuditLog, AuditWriter
from storage.audit_values import GAP, JSON_BYTES, TEXT_LENGTH
from storage.database import Database
from storage.errors import NotFoundError
from storage.migrate import upgrade
from storage.records import AuditRow, UserRecord

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ROW = AuditRow("r", NOW, None, None, "kapcsold fel", {"name": "HassTurnOn"}, {"ok": True}, "ok", 12.5)


def _row(number: int, **values: Any) -> AuditRow:
    return replace(ROW, request_id=f"r{number}", **values)


@asynccontextmanager
async def _running(writer: AuditWriter) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(writer.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _until_written(writer: AuditWriter) -> None:
    async with asyncio.timeout(10):
        while writer.queued:
            await asyncio.sleep(0)


async def _ids(database: Database) -> list[str]:
    return [row.request_id for row in await AuditLog(database).tail(100_000)]


@asynccontextmanager
async def _locked(url: str) -> AsyncIterator[None]:
    with closing(sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def test_a_recorded_row_is_read_back_as_it_was(database: Database, anna: UserRecord) -> None:
    full = AuditRow(
        request_id="r",
        timestamp=NOW,
        user_id=anna.id,
        device_id="device",
        input_text="kapcsold fel a lámpát",
        intent={"name": "HassTurnOn", "slots": {"x": 1}},
        ha_response={"a": [1.5]},
        status="call-failed",
        latency_ms=12.5,
        llm_tokens=7,
        error_message="went wrong",
        stages=[{"stage": "cache", "ms": 0.1}],
        language="hu",
    )
    writer = AuditWriter(database)
    writer.record(full)
    assert await writer.close() == 0
    assert await AuditLog(database).get("r") == replace(full, id=1)


async def test_rows_are_written_while_the_writer_runs_in_the_order_they_came(database: Database) -> None:
    writer = AuditWriter(database)
    async with _running(writer):
        for number in range(1200):
            writer.record(_row(number))
            if number % 300 == 0:
                await asyncio.sleep(0)
        await _until_written(writer)
    assert await _ids(database) == [f"r{number}" for number in range(1200)]
    assert writer.counters.written == 1200


async def test_a_clean_stop_writes_all_that_is_queued_whether_or_not_the_writer_runs(
    database: Database,
) -> None:
    writer = AuditWriter(database)
    async with _running(writer) as task:
        for number in range(50):
            writer.record(_row(number))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        for number in range(50, 100):
            writer.record(_row(number))
        assert await writer.close() == 0
    assert await _ids(database) == [f"r{number}" for number in range(100)]


async def test_a_writer_cancelled_anywhere_loses_nothing_and_writes_nothing_twice(database: Database) -> None:
    writer = AuditWriter(database)
    for number in range(40):
        writer.record(_row(number))
        async with _running(writer):
            for _ in range(number):
                await asyncio.sleep(0)
    assert await writer.close() == 0
    assert await _ids(database) == [f"r{number}" for number in range(40)]


async def test_a_request_id_that_is_there_already_is_left_and_spoils_nothing(database: Database) -> None:
    writer = AuditWriter(database)
    for row in (_row(1), _row(2), _row(1, status="second"), _row(3)):
        writer.record(row)
    assert await writer.close() == 0
    assert await _ids(database) == ["r1", "r2", "r3"]
    assert (await AuditLog(database).get("r1")).status == "ok"


async def test_a_locked_database_delays_rows_and_loses_none(
    sqlite_database: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engine._PRAGMAS", ("PRAGMA busy_timeout=1",))
    writer = AuditWriter(sqlite_database, retry_seconds=0.001)
    async with _running(writer):
        async with _locked(sqlite_url):
            writer.record(_row(1))
            async with asyncio.timeout(10):
                while writer.counters.retries < 3:
                    await asyncio.sleep(0)
            writer.record(_row(2))
            assert writer.queued == 2
        await _until_written(writer)
    assert await _ids(sqlite_database) == ["r1", "r2"]


@pytest.mark.slow
async def test_connections_that_the_server_cuts_cost_no_row(postgresql_database: Database) -> None:
    cut = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    other = Database(postgresql_database.engine.url.render_as_string(hide_password=False))
    writer = AuditWriter(postgresql_database, retry_seconds=0.001)
    cuts = 0
    async with _running(writer):
        for number in range(200):
            writer.record(_row(number))
            if number % 20 == 0:
                async with other.read() as session:
                    cuts += await session.scalar(cut) or 0
            await asyncio.sleep(0)
        await _until_written(writer)
    await other.close()
    assert cuts
    assert await _ids(postgresql_database) == [f"r{number}" for number in range(200)]
    assert writer.counters.bared == writer.counters.refused == 0


async def test_a_stop_on_a_dead_database_ends_in_time_and_says_how_many_were_lost(
    sqlite_database: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engine._PRAGMAS", ("PRAGMA busy_timeout=1",))
    writer = AuditWriter(sqlite_database, retry_seconds=0.001)
    writer.record(_row(1))
    async with _locked(sqlite_url):
        assert await writer.close(within=0.05) == 1


async def test_a_full_queue_drops_the_newest_and_says_so_where_they_are_missing(
    database: Database, clock: Any
) -> None:
    writer = AuditWriter(database, queue_size=3, clock=clock)
    for number in range(5):
        clock.move(seconds=1)
        writer.record(_row(number))
    first, last = clock() - timedelta(seconds=1), clock()
    async with _running(writer):
        await _until_written(writer)
        writer.record(_row(5))
        await _until_written(writer)
    rows = await AuditLog(database).tail(10)
    assert [row.status for row in rows] == ["ok", "ok", "ok", GAP, "ok"]
    assert (
        rows[3].error_message == f"2 audit rows from {first.isoformat()} to {last.isoformat()} were dropped"
    )
    assert rows[4].request_id == "r5"
    assert writer.counters.dropped == 2


async def test_a_gap_is_written_also_at_the_stop(database: Database) -> None:
    writer = AuditWriter(database, queue_size=1)
    writer.record(_row(0))
    writer.record(_row(1))
    assert await writer.close() == 0
    assert [row.status for row in await AuditLog(database).tail(10)] == ["ok", GAP]


async def test_nothing_is_taken_after_the_stop(database: Database) -> None:
    writer = AuditWriter(database)
    await writer.close()
    writer.record(_row(1))
    assert (writer.queued, writer.counters.dropped) == (0, 1)


async def _refuse(database: Database, column: str, value: str) -> None:
    """Make the database refuse rows with this value."""
    rule = (
        f"CREATE TRIGGER poison BEFORE INSERT ON audit_log WHEN NEW.{column} = '{value}' "
        "BEGIN SELECT RAISE(ABORT, 'poison'); END"
        if database.engine.dialect.name == "sqlite"
        else f"ALTER TABLE audit_log ADD CONSTRAINT poison CHECK ({column} <> '{value}')"
    )
    async with database.write() as session:
        await session.execute(text(rule))


async def test_a_row_whose_words_the_database_refuses_is_kept_bare(database: Database) -> None:
    await _refuse(database, "input_text", "poison")
    writer = AuditWriter(database)
    for row in (_row(1), _row(2, input_text="poison"), _row(3)):
        writer.record(row)
    assert await writer.close() == 0
    rows = await AuditLog(database).tail(10)
    assert [(row.request_id, row.input_text is None) for row in rows] == [
        ("r1", False),
        ("r2", True),
        ("r3", False),
    ]
    assert (writer.counters.written, writer.counters.bared) == (3, 1)


async def test_a_row_that_is_refused_even_bare_blocks_no_other(database: Database) -> None:
    await _refuse(database, "request_id", "r2")
    writer = AuditWriter(database, retry_seconds=0.001)
    async with _running(writer):
        writer.record(_row(2))
        async with asyncio.timeout(10):
            while writer.counters.retries < 2:
                await asyncio.sleep(0)
        assert writer.queued == 1
        writer.record(_row(3))
        await _until_written(writer)
    assert await _ids(database) == ["r3"]
    assert (writer.counters.written, writer.counters.refused) == (1, 1)


async def test_a_database_that_refuses_everything_loses_nothing(sqlite_database: Database) -> None:
    await _refuse(sqlite_database, "status", "ok")
    writer = AuditWriter(sqlite_database, retry_seconds=0.001)
    async with _running(writer):
        for number in range(3):
            writer.record(_row(number))
        async with asyncio.timeout(10):
            while writer.counters.retries < 3:
                await asyncio.sleep(0)
        async with sqlite_database.write() as session:
            await session.execute(text("DROP TRIGGER poison"))
        await _until_written(writer)
    assert await _ids(sqlite_database) == ["r0", "r1", "r2"]
    assert writer.counters.refused == 0


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.just(object()),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters()) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)
WILD = st.builds(
    AuditRow,
    request_id=st.text(st.characters()),
    timestamp=st.datetimes(timezones=st.none() | st.just(UTC)) | st.none(),
    user_id=st.none() | st.text(st.characters()),
    device_id=st.none() | st.text(st.characters()),
    input_text=st.none() | st.text(st.characters()),
    intent=ANYTHING,
    ha_response=ANYTHING,
    status=st.text(st.characters()) | st.none(),
    latency_ms=st.floats() | st.integers() | st.just("soon"),
    llm_tokens=st.none() | st.integers() | st.floats(),
    error_message=st.none() | st.text(st.characters()),
    stages=ANYTHING,
    language=st.none() | st.text(st.characters()),
)


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(wild=st.lists(WILD, min_size=1, max_size=5))
def test_whatever_is_recorded_costs_nobody_else_a_row(
    tmp_path_factory: pytest.TempPathFactory, wild: list[AuditRow]
) -> None:
    async def example() -> None:
        url = f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('wild')}/x.db"
        await upgrade(url, backup_dir=None)
        database = Database(url)
        writer = AuditWriter(database, retry_seconds=0.001)
        for row in [*wild, replace(ROW, request_id="the last one")]:
            writer.record(row)
        assert await writer.close() == 0
        assert (await AuditLog(database).get("the last one")).input_text == ROW.input_text
        await database.close()

    with asyncio.Runner() as runner:
        runner.run(example())


async def test_either_database_takes_what_a_row_should_not_hold(database: Database) -> None:
    wild = replace(
        ROW,
        input_text="half \ud800 nul \0 end",
        intent={"nul": "\0", "nan": float("nan")},
        latency_ms=float("nan"),
        llm_tokens=2**40,
        status="x" * 500,
        user_id="\0" * 99,
        stages=["\ud800"],
    )
    writer = AuditWriter(database)
    writer.record(wild)
    assert await writer.close() == 0
    row = await AuditLog(database).get("r")
    assert row.user_id is not None
    assert (row.status, row.latency_ms, row.llm_tokens) == ("x" * 31 + "…", 0.0, 2**31 - 1)
    assert writer.counters.bared == 0


async def test_long_texts_are_cut_and_large_data_is_left_out(database: Database) -> None:
    writer = AuditWriter(database)
    writer.record(replace(ROW, input_text="é" * 5000, intent={"x": "y" * JSON_BYTES}))
    await writer.close()
    row = await AuditLog(database).get("r")
    assert row.input_text == "é" * (TEXT_LENGTH - 1) + "…"
    assert row.intent == {"left_out": f"{JSON_BYTES + 8} bytes"}


async def test_what_is_changed_after_recording_is_stored_as_it_was(database: Database) -> None:
    writer = AuditWriter(database)
    intent = {"name": "before"}
    writer.record(replace(ROW, intent=intent))
    intent["name"] = "after"
    await writer.close()
    assert (await AuditLog(database).get("r")).intent == {"name": "before"}


async def test_the_log_of_one_user_is_not_the_others(
    database: Database, anna: UserRecord, bela: UserRecord
) -> None:
    writer = AuditWriter(database)
    for number, user in enumerate((anna, bela, anna)):
        writer.record(_row(number, user_id=user.id))
    await writer.close()
    log = AuditLog(database)
    assert [row.request_id for row in await log.tail(10, user_id=anna.id)] == ["r0", "r2"]
    assert (await log.get("r1", user_id=bela.id)).request_id == "r1"
    with pytest.raises(NotFoundError):
        await log.get("r1", user_id=anna.id)
    with pytest.raises(NotFoundError):
        await log.get("nothing")


async def test_the_log_is_followed_by_id(database: Database) -> None:
    writer = AuditWriter(database)
    for number in range(5):
        writer.record(_row(number))
    await writer.close()
    log = AuditLog(database)
    last_two = await log.tail(2)
    assert [row.request_id for row in last_two] == ["r3", "r4"]
    assert await log.tail(10, after_id=last_two[-1].id) == ()
    assert [row.request_id for row in await log.tail(2, after_id=1)] == ["r1", "r2"]


async def test_old_rows_are_purged_and_their_ids_never_come_again(database: Database) -> None:
    writer = AuditWriter(database)
    for number in range(7):
        writer.record(_row(number, timestamp=NOW - timedelta(days=number)))
    await writer.close()
    log = AuditLog(database)
    assert await log.purge(NOW - timedelta(days=3)) == 3
    assert await _ids(database) == ["r0", "r1", "r2", "r3"]
    assert await log.purge(NOW + timedelta(days=1)) == 4
    writer = AuditWriter(database)
    writer.record(_row(8))
    await writer.close()
    assert (await log.get("r8")).id == 8


async def test_many_rows_are_purged_in_steps(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("storage.audit._PURGE_ROWS", 10)
    writer = AuditWriter(database)
    for number in range(35):
        writer.record(_row(number))
    await writer.close()
    assert await AuditLog(database).purge(NOW + timedelta(days=1)) == 35


@pytest.mark.slow
async def test_kill_9_loses_nothing_that_was_committed_and_corrupts_nothing(
    sqlite_database: Database, sqlite_url: str
) -> None:
    script = Path(__file__).with_name("audit_flood.py")
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, script, sqlite_url], stdout=subprocess.PIPE, text=True
        ) as flood:
            assert flood.stdout is not None
            said = [int(flood.stdout.readline()) for _ in range(40)]
            os.kill(flood.pid, signal.SIGKILL)
            said += [int(line) for line in flood.stdout.read().splitlines() if line]
        found = await _ids(sqlite_database)
        assert len(found) >= said[-1]
        assert found == [f"r{number:08}" for number in range(len(found))]
        async with sqlite_database.write() as session:
            assert await session.scalar(text("PRAGMA integrity_check")) == "ok"
            await session.execute(text("DELETE FROM audit_log"))
