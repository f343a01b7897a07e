"""Work beside a block: it ends with the block, and the block ends with it."""

from __future__ import annotations

import asyncio

import pytest

from wyoming_central.background import background


async def test_work_runs_beside_the_block_and_is_cancelled_after_it() -> None:
    started, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with background(work=work):
        await started.wait()
        assert not ended.is_set()
    assert ended.is_set()


async def test_work_that_fails_ends_the_block_with_its_own_error() -> None:
    async def work() -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        async with background(work=work):
            await asyncio.Event().wait()


async def test_an_error_of_the_block_comes_out_as_it_is() -> None:
    async def work() -> None:
        await asyncio.Event().wait()

    with pytest.raises(LookupError, match="mine"):
        async with background(work=work):
            raise LookupError("mine")


async def test_work_that_ends_by_itself_leaves_the_block_alone() -> None:
    async def work() -> None:
        return

    async with background(work=work):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
