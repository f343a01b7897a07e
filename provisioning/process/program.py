"""A program that is run for what it prints, and that is gone with all it started when that is over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

MAX_LINE_BYTES: Final = 1024 * 1024
"""A longer line of its output is a `ValueError` to whoever reads it."""


@asynccontextmanager
async def program(
    command: Sequence[str], *, environment: Mapping[str, str], errors: int
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a program until the block ends, with its output in a pipe.

    Args:
        command: The program and its arguments.
        environment: All of its environment.
        errors: Where its errors go: `asyncio.subprocess.STDOUT` or `DEVNULL`.

    Raises:
        OSError: It cannot be started.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=errors,
        limit=MAX_LINE_BYTES,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        output = process.stdout
        if process.returncode is None or (output is not None and not output.at_eof()):
            # With all that it started: as long as one of them holds its output open, `wait` does not return.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
