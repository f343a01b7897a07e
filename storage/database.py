"""Transactions: the one way in which repositories reach the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Engine, Result, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from storage.engine import (
    WRITES,
    create_engine,
    create_thread_engine,
    is_sqlite,
    parse_url,
    sqlite_file,
    storage_errors,
)
from storage.errors import RevisionError
from storage.revision import read_revision, refuse_different

Outcome = TypeVar("Outcome")


class Database:
    """The database behind a URL. It connects at the first transaction; `close` it in the end.

    The first transaction also looks whether the tables are those that this version of the program works
    with (`storage.migrate.upgrade` makes them so).

    Args:
        url: `DATABASE_URL`: SQLite (a file) or PostgreSQL.

    Raises:
        StorageError: The URL is not usable.
    """

    def __init__(self, url: str) -> None:
        self._url = parse_url(url)
        self.engine: AsyncEngine = create_engine(self._url)
        self._writing_engine = self.engine.execution_options(**WRITES)
        self._is_sqlite = is_sqlite(self._url)
        # SQLite has one writer at a time. Within this process it is cheaper and fairer to queue for that
        # here than to let SQLite poll for its lock, which `busy_timeout` does between processes.
        self._write_turn: AbstractAsyncContextManager[object] = (
            asyncio.Lock() if self._is_sqlite else nullcontext()
        )
        self._thread_engine = create_thread_engine(self._url) if self._is_sqlite else None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="database writer")
        self._revision_seen = False

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        """One transaction that only reads; on SQLite all of it sees the same moment.

        Raises:
            RevisionError: The tables are older or newer than this program.
            StorageUnavailableError: Locked, full or unreachable; may work later.
            StorageError: Refused.
        """
        with storage_errors():
            await self._see_revision()
            async with AsyncSession(self.engine) as session, session.begin():
                yield session

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        """One transaction that is committed at the end of the block, and rolled back if it raises.

        Raises:
            As `read`.
        """
        with storage_errors():
            await self._see_revision()
            async with self._write_turn, AsyncSession(self._writing_engine) as session, session.begin():
                yield session

    async def write_whole(self, work: Callable[[Connection], Outcome]) -> Outcome:
        """One transaction of many rows, committed when `work` returns and rolled back if it raises.

        On SQLite all of it happens in a thread: preparing thousands of rows would hold up the event loop, and
        a busy loop would hold up each of a transaction's steps. One that is cancelled is waited for first.

        Args:
            work: Works with the transaction's connection and nothing else that belongs to the event loop.

        Returns:
            What `work` gives.

        Raises:
            As `read`.
        """
        with storage_errors():
            await self._see_revision()
            async with self._write_turn:
                if self._thread_engine is None:
                    async with self._writing_engine.begin() as connection:
                        return await connection.run_sync(work)
                engine = self._thread_engine.execution_options(**WRITES)
                running = asyncio.get_running_loop().run_in_executor(self._thread, _transact, engine, work)
                try:
                    return await asyncio.shield(running)
                except asyncio.CancelledError:
                    await asyncio.wait({running})
                    running.exception()  # nobody is left to hear of it
                    raise

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that can say what to do on a conflict; both databases know it, spelt alike."""
        return sqlite.insert(table) if self._is_sqlite else postgresql.insert(table)

    async def close(self) -> None:
        """Close all connections. Nothing may be in a transaction any more."""
        await self.engine.dispose()
        if self._thread_engine is not None:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._thread_engine.dispose)
        self._thread.shutdown(wait=False)

    async def _see_revision(self) -> None:
        if self._revision_seen:
            return
        if self._is_sqlite and not sqlite_file(self._url).exists():
            # Connecting would make an empty file, readable for everybody.
            raise RevisionError(
                f"there is no database at {sqlite_file(self._url)}", remedy="run `wyoming-central db upgrade`"
            )
        async with self.engine.connect() as connection:
            refuse_different(await read_revision(connection))
        self._revision_seen = True


def _transact(engine: Engine, work: Callable[[Connection], Outcome]) -> Outcome:
    with engine.begin() as connection:
        return work(connection)


def rows_affected(result: Result[Any]) -> int:
    """How many rows an UPDATE, a DELETE or a single INSERT reached."""
    if not isinstance(result, CursorResult):
        raise TypeError("only a statement that changes rows reaches any")
    return result.rowcount
