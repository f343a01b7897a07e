"""What goes wrong with a task, plain."""

from __future__ import annotations

from collections.abc import Awaitable


async def result_of(work: Awaitable[None]) -> Exception | None:
    """What goes wrong with it, as a result, so that it comes out of a group of tasks plain."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - raised again by whoever asked
        return error
    return None
