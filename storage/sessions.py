"""The rolling context of each device."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from storage.database import Database, rows_affected
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

    async def save(self, records: Sequence[SessionRecord]) -> tuple[SessionRecord, ...]:
        """Write sessions, one for each id, in one transaction; each over what was stored under its id.

        Returns:
            Those that were not written: their device is gone, revoked or not this user's, or their id is
            another device's session.
        """
        added = self._database.insert(sessions)
        written_over = added.on_conflict_do_update(
            index_elements=[sessions.c.id],
            set_={"expires_at": added.excluded.expires_at, "context": added.excluded.context},
            where=sessions.c.device_id == added.excluded.device_id,
        )

        def write(connection: Connection) -> set[str]:
            kept = _that_may_be_kept(connection, records)
            if kept:
                connection.execute(written_over, [_values(record) for record in kept])
            return {record.id for record in kept}

        written = await self._database.write_whole(write)
        return tuple(record for record in records if record.id not in written)

    async def purge(self, now: datetime) -> int:
        """Forget the sessions that have expired by `now`; gives how many."""
        async with self._database.write() as session:
            gone = await session.execute(delete(sessions).where(sessions.c.expires_at <= now))
        return rows_affected(gone)


def _that_may_be_kept(connection: Connection, records: Sequence[SessionRecord]) -> tuple[SessionRecord, ...]:
    """Those of living devices of the right user, under an id that is no other device's.

    The devices cannot go until this transaction ends.
    """
    device_ids = {record.device_id for record in records}
    living = (
        select(devices.c.id, devices.c.user_id)
        .where(devices.c.id.in_(device_ids), devices.c.revoked_at.is_(None))
        .with_for_update(read=True, key_share=True)
    )
    owners = {row.id: row.user_id for row in connection.execute(living)}
    stored = select(sessions.c.id, sessions.c.device_id).where(
        sessions.c.id.in_({record.id for record in records})
    )
    holders = {row.id: row.device_id for row in connection.execute(stored)}
    return tuple(
        record
        for record in records
        if owners.get(record.device_id) == record.user_id
        and holders.get(record.id, record.device_id) == record.device_id
    )


def _values(record: SessionRecord) -> dict[str, Any]:
    return {
        "id": record.id,
        "user_id": record.user_id,
        "device_id": record.device_id,
        "created_at": record.created_at,
        "expires_at": record.expires_at,
        "context": dict(record.context),
    }
