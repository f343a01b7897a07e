from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiodocker.exceptions import DockerError

from provisioning.docker.pull import PullPolicy, have_image
from provisioning.driver import Progress
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


class StandInImages:
    """The images of an engine that reaches a registry, which there is none of where tests run."""

    def __init__(self, *, there: bool) -> None:
        self.there = there
        self.pulled: list[str] = []
        self.images = self

    async def inspect(self, _name: str) -> dict[str, Any]:
        if not self.there:
            raise DockerError(404, "No such image")
        return {}

    async def pull(self, name: str, *, stream: bool) -> AsyncIterator[dict[str, Any]]:
        assert stream
        self.pulled.append(name)
        for line in LAYERS:
            yield line


async def pulled(policy: PullPolicy, *, there: bool) -> tuple[list[str], list[Progress]]:
    engine, told = StandInImages(there=there), list[Progress]()
    await have_image(engine, "image:1", policy, told.append)  # type: ignore[arg-type]
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
