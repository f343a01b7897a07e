"""Work that goes on beside a block of code, and ends with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def background(**works: Callable[[], Coroutine[Any, Any, None]]) -> AsyncIterator[None]:
    """Run each of `works` as a task (named by its keyword) while the block lasts, then cancel them.

    A work that fails cancels the block: a server with half of its parts dead must not seem alive.

    Raises:
        Whatever the block or a work raised; only where several failed at once, an exception group.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work(), name=name) for name, work in works.items()]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except BaseExceptionGroup as failures:
        if len(failures.exceptions) == 1:
            raise failures.exceptions[0] from None
        raise
