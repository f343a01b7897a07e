"""A house with a hundred things, in two languages, that a Home Assistant can be configured with.

Twelve rooms on three floors, and what stands in such houses, under names as people give them: half of them
with the room in it, half without. Everything is made by integrations that need no network; what only another
thing needs (the heater of the thermostats) is not one of the hundred.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from wyoming_central.demo.script import Furniture, Script

LANGUAGES: Final = ("hu", "en")

_Names = tuple[str, str]

_FLOORS: Final[Mapping[str, _Names]] = {
    "ground": ("Földszint", "Ground floor"),
    "upper": ("Emelet", "Upper floor"),
    "outside": ("Udvar", "Outside"),
}
# The floor, the name, and what stands there: its kind (see `_MADE`) and its name.
_ROOMS: Final[tuple[tuple[str, _Names, tuple[tuple[str, str, str], ...]], ...]] = (
    (
        "ground",
        ("Nappali", "Living Room"),
        (
            ("light", "Nappali csillár", "Living room chandelier"),
            ("light", "Állólámpa", "Floor lamp"),
            ("light", "Tévé mögötti fény", "TV backlight"),
            ("light", "Kandallófény", "Fireplace light"),
            ("switch", "Karácsonyfa", "Christmas tree"),
            ("switch", "Hifi konnektor", "Hi-fi socket"),
            ("shutter", "Nappali redőny", "Living room blind"),
            ("shutter", "Teraszajtó redőny", "Patio door blind"),
            ("climate", "Nappali termosztát", "Living room thermostat"),
            ("player", "Nappali tévé", "Living room TV"),
            ("player", "Hangprojektor", "Soundbar"),
            ("temperature", "Nappali hőmérséklet", "Living room temperature"),
            ("door", "Teraszajtó", "Patio door"),
        ),
    ),
    (
        "ground",
        ("Konyha", "Kitchen"),
        (
            ("light", "Konyhai lámpa", "Kitchen light"),
            ("light", "Pultvilágítás", "Worktop light"),
            ("light", "Sziget fölötti lámpa", "Island pendant"),
            ("switch", "Kávéfőző", "Coffee maker"),
            ("switch", "Vízforraló", "Kettle"),
            ("switch", "Mosogatógép konnektor", "Dishwasher socket"),
            ("shutter", "Konyhai redőny", "Kitchen blind"),
            ("fan", "Páraelszívó", "Extractor hood"),
            ("player", "Konyhai rádió", "Kitchen radio"),
            ("temperature", "Konyha hőmérséklet", "Kitchen temperature"),
            ("power", "Hűtő fogyasztás", "Fridge power"),
            ("window", "Konyhaablak", "Kitchen window"),
        ),
    ),
    (
        "ground",
        ("Étkező", "Dining Room"),
        (
            ("light", "Étkezőasztal lámpa", "Dining table lamp"),
            ("light", "Vitrinfény", "Cabinet light"),
            ("shutter", "Étkező redőny", "Dining room blind"),
            ("climate", "Étkező termosztát", "Dining room thermostat"),
            ("window", "Étkező ablak", "Dining room window"),
        ),
    ),
    (
        "ground",
        ("Előtér", "Hallway"),
        (
            ("light", "Előtér lámpa", "Hallway light"),
            ("light", "Lépcsővilágítás", "Stair lights"),
            ("light", "Tükörfény", "Mirror light"),
            ("lock", "Bejárati ajtó", "Front door"),
            ("door", "Bejárati ajtó nyitás", "Front door contact"),
            ("motion", "Előtér mozgás", "Hallway motion"),
            ("temperature", "Előtér hőmérséklet", "Hallway temperature"),
            ("vacuum", "Robotporszívó", "Robot vacuum"),
        ),
    ),
    (
        "ground",
        ("Kamra", "Pantry"),
        (
            ("light", "Kamra lámpa", "Pantry light"),
            ("switch", "Fagyasztó", "Freezer"),
            ("temperature", "Kamra hőmérséklet", "Pantry temperature"),
        ),
    ),
    (
        "upper",
        ("Fürdőszoba", "Bathroom"),
        (
            ("light", "Fürdőszoba lámpa", "Bathroom light"),
            ("light", "Zuhanyfény", "Shower light"),
            ("switch", "Törölközőszárító", "Towel warmer"),
            ("switch", "Mosógép", "Washing machine"),
            ("fan", "Fürdőszoba ventilátor", "Bathroom fan"),
            ("climate", "Padlófűtés", "Underfloor heating"),
            ("temperature", "Fürdőszoba hőmérséklet", "Bathroom temperature"),
            ("humidity", "Fürdőszoba páratartalom", "Bathroom humidity"),
            ("window", "Fürdőszoba ablak", "Bathroom window"),
        ),
    ),
    (
        "upper",
        ("Hálószoba", "Bedroom"),
        (
            ("light", "Hálószoba lámpa", "Bedroom light"),
            ("light", "Bal éjjeli lámpa", "Left bedside lamp"),
            ("light", "Jobb éjjeli lámpa", "Right bedside lamp"),
            ("light", "Gardróbfény", "Wardrobe light"),
            ("shutter", "Hálószoba redőny", "Bedroom blind"),
            ("curtain", "Sötétítőfüggöny", "Blackout curtain"),
            ("climate", "Hálószoba termosztát", "Bedroom thermostat"),
            ("fan", "Mennyezeti ventilátor", "Ceiling fan"),
            ("player", "Ébresztős rádió", "Clock radio"),
            ("temperature", "Hálószoba hőmérséklet", "Bedroom temperature"),
            ("window", "Hálószoba ablak", "Bedroom window"),
        ),
    ),
    (
        "upper",
        ("Gyerekszoba", "Nursery"),
        (
            ("light", "Gyerekszoba lámpa", "Nursery light"),
            ("light", "Éjszakai fény", "Night light"),
            ("light", "Tanulólámpa", "Homework lamp"),
            ("shutter", "Gyerekszoba redőny", "Nursery blind"),
            ("climate", "Gyerekszoba termosztát", "Nursery thermostat"),
            ("player", "Mesegép", "Story player"),
            ("temperature", "Gyerekszoba hőmérséklet", "Nursery temperature"),
            ("humidity", "Gyerekszoba páratartalom", "Nursery humidity"),
            ("window", "Gyerekszoba ablak", "Nursery window"),
        ),
    ),
    (
        "upper",
        ("Dolgozószoba", "Study"),
        (
            ("light", "Dolgozószoba lámpa", "Study light"),
            ("light", "Íróasztali lámpa", "Desk lamp"),
            ("switch", "Nyomtató", "Printer"),
            ("switch", "Monitorok", "Monitors"),
            ("shutter", "Dolgozószoba reluxa", "Study blind"),
            ("climate", "Dolgozószoba termosztát", "Study thermostat"),
            ("temperature", "Dolgozószoba hőmérséklet", "Study temperature"),
            ("carbon dioxide", "Dolgozószoba szén-dioxid", "Study carbon dioxide"),
            ("window", "Dolgozószoba ablak", "Study window"),
        ),
    ),
    (
        "outside",
        ("Garázs", "Garage"),
        (
            ("light", "Garázs lámpa", "Garage light"),
            ("light", "Munkapadfény", "Workbench light"),
            ("garage", "Garázskapu", "Garage gate"),
            ("lock", "Garázs oldalajtó", "Garage side door"),
            ("switch", "Autótöltő", "Car charger"),
            ("power", "Autótöltő teljesítmény", "Car charger power"),
            ("motion", "Garázs mozgás", "Garage motion"),
        ),
    ),
    (
        "outside",
        ("Terasz", "Patio"),
        (
            ("light", "Teraszvilágítás", "Patio lights"),
            ("light", "Fényfüzér", "String lights"),
            ("awning", "Napellenző", "Awning"),
            ("lock", "Teraszajtó zár", "Patio door lock"),
            ("temperature", "Kinti hőmérséklet", "Outdoor temperature"),
            ("motion", "Terasz mozgás", "Patio motion"),
        ),
    ),
    (
        "outside",
        ("Kert", "Garden"),
        (
            ("light", "Kerti lámpák", "Garden lights"),
            ("light", "Kapuvilágítás", "Gate light"),
            ("light", "Medencefény", "Pool light"),
            ("switch", "Locsoló", "Sprinkler"),
            ("switch", "Szökőkút", "Fountain"),
            ("gate", "Kocsibejáró kapu", "Driveway gate"),
            ("power", "Napelem teljesítmény", "Solar power"),
            ("motion", "Kert mozgás", "Garden motion"),
        ),
    ),
)

_NOTHING: Final = [{"event": "bench_did_something"}]
_HEATER: Final = "bench_heater"


@dataclass(frozen=True, slots=True)
class _Made:
    """How a kind of thing is made.

    Attributes:
        domain: Of its entity.
        by: The integration: `template` in its own section, or the platform of the domain's section.
        options: Of it, besides its names.
    """

    domain: str
    by: str
    options: Mapping[str, Any]


def _cover(device_class: str, position: int) -> _Made:
    return _Made(
        "cover",
        "template platform",
        {
            "device_class": device_class,
            "position_template": str(position),
            "open_cover": _NOTHING,
            "close_cover": _NOTHING,
            "set_cover_position": _NOTHING,
        },
    )


def _sensor(device_class: str, unit: str, value: str) -> _Made:
    options = {"device_class": device_class, "unit_of_measurement": unit, "state": value}
    return _Made("sensor", "template", {**options, "state_class": "measurement"})


def _binary(device_class: str) -> _Made:
    return _Made("binary_sensor", "template", {"device_class": device_class, "state": "{{ false }}"})


_SWITCHED: Final = {"turn_on": _NOTHING, "turn_off": _NOTHING}
_MADE: Final[Mapping[str, _Made]] = {
    "light": _Made(
        "light",
        "template",
        {**_SWITCHED, "state": "{{ true }}", "level": "{{ 128 }}", "set_level": _NOTHING},
    ),
    "switch": _Made("switch", "template", {**_SWITCHED, "state": "{{ false }}"}),
    "fan": _Made(
        "fan",
        "template platform",
        {
            **_SWITCHED,
            "value_template": "{{ true }}",
            "percentage_template": "{{ 50 }}",
            "set_percentage": _NOTHING,
        },
    ),
    "shutter": _cover("shutter", 100),
    "curtain": _cover("curtain", 0),
    "awning": _cover("awning", 0),
    "garage": _cover("garage", 0),
    "gate": _cover("gate", 0),
    "vacuum": _Made(
        "vacuum", "template platform", {"start": _NOTHING, "stop": _NOTHING, "value_template": "docked"}
    ),
    "lock": _Made(
        "lock", "named template platform", {"lock": _NOTHING, "unlock": _NOTHING, "value_template": "locked"}
    ),
    "climate": _Made(
        "climate",
        "generic_thermostat",
        {"heater": f"input_boolean.{_HEATER}", "target_temp": 21, "initial_hvac_mode": "off"},
    ),
    "player": _Made("media_player", "universal", {"state_template": "paused"}),
    "temperature": _sensor("temperature", "°C", "21.5"),
    "humidity": _sensor("humidity", "%", "48"),
    "power": _sensor("power", "W", "120"),
    "carbon dioxide": _sensor("carbon_dioxide", "ppm", "640"),
    "window": _binary("window"),
    "door": _binary("door"),
    "motion": _binary("motion"),
}
# The keys under which a template platform has its things.
_PLATFORM_KEYS: Final = {"cover": "covers", "fan": "fans", "vacuum": "vacuums"}


@dataclass(frozen=True, slots=True)
class Thing:
    """One of the hundred.

    Attributes:
        kind: What it is, for people: `light`, `shutter`, `window`, ….
    """

    kind: str
    name: str
    room: str

    @property
    def domain(self) -> str:
        """That of its entity."""
        return _MADE[self.kind].domain

    @property
    def entity_id(self) -> str:
        """The one that Home Assistant makes of its name."""
        return f"{self.domain}.{_slug(self.name)}"


def things(language: str) -> tuple[Thing, ...]:
    """The hundred, with the names that they have in a language."""
    index = LANGUAGES.index(language)
    return tuple(
        Thing(kind, names[index], room[index]) for _, room, inside in _ROOMS for kind, *names in inside
    )


def floors(language: str) -> dict[str, tuple[str, ...]]:
    """The names of the floors, and on each those of its rooms."""
    index = LANGUAGES.index(language)
    return {
        names[index]: tuple(room[index] for floor, room, _ in _ROOMS if floor == key)
        for key, names in _FLOORS.items()
    }


def script(language: str, *, more: Mapping[str, Any]) -> Script:
    """How to configure and furnish a Home Assistant for it to be this house.

    Args:
        language: Of its names.
        more: Sections of the configuration besides.
    """
    sections = {**_configuration(language), **more}
    return Script(
        # JSON is YAML, but the outermost level has to be YAML proper: the server adds a section of its own.
        configuration="".join(
            f"{key}: {json.dumps(section, ensure_ascii=False)}\n" for key, section in sections.items()
        ),
        rooms={room: room for rooms in floors(language).values() for room in rooms},
        furniture=tuple(Furniture(one.entity_id, one.name, one.room) for one in things(language)),
        preparations=(),
        lines=(),
    )


def _configuration(language: str) -> dict[str, Any]:
    made = [(one, _MADE[one.kind]) for one in things(language)]
    found: dict[str, Any] = {
        "frontend": None,
        "config": None,
        "conversation": None,
        "logger": {"default": "warning"},
        "input_boolean": {_HEATER: None},
        "template": [
            {made_by.domain: {"name": one.name, "unique_id": one.entity_id, **made_by.options}}
            for one, made_by in made
            if made_by.by == "template"
        ],
    }
    for one, made_by in made:
        if made_by.by != "template":
            found.setdefault(made_by.domain, []).extend(_platform(one, made_by, language))
    return found


def _platform(thing: Thing, made: _Made, language: str) -> Iterator[dict[str, Any]]:
    options: dict[str, Any] = {"unique_id": thing.entity_id, **made.options}
    match made.by:
        case "template platform":
            options["friendly_name"] = thing.name
            yield {"platform": "template", _PLATFORM_KEYS[made.domain]: {_slug(thing.name): options}}
        case "named template platform":
            yield {"platform": "template", "name": thing.name, **options}
        case "generic_thermostat":
            yield {**options, "platform": made.by, "name": thing.name, "target_sensor": _warmth(language)}
        case _:
            yield {**options, "platform": made.by, "name": thing.name}


def _warmth(language: str) -> str:
    return next(one.entity_id for one in things(language) if one.kind == "temperature")


def _slug(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
