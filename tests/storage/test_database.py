from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select, text, update

from storage.database import Database
from storage.errors import InvalidValueError, RevisionError, StorageError, StorageUnavailableError
from storage.migrate import upgrade
from storage.schema import change_counter, users


async def _value(database: Database) -> int:
    async with database.read() as session:
        return int((await session.execute(select(change_counter.c.value))).scalar_one())


async def _add_one(database: Database) -> None:
    async with database.write() as session:
        await session.execute(update(change_counter).values(value=change_counter.c.value + 1))


async def test_what_was_written_is_committed_at_the_end_of_the_block(database: Database) -> None:
    async with database.write() as session:
        await session.execute(update(change_counter).values(value=5))
    assert await _value(database) == 5


async def test_a_block_that_raises_is_rolled_back(database: Database) -> None:
    with pytest.raises(KeyError):  # noqa: PT012 - what raises is the end of the block
        async with database.write() as session:
            await session.execute(update(change_counter).values(value=5))
            raise KeyError
    assert await _value(database) == 0


async def test_a_cancelled_writer_leaves_nothing_behind_and_nobody_waiting(database: Database) -> None:
    inside = asyncio.Event()

    async def writes_for_ever() -> None:
        async with database.write() as session:
            await session.execute(update(change_counter).values(value=5))
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(writes_for_ever())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(5), database.write() as session:
        await session.execute(update(change_counter).values(value=change_counter.c.value + 1))
    assert await _value(database) == 1


async def test_writers_cancelled_anywhere_leave_a_working_database(database: Database) -> None:
    for steps in range(30):
        task = asyncio.create_task(_add_one(database))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    before = await _value(database)
    async with asyncio.timeout(10):
        await asyncio.gather(*(_add_one(database) for _ in range(20)))
    assert await _value(database) == before + 20


async def test_no_update_is_lost_among_many_writers(database: Database) -> None:
    async def add_one() -> None:
        async with database.write() as session:
            # Locks the row on PostgreSQL; on SQLite the transaction has the write lock from its beginning.
            value = await session.scalar(select(change_counter.c.value).with_for_update())
            await asyncio.sleep(0)
            await session.execute(update(change_counter).values(value=(value or 0) + 1))

    await asyncio.gather(*(add_one() for _ in range(40)))
    assert await _value(database) == 40


async def test_a_reader_sees_one_moment_of_sqlite(sqlite_database: Database) -> None:
    wanted = select(change_counter.c.value)
    async with sqlite_database.read() as session:
        before = await session.scalar(wanted)
        async with sqlite_database.write() as writer:
            await writer.execute(update(change_counter).values(value=5))
        assert await session.scalar(wanted) == before


async def test_sqlite_is_set_up_for_many_readers_and_a_writer(sqlite_database: Database) -> None:
    pragmas = {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 5000, "foreign_keys": 1}
    async with sqlite_database.read() as session:
        for name, value in pragmas.items():
            assert await session.scalar(text(f"PRAGMA {name}")) == value


async def test_two_databases_on_one_file_take_turns(sqlite_database: Database, sqlite_url: str) -> None:
    other = Database(sqlite_url)

    try:
        await asyncio.gather(
            *(_add_one(database) for database in (sqlite_database, other) for _ in range(20))
        )
        assert await _value(other) == 40
    finally:
        await other.close()


async def test_a_lock_that_is_not_given_back_is_an_error_that_may_pass(
    sqlite_database: Database, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.engine._PRAGMAS", ("PRAGMA busy_timeout=50",))
    with closing(
        sqlite3.connect(sqlite_url.removeprefix("sqlite+aiosqlite:///"), isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailableError, match="locked"):
            await _add_one(sqlite_database)
    await _add_one(sqlite_database)


async def test_an_error_never_shows_what_was_to_be_stored(database: Database) -> None:
    with pytest.raises(StorageError) as caught:
        async with database.write() as session:
            await session.execute(
                users.insert().values(id="x", email="anna@example.org", password_hash="geheim")
            )
    shown = f"{caught.value} {caught.value.__cause__}"
    assert "geheim" not in shown
    assert "anna" not in shown


async def test_half_a_surrogate_is_refused_by_name(sqlite_database: Database) -> None:
    with pytest.raises(InvalidValueError):
        async with sqlite_database.read() as session:
            await session.execute(select(users).where(users.c.email == "\ud800"))


async def test_a_database_that_is_not_there_is_said_and_not_made(sqlite_url: str) -> None:
    database = Database(sqlite_url)
    with pytest.raises(RevisionError, match="db upgrade"):
        async with database.read():
            pass
    await database.close()
    assert not Path(sqlite_url.removeprefix("sqlite+aiosqlite:///")).exists()


@pytest.mark.parametrize(("found", "remedy"), [("0000", "db upgrade"), ("9999", "newer version")])
async def test_another_revision_is_refused_before_anything_is_read(
    sqlite_url: str, found: str, remedy: str
) -> None:
    await upgrade(sqlite_url, backup_dir=None)
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite+aiosqlite:///"))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (found,))
        connection.commit()
    database = Database(sqlite_url)
    for transaction in (database.read, database.write):
        with pytest.raises(RevisionError, match=remedy):
            async with transaction():
                pass
    await database.close()


async def test_a_server_that_does_not_answer_is_an_error_that_may_pass(tmp_path: Path) -> None:
    pytest.importorskip("asyncpg")
    database = Database(f"postgresql://nobody@/x?host={tmp_path}")
    with pytest.raises(StorageUnavailableError):
        async with database.read():
            pass
    await database.close()


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "mysql://localhost/x",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://user:geheim@host:port/x",
    ],
)
def test_a_url_that_cannot_work_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(StorageError) as caught:
        Database(url)
    assert "geheim" not in str(caught.value)
    assert caught.value.remedy is not None


SET_TO_5 = update(change_counter).values(value=5)


async def test_a_whole_transaction_is_committed_and_gives_what_its_work_gave(database: Database) -> None:
    def work(connection: Connection) -> int:
        connection.execute(SET_TO_5)
        return threading.get_ident()

    thread = await database.write_whole(work)
    assert await _value(database) == 5
    if database.engine.url.get_backend_name() == "sqlite":
        assert thread != threading.get_ident(), "the event loop goes on meanwhile"


async def test_a_whole_transaction_whose_work_fails_leaves_nothing(database: Database) -> None:
    def work(connection: Connection) -> None:
        connection.execute(SET_TO_5)
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await database.write_whole(work)
    assert await _value(database) == 0


async def test_a_whole_transaction_that_is_cancelled_is_over_when_the_next_one_begins(
    database: Database,
) -> None:
    if database.engine.url.get_backend_name() != "sqlite":
        pytest.skip("only SQLite has a thread of its own for it")
    begun, go_on = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        begun.set()
        go_on.wait(10)
        connection.execute(SET_TO_5)

    writing = asyncio.create_task(database.write_whole(work))
    await asyncio.to_thread(begun.wait, 10)
    writing.cancel()
    following = asyncio.create_task(database.write_whole(lambda _: None))
    await asyncio.sleep(0)
    assert not writing.done()
    go_on.set()
    await following
    assert writing.cancelled()
    assert await _value(database) == 5, "what was begun was carried out whole"


async def test_what_the_database_refuses_in_a_whole_transaction_is_a_storage_error(
    database: Database,
) -> None:
    with pytest.raises(StorageError):
        await database.write_whole(lambda connection: connection.execute(insert(change_counter).values(id=1)))
