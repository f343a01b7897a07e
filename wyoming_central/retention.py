"""Forgets, once an hour, what has been kept for long enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from config.errors import WyomingCentralError
from storage.audit import AuditLog
from storage.changes import Changes
from storage.journal import Journal
from storage.revocations import Revocations
from storage.sessions import Sessions

_log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 3600.0
# Every server polls five times a second; a day is for one that was suspended.
CHANGES_KEPT: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Retention:
    """What is forgotten and when.

    Attributes:
        audit_days: `AUDIT_RETENTION_DAYS`, for turns and for what was done with instances.
        clock: The time now, aware.
    """

    audit: AuditLog
    sessions: Sessions
    journal: Journal
    revocations: Revocations
    changes: Changes
    audit_days: int
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self) -> None:
        """Forget now and every hour, until cancelled."""
        while True:
            try:
                await self.purge()
            except WyomingCentralError as error:
                _log.warning("old rows could not be removed", error=error.message)
            await asyncio.sleep(EVERY_SECONDS)

    async def purge(self) -> None:
        """Forget everything that is over its time.

        Raises:
            StorageError: The database cannot be written.
        """
        now = self.clock()
        oldest = now - timedelta(days=self.audit_days)
        turns = await self.audit.purge(oldest)
        await self.journal.purge(oldest)
        sessions = await self.sessions.purge(now)
        await self.revocations.purge(now)
        await self.changes.purge(now - CHANGES_KEPT)
        if turns or sessions:
            _log.info("old rows were removed", audit=turns, sessions=sessions)
