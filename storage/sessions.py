"""The rolling context of each device."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, exists, select
from sqlalchemy.exc import IntegrityError

from storage.database import Database, rows_affected
from storage.errors import NotFoundError
from storage.records import SessionRecord
from storage.schema import devices, sessions


class Sessions:
    """The sessions of all devices; a device and its user always belong together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def live(self, device_id: str, now: datetime) -> SessionRecord | None:
        """The device's newest session that has not expired by `now`, or None."""
        wanted = (
            select(sessions)
            .where(sessions.c.device_id == device_id, sessions.c.expires_at > now)
            .order_by(sessions.c.expires_at.desc(), sessions.c.id)
            .limit(1)
        )
        async with self._database.read() as session:
            row = (await session.execute(wanted)).one_or_none()
        if row is None:
            return None
        return SessionRecord(row.id, row.user_id, row.device_id, row.created_at, row.expires_at, row.context)

    async def save(self, record: SessionRecord) -> None:
        """Write a session, over what was stored under its id if that is the same device's.

        Raises:
            NotFoundError: The device is gone, revoked or not this user's, or the id is another device's
                session; nothing was written.
        """
        async with self._database.write() as session:
            known = exists().where(
                devices.c.id == record.device_id,
                devices.c.user_id == record.user_id,
                devices.c.revoked_at.is_(None),
            )
            if not await session.scalar(select(known)):
                raise NotFoundError("the session's device is gone, revoked or another user's")
            added = self._database.insert(sessions).values(
                id=record.id,
                user_id=record.user_id,
                device_id=record.device_id,
                created_at=record.created_at,
                expires_at=record.expires_at,
                context=dict(record.context),
            )
            try:
                saved = await session.execute(
                    added.on_conflict_do_update(
                        index_elements=[sessions.c.id],
                        set_={"expires_at": added.excluded.expires_at, "context": added.excluded.context},
                        where=sessions.c.device_id == record.device_id,
                    )
                )
            except IntegrityError as error:
                # PostgreSQL only: the device went between the two statements.
                raise NotFoundError("the session's device is gone") from error
            if not rows_affected(saved):
                raise NotFoundError("the session's id is another device's")

    async def purge(self, now: datetime) -> int:
        """Forget the sessions that have expired by `now`; gives how many."""
        async with self._database.write() as session:
            gone = await session.execute(delete(sessions).where(sessions.c.expires_at <= now))
        return rows_affected(gone)
