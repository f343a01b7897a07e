"""Whether whoever spoke is still there to hear the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Protocol


class Listener(Protocol):
    """A peer, as far as long work for it needs to know.

    Attributes:
        is_gone: Whether it has hung up.
        on_gone: Called once when it does; one at a time, set by whoever works for it.
    """

    is_gone: bool
    on_gone: Callable[[], None] | None


class HungUpError(Exception):
    """Whoever spoke is gone."""


@asynccontextmanager
async def while_there(listener: Listener | None) -> AsyncIterator[None]:
    """Cancel the block as soon as the listener is gone; with no listener, never.

    Raises:
        HungUpError: It is gone.
    """
    if listener is None:
        yield
        return
    if listener.is_gone:
        raise HungUpError
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as scope:
            listener.on_gone = lambda: scope.reschedule(loop.time())
            try:
                yield
            finally:
                listener.on_gone = None
    except TimeoutError:
        if listener.is_gone:
            raise HungUpError from None
        raise
