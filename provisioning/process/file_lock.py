"""A lock between processes that a crash releases."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

RETRY_SECONDS: Final = 0.2
"""How often a taken lock is tried again; the kernel offers no waiting that could be cancelled."""


@asynccontextmanager
async def file_lock(path: Path, *, waiting: Callable[[], None]) -> AsyncIterator[None]:
    """Hold the lock at `path` until the block ends; nobody else on this machine does meanwhile.

    The kernel lets go of it when this process dies, however it dies. The file itself stays.

    Args:
        path: File that stands for the lock; made where it is missing, its folder too.
        waiting: Called once if somebody else holds it.

    Raises:
        OSError: The file cannot be made.
    """
    await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not _try(descriptor):
            waiting()
            while not _try(descriptor):  # noqa: ASYNC110 - the other holder is another process
                await asyncio.sleep(RETRY_SECONDS)
        yield
    finally:
        os.close(descriptor)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
