"""A home as a model reads it: floors, rooms, and under each its things; no states.

Home Assistant makes ids of names, so most ids say the name: `light.konyhai_csillar`. Only what an id does not
say is written behind it, which is a third less to read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from handlers.llm.quoting import quoted
from provisioning.home.registry import Area, Entity, Floor, Registry

_OTHER: Final = re.compile(r"[^a-z0-9]+")

MOST_ALIASES: Final = 3
"""Other names of one thing that are told."""


@dataclass(frozen=True, slots=True)
class HomeText:
    """A home in words.

    Attributes:
        text: The same for as long as the home's registry is.
        is_whole: Whether all exposed things are in it, or only the rooms.
    """

    text: str
    is_whole: bool


def home_text(registry: Registry, most: int) -> HomeText:
    """Tell a home: every exposed thing of it or, where that takes over `most` characters, its rooms."""
    whole = "\n".join(["Home:", *_told(registry, registry.exposed_entities())])
    if len(whole) <= most:
        return HomeText(whole, is_whole=True)
    rooms = "\n".join(["Rooms of the home:", *map(_room, registry.areas.values())])
    return HomeText(rooms[:most], is_whole=False)


def things(entities: Iterable[Entity], registry: Registry) -> str:
    """Some things with their rooms, where the home as a whole does not have them."""
    return "\n".join(_told(registry, tuple(entities)))


def _told(registry: Registry, entities: tuple[Entity, ...]) -> Iterator[str]:
    """Floors, their rooms, and the things in them; then those that are on no floor, and in no room."""
    by_room: dict[str | None, list[Entity]] = {}
    for entity in entities:
        by_room.setdefault(entity.area_id if entity.area_id in registry.areas else None, []).append(entity)
    for floor_id in (*registry.floors, None):
        rooms = [
            area
            for area in registry.areas.values()
            if area.id in by_room
            and (area.floor_id if area.floor_id in registry.floors else None) == floor_id
        ]
        if rooms and floor_id is not None:
            yield f"## {_names(registry.floors[floor_id])}"
        elif rooms and registry.floors:
            yield "## -"
        for area in rooms:
            yield _room(area)
            yield from map(_thing, by_room[area.id])
    if None in by_room:
        yield "# -"
        yield from map(_thing, by_room[None])


def _room(area: Area) -> str:
    return f"# {_names(area)}"


def _thing(entity: Entity) -> str:
    """A thing by its id, and by those of its names that the id does not say already."""
    names = [name for name in _all_names(entity) if slug(name) != entity.id.partition(".")[2]]
    return " ".join((entity.id, *dict.fromkeys(map(quoted, names))))


def _names(one: Area | Floor) -> str:
    return " ".join(dict.fromkeys(map(quoted, _all_names(one))))


def _all_names(one: Area | Entity | Floor) -> tuple[str, ...]:
    return (one.name, *one.aliases[:MOST_ALIASES])


def slug(name: str) -> str:
    """A name as Home Assistant makes an id of it: letters without accents, and `_` for all else."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(one for one in plain if not unicodedata.combining(one))
    return _OTHER.sub("_", letters).strip("_")
