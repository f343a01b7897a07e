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
from sqlalchemy import Connection, Row, delete, select

from storage.audit_insert import insert_audit_rows
from storage.audit_values import TEXT_LENGTH, AuditValues, bare, fit, gap
from storage.clock import Clock, utc_now
from storage.database import Database, rows_affected
from storage.errors import NotFoundError, StorageError, StorageUnavailableError
from storage.records import AuditRow
from storage.schema import audit_log, users

# Rows in one commit: more gain nothing, and others wait for the write lock meanwhile, about 15 ms.
_BATCH_ROWS = 1000
# Seconds before a failed commit is tried again: after the first failure, and at most (they double).
_RETRY_SECONDS, _MAX_RETRY_SECONDS = 0.05, 5.0
# Seconds between two commits. A server that is killed loses no more rows than come in that time.
_REST_SECONDS = 0.05
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
        text_length: Characters kept of what was said, and of an error.
        clock: For the times of a gap.
        retry_seconds: How long to wait after the first failed commit; it doubles up to 5 s.
        rest_seconds: How long to let rows gather between two commits, unless there are enough for one.
    """

    def __init__(
        self,
        database: Database,
        *,
        queue_size: int = 10_000,
        text_length: int = TEXT_LENGTH,
        clock: Clock = utc_now,
        retry_seconds: float = _RETRY_SECONDS,
        rest_seconds: float = _REST_SECONDS,
    ) -> None:
        self.counters = AuditCounters()
        self._database = database
        self._queue_size = queue_size
        self._text_length = text_length
        self._clock = clock
        self._retry_seconds = retry_seconds
        self._rest_seconds = rest_seconds
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
            values = fit(row, now=self._clock(), text_length=self._text_length)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a row, its turn goes on
            self.counters.refused += 1
            _log.error("audit_row_malformed", error=type(error).__name__)
            return
        if self._closed or len(self._queue) >= self._queue_size:
            self._drop()
            return
        self._queue.append(values)
        self._something_queued.set()

    async def run(self) -> None:
        """Write what is queued until cancelled; `close` writes the rest.

        What comes after a rest is written at once, and what comes then is written together after the next
        one: a commit costs a hundred times what a row does, and nobody waits for either.
        """
        while True:
            await self._something_queued.wait()
            self._something_queued.clear()
            async with self._draining:
                await self._write_some()
            if len(self._queue) < _BATCH_ROWS:
                await asyncio.sleep(self._rest_seconds)
            if self._queue:
                self._something_queued.set()

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
            _log.error("audit_rows_lost", rows=len(self._queue))
        return len(self._queue)

    async def _drain(self) -> None:
        async with self._draining:
            while self._queue:
                await self._write_some()

    async def _write_some(self) -> None:
        """Write what is queued, up to one commit of it, as often as it takes."""
        failures = 0
        while self._queue:
            # The rows stay in the queue until they are committed, so being cancelled loses none.
            batch = list(islice(self._queue, _BATCH_ROWS))
            try:
                await self._write(batch)
            except StorageError as error:
                failures += 1
                self.counters.retries += 1
                _log.warning(
                    "audit_commit_failed", rows=len(self._queue), failures=failures, error=error.message
                )
                await asyncio.sleep(self._pause(failures))
            else:
                return

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
            StorageError: Nothing was taken, or the database went away: all of the batch stays queued
                (what is committed by then is not written twice).
        """
        bared = refused = 0
        for values in batch:
            try:
                bared += await self._commit_perhaps_bare(values)
            except StorageUnavailableError:
                raise
            except StorageError as error:
                refused += 1
                if refused == len(batch):
                    raise
                _log.error("audit_row_refused", request_id=values["request_id"], error=error.message)
        self._forget(len(batch), bared=bared, refused=refused)

    async def _commit_perhaps_bare(self, values: AuditValues) -> bool:
        """Commit one row; True if only bare."""
        try:
            await self._commit([values])
        except StorageUnavailableError:
            raise
        except StorageError:
            await self._commit([bare(values)])
            return True
        return False

    async def _commit(self, batch: Sequence[AuditValues]) -> None:
        def commit(connection: Connection) -> None:
            present = _present_users(connection, batch)
            # A commit of which we never heard that it worked is tried again, and its rows are there already.
            insert_audit_rows(
                connection, [values if values["user_id"] in present else bare(values) for values in batch]
            )

        await self._database.write_whole(commit)

    def _forget(self, rows: int, *, bared: int = 0, refused: int = 0) -> None:
        for _ in range(rows):
            self._queue.popleft()
        self.counters.written += rows - refused
        self.counters.bared += bared
        self.counters.refused += refused
        if self._gap is not None:
            _log.warning("audit_rows_dropped", rows=self._gap.dropped)
            self._queue.append(gap(self._gap.dropped, self._gap.first, self._gap.last))
            self._gap = None

    def _drop(self) -> None:
        now = self._clock()
        if self._gap is None:
            self._gap = _Gap(first=now, last=now)
            _log.error("audit_queue_full", rows=len(self._queue), closed=self._closed)
        self._gap.last = now
        self._gap.dropped += 1
        self.counters.dropped += 1

    def _pause(self, failures: int) -> float:
        # The exponent is bounded too: a database that is away for a week must not overflow a float.
        return min(self._retry_seconds * 2.0 ** min(failures - 1, 16), _MAX_RETRY_SECONDS)


