"""Places that are few, given to owners in fair turns."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Final

from handlers.last_used import LastUsed
from handlers.llm.errors import Failure, ModelError

_OWNERS_REMEMBERED: Final = 10_000


class FairQueue:
    """Lets so many in at a time; of those who wait, the one whose owner was let in longest ago.

    So an owner with two hundred sentences delays another's by no more than the one that is being answered.

    Args:
        places: How many are let in at a time now.
        most_waiting: How many may wait, of all owners together.
    """

    def __init__(self, places: Callable[[], int], *, most_waiting: int) -> None:
        self._places = places
        self._most = most_waiting
        self._inside = 0
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._waiters = 0
        self._turns = count(1)
        self._let_in: LastUsed[str, int] = LastUsed(_OWNERS_REMEMBERED)

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._waiters

    @asynccontextmanager
    async def place(self, owner: str) -> AsyncIterator[None]:
        """Wait for a place, and have it for as long as the block lasts.

        Raises:
            ModelError: Too many wait already, or all were sent away.
        """
        await self._enter(owner)
        try:
            yield
        finally:
            self._inside -= 1
            self.admit()

    def admit(self) -> None:
        """Let in whoever there is a place for; to be called when there are more of them."""
        while self._inside < self._places() and self._waiting:
            owner = min(self._waiting, key=lambda one: self._let_in.get(one, 0))
            waiter = self._take(owner)
            if not waiter.done():
                self._enter_now(owner, waiter)

    def send_away(self, error: ModelError) -> None:
        """Tell all who wait that they wait in vain."""
        for queue in self._waiting.values():
            for waiter in queue:
                if not waiter.done():
                    waiter.set_exception(error)

    async def _enter(self, owner: str) -> None:
        if self._inside < self._places() and not self._waiting:
            self._enter_now(owner, None)
            return
        if self._waiters >= self._most:
            raise ModelError(Failure.QUEUE_FULL)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append(waiter)
        self._waiters += 1
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                # Let in and cancelled at once: the place is another's.
                self._inside -= 1
                self.admit()
            else:
                self._leave(owner, waiter)
            raise

    def _enter_now(self, owner: str, waiter: asyncio.Future[None] | None) -> None:
        self._inside += 1
        self._let_in[owner] = next(self._turns)
        if waiter is not None:
            waiter.set_result(None)

    def _take(self, owner: str) -> asyncio.Future[None]:
        queue = self._waiting[owner]
        waiter = queue.popleft()
        self._waiters -= 1
        if not queue:
            del self._waiting[owner]
        return waiter

    def _leave(self, owner: str, waiter: asyncio.Future[None]) -> None:
        queue = self._waiting.get(owner)
        if queue is None or waiter not in queue:
            return
        queue.remove(waiter)
        self._waiters -= 1
        if not queue:
            del self._waiting[owner]
