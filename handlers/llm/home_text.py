"""A home as a model reads it: rooms, and under each its things with their names; no states."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from handlers.llm.quoting import quoted
from provisioning.home.registry import Area, Entity, Floor, Registry

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
    entities = registry.exposed_entities()
    whole = "\n".join(["Home:", *_rooms_with_things(registry, entities)])
    if len(whole) <= most:
        return HomeText(whole, is_whole=True)
    rooms = "\n".join(["Rooms of the home:", *(_room(area, registry) for area in registry.areas.values())])
    return HomeText(rooms[:most], is_whole=False)


def things(entities: Iterable[Entity], registry: Registry) -> str:
    """Some things with their rooms, where the home as a whole does not have them."""
    return "\n".join(_rooms_with_things(registry, tuple(entities)))


def _rooms_with_things(registry: Registry, entities: tuple[Entity, ...]) -> Iterator[str]:
    by_room: dict[str | None, list[Entity]] = {}
    for entity in entities:
        area_id = entity.area_id if entity.area_id in registry.areas else None
        by_room.setdefault(area_id, []).append(entity)
    for area in registry.areas.values():
        if area.id in by_room:
            yield _room(area, registry)
            yield from map(_thing, by_room[area.id])
    if None in by_room:
        yield "# no room"
        yield from map(_thing, by_room[None])


def _room(area: Area, registry: Registry) -> str:
    floor = registry.floors.get(area.floor_id or "")
    where = f" on {quoted(floor.name)}" if floor is not None else ""
    return f"# {_names(area)}{where}"


def _thing(entity: Entity) -> str:
    return f"{entity.id} {_names(entity)}"


def _names(one: Area | Entity | Floor) -> str:
    names = (one.name, *one.aliases[:MOST_ALIASES])
    return " ".join(dict.fromkeys(map(quoted, names)))
