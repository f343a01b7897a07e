"""Homes that can be told apart: each has the same things as all others, and its owner's word on them.

A word is in the id of everything that is in a home, in some of the names that are spoken there and in what
its sensor shows. Whatever a server says, writes or calls for one person can so be searched for the words of
others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.log_context import log_context
from provisioning.home.live import HomeStatus
from provisioning.home.registry import Area, Entity, EntityState, HomePicture, Registry
from provisioning.homes import Absence

# One for each person. None is in another, in a sentence, or in anything that a server says by itself.
WORDS: Final = ("zorkan", "belvir", "cyprik", "dalmor")


def home_picture(word: str, version: int, *, age: str) -> HomePicture:
    """The home of the person with this word.

    Args:
        word: Of `WORDS`.
        version: An odd one has the garden lamp exposed and one more lamp.
        age: A home with another one is another home, though they are alike: nothing that was kept of the one
            helps with the other.
    """
    name = word.capitalize()
    grown = version % 2 == 1
    areas = [
        Area("konyha", "Konyha", ("Kitchen",)),
        Area("nappali", "Nappali", ("Living Room",)),
        Area(f"{word}_szoba", f"{name} szoba", (f"{name} room",)),
    ]
    entities = [
        # The words that all use for it are an alias, and its owner's word is in the answer.
        Entity(f"light.{word}_desk", f"{name} asztali lámpa", ("Asztali lámpa", "Desk Lamp"), "konyha"),
        Entity(f"light.{word}_own", f"{name} lámpa", (f"{name} lamp",), "nappali"),
        # Two that only their rooms tell apart.
        Entity(f"light.{word}_floor_1", "Állólámpa", ("Floor Lamp",), "konyha"),
        Entity(f"light.{word}_floor_2", "Állólámpa", ("Floor Lamp",), f"{word}_szoba"),
        Entity(f"lock.{word}_door", "Bejárati ajtó", ("Front Door",), "konyha"),
        Entity(f"sensor.{word}_code", "Jelszó", ("Code Word",), "nappali"),
        Entity(f"light.{word}_garden", "Kerti lámpa", ("Garden Lamp",), exposed=grown),
        Entity(f"light.{word}_secret", "Titkos lámpa", ("Secret Lamp",), exposed=False),
    ]
    if grown:
        entities.append(Entity(f"light.{word}_new", f"{name} új lámpa", ("Új lámpa", "New Lamp"), "nappali"))
    states = {entity.id: EntityState("on" if version else "off") for entity in entities}
    states[f"lock.{word}_door"] = EntityState("locked")
    states[f"sensor.{word}_code"] = EntityState(f"{word}{version}")
    return HomePicture(
        Registry(
            f"{word}:{version % 2}:{age}",
            home=f"{word}:{age}",
            areas={area.id: area for area in areas},
            entities={entity.id: entity for entity in entities},
            time_zone="Europe/Budapest",
        ),
        states,
    )


def words_in(text: str) -> set[str]:
    """Whose words are in a text, in whatever case."""
    folded = text.casefold()
    return {word for word in WORDS if word in folded}


@dataclass(frozen=True, slots=True)
class HomeCall:
    """A service call that reached a home, with the turn that the log would say it belongs to."""

    request_id: str | None
    user_id: str | None
    domain: str
    service: str
    entity_ids: tuple[str, ...]


class StandInHome:
    """The connection to a home; it can be told to let calls wait.

    Args:
        word: Whose home it is.
        age: As `home_picture` has it.

    Attributes:
        calls: All that reached it.
        held: How many calls wait.
        on_hold: Called whenever one more does.
        pictures: What it has been like.
        exposed: What has been exposed at some time.
    """

    def __init__(self, word: str, *, age: str) -> None:
        self.word = word
        self.status = HomeStatus.LIVE
        self.calls: list[HomeCall] = []
        self.held = 0
        self.on_hold: Callable[[], None] = lambda: None
        self.pictures: list[HomePicture] = []
        self.exposed: set[str] = set()
        self._age = age
        self._version = -1
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self.rebuild()

    def rebuild(self) -> None:
        """Give the registry another revision, with something else exposed."""
        self._version += 1
        self.picture = home_picture(self.word, self._version, age=self._age)
        self.pictures.append(self.picture)
        self.exposed |= {entity.id for entity in self.picture.registry.entities.values() if entity.exposed}

    def hold(self) -> None:
        """Let every further call wait."""
        self._may_go_on.clear()

    def release(self) -> None:
        """Let all calls go on, those that wait and those that come."""
        self._may_go_on.set()

    async def call_service(
        self,
        domain: str,
        service: str,
        entity_ids: Sequence[str],
        data: Mapping[str, Any] | None = None,
        *,
        within: float,
    ) -> None:
        turn = log_context()
        self.calls.append(
            HomeCall(turn.get("request_id"), turn.get("user_id"), domain, service, tuple(entity_ids))
        )
        if not self._may_go_on.is_set():
            self.held += 1
            self.on_hold()
            try:
                await self._may_go_on.wait()
            finally:
                self.held -= 1

    async def wait_until(
        self, entity_id: str, accept: Callable[[EntityState], bool], *, within: float
    ) -> bool:
        return True

    async def wait_ready(self, within: float) -> None:
        return


class StandInHomes:
    """Where the server finds the homes, by user."""

    def __init__(self) -> None:
        self.of_user: dict[str, StandInHome] = {}

    def home_of(self, user_id: str) -> Any:
        return self.of_user.get(user_id, Absence(HomeStatus.MISSING))
