"""Where names lead in one home: entities, areas and floors by what people call them."""

from __future__ import annotations

import unicodedata
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeVar

from provisioning.home.registry import Area, Entity, Floor, Registry

# One index is about 100 bytes a name; homes beyond this many take turns.
MAX_INDEXED_HOMES: Final = 256

_T = TypeVar("_T")


@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """A name as it is compared: composed (NFC), without case and surplus blanks."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


@dataclass(frozen=True, slots=True)
class HomeNames:
    """The names of one registry, folded, with all that bear them; aliases count as names.

    Attributes:
        entities: Exposed entities only: whoever looks here cannot meet another one.
        areas, floors: By name and alias.
        exposed: The exposed entities in the registry's order.
    """

    entities: dict[str, tuple[Entity, ...]]
    areas: dict[str, tuple[Area, ...]]
    floors: dict[str, tuple[Floor, ...]]
    exposed: tuple[Entity, ...]


def names_of(registry: Registry) -> HomeNames:
    """The index of a registry's names, built once a revision."""
    known = _indexes.get(registry.revision)
    if known is not None:
        _indexes.move_to_end(registry.revision)
        return known
    exposed = registry.exposed_entities()
    names = HomeNames(
        entities=_index(((entity.name, *entity.aliases), entity) for entity in exposed),
        areas=_index(((area.name, *area.aliases), area) for area in registry.areas.values()),
        floors=_index(((floor.name, *floor.aliases), floor) for floor in registry.floors.values()),
        exposed=exposed,
    )
    _indexes[registry.revision] = names
    while len(_indexes) > MAX_INDEXED_HOMES:
        _indexes.popitem(last=False)
    return names


_indexes: OrderedDict[str, HomeNames] = OrderedDict()


def _index(named: Iterable[tuple[tuple[str, ...], _T]]) -> dict[str, tuple[_T, ...]]:
    index: dict[str, tuple[_T, ...]] = {}
    for names, bearer in named:
        for name in {fold(name) for name in names if name.strip()}:
            index[name] = (*index.get(name, ()), bearer)
    return index
