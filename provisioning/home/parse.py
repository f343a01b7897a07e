"""Home Assistant's JSON, turned into this project's data: every function is pure, total and bounded.

What comes in may be anything that JSON can say. A row that is not what it should be is left out and counted;
nothing here raises for it. Names are cleaned and cut, numbers are finite, lists and tables end at a limit.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeGuard, TypeVar
from zoneinfo import ZoneInfo

from provisioning.home.registry import Area, Floor
from provisioning.home.text import clean_text

MAX_ENTITIES: Final = 5_000
"""Entities mirrored of one home; further ones are not seen, and the log says so."""

MAX_AREAS: Final = 500
"""Areas, and likewise floors, mirrored of one home."""

MAX_DEVICES: Final = 5_000
"""Devices mirrored of one home."""

MAX_NAME_CHARACTERS: Final = 120
"""What is kept of a name or an alias."""

MAX_ALIASES: Final = 30
"""Aliases kept of an entity, an area or a floor."""

MAX_ID_CHARACTERS: Final = 255
"""Home Assistant's own limit of an entity id; a row with a longer id of any kind is left out."""

MAX_STATE_CHARACTERS: Final = 255
"""Home Assistant's own limit of a state."""

MAX_ATTRIBUTES: Final = 100
"""Attributes kept of an entity."""

MAX_ATTRIBUTES_WEIGHT: Final = 16_384
"""Characters kept of all attributes of an entity together: what Home Assistant's recorder keeps, too."""

MAX_ATTRIBUTE_TEXT: Final = 1_000
"""Characters kept of one text in an attribute."""

MAX_ATTRIBUTE_ITEMS: Final = 500
"""Items kept of one list in an attribute (effects, sources)."""

_ENTITY_ID = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_COUNTRY = re.compile(r"[A-Za-z]{2}")

# What Home Assistant exposes to its own assistant as long as nobody has decided otherwise: the tables of
# `homeassistant/components/homeassistant/exposed_entities.py` of 2025.4. 2024.3 has lock and script as well,
# and media_player not.
_EXPOSED_DOMAINS: Final = frozenset({
    "climate", "cover", "fan", "humidifier", "light", "media_player",
    "scene", "switch", "todo", "vacuum", "water_heater",
})  # fmt: skip
_EXPOSED_DEVICE_CLASSES: Final[Mapping[str, frozenset[str]]] = {
    "binary_sensor": frozenset({
        "door", "garage_door", "lock", "motion", "opening", "presence", "window",
    }),
    "sensor": frozenset({
        "aqi", "carbon_dioxide", "carbon_monoxide", "humidity", "pm10", "pm25",
        "temperature", "volatile_organic_compounds",
    }),
}  # fmt: skip

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Table(Generic[Row]):
    """Rows by id, and how many were left out because they made no sense or were too many."""

    rows: Mapping[str, Row] = field(default_factory=dict)
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class EntityEntry:
    """What the entity registry says about an entity.

    Attributes:
        name: The owner's or the integration's name, or an empty string.
        should_expose: What the owner decided for `conversation`, or None where nobody has decided.
        unobtrusive: It is hidden or of a category (diagnostic, config): not exposed unless somebody says so.
    """

    name: str = ""
    aliases: tuple[str, ...] = ()
    area_id: str | None = None
    device_id: str | None = None
    should_expose: bool | None = None
    unobtrusive: bool = False


@dataclass(frozen=True, slots=True)
class HomeConfig:
    """What `get_config` says about the whole home; `running` is false until it has started."""

    language: str = "en"
    country: str | None = None
    time_zone: str = "UTC"
    temperature_unit: str = "°C"
    running: bool = True


def entity_id(value: Any) -> str | None:
    """Give `value` if it is an entity id, else None."""
    if type(value) is str and len(value) <= MAX_ID_CHARACTERS and _ENTITY_ID.fullmatch(value):
        return value
    return None


def parse_config(raw: Any) -> HomeConfig:
    """Read the result of `get_config`; what is missing or odd becomes Home Assistant's own default."""
    config = _object(raw)
    language, country, zone = config.get("language"), config.get("country"), config.get("time_zone")
    return HomeConfig(
        language=language if type(language) is str and _LANGUAGE.fullmatch(language) else "en",
        country=country.upper() if type(country) is str and _COUNTRY.fullmatch(country) else None,
        time_zone=zone if _is_time_zone(zone) else "UTC",
        temperature_unit="°F" if _object(config.get("unit_system")).get("temperature") == "°F" else "°C",
        running=config.get("state", "RUNNING") == "RUNNING",
    )


def parse_floors(raw: Any) -> Table[Floor]:
    """Read the result of `config/floor_registry/list`."""
    return _table(raw, MAX_AREAS, _floor)


def parse_areas(raw: Any) -> Table[Area]:
    """Read the result of `config/area_registry/list`."""
    return _table(raw, MAX_AREAS, _area)


def parse_devices(raw: Any) -> Table[str]:
    """Read the result of `config/device_registry/list`: the area id of every device that is in an area."""
    return _table(raw, MAX_DEVICES, _device)


def parse_entries(raw: Any) -> Mapping[str, EntityEntry]:
    """Read the result of `config/entity_registry/get_entries`; what is not in the registry is left out."""
    return {
        key: _entry(value)
        for key, value in _object(raw).items()
        if entity_id(key) is not None and type(value) is dict
    }


