from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text

from storage.audit_insert import insert_audit_rows
from storage.audit_values import COLUMNS, fit
from storage.database import Database
from storage.records import AuditRow
from storage.schema import audit_log

NOW = datetime(2026, 11, 23, 12, 0, 0, 5, tzinfo=UTC)
ROW = AuditRow(
    request_id="r",
    timestamp=NOW,
    user_id=None,
    device_id="d",
    input_text="Kapcsold le a hűtőt",
    intent={"name": "HassTurnOff", "slots": {"name": "hűtő"}},
    ha_response={"calls": [], "done": 0.5},
    status="ok",
    latency_ms=1.25,
    llm_tokens=3,
    error_message=None,
    stages=[],
    language="hu",
)


def rows(count: int, **values: Any) -> list[dict[str, Any]]:
    return [fit(ROW, now=NOW) | {"request_id": f"r{number}", **values} for number in range(count)]


async def stored(database: Database) -> list[tuple[Any, ...]]:
    async with database.read() as session:
        found = await session.execute(text(f"SELECT {', '.join(COLUMNS)} FROM audit_log ORDER BY id"))  # noqa: S608
        return [tuple(row) for row in found]


def test_the_values_of_a_row_come_in_the_order_of_its_columns() -> None:
    assert tuple(fit(ROW, now=NOW)) == COLUMNS


@pytest.mark.parametrize(
    "moment", [NOW, NOW.astimezone(timezone(timedelta(hours=-3))), NOW.replace(microsecond=0)]
)
async def test_a_row_stands_in_the_file_as_sqlalchemy_would_have_written_it(
    sqlite_database: Database, moment: datetime
) -> None:
    def write(connection: Connection) -> None:
        insert_audit_rows(connection, rows(1, timestamp=moment))
        connection.execute(
            insert(audit_log).values(
                **{column: getattr(ROW, column) for column in COLUMNS}
                | {"timestamp": moment, "request_id": "by SQLAlchemy"}
            )
        )

    await sqlite_database.write_whole(write)
    ours, theirs = await stored(sqlite_database)
    assert [type(value) for value in ours] == [type(value) for value in theirs]
    assert ours[1:] == theirs[1:]


@pytest.mark.parametrize("count", [1, 7, 8, 9, 63, 64, 65, 200])
async def test_however_many_there_are_each_is_there_once_in_its_place(database: Database, count: int) -> None:
    await database.write_whole(lambda connection: insert_audit_rows(connection, rows(count)))
    assert [row[0] for row in await stored(database)] == [f"r{number}" for number in range(count)]


async def test_what_is_there_already_stays_as_it_is(database: Database) -> None:
    await database.write_whole(lambda connection: insert_audit_rows(connection, rows(3, status="first")))
    await database.write_whole(lambda connection: insert_audit_rows(connection, rows(70, status="second")))
    statuses = [row[COLUMNS.index("status")] for row in await stored(database)]
    assert statuses == ["first"] * 3 + ["second"] * 67
