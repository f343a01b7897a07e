"""Recognition is prepared for a home as soon as the home is known or changes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from handlers.warm_up import WarmUp
from provisioning.home.registry import HomePicture, Registry


class StandInRecognizer:
    """Notes what it is warmed with; fails where it is told to."""

    def __init__(self, failing: str | None = None) -> None:
        self.warmed: asyncio.Queue[str | None] = asyncio.Queue()
        self.failing = failing

    async def warm(self, languages: Iterable[str], picture: HomePicture | None) -> None:
        assert tuple(languages) == ("hu", "en")
        revision = picture.registry.revision if picture else None
        self.warmed.put_nowait(revision)
        if self.failing and revision == self.failing:
            raise LookupError("a bug")


def picture(revision: str) -> HomePicture:
    return HomePicture(Registry(revision))


async def test_languages_are_warmed_first_then_each_home_in_its_newest_state() -> None:
    recognizer = StandInRecognizer()
    warm_up = WarmUp(recognizer, ("hu", "en"))  # type: ignore[arg-type]
    warm_up.changed("anna", picture("old"))
    warm_up.changed("anna", picture("new"))
    warm_up.changed("bela", picture("belas"))
    running = asyncio.create_task(warm_up.run())
    assert [await asyncio.wait_for(recognizer.warmed.get(), 5) for _ in range(3)] == [None, "new", "belas"]
    warm_up.changed("anna", picture("newer"))
    assert await asyncio.wait_for(recognizer.warmed.get(), 5) == "newer"
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert recognizer.warmed.empty()


async def test_a_home_that_cannot_be_warmed_does_not_keep_others_cold() -> None:
    recognizer = StandInRecognizer(failing="broken")
    warm_up = WarmUp(recognizer, ("hu", "en"))  # type: ignore[arg-type]
    warm_up.changed("anna", picture("broken"))
    warm_up.changed("bela", picture("belas"))
    running = asyncio.create_task(warm_up.run())
    assert [await asyncio.wait_for(recognizer.warmed.get(), 5) for _ in range(3)] == [None, "broken", "belas"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_it_is_told_when_the_languages_are_warm_before_any_home_is() -> None:
    recognizer = StandInRecognizer()
    warm = asyncio.Event()
    seen: list[int] = []

    def when_warm() -> None:
        seen.append(recognizer.warmed.qsize())
        warm.set()

    warm_up = WarmUp(recognizer, ("hu", "en"), when_warm=when_warm)  # type: ignore[arg-type]
    warm_up.changed("anna", picture("new"))
    running = asyncio.create_task(warm_up.run())
    await asyncio.wait_for(warm.wait(), 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert seen == [1]
