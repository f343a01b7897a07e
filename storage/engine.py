"""From a database URL to an engine: drivers, pragmas, how a transaction begins, what errors mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, event
from sqlalchemy import create_engine as create_sync_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    NoSuchModuleError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from storage import unbroken
from storage.errors import InvalidValueError, StorageError, StorageUnavailableError

# Execution option of the engine that transactions which write are begun with.
WRITES = {"wyoming_central_writes": True}

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}

_PRAGMAS = (
    # First, so that the others wait for a lock too: milliseconds.
    "PRAGMA busy_timeout=5000",
    "PRAGMA journal_mode=WAL",
    # With WAL this can lose the newest commits when the power fails, but never corrupts.
    "PRAGMA synchronous=NORMAL",
    "PRAGMA foreign_keys=ON",
)

# Seconds: to connect to PostgreSQL, and for one statement there.
_CONNECT_SECONDS = 10
_STATEMENT_SECONDS = 30
# Seconds that a transaction waits for a free connection.
_POOL_SECONDS = 10

# SQLSTATE classes of PostgreSQL that say nothing about the statement itself: connection trouble, conflict
# with another transaction, no resources, object in use, an operator's intervention, input/output.
_PASSING_SQLSTATES = ("08", "40", "53", "55", "57", "58")


def _to_json(value: Any) -> str:
    return orjson.dumps(value).decode()


_OPTIONS: Mapping[str, Any] = MappingProxyType(
    {
        # Parameters hold password hashes and what people said: they must not show in an exception.
        "hide_parameters": True,
        "json_serializer": _to_json,
        "json_deserializer": orjson.loads,
        "pool_timeout": _POOL_SECONDS,
    }
)
# No transactions behind our back: sqlite3 would begin one only at the first change, and a transaction that
# has read before it writes can then fail at once, whatever the busy timeout.
_NO_HIDDEN_TRANSACTIONS: Mapping[str, Any] = MappingProxyType({"isolation_level": None})


def parse_url(url: str) -> URL:
    """Give `DATABASE_URL` the driver that this program uses.

    Raises:
        StorageError: It is no URL, neither SQLite nor PostgreSQL, or a SQLite database in memory.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # The error's own text would show the password.
        raise StorageError(
            "DATABASE_URL is no database URL", remedy="such as sqlite+aiosqlite:////var/lib/name.db"
        ) from error
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise StorageError(
            f"DATABASE_URL names {parsed.drivername!r}, which is not supported",
            remedy="use sqlite+aiosqlite or postgresql+asyncpg",
        )
    parsed = parsed.set(drivername=driver)
    if is_sqlite(parsed) and parsed.database in {None, "", ":memory:"}:
        raise StorageError(
            "a SQLite database needs a file", remedy="such as sqlite+aiosqlite:////var/lib/name.db"
        )
    return parsed


def is_sqlite(url: URL) -> bool:
    """Whether the database is a SQLite file."""
    return url.get_backend_name() == "sqlite"


def sqlite_file(url: URL) -> Path:
    """The file of a SQLite database; only for a URL of `parse_url` that `is_sqlite`."""
    return Path(url.database or "")


def create_engine(url: URL) -> AsyncEngine:
    """An engine for a URL of `parse_url`. It connects at the first use.

    Raises:
        StorageError: The driver of the database is not installed.
    """
    options = dict(_OPTIONS)
    if is_sqlite(url):
        options["connect_args"] = {**_NO_HIDDEN_TRANSACTIONS, "async_creator_fn": unbroken.connect}
    else:
        options["connect_args"] = {"timeout": _CONNECT_SECONDS, "command_timeout": _STATEMENT_SECONDS}
        options["pool_pre_ping"] = True
    try:
        engine = create_async_engine(url, **options)
    except (ImportError, NoSuchModuleError) as error:
        raise StorageError(
            f"the driver of {url.drivername} is not installed",
            remedy="pip install 'wyoming-central[postgres]'",
        ) from error
    if is_sqlite(url):
        _prepare_sqlite(engine.sync_engine)
    return engine


def create_thread_engine(url: URL) -> Engine:
    """An engine on a SQLite file for a thread that may wait; of a URL of `parse_url` that `is_sqlite`."""
    engine = create_sync_engine(
        url.set(drivername="sqlite"), connect_args=dict(_NO_HIDDEN_TRANSACTIONS), **_OPTIONS
    )
    _prepare_sqlite(engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


@contextmanager
def storage_errors() -> Iterator[None]:
    """Turn what SQLAlchemy raises into `StorageError`, and what may pass into `StorageUnavailableError`."""
    try:
        yield
    except SQLAlchemyError as error:
        what = _what_happened(error)
        if _may_pass(error):
            raise StorageUnavailableError(
                f"the database is not available: {what}",
                remedy="see whether it is reachable, its disk has room and nothing else keeps it locked",
            ) from error
        remedy = "restore the newest file of the backups" if _is_damaged(error) else None
        raise StorageError(f"the database refused: {what}", remedy=remedy) from error
    except UnicodeError:
        # `from None`: the cause holds the text.
        raise InvalidValueError("a text is no valid Unicode and cannot be stored") from None
    except OSError as error:
        # asyncpg lets these through as they are.
        raise StorageUnavailableError(
            f"the database cannot be reached: {error.strerror or type(error).__name__}",
            remedy="see whether it runs and DATABASE_URL is right",
        ) from error


def _set_pragmas(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    try:
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
    finally:
        cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("wyoming_central_writes", False)
    # IMMEDIATE takes the write lock at the start, where waiting for it is still possible.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _may_pass(error: SQLAlchemyError) -> bool:
    if isinstance(error, PoolTimeoutError):
        return True
    if not isinstance(error, DBAPIError):
        return False
    sqlstate = getattr(error.orig, "sqlstate", None)
    if isinstance(sqlstate, str):
        return sqlstate.startswith(_PASSING_SQLSTATES)
    return error.connection_invalidated or isinstance(error, OperationalError)


def _is_damaged(error: SQLAlchemyError) -> bool:
    name = getattr(error.orig, "sqlite_errorname", None) if isinstance(error, DBAPIError) else None
    return isinstance(name, str) and name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))


def _what_happened(error: SQLAlchemyError) -> str:
    # Only the first line: PostgreSQL puts the values of the row into the lines after it.
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    first_line, _, _ = str(cause).partition("\n")
    return f"{type(cause).__name__}: {first_line[:200]}"
