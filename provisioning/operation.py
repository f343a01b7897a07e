"""What is under way with one instance, in the journal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from structlog.typing import FilteringBoundLogger

from provisioning.errors import InstanceError
from storage.errors import StorageError
from storage.journal import Journal
from storage.records import InstanceRecord, OperationKind, OperationOutcome


class Operation:
    """The one operation that may be under way with an instance.

    Args:
        journal: Where it is written down.
        log: Where it is said when that fails.
    """

    def __init__(self, journal: Journal, log: FilteringBoundLogger) -> None:
        self._journal = journal
        self._log = log
        self._may_be_open_of: str | None = None

    @asynccontextmanager
    async def under_way(self, record: InstanceRecord, kind: OperationKind | None) -> AsyncIterator[None]:
        """Have it in the journal that this is under way, and what comes of it; None is nothing to write down.

        Left open is one that is cancelled: `supersede` closes it where the reason is another wish, and where
        the server ends, the next one finds it and says that it was interrupted.

        Raises:
            StorageError: It cannot be written down, and is not begun.
        """
        if kind is None:
            yield
            return
        # Before it is: a beginning that is cancelled may have been written all the same.
        self._may_be_open_of = record.user_id
        operation = await self._journal.begin(record.user_id, record.id, kind, generation=record.generation)
        try:
            yield
        except InstanceError as error:
            await self._end(operation, OperationOutcome.FAILED, f"{error.reason}: {error.message}")
            raise
        except Exception as error:
            await self._end(operation, OperationOutcome.FAILED, type(error).__name__)
            raise
        await self._end(operation, OperationOutcome.DONE)

    async def supersede(self) -> None:
        """Close what was left because something else is wanted by now."""
        if self._may_be_open_of is not None:
            with self._not_without_saying():
                await self._journal.supersede(self._may_be_open_of)
                self._may_be_open_of = None

    async def _end(self, operation: int, outcome: OperationOutcome, detail: str | None = None) -> None:
        with self._not_without_saying():
            await self._journal.end(operation, outcome, detail=detail)
            self._may_be_open_of = None

    @contextmanager
    def _not_without_saying(self) -> Iterator[None]:
        """What cannot be closed now is closed as the user's next operation begins."""
        try:
            yield
        except StorageError as error:
            self._log.warning("operation_not_closed", reason=error.message)
