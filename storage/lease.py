"""Which process is *the* server of this database: one at a time.

Every step is one statement that compares and sets, so two processes never both succeed. `fence` grows
whenever the lease changes hands: a process that was paused past its time finds another number there.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select, update

from storage.clock import Clock, utc_now
from storage.database import Database
from storage.records import LeaseHolder
from storage.schema import lease

SERVER_LEASE: Final = "server"
"""What the one server that looks after the instances holds, and what the command line asks for."""


class Lease:
    """A claim by `holder` on `name`, which lapses `ttl_seconds` after it was last renewed.

    Args:
        database: Where it is written down.
        name: What is claimed, such as `server`.
        holder: Who claims; different for every process that ever runs.
        ttl_seconds: How long a claim lasts without renewal. Renew about three times as often.
        clock: Wall-clock time, as the other claimants on this machine see it.
    """

    def __init__(
        self, database: Database, *, name: str, holder: str, ttl_seconds: float, clock: Clock = utc_now
    ) -> None:
        self._database = database
        self._name = name
        self._holder = holder
        self._ttl = timedelta(seconds=ttl_seconds)
        self._clock = clock
        self._fence: int | None = None
        self._until: datetime | None = None

    @property
    def held(self) -> bool:
        """Whether the claim stands, as far as can be said without asking the database.

        It turns False by itself when renewing has not worked for `ttl_seconds`: from then on another
        process may have it.
        """
        return self._until is not None and self._clock() < self._until

    @property
    def fence(self) -> int | None:
        """The number of this claim, or None while there is none."""
        return self._fence if self.held else None

    async def acquire(self) -> bool:
        """Claim it, unless another holder's claim stands. True if it is ours now.

        Raises:
            StorageError: As `Database.write`; whether it was claimed is then unknown until the next call.
        """
        now = self._clock()
        claim = self._database.insert(lease).values(
            name=self._name, holder=self._holder, fence=1, expires_at=now + self._ttl
        )
        ours_or_lapsed = or_(lease.c.holder == self._holder, lease.c.expires_at <= now)
        statement = claim.on_conflict_do_update(
            index_elements=[lease.c.name],
            set_={
                "holder": claim.excluded.holder,
                "fence": lease.c.fence + 1,
                "expires_at": claim.excluded.expires_at,
            },
            where=ours_or_lapsed,
        ).returning(lease.c.fence)
        async with self._database.write() as session:
            fence = (await session.execute(statement)).scalar_one_or_none()
        self._remember(fence, now)
        return fence is not None

    async def renew(self) -> bool:
        """Hold on to it for another `ttl_seconds`. False: it is lost, and `held` is False from now on.

        A claim that has lapsed but that nobody took meanwhile can still be renewed.

        Raises:
            StorageError: As `Database.write`; the claim then stands until its time.
        """
        if self._fence is None:
            return False
        now = self._clock()
        statement = (
            update(lease)
            .where(lease.c.name == self._name, lease.c.holder == self._holder, lease.c.fence == self._fence)
            .values(expires_at=now + self._ttl)
            .returning(lease.c.fence)
        )
        async with self._database.write() as session:
            fence = (await session.execute(statement)).scalar_one_or_none()
        self._remember(fence, now)
        return fence is not None

    async def release(self) -> None:
        """Give it up, so that the next one need not wait for it to lapse; does nothing if it is not ours.

        Raises:
            StorageError: As `Database.write`; it then lapses by itself.
        """
        fence, self._fence, self._until = self._fence, None, None
        if fence is None:
            return
        async with self._database.write() as session:
            await session.execute(
                update(lease)
                .where(lease.c.name == self._name, lease.c.holder == self._holder, lease.c.fence == fence)
                .values(expires_at=self._clock())
            )

    def _remember(self, fence: int | None, asked_at: datetime) -> None:
        # From before the question: the answer may have taken its time.
        self._fence, self._until = fence, None if fence is None else asked_at + self._ttl


async def holder_of(database: Database, name: str, *, clock: Clock = utc_now) -> LeaseHolder | None:
    """Who holds the lease `name` now, or None where nobody does.

    Raises:
        StorageError: As `Database.read`.
    """
    async with database.read() as session:
        row = (
            await session.execute(select(lease).where(lease.c.name == name, lease.c.expires_at > clock()))
        ).one_or_none()
    return None if row is None else LeaseHolder(row.holder, row.fence, row.expires_at)
