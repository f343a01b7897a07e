"""How audit rows get into the table: many at once, and on SQLite by the shortest way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from itertools import chain, islice
from typing import Any, Final

import orjson
from sqlalchemy import Connection
from sqlalchemy.dialects import postgresql

from storage.audit_values import COLUMNS, JSON_COLUMNS, AuditValues
from storage.schema import audit_log

# Rows of one statement on SQLite; few sizes, so that each is parsed once and kept.
_SIZES: Final = (64, 8, 1)
_TIMESTAMP: Final = COLUMNS.index("timestamp")


def insert_audit_rows(connection: Connection, rows: Sequence[AuditValues]) -> None:
    """Add rows as `audit_values.fit` gives them, in the connection's transaction.

    Those that are there already, by their request id, are left as they are.
    """
    if connection.dialect.name == "sqlite":
        _into_sqlite(connection, rows)
        return
    added = postgresql.insert(audit_log).on_conflict_do_nothing(index_elements=["request_id"])
    connection.execute(added, [_for_sqlalchemy(row) for row in rows])


def _into_sqlite(connection: Connection, rows: Sequence[AuditValues]) -> None:
    """Add rows with few statements of many rows each.

    `sqlite3` gives up the interpreter for every statement, also within an `executemany`, and has to wait
    until a busy event loop lets go of it again: that took several times as long as the rows themselves.
    """
    values = map(_for_sqlite, rows)
    for size, count in _in_sizes(len(rows)):
        for _ in range(count):
            connection.exec_driver_sql(_statement(size), tuple(chain.from_iterable(islice(values, size))))


def _in_sizes(rows: int) -> Iterator[tuple[int, int]]:
    """How many statements of which size make up so many rows."""
    for size in _SIZES:
        count, rows = divmod(rows, size)
        yield size, count


@cache
def _statement(rows: int) -> str:
    row = f"({', '.join('?' * len(COLUMNS))})"
    return (
        f"INSERT INTO {audit_log.name} ({', '.join(COLUMNS)}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - names of ours
        " ON CONFLICT (request_id) DO NOTHING"
    )


def _for_sqlite(row: AuditValues) -> Sequence[Any]:
    """The values of a row in the order of `COLUMNS`, as SQLAlchemy would hand them to SQLite."""
    values = list(row.values())
    values[_TIMESTAMP] = _moment(values[_TIMESTAMP])
    return values


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(" ", "microseconds")


def _for_sqlalchemy(row: AuditValues) -> AuditValues:
    """A row whose JSON, which is text already, is not made text once more."""
    return row | {column: orjson.Fragment(row[column]) for column in JSON_COLUMNS if row[column] is not None}
