"""What a home consists of, as one immutable value.

A `Registry` is what Home Assistant's registries say (floors, areas, devices folded into their entities,
exposure); states change by the second and are kept beside it. Everything that is derived from names
(indexes, caches) may be keyed by `Registry.revision`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor of the house; Home Assistant has them since 2024.4."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Area:
    """A room or another place; `floor_id` is None where it is on no floor."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    floor_id: str | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """One entity of Home Assistant, with the area it has itself or inherits from its device.

    `name` is the name that people see (`friendly_name` where there is one). `device_class`
    is the one in the entity's attributes (what the owner chose in Home Assistant wins there).
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    area_id: str | None = None
    device_id: str | None = None
    exposed: bool = True
    device_class: str | None = None

    @property
    def domain(self) -> str:
        """The part of the entity id before the dot: `light`, `cover`, …."""
        return self.id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class EntityState:
    """The state of one entity as Home Assistant reports it; `attributes` is never mutated."""

    state: str
    attributes: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


@dataclass(frozen=True, slots=True)
class Registry:
    """Floors, areas and entities of one home, by id, at one revision.

    Attributes:
        revision: Differs whenever anything here differs; unique across homes of one process.
        home: Whose home it is, the same for all revisions of it; empty where it is nobody's. What is derived
            from one revision may be dropped when there is another of the same home.
        language: The instance's own language, such as `hu`.
        country: ISO 3166 country of the instance, or None.
        time_zone: IANA name, such as `Europe/Budapest`.
        temperature_unit: `°C` or `°F`.
    """

    revision: str
    floors: Mapping[str, Floor] = field(default_factory=lambda: _NOTHING)
    areas: Mapping[str, Area] = field(default_factory=lambda: _NOTHING)
    entities: Mapping[str, Entity] = field(default_factory=lambda: _NOTHING)
    language: str = "en"
    country: str | None = None
    time_zone: str = "UTC"
    temperature_unit: str = "°C"
    home: str = ""

    @property
    def key(self) -> str:
        """Under what to keep something derived from this home's newest revision, and nothing older."""
        return self.home or self.revision

    def exposed_entities(self) -> tuple[Entity, ...]:
        """The entities that this home's owner lets a voice assistant see, in the registry's order."""
        return tuple(entity for entity in self.entities.values() if entity.exposed)


@dataclass(frozen=True, slots=True)
class HomePicture:
    """A registry and the states beside it: all that recognition, resolution and answers may look at.

    `states` may be a live read-only view: read what is needed, do not iterate over it twice
    expecting the same.
    """

    registry: Registry
    states: Mapping[str, EntityState] = field(default_factory=lambda: _NOTHING)

    def state_of(self, entity_id: str) -> EntityState | None:
        """The state of an entity, or None where Home Assistant has none (disabled, removed, not started)."""
        return self.states.get(entity_id)
