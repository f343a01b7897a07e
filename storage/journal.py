"""What the server does with instances, written down before it is begun and when it has ended.

The row of an instance says where it is to be; the journal says what is under way to get it there. What a
server left open when it died is closed as interrupted by the next one, which then does what the row wants:
completes it, or undoes it where something else is wanted by now. People read in it what happened.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.clock import Clock, utc_now
from storage.database import Database, rows_affected
from storage.records import OperationKind, OperationOutcome, OperationRecord
from storage.schema import operations

KEPT: Final = 200
"""Operations of one user; older ones are forgotten as new ones begin. A failing instance has 300 a day."""

_DETAIL_LENGTH: Final = 1000


class Journal:
    """The operations on all instances.

    Args:
        database: Where they are.
        clock: The time now, aware.
    """

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def begin(self, user_id: str, instance_id: str, kind: OperationKind, *, generation: int) -> int:
        """Write down that an operation begins; gives its id.

        Whatever of the user's was under way has been superseded by it.

        Raises:
            StorageError: As `Database.write`.
        """
        now = self._clock()
        async with self._database.write() as session:
            await _close(session, OperationOutcome.SUPERSEDED, now, operations.c.user_id == user_id)
            begun = await session.execute(
                insert(operations)
                .values(
                    user_id=user_id,
                    instance_id=instance_id,
                    kind=kind.value,
                    generation=generation,
                    began_at=now,
                )
                .returning(operations.c.id)
            )
            operation_id = int(begun.scalar_one())
            await session.execute(_beyond_what_is_kept(user_id))
        return operation_id

    async def end(self, operation_id: int, outcome: OperationOutcome, *, detail: str | None = None) -> None:
        """Write down what came of an operation; one that has ended already stays as it ended.

        Args:
            operation_id: As `begin` gave it.
            outcome: What came of it.
            detail: One line for a person, cut to 1000 characters.

        Raises:
            StorageError: As `Database.write`.
        """
        async with self._database.write() as session:
            await session.execute(
                update(operations)
                .where(operations.c.id == operation_id, operations.c.outcome.is_(None))
                .values(
                    ended_at=self._clock(),
                    outcome=outcome.value,
                    detail=None if detail is None else detail[:_DETAIL_LENGTH],
                )
            )

    async def supersede(self, user_id: str) -> None:
        """Close whatever of a user's is under way, because something else is wanted by now.

        Raises:
            StorageError: As `Database.write`.
        """
        async with self._database.write() as session:
            await _close(session, OperationOutcome.SUPERSEDED, self._clock(), operations.c.user_id == user_id)

    async def close_interrupted(self) -> tuple[OperationRecord, ...]:
        """Close what a server left open that is not there any more; gives what that was, oldest first.

        Raises:
            StorageError: As `Database.write`.
        """
        async with self._database.write() as session:
            wanted = select(operations).where(operations.c.outcome.is_(None)).order_by(operations.c.id)
            left = (await session.execute(wanted)).all()
            await _close(session, OperationOutcome.INTERRUPTED, self._clock())
        return tuple(_record(row) for row in left)

    async def purge(self, before: datetime) -> int:
        """Forget what ended before a moment; gives how much.

        Raises:
            StorageError: As `Database.write`.
        """
        async with self._database.write() as session:
            return rows_affected(
                await session.execute(delete(operations).where(operations.c.ended_at < before))
            )

    async def of(self, user_id: str, *, limit: int) -> tuple[OperationRecord, ...]:
        """The newest operations on a user's instances, the newest first.

        Raises:
            StorageError: As `Database.read`.
        """
        wanted = (
            select(operations)
            .where(operations.c.user_id == user_id)
            .order_by(operations.c.id.desc())
            .limit(limit)
        )
        async with self._database.read() as session:
            return tuple(_record(row) for row in (await session.execute(wanted)).all())


async def _close(session: AsyncSession, outcome: OperationOutcome, at: Any, *which: Any) -> None:
    await session.execute(
        update(operations)
        .where(operations.c.outcome.is_(None), *which)
        .values(ended_at=at, outcome=outcome.value)
    )


def _beyond_what_is_kept(user_id: str) -> Any:
    newest = (
        select(operations.c.id)
        .where(operations.c.user_id == user_id)
        .order_by(operations.c.id.desc())
        .limit(KEPT)
    )
    return delete(operations).where(operations.c.user_id == user_id, operations.c.id.not_in(newest))


def _record(row: Row[Any]) -> OperationRecord:
    return OperationRecord(
        id=row.id,
        user_id=row.user_id,
        instance_id=row.instance_id,
        kind=OperationKind(row.kind),
        generation=row.generation,
        began_at=row.began_at,
        ended_at=row.ended_at,
        outcome=None if row.outcome is None else OperationOutcome(row.outcome),
        detail=row.detail,
    )
