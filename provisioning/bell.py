"""Waking those who wait for one thing to be looked at."""

from __future__ import annotations

import asyncio


class Bell:
    """Wakes whoever waits; a ring between two waits is not lost to one who asked for the bell before."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake all who listen."""
        rung, self._event = self._event, asyncio.Event()
        rung.set()

    def listen(self) -> asyncio.Event:
        """What will be set at the next ring."""
        return self._event


async def rung_within(ring: asyncio.Event, seconds: float) -> None:
    """Wait for a ring (as `Bell.listen` gave it), but no longer than that."""
    try:
        async with asyncio.timeout(seconds):
            await ring.wait()
    except TimeoutError:
        pass
