"""Which entities of a home an intent is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from handlers.names import fold, names_of
from handlers.understanding import Intent, Phrase, SlotValue, Utterance
from provisioning.home.registry import Entity, Registry

EVERY: Final = "all"
# Kinds of things that have a word of their own in `config/answers/`.
KINDS: Final = frozenset({
    "binary_sensor", "button", "climate", "cover", "fan", "humidifier", "lawn_mower", "light", "lock",
    "media_player", "person", "scene", "script", "sensor", "switch", "todo", "vacuum", "valve", "weather",
})  # fmt: skip
# Classes of covers and sensors that have one too.
CLASSES: Final = frozenset({
    "awning", "blind", "curtain", "door", "garage", "garage_door", "gate", "shade", "shutter", "window",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """The entities that are meant; never empty."""

    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """One thing is meant, and these are what it could be; at least two."""

    candidates: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """Nothing in this home is what was meant; `say` names what was not found."""

    say: Phrase


Targets: TypeAlias = Found | Ambiguous | Missing


def targets_of(
    intent: Intent,
    utterance: Utterance,
    registry: Registry,
    *,
    domains: frozenset[str] | None,
    loosely: frozenset[str] | None = None,
    single: bool = False,
    prefers: Callable[[Entity], bool] | None = None,
    among: frozenset[str] | None = None,
) -> Targets:
    """Find the exposed entities that an intent is about.

    Args:
        intent: Its `targets`, if there are any, else its slots `name`, `area`, `floor`, `domain` and
            `device_class` and what it requires.
        utterance: For the area of the listening device, which decides between things of the same name and
            stands in for a place where none was said.
        registry: The home.
        domains: What the intent can be about at all; None for everything.
        loosely: What it is about where neither a name nor a kind of thing was said: "turn off the kitchen".
        single: One thing is meant even where no name was said, as a thermostat in "set it to 20 degrees".
        prefers: Which one is meant, where several would do and none was named: "pause" is for what plays.
        among: The only entities that come into question, by id; None for all.
    """
    search = _Search(intent, registry, domains, loosely or domains, among)
    if (place := search.unknown_place()) is not None:
        return Missing(Phrase("missing.place", {"place": place}))
    found = search.candidates()
    if not found:
        return Missing(search.missing())
    if len(found) == 1 or intent.targets or search.wants_every:
        return Found(found)
    if search.names:
        here = _in_area(found, utterance.area_id)
        return Found(here) if len(here) == 1 else Ambiguous(here or found)
    if not (search.has_place or search.has_kind):
        here = _in_area(found, utterance.area_id)
        if not here:
            preferred = tuple(entity for entity in found if prefers and prefers(entity))
            return Found(preferred) if len(preferred) == 1 else Ambiguous(found)
        found = here
    if single and len(found) > 1 and prefers:
        found = tuple(entity for entity in found if prefers(entity)) or found
    return Found(found)


def _in_area(entities: tuple[Entity, ...], area_id: str | None) -> tuple[Entity, ...]:
    return tuple(entity for entity in entities if area_id is not None and entity.area_id == area_id)


class _Search:
    """One intent's conditions, held against one home."""

    def __init__(
        self,
        intent: Intent,
        registry: Registry,
        domains: frozenset[str] | None,
        loosely: frozenset[str] | None,
        among: frozenset[str] | None,
    ) -> None:
        slots, requires = intent.slots, intent.requires
        self._intent = intent
        self._registry = registry
        self._among = among
        self._index = names_of(registry)
        asked = frozenset((*texts(slots.get("domain")), *texts(requires.get("domain"))))
        self._classes = frozenset((*texts(slots.get("device_class")), *texts(requires.get("device_class"))))
        self._areas = texts(slots.get("area"))
        self._floors = texts(slots.get("floor"))
        self._area_ids = frozenset(
            area.id for name in self._areas for area in self._index.areas.get(fold(name), ())
        )
        self._floor_ids = frozenset(
            floor.id for name in self._floors for floor in self._index.floors.get(fold(name), ())
        )
        spoken = texts(slots.get("name"))
        self.names = tuple(name for name in spoken if fold(name) != EVERY)
        self.wants_every = bool(spoken) and not self.names
        self.has_place = bool(self._areas or self._floors)
        self.has_kind = bool(asked or self._classes)
        self._domains: frozenset[str] | None
        if asked:
            self._domains = asked if domains is None else domains & asked
        else:
            self._domains = domains if self.names or intent.targets or self._classes else loosely

    def unknown_place(self) -> str | None:
        """The area or floor that was said and that this home does not have."""
        if self._areas and not self._area_ids:
            return self._areas[0]
        return self._floors[0] if self._floors and not self._floor_ids else None

    def candidates(self) -> tuple[Entity, ...]:
        """Every exposed entity that fits all conditions, once, in the registry's order."""
        fitting = {entity.id: entity for entity in self._pool() if self._fits(entity)}
        return tuple(fitting.values())

    def missing(self) -> Phrase:
        """What was not found, in the words that were said."""
        values: dict[str, Any] = {}
        if self.has_place:
            values["place"] = (*self._areas, *self._floors)[0]
        where = "-in-place" if values else ""
        if self.names:
            return Phrase(f"missing.name{where}", {**values, "name": self.names[0]})
        return Phrase(f"missing.kind{where}", {**values, "kind": Phrase(f"kind.{self._kind()}")})

    def _pool(self) -> Iterable[Entity]:
        if self._intent.targets:
            entities = self._registry.entities
            return [
                entities[one] for one in self._intent.targets if one in entities and entities[one].exposed
            ]
        if self.names:
            return [entity for name in self.names for entity in self._index.entities.get(fold(name), ())]
        return self._index.exposed

    def _fits(self, entity: Entity) -> bool:
        return (
            (self._domains is None or entity.domain in self._domains)
            and (self._among is None or entity.id in self._among)
            and (not self._classes or entity.device_class in self._classes)
            and (not self._areas or entity.area_id in self._area_ids)
            and (not self._floors or self._floor_of(entity) in self._floor_ids)
        )

    def _floor_of(self, entity: Entity) -> str | None:
        area = self._registry.areas.get(entity.area_id or "")
        return area.floor_id if area else None

    def _kind(self) -> str:
        if len(self._classes) == 1 and (device_class := next(iter(self._classes))) in CLASSES:
            return f"class.{device_class}"
        if self._domains is None or len(self._domains) != 1:
            return "any"
        domain = next(iter(self._domains))
        return domain if domain in KINDS else "any"


def texts(value: SlotValue | None) -> tuple[str, ...]:
    """The texts of a slot that may hold one, several or something else."""
    if isinstance(value, tuple):
        return tuple(one for one in value if one.strip())
    return (value,) if isinstance(value, str) and value.strip() else ()
