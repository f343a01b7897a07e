from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiodocker.exceptions import DockerError

from provisioning.docker.pull import ImageSource, PullPolicy
from provisioning.driver import Progress, ProgressListener
from provisioning.errors import FailureReason, InstanceError

LAYERS = [
    {"status": "Pulling from home-assistant", "id": "2025.4"},
    {"status": "Pulling fs layer", "progressDetail": {}, "id": "a"},
    {"status": "Downloading", "progressDetail": {"current": 25, "total": 100}, "id": "a"},
    {"status": "Downloading", "progressDetail": {"current": 150, "total": 300}, "id": "b"},
    {"status": "Download complete", "progressDetail": {}, "id": "a"},
    {"status": "Extracting", "progressDetail": {"current": 1, "total": 2}, "id": "a"},
    {"status": "Status: Downloaded newer image"},
]


class StandInEngine:
    """An engine that reaches a registry, which there is none of where tests run."""

    def __init__(self, *, there: bool) -> None:
        self.there = there
        self.pulled: list[str] = []
        self.images = self
        self.pulling = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.failure: DockerError | None = None

    @asynccontextmanager
    async def asked(self, *, within: float) -> AsyncIterator[StandInEngine]:
        async with asyncio.timeout(within):
            yield self

    async def inspect(self, _name: str) -> dict[str, Any]:
        if not self.there:
            raise DockerError(404, "No such image")
        return {}

    async def pull(self, name: str, *, stream: bool) -> AsyncIterator[dict[str, Any]]:
        assert stream
        self.pulled.append(name)
        self.pulling.set()
        for line in LAYERS:
            yield line
        await self.may_end.wait()
        if self.failure is not None:
            raise self.failure
        self.there = True


def nobody(_: Progress) -> None:
    pass


def source_of(engine: StandInEngine, policy: PullPolicy, seconds: float = 10) -> ImageSource:
    return ImageSource(engine, "image:1", policy=policy, seconds=seconds)  # type: ignore[arg-type]


async def pulled(policy: PullPolicy, *, there: bool) -> tuple[list[str], list[Progress]]:
    engine, told = StandInEngine(there=there), list[Progress]()
    await source_of(engine, policy).have(told.append)
    return engine.pulled, told


@pytest.mark.parametrize(
    ("policy", "there", "fetched"),
    [
        (PullPolicy.MISSING, True, False),
        (PullPolicy.MISSING, False, True),
        (PullPolicy.ALWAYS, True, True),
        (PullPolicy.ALWAYS, False, True),
        (PullPolicy.NEVER, True, False),
    ],
)
async def test_an_image_is_fetched_as_the_policy_says(
    policy: PullPolicy, *, there: bool, fetched: bool
) -> None:
    names, _ = await pulled(policy, there=there)
    assert names == (["image:1"] if fetched else [])


async def test_one_that_is_missing_and_may_not_be_fetched_is_told_with_the_way_out() -> None:
    with pytest.raises(InstanceError, match="no image image:1") as refused:
        await pulled(PullPolicy.NEVER, there=False)
    assert refused.value.reason is FailureReason.IMAGE_MISSING
    assert "HA_IMAGE_PULL" in str(refused.value.remedy)


async def test_how_far_it_has_come_is_the_share_of_all_layers_that_are_known() -> None:
    _, told = await pulled(PullPolicy.ALWAYS, there=False)
    assert [one.percent for one in told] == [None, None, 25.0, 43.75, 62.5, 62.5, 62.5, 100.0]
    assert str(told[2]) == "the image image:1 (25 %)"


async def test_what_is_to_be_fetched_always_is_fetched_once_by_a_server() -> None:
    engine = StandInEngine(there=True)
    source = source_of(engine, PullPolicy.ALWAYS)
    for _ in range(3):
        await source.have(nobody)
    assert engine.pulled == ["image:1"]


async def waiting_with(source: ImageSource, engine: StandInEngine, number: int) -> list[asyncio.Task[None]]:
    """So many who need the image, the first of whom has begun to fetch it."""
    engine.may_end.clear()
    tasks = [asyncio.create_task(source.have(nobody)) for _ in range(number)]
    await engine.pulling.wait()
    return tasks


async def test_all_who_need_it_at_once_wait_for_one_fetching_and_see_how_far_it_is() -> None:
    engine, told = StandInEngine(there=False), list[Progress]()
    listening: ProgressListener = told.append
    source = source_of(engine, PullPolicy.MISSING)
    engine.may_end.clear()
    tasks = [asyncio.create_task(source.have(one)) for one in (nobody, listening)]
    await engine.pulling.wait()
    engine.may_end.set()
    await asyncio.gather(*tasks)
    assert engine.pulled == ["image:1"]
    assert told[-1].percent == 100.0


async def test_a_fetching_that_fails_fails_for_all_who_waited_and_is_not_tried_by_one_after_another() -> None:
    engine = StandInEngine(there=False)
    source = source_of(engine, PullPolicy.MISSING)
    tasks = await waiting_with(source, engine, 5)
    engine.failure = DockerError(500, "the registry is away")
    engine.may_end.set()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert [getattr(one, "reason", None) for one in outcomes] == [FailureReason.IMAGE_MISSING] * 5
    assert engine.pulled == ["image:1"]
    engine.failure = None
    await source.have(nobody)
    assert engine.pulled == ["image:1"] * 2, "who comes later has it tried again"


async def test_one_that_takes_too_long_is_given_up_once_for_all() -> None:
    engine = StandInEngine(there=False)
    source = source_of(engine, PullPolicy.MISSING, seconds=0.02)
    tasks = await waiting_with(source, engine, 3)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert all("HA_IMAGE_PULL_SECONDS" in str(one) for one in outcomes)
    assert engine.pulled == ["image:1"]


async def test_where_the_one_who_fetches_is_not_needed_any_more_the_next_fetches() -> None:
    engine = StandInEngine(there=False)
    source = source_of(engine, PullPolicy.MISSING)
    first, *others = await waiting_with(source, engine, 3)
    first.cancel()
    engine.may_end.set()
    await asyncio.gather(*others)
    assert engine.pulled == ["image:1"] * 2
