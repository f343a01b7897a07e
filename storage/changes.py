"""What a running server must notice: the rows by which another process (the CLI) tells it.

`seq` must ascend in the order in which transactions *commit*: a reader that has seen 5 must never find a 4
later. Neither an autoincrement column nor a sequence promises that (a number is drawn before the commit).
So the number comes from one counter row, whose lock is held until the commit. Every such transaction
takes that lock first: they all run one after the other, and what one checks stays true until it commits.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.clock import Clock
from storage.database import Database, rows_affected
from storage.records import Change, ChangeKind
from storage.schema import change_counter, changes


@asynccontextmanager
async def changing(
    database: Database, kind: ChangeKind, subject_id: str, *, clock: Clock
) -> AsyncIterator[AsyncSession]:
    """A transaction whose commit a running server notices; nothing is noted if the block raises.

    Raises:
        StorageError: As `Database.write`.
    """
    async with database.write() as session:
        await note(session, kind, subject_id, at=clock())
        yield session


async def note(session: AsyncSession, kind: ChangeKind, subject_id: str, *, at: datetime) -> None:
    """Write one row of `changes` in this transaction; the first such call must come before other writing."""
    await session.execute(update(change_counter).values(value=change_counter.c.value + 1))
    seq = (await session.execute(select(change_counter.c.value))).scalar_one()
    await session.execute(
        insert(changes).values(seq=seq, kind=kind.value, subject_id=subject_id, created_at=at)
    )


class Changes:
    """What was changed, for a server that polls it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def latest(self) -> int:
        """The number of the newest change, 0 before the first; also after that row was purged."""
        async with self._database.read() as session:
            return int((await session.execute(select(change_counter.c.value))).scalar_one())

    async def since(self, seq: int, *, limit: int = 1000) -> list[Change]:
        """The changes after `seq`, oldest first, at most `limit`."""
        wanted = select(changes).where(changes.c.seq > seq).order_by(changes.c.seq).limit(limit)
        async with self._database.read() as session:
            rows = (await session.execute(wanted)).all()
        return [Change(row.seq, ChangeKind(row.kind), row.subject_id, row.created_at) for row in rows]

    async def purge(self, before: datetime) -> int:
        """Forget changes older than `before`; gives how many. A day is long enough for any server to poll."""
        async with self._database.write() as session:
            gone = await session.execute(delete(changes).where(changes.c.created_at < before))
        return rows_affected(gone)
