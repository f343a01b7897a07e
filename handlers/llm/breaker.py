"""A switch that is open while asking a server would only waste everybody's time."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Final

FAILURES_TO_OPEN: Final = 3
"""In a row."""


class BreakerState(StrEnum):
    """Whether a server is asked."""

    CLOSED = "closed"
    OPEN = "open"


class Breaker:
    """Opens after some failures in a row; is closed by whoever finds, on the side, that the server is back.

    What is tried on the side is a question like any other, only that nobody waits for its answer: so no
    speaker is kept waiting to find out whether a server is back (`handlers.llm.upkeep`).
    """

    def __init__(self, failures_to_open: int = FAILURES_TO_OPEN) -> None:
        self._most = failures_to_open
        self._failures = 0
        self._opened = asyncio.Event()
        self.state = BreakerState.CLOSED

    @property
    def is_closed(self) -> bool:
        """Whether the server is asked."""
        return self.state is BreakerState.CLOSED

    def succeeded(self) -> None:
        """The server answered, whatever it said."""
        self._failures = 0
        self._opened.clear()
        self.state = BreakerState.CLOSED

    def failed(self, *, at_once: bool = False) -> None:
        """The server failed; `at_once` where it is known that it would again."""
        self._failures += 1
        if at_once or self._failures >= self._most:
            self.state = BreakerState.OPEN
            self._opened.set()

    async def until_open(self) -> None:
        """Wait until it is open."""
        await self._opened.wait()
