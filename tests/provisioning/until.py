"""Waiting for what has no event of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], bool] | Callable[[], Awaitable[bool]], *, within: float = 10) -> None:
    """Look again every few milliseconds until it holds."""
    async with asyncio.timeout(within):
        while True:
            outcome = holds()
            if outcome if isinstance(outcome, bool) else await outcome:
                return
            await asyncio.sleep(0.005)
