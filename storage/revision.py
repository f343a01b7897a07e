"""Which revision the tables of a database have, and whether this version of the program can work with it."""

from __future__ import annotations

from sqlalchemy import Column, MetaData, String, Table, inspect, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.errors import RevisionError

# The newest of `storage/migrations/versions/`. Revisions are four digits, so that they can be compared.
CURRENT = "0003"

_version = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))


async def read_revision(connection: AsyncConnection) -> str | None:
    """The revision of the tables, or None where there are none of ours yet."""
    if not await connection.run_sync(lambda sync: inspect(sync).has_table(_version.name)):
        return None
    return (await connection.execute(select(_version.c.version_num))).scalar_one_or_none()


def refuse_newer(found: str | None) -> None:
    """Refuse a database that only a newer version of the program understands.

    Raises:
        RevisionError: `found` is newer than `CURRENT`, or no revision of ours.
    """
    if found is None or (_is_ours(found) and found <= CURRENT):
        return
    raise RevisionError(
        f"the database has revision {found[:32]!r}, this version of wyoming-central knows up to {CURRENT!r}",
        remedy="install the newer version again, or restore the backup made before it",
    )


def refuse_different(found: str | None) -> None:
    """Refuse a database unless its revision is `CURRENT`.

    Raises:
        RevisionError: The revision is older or newer.
    """
    refuse_newer(found)
    if found != CURRENT:
        raise RevisionError(
            f"the database has revision {found or 'none'}, {CURRENT} is needed",
            remedy="run `wyoming-central db upgrade`",
        )


def _is_ours(revision: str) -> bool:
    return len(revision) == len(CURRENT) and revision.isascii() and revision.isdigit()
