"""Notices what another process changed: polls the `changes` table and tells a listener."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from config.errors import WyomingCentralError
from storage.changes import Changes
from storage.records import Change

_log = structlog.get_logger(__name__)

RETRY_SECONDS: Final = 1.0

ChangesListener = Callable[[list[Change]], Awaitable[None]]


class ChangesFeed:
    """Polls for changes, in the order in which they were committed.

    Args:
        changes: The table.
        listener: Told of each batch; a batch that it fails on is told again.
        every_seconds: How often the table is asked.
    """

    def __init__(self, changes: Changes, listener: ChangesListener, *, every_seconds: float) -> None:
        self._changes = changes
        self._listener = listener
        self._every = every_seconds
        self._seen = 0

    async def start(self) -> None:
        """Remember where the table stands. What is read from the database after this may be told again.

        Raises:
            StorageError: The table cannot be read.
        """
        self._seen = await self._changes.latest()

    async def run(self) -> None:
        """Poll until cancelled; a database that cannot be read for a while is tried again."""
        while True:
            try:
                await self._poll()
            except WyomingCentralError as error:
                _log.warning("changes could not be read", error=error.message)
                await asyncio.sleep(RETRY_SECONDS)
            await asyncio.sleep(self._every)

    async def _poll(self) -> None:
        batch = await self._changes.since(self._seen)
        if batch:
            await self._listener(batch)
            self._seen = batch[-1].seq
