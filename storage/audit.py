"""One row for every turn, written without making the turn wait.

When rows come faster than the database takes them, or it takes none, `AuditWriter` keeps `queue_size` of
them and **drops the newest**: no turn ever waits or fails for its audit row, and memory stays bounded. What
was dropped is counted and told three times: a log line when it begins, a log line when it ends, and a row of
its own (status `audit-gap`, with the number and the times of the first and the last) where they are missing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

import structlog
from sqlalchemy import Row, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit_values import AuditValues, bare, fit, gap
from storage.clock import Clock, utc_now
from storage.database import Database
from storage.errors import NotFoundError, StorageError, StorageUnavailableError
from storage.records import AuditRow
from storage.schema import audit_log, users

# Rows in one commit: more gain nothing, and others wait for the write lock meanwhile.
_BATCH_ROWS = 500
# Seconds before a failed commit is tried again: after the first failure, and at most (they double).
_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.05, 5.0
# Seconds that a clean stop may take to write what is queued.
_CLOSE_SECONDS = 10.0
# Rows that one DELETE removes, so that nobody waits long for the write lock.
_PURGE_ROWS = 5000

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class AuditCounters:
    """What became of the rows since the start.

    Attributes:
        written: Committed, among them the bared ones and the rows that stand for a gap.
        dropped: Not taken, because the queue was full or the writer closed.
        bared: Committed without their texts, because the database would not take them otherwise.
        refused: Given up: malformed, or the database took others but not these, not even bare.
        retries: Commits that failed and were tried again.
    """

    written: int = 0
    dropped: int = 0
    bared: int = 0
    refused: int = 0
    retries: int = 0


@dataclass(slots=True)
class _Gap:
    first: datetime
    last: datetime
    dropped: int = 0


class AuditWriter:
    """Writes audit rows in the order in which they come, whatever is queued in one commit.

    A row stays queued until its commit succeeded: a locked or failing database loses none. SIGKILL loses
    what is queued at that moment and nothing else. All methods belong to the event loop's thread.

    Args:
        database: Where the rows go.
        queue_size: Rows kept in memory at most; what happens then, this module's first paragraph says.
        clock: For the times of a gap.
        retry_seconds: How long to wait after the first failed commit; it doubles up to 5 s.
    """

    def __init__(
        self,
        database: Database,
        *,
        queue_size: int = 10_000,
        clock: Clock = utc_now,
        retry_seconds: float = _RETRY_SECONDS,
    ) -> None:
        self.counters = AuditCounters()
        self._database = database
        self._queue_size = queue_size
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._queue: deque[AuditValues] = deque()
        self._gap: _Gap | None = None
        self._something_queued = asyncio.Event()
        self._draining = asyncio.Lock()
        self._closed = False

    @property
    def queued(self) -> int:
        """Rows that are not committed yet."""
        return len(self._queue)

    def record(self, row: AuditRow) -> None:
        """Queue a row. Never waits, never raises; texts that are too long are cut."""
        try:
            values = fit(row, now=self._clock())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a row, its turn goes on
            self.counters.refused += 1
            _log.error("audit_row_malformed", error=type(error).__name__)  # noqa: TRY400 - a traceback may quote the row
            return
        if self._closed or len(self._queue) >= self._queue_size:
            self._drop()
            return
        self._queue.append(values)
        self._something_queued.set()

    async def run(self) -> None:
        """Write what is queued, as soon as something is, until cancelled; `close` writes the rest."""
        while True:
            await self._something_queued.wait()
            self._something_queued.clear()
            await self._drain()

    async def close(self, *, within: float = _CLOSE_SECONDS) -> int:
        """Take no more rows and write all that are queued, whether `run` still runs or not.

        Args:
            within: Seconds after which to give up on a database that takes nothing.

        Returns:
            How many rows could not be written; 0 unless the database failed all that time.
        """
        self._closed = True
        try:
            async with asyncio.timeout(within):
                await self._drain()
        except TimeoutError:
            _log.error("audit_rows_lost", rows=len(self._queue))  # noqa: TRY400 - the reason was logged before
        return len(self._queue)

    async def _drain(self) -> None:
        failures = 0
        async with self._draining:
            while self._queue:
                # The rows stay in the queue until they are committed, so being cancelled loses none.
                batch = list(islice(self._queue, _BATCH_ROWS))
                try:
                    await self._write(batch)
                except StorageError as error:
                    failures += 1
                    self.counters.retries += 1
                    _log.warning("audit_commit_failed", rows=len(self._queue), failures=failures, error=error.message)
                    await asyncio.sleep(self._pause(failures))
                else:
                    failures = 0

    async def _write(self, batch: Sequence[AuditValues]) -> None:
        try:
            await self._commit(batch)
        except StorageUnavailableError:
            raise
        except StorageError:
            # Something in the batch is not to the database's liking.
            await self._write_one_by_one(batch)
        else:
            self._forget(len(batch))

    async def _write_one_by_one(self, batch: Sequence[AuditValues]) -> None:
        """Commit each row by itself, bare where it is not taken otherwise.

        A row that is not even taken bare is given up, but only if another of the batch was taken: else it
        is the database that is at fault.

        Raises:
            StorageError: No row was taken; all that are not committed are still queued.
        """
        refused: list[AuditValues] = []
        error: StorageError | None = None
        for values in batch:
            try:
                await self._commit_somehow(values)
            except StorageUnavailableError:
                self._queue.extendleft(reversed(refused))
                raise
            except StorageError as caught:
                ...


    async def _commit(self, batch: Sequence[AuditValues]) -> None:
        async with self._database.write() as session:
            there = await _users_there(session, batch)
            await session.execute(
                # A commit whose success never got back to us is tried again: then its rows are there already.
                self._database.insert(audit_log).on_conflict_do_nothing(index_elements=[audit_log.c.request_id]),
                [values if values["user_id"] in there else bare(values) for values in batch],
            )
