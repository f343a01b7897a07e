"""Tokens that were taken away before they expired."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database, rows_affected
from storage.schema import UtcDateTime, devices, revocations

# How long a revocation outlives its token: more than any leeway that a check of `exp` may grant.
_AFTERLIFE = timedelta(days=1)


async def revoke_tokens_of(session: AsyncSession, which: ColumnElement[bool], *, at: datetime) -> None:
    """In this transaction, revoke the present token of every device that `which` selects."""
    await session.execute(
        insert(revocations).from_select(
            ["token_id", "device_id", "user_id", "expires_at", "revoked_at"],
            select(
                devices.c.token_id,
                devices.c.id,
                devices.c.user_id,
                devices.c.token_expires_at,
                literal(at, UtcDateTime),
            ).where(which, devices.c.token_id.is_not(None)),
        )
    )


class Revocations:
    """The tokens that were taken away; they are written where devices and users are changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def contains(self, token_id: str) -> bool:
        """Whether the token with this `jti` was revoked."""
        wanted = select(exists().where(revocations.c.token_id == token_id))
        async with self._database.read() as session:
            return bool(await session.scalar(wanted))

    async def all_ids(self) -> set[str]:
        """The `jti` of every revoked token that is not long expired."""
        async with self._database.read() as session:
            return set((await session.scalars(select(revocations.c.token_id))).all())

    async def purge(self, now: datetime) -> int:
        """Forget the revocations of tokens that expired a day ago; gives how many."""
        async with self._database.write() as session:
            gone = await session.execute(
                delete(revocations).where(revocations.c.expires_at < now - _AFTERLIFE)
            )
        return rows_affected(gone)