class AuditLog:
    """What the audit writer wrote."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tail(
        self, limit: int, *, user_id: str | None = None, after_id: int | None = None
    ) -> tuple[AuditRow, ...]:
        """Rows in the order of writing.

        Args:
            limit: How many at most.
            user_id: Only this user's.
            after_id: The first ones after this `AuditRow.id`; without it, the last ones of all.
        """
        wanted = select(audit_log).limit(limit)
        if user_id is not None:
            wanted = wanted.where(audit_log.c.user_id == user_id)
        if after_id is None:
            wanted = wanted.order_by(audit_log.c.id.desc())
        else:
            wanted = wanted.where(audit_log.c.id > after_id).order_by(audit_log.c.id)
        async with self._database.read() as session:
            rows = (await session.execute(wanted)).all()
        return tuple(_record(row) for row in (reversed(rows) if after_id is None else rows))

    async def get(self, request_id: str, *, user_id: str | None = None) -> AuditRow:
        """The row of one turn; with `user_id` only if it is this user's.

        Raises:
            NotFoundError: There is none.
        """
        wanted = select(audit_log).where(audit_log.c.request_id == request_id)
        if user_id is not None:
            wanted = wanted.where(audit_log.c.user_id == user_id)
        async with self._database.read() as session:
            row = (await session.execute(wanted)).one_or_none()
        if row is None:
            raise NotFoundError(f"there is no audit row {request_id[:64]}", remedy="see `audit tail`")
        return _record(row)

    async def purge(self, before: datetime) -> int:
        """Delete the rows older than `before`; gives how many. Others can write between the steps of it."""
        oldest = select(audit_log.c.id).where(audit_log.c.timestamp < before).limit(_PURGE_ROWS)
        total = 0
        while True:
            async with self._database.write() as session:
                gone = await session.execute(delete(audit_log).where(audit_log.c.id.in_(oldest)))
            deleted = rows_affected(gone)
            total += deleted
            if deleted < _PURGE_ROWS:
                return total


def _present_users(connection: Connection, batch: Sequence[AuditValues]) -> set[str | None]:
    """The users of the batch who were not removed; None, who never was anybody, among them.

    They cannot be removed until this transaction ends: what was said is erased after its rows are there.
    """
    ids = {values["user_id"] for values in batch} - {None}
    wanted = select(users.c.id).where(users.c.id.in_(ids)).with_for_update(read=True, key_share=True)
    present: set[str | None] = set(connection.scalars(wanted)) if ids else set()
    return present | {None}


def _record(row: Row[Any]) -> AuditRow:
    return AuditRow(
        request_id=row.request_id,
        timestamp=row.timestamp,
        user_id=row.user_id,
        device_id=row.device_id,
        input_text=row.input_text,
        intent=row.intent,
        ha_response=row.ha_response,
        status=row.status,
        latency_ms=row.latency_ms,
        llm_tokens=row.llm_tokens,
        error_message=row.error_message,
        stages=row.stages,
        language=row.language,
        id=row.id,
    )
