"""What is known of one home, kept up to date piece by piece; no input or output.

A `Mirror` is fed with what Home Assistant says (`replace_…`, `apply`) and asked for a `Registry`. It composes
an entity anew only where something it is made of has changed, and is told how many at a time, so that a home
of thousands never keeps the event loop from others.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from provisioning.home.parse import (
    MAX_ENTITIES,
    MAX_NAME_CHARACTERS,
    EntityEntry,
    HomeConfig,
    Table,
    entity_id,
    is_exposed_by_default,
    parse_attributes,
    parse_state,
)
from provisioning.home.registry import Area, Entity, EntityState, Floor, Registry
from provisioning.home.text import clean_text


@dataclass(slots=True)
class StateChanges:
    """What one event did to the states.

    Attributes:
        changed: Entities whose state or attributes are new, added ones among them.
        added: Entities that were not there before.
        removed: Entities that are gone.
        renamed: Entities whose display name or device class is another now.
        skipped: Rows that made no sense, or were beyond the limit.
    """

    changed: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    removed: set[str] = field(default_factory=set)
    renamed: set[str] = field(default_factory=set)
    skipped: int = 0


class Mirror:
    """The registries and states of one home as they were last heard of."""

    def __init__(self) -> None:
        self.config = HomeConfig()
        self._states: dict[str, EntityState] = {}
        self._floors: Mapping[str, Floor] = {}
        self._areas: Mapping[str, Area] = {}
        self._device_areas: Mapping[str, str] = {}
        self._entries: dict[str, EntityEntry] = {}
        self._listed: Mapping[str, bool] = {}
        self._expose_new = False
        self._entities: dict[str, Entity] = {}
        self._composed_floors: Mapping[str, Floor] = {}
        self._composed_areas: Mapping[str, Area] = {}
        self.states: Mapping[str, EntityState] = MappingProxyType(self._states)
        """A live read-only view of all states."""

    @property
    def unregistered(self) -> bool:
        """Whether there is an entity that is not in Home Assistant's registry (it has no unique id)."""
        return any(identifier not in self._entries for identifier in self._states)

    # What Home Assistant says.

    def replace_floors(self, table: Table[Floor]) -> None:
        """Take over all floors."""
        self._floors = table.rows

    def replace_areas(self, table: Table[Area]) -> None:
        """Take over all areas."""
        self._areas = table.rows

    def replace_devices(self, table: Table[str]) -> None:
        """Take over the area ids of all devices."""
        self._device_areas = table.rows

    def replace_exposure(self, listed: Mapping[str, bool], *, expose_new: bool) -> None:
        """Take over what is exposed, and whether new entities are by default."""
        self._listed = listed
        self._expose_new = expose_new

    def replace_entries(self, asked: Iterable[str], entries: Mapping[str, EntityEntry]) -> None:
        """Take over the registry entries of the entities that were asked for; one without is unregistered."""
        for identifier in asked:
            entry = entries.get(identifier)
            if entry is None or identifier not in self._states:
                self._entries.pop(identifier, None)
            else:
                self._entries[identifier] = entry

    def keep_only(self, identifiers: Container[str]) -> StateChanges:
        """Forget the states of all entities but these."""
        changes = StateChanges()
        for identifier in [known for known in self._states if known not in identifiers]:
            self._remove(identifier, changes)
        return changes

    def apply(self, event: Any) -> StateChanges:
        """Take over an event of `subscribe_entities`: states added, changed and removed."""
        changes = StateChanges()
        if type(event) is not dict:
            changes.skipped += 1
            return changes
        added, changed, removed = event.get("a"), event.get("c"), event.get("r")
        if type(added) is dict:
            self._add(added, changes)
        if type(changed) is dict:
            for identifier, difference in changed.items():
                self._change(identifier, difference, changes)
        if type(removed) is list:
            for identifier in removed:
                if type(identifier) is str and identifier in self._states:
                    self._remove(identifier, changes)
        return changes

    # What is made of it.

    def compose(self, identifiers: Iterable[str]) -> None:
        """Make these entities anew out of what is known of them."""
        for identifier in identifiers:
            entity = self._composed(identifier)
            if entity is None:
                self._entities.pop(identifier, None)
            elif self._entities.get(identifier) != entity:
                self._entities[identifier] = entity

    def compose_places(self) -> None:
        """Make floors and areas anew; an area on an unknown floor is on none."""
        self._composed_floors = self._floors
        self._composed_areas = {
            area.id: area
            if area.floor_id is None or area.floor_id in self._floors
            else Area(id=area.id, name=area.name, aliases=area.aliases)
            for area in self._areas.values()
        }

    def differs_from(self, registry: Registry | None) -> bool:
        """Say whether what is composed differs from a registry in anything but its revision."""
        return registry is None or (
            registry.entities != self._entities
            or registry.areas != self._composed_areas
            or registry.floors != self._composed_floors
            or registry.language != self.config.language
            or registry.country != self.config.country
            or registry.time_zone != self.config.time_zone
            or registry.temperature_unit != self.config.temperature_unit
        )

    def registry(self, revision: str, *, home: str = "") -> Registry:
        """Give what is composed as one immutable value, of the home of that name."""
        return Registry(
            revision=revision,
            home=home,
            floors=MappingProxyType(dict(self._composed_floors)),
            areas=MappingProxyType(dict(self._composed_areas)),
            entities=MappingProxyType(dict(self._entities)),
            language=self.config.language,
            country=self.config.country,
            time_zone=self.config.time_zone,
            temperature_unit=self.config.temperature_unit,
        )

    def _composed(self, identifier: str) -> Entity | None:
        state = self._states.get(identifier)
        if state is None:
            return None
        entry = self._entries.get(identifier)
        device_class = state.attributes.get("device_class")
        device_class = device_class if type(device_class) is str and device_class else None
        name = clean_text(state.attributes.get("friendly_name"), MAX_NAME_CHARACTERS)
        if entry is None:
            return Entity(
                id=identifier,
                name=name or identifier,
                exposed=self._listed.get(identifier, False),
                device_class=device_class,
            )
        return Entity(
            id=identifier,
            name=name or entry.name or identifier,
            aliases=entry.aliases,
            area_id=self._area_of(entry),
            device_id=entry.device_id,
            exposed=self._is_exposed(identifier, entry, device_class),
            device_class=device_class,
        )

    def _area_of(self, entry: EntityEntry) -> str | None:
        """The entity's own area, else the one of its device, as long as there is such an area."""
        area = entry.area_id or (self._device_areas.get(entry.device_id) if entry.device_id else None)
        return area if area in self._areas else None

    def _is_exposed(self, identifier: str, entry: EntityEntry, device_class: str | None) -> bool:
        if entry.should_expose is not None:
            return entry.should_expose
        return self._expose_new and is_exposed_by_default(
            identifier, device_class, unobtrusive=entry.unobtrusive
        )

    def _add(self, added: dict[Any, Any], changes: StateChanges) -> None:
        for identifier, raw in added.items():
            known = self._states.get(identifier)
            full = known is None and len(self._states) >= MAX_ENTITIES
            if full or entity_id(identifier) is None or type(raw) is not dict:
                changes.skipped += 1
                continue
            state = EntityState(parse_state(raw.get("s")), MappingProxyType(parse_attributes(raw.get("a"))))
            if known is None:
                changes.added.add(identifier)
            self._set(identifier, known, state, changes)

    def _change(self, identifier: Any, difference: Any, changes: StateChanges) -> None:
        known = self._states.get(identifier) if type(identifier) is str else None
        if known is None or type(difference) is not dict:
            changes.skipped += 1
            return
        plus, minus = difference.get("+"), difference.get("-")
        plus = plus if type(plus) is dict else {}
        attributes = known.attributes
        gone = minus.get("a") if type(minus) is dict else None
        if type(gone) is list:
            names = {clean_text(name, MAX_NAME_CHARACTERS) for name in gone}
            attributes = {name: value for name, value in attributes.items() if name not in names}
        if "a" in plus:
            attributes = parse_attributes(plus["a"], attributes)
        if attributes is not known.attributes:
            attributes = MappingProxyType(dict(attributes))
        self._set(
            identifier,
            known,
            EntityState(parse_state(plus["s"]) if "s" in plus else known.state, attributes),
            changes,
        )

    def _set(
        self, identifier: str, known: EntityState | None, state: EntityState, changes: StateChanges
    ) -> None:
        self._states[identifier] = state
        changes.changed.add(identifier)
        if known is None or any(
            known.attributes.get(name) != state.attributes.get(name)
            for name in ("friendly_name", "device_class")
        ):
            changes.renamed.add(identifier)

    def _remove(self, identifier: str, changes: StateChanges) -> None:
        del self._states[identifier]
        self._entries.pop(identifier, None)
        changes.removed.add(identifier)
