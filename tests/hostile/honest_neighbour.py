"""The honest peer's process, from the side of who starts it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from tests.hostile.honest_peer import Pings

_WITHIN: Final = 90.0


class Neighbour:
    """An honest peer at work; after the block of `neighbour`, what it noticed.

    Attributes:
        pings: How its pings were answered; None while it is at work.
        each: When each of them was sent, by the monotonic clock in seconds, and the milliseconds it took.
    """

    def __init__(self) -> None:
        self.pings: Pings | None = None
        self.each: tuple[tuple[float, float], ...] = ()


@asynccontextmanager
async def neighbour(to: tuple[str, int], token: str, folder: Path) -> AsyncIterator[Neighbour]:
    """An honest peer that pings a server for the length of the block, in a process of its own.

    Args:
        to: Where the server listens.
        token: What it authenticates with.
        folder: Where it may leave a file.
    """
    each = folder / "pings"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.hostile.honest_peer",
        to[0],
        str(to[1]),
        "--each",
        str(each),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    one = Neighbour()
    try:
        async with asyncio.timeout(_WITHIN):
            process.stdin.write(f"{token}\n".encode())
            if not await process.stdout.readline():
                raise RuntimeError("the honest peer did not begin")
        yield one
        process.stdin.close()
        async with asyncio.timeout(_WITHIN):
            one.pings = Pings(**json.loads(await process.stdout.readline()))
        one.each = tuple(_ping_of(line) for line in each.read_text().splitlines())
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _ping_of(line: str) -> tuple[float, float]:
    sent, _, time = line.partition(" ")
    return float(sent), float(time)