def parse_exposure(raw: Any) -> Mapping[str, bool]:
    """Read the result of `homeassistant/expose_entity/list`: what is decided for `conversation`.

    Home Assistant lists those that are exposed to any assistant (since 2024.4) or all that were decided
    (before); either way, an entity that is not listed with true is not exposed, or not decided.
    """
    listed = _object(_object(raw).get("exposed_entities"))
    decided: dict[str, bool] = {}
    for key, value in listed.items():
        if len(decided) >= MAX_ENTITIES:
            break
        if entity_id(key) is not None:
            decided[key] = _object(value).get("conversation") is True
    return decided


def is_exposed_by_default(identifier: str, device_class: str | None, *, unobtrusive: bool) -> bool:
    """Say whether Home Assistant would expose an entity of its registry of which nobody has decided yet."""
    if unobtrusive:
        return False
    domain = identifier.partition(".")[0]
    return domain in _EXPOSED_DOMAINS or device_class in _EXPOSED_DEVICE_CLASSES.get(domain, ())


def parse_state(raw: Any) -> str:
    """Read a state; what is not text is `unknown`."""
    return clean_text(raw, MAX_STATE_CHARACTERS) or "unknown"


def parse_attributes(raw: Any, before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read attributes, on top of those `before`.

    Kept are texts, finite numbers, booleans, nulls and lists of them (as tuples), up to the limits above;
    tables within attributes are left out.
    """
    attributes = dict(before) if before else {}
    weight = sum(map(_weight, attributes.values()))
    for key, value in _object(raw).items():
        name = clean_text(key, MAX_NAME_CHARACTERS)
        cleaned = _attribute(value)
        if name in attributes:
            weight -= _weight(attributes.pop(name))
        if not name or cleaned is _NOT_KEPT or len(attributes) >= MAX_ATTRIBUTES:
            continue
        added = _weight(cleaned)
        if weight + added <= MAX_ATTRIBUTES_WEIGHT:
            attributes[name] = cleaned
            weight += added
    return attributes


_NOT_KEPT: Final = object()


def _attribute(value: Any) -> Any:
    if type(value) is list:
        items = (_scalar(item) for item in value[:MAX_ATTRIBUTE_ITEMS])
        return tuple(item for item in items if item is not _NOT_KEPT)
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if type(value) is str:
        return clean_text(value, MAX_ATTRIBUTE_TEXT)
    if type(value) is float:
        return value if math.isfinite(value) else _NOT_KEPT
    if value is None or type(value) is bool or type(value) is int:
        return value
    return _NOT_KEPT


def _weight(value: Any) -> int:
    """Give about the characters a kept attribute takes; a number counts as eight."""
    kind = type(value)
    if kind is str:
        return len(value)
    return sum(map(_weight, value)) if kind is tuple else 8


def _table(raw: Any, limit: int, parse: Callable[[dict[str, Any]], tuple[str, Row] | None]) -> Table[Row]:
    """Parse the rows of a list; `parse` gives None for a row that makes no sense."""
    source = raw if type(raw) is list else []
    rows: dict[str, Row] = {}
    skipped = 0
    for item in source:
        parsed = parse(_object(item)) if len(rows) < limit else None
        if parsed is None:
            skipped += 1
        elif parsed[1] is not None:
            rows[parsed[0]] = parsed[1]
    return Table(rows, skipped)


def _floor(row: dict[str, Any]) -> tuple[str, Floor] | None:
    identifier, name = _identifier(row.get("floor_id")), _name(row.get("name"))
    if identifier is None or not name:
        return None
    return identifier, Floor(id=identifier, name=name, aliases=_aliases(row.get("aliases"), name))


def _area(row: dict[str, Any]) -> tuple[str, Area] | None:
    identifier, name = _identifier(row.get("area_id")), _name(row.get("name"))
    if identifier is None or not name:
        return None
    return identifier, Area(
        id=identifier,
        name=name,
        aliases=_aliases(row.get("aliases"), name),
        floor_id=_identifier(row.get("floor_id")),
    )


def _device(row: dict[str, Any]) -> tuple[str, str] | None:
    identifier = _identifier(row.get("id"))
    if identifier is None:
        return None
    return identifier, _identifier(row.get("area_id")) or ""


def _entry(row: dict[str, Any]) -> EntityEntry:
    should_expose = _object(_object(row.get("options")).get("conversation")).get("should_expose")
    name = _name(row.get("name")) or _name(row.get("original_name"))
    return EntityEntry(
        name=name,
        aliases=_aliases(row.get("aliases"), name),
        area_id=_identifier(row.get("area_id")),
        device_id=_identifier(row.get("device_id")),
        should_expose=should_expose if type(should_expose) is bool else None,
        unobtrusive=row.get("entity_category") is not None or row.get("hidden_by") is not None,
    )


def _aliases(raw: Any, name: str) -> tuple[str, ...]:
    """Clean aliases: each once, in order, without the name itself and without null (2026: the name)."""
    source: Iterable[Any] = raw[: 4 * MAX_ALIASES] if type(raw) is list else ()
    cleaned = dict.fromkeys(alias for alias in map(_name, source) if alias and alias != name)
    return tuple(cleaned)[:MAX_ALIASES]


def _name(value: Any) -> str:
    return clean_text(value, MAX_NAME_CHARACTERS)


def _identifier(value: Any) -> str | None:
    """Give `value` if it can be an id of an area, a floor or a device, else None."""
    if type(value) is str and value and clean_text(value, MAX_ID_CHARACTERS) == value:
        return value
    return None


def _object(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _is_time_zone(value: Any) -> TypeGuard[str]:
    if type(value) is not str or not value or len(value) > MAX_ID_CHARACTERS:
        return False
    try:
        ZoneInfo(value)
    except (ValueError, OSError, KeyError):
        return False
    return True
