"""A small home in two languages and a stand-in for the connection to it, for the tests of turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.recognize import Recognizer
from provisioning.home.live import HomeStatus
from provisioning.home.registry import Area, Entity, EntityState, HomePicture, Registry


def home_picture(owner: str) -> HomePicture:
    """A living room with two lamps and a lock, named so that another owner's home is told apart."""
    areas = {"nappali": Area("nappali", "Nappali"), "konyha": Area("konyha", "Konyha")}
    entities = {
        f"light.{owner}_nappali": Entity(f"light.{owner}_nappali", "Nappali lámpa", area_id="nappali"),
        f"light.{owner}_desk": Entity(f"light.{owner}_desk", "Desk Lamp", area_id="konyha"),
        f"lock.{owner}_door": Entity(f"lock.{owner}_door", "Front Door", area_id="konyha"),
        f"light.{owner}_secret": Entity(f"light.{owner}_secret", f"{owner} titkos lámpa", exposed=False),
    }
    states = {entity_id: EntityState("off") for entity_id in entities} | {
        f"lock.{owner}_door": EntityState("locked")
    }
    return HomePicture(
        Registry(f"revision-of-{owner}", areas=areas, entities=entities, time_zone="Europe/Budapest"), states
    )


class StandInHome:
    """A connection to a home that does what the test says.

    Attributes:
        calls: Every service call that came.
        failure: Raised by every further call.
        hangs: Whether calls never return.
    """

    def __init__(self, owner: str) -> None:
        self.status = HomeStatus.LIVE
        self.picture: HomePicture | None = home_picture(owner)
        self.calls: list[tuple[str, str, tuple[str, ...]]] = []
        self.failure: Exception | None = None
        self.hangs = False
        self.called = asyncio.Event()
        self.comes_back = False

    async def call_service(
        self,
        domain: str,
        service: str,
        entity_ids: Sequence[str],
        data: Mapping[str, Any] | None = None,
        *,
        within: float,
    ) -> None:
        self.calls.append((domain, service, tuple(entity_ids)))
        self.called.set()
        if self.hangs:
            await asyncio.Event().wait()
        if self.failure is not None:
            raise self.failure

    async def wait_until(
        self, entity_id: str, accept: Callable[[EntityState], bool], *, within: float
    ) -> bool:
        return True

    async def wait_ready(self, within: float) -> None:
        if self.comes_back:
            self.status = HomeStatus.LIVE


@pytest.fixture(scope="session")
def answers() -> Answers:
    return Answers.load()


@pytest.fixture(scope="session")
def recognizer() -> Iterator[Recognizer]:
    with cascade() as one:
        yield one


@pytest.fixture
def annas_home() -> StandInHome:
    return StandInHome("anna")


@pytest.fixture
def belas_home() -> StandInHome:
    return StandInHome("bela")
