"""Sentences by which somebody who wanted it got something else done than was said, or only a part of it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import pytest

from handlers.interpret import parse_home
from handlers.resolve import resolve
from handlers.understanding import Utterance
from provisioning.home.registry import HomePicture
from tests.handlers.frames.homes import understand

COVER: Final = {"device_class": "blind", "current_position": 40}
ENGLISH: Final[dict[str, Any]] = {
    "floors": [{"id": "first", "name": "First floor", "aliases": ["upstairs"]}],
    "areas": [
        {"id": "lounge", "name": "Living room"},
        {"id": "kitchen", "name": "Kitchen"},
        {"id": "bedroom", "name": "Bedroom", "floor": "first"},
    ],
    "entities": [
        {"id": "light.big", "name": "Big light", "area": "lounge", "state": "off",
         "attributes": {"brightness": 0, "supported_color_modes": ["rgb", "color_temp"]}},
        {"id": "light.corner", "name": "Corner lamp", "area": "lounge", "state": "on",
         "attributes": {"brightness": 100, "supported_color_modes": ["rgb", "color_temp"]}},
        {"id": "light.strip", "name": "LED strip", "area": "lounge", "state": "off",
         "attributes": {"effect_list": ["Sunset", "Fire", "Night"]}},
        {"id": "light.ceiling", "name": "Ceiling light", "area": "kitchen", "state": "off"},
        {"id": "light.night", "name": "Nightlight", "area": "bedroom", "state": "off"},
        {"id": "media_player.telly", "name": "Telly", "area": "lounge", "state": "playing",
         "attributes": {"volume_level": 0.5, "source_list": ["Netflix", "HDMI 1"]}},
        {"id": "switch.dishwasher", "name": "Dishwasher", "area": "kitchen", "state": "off"},
        {"id": "switch.kettle", "name": "Kettle", "area": "kitchen", "state": "off"},
        {"id": "button.gong", "name": "Dinner gong", "area": "kitchen", "state": "unknown"},
        {"id": "cover.curtains", "name": "Curtains", "area": "lounge", "state": "open",
         "attributes": {"device_class": "curtain"}},
        {"id": "cover.blind", "name": "Bedroom blind", "area": "bedroom", "state": "open",
         "attributes": COVER},
        {"id": "climate.lounge", "name": "Living room thermostat", "area": "lounge", "state": "heat",
         "attributes": {"temperature": 20, "hvac_modes": ["off", "heat", "cool", "auto"]}},
        {"id": "climate.bedroom", "name": "Bedroom thermostat", "area": "bedroom", "state": "heat",
         "attributes": {"temperature": 20, "hvac_modes": ["off", "heat", "cool"],
                        "preset_modes": ["eco", "sleep"]}},
        {"id": "input_number.screen", "name": "Screen time", "state": "60",
         "attributes": {"min": 0, "max": 240, "unit_of_measurement": "min"}},
        {"id": "lock.front", "name": "Front door", "state": "unlocked"},
        {"id": "scene.party", "name": "Party", "state": "unknown"},
        {"id": "vacuum.dusty", "name": "Dusty", "area": "lounge", "state": "docked"},
        {"id": "person.dave", "name": "Dave", "state": "home"},
        {"id": "todo.shopping", "name": "Shopping list", "state": "0"},
    ],
}  # fmt: skip
HUNGARIAN: Final[dict[str, Any]] = {
    "floors": [{"id": "emelet", "name": "Emelet"}],
    "areas": [
        {"id": "nappali", "name": "Nappali"},
        {"id": "konyha", "name": "Konyha"},
        {"id": "lilla", "name": "Lilla szobája", "floor": "emelet"},
        {"id": "udvar", "name": "Udvar"},
    ],
    "entities": [
        {"id": "light.csillar", "name": "Nappali csillár", "area": "nappali", "state": "off",
         "attributes": {"brightness": 0, "supported_color_modes": ["rgb"]}},
        {"id": "light.olvaso", "name": "Olvasólámpa", "area": "nappali", "state": "on"},
        {"id": "light.hangulat", "name": "Hangulatfény", "area": "nappali", "state": "off",
         "attributes": {"effect_list": ["Naplemente", "Tűz", "Éjszaka"]}},
        {"id": "light.konyha", "name": "Konyhai lámpa", "area": "konyha", "state": "off"},
        {"id": "switch.kave", "name": "Kávéfőző", "area": "konyha", "state": "off"},
        {"id": "fan.elszivo", "name": "Elszívó", "area": "konyha", "state": "on"},
        {"id": "cover.redony", "name": "Lilla redőnye", "area": "lilla", "state": "open",
         "attributes": COVER},
        {"id": "climate.lilla", "name": "Lilla klímája", "area": "lilla", "state": "off",
         "attributes": {"temperature": 22, "hvac_modes": ["off", "cool", "heat"]}},
        {"id": "climate.nappali", "name": "Nappali fűtés", "area": "nappali", "state": "heat",
         "attributes": {"temperature": 20}},
        {"id": "media_player.teve", "name": "Tévé", "area": "nappali", "state": "playing",
         "attributes": {"volume_level": 0.5, "source_list": ["Netflix", "HDMI 1"], "source": "Netflix"}},
        {"id": "valve.gyep", "name": "Gyeplocsoló", "area": "udvar", "state": "open"},
        {"id": "valve.folia", "name": "Fóliasátor öntözés", "area": "udvar", "state": "open"},
        {"id": "input_number.ido", "name": "Locsolási idő", "state": "20",
         "attributes": {"min": 0, "max": 60, "unit_of_measurement": "perc"}},
        {"id": "input_select.haz", "name": "Ház", "state": "Otthon",
         "attributes": {"options": ["Otthon", "Csendes pihenő"]}},
        {"id": "water_heater.bojler", "name": "Bojler", "state": "eco",
         "attributes": {"operation_list": ["eco", "performance"], "temperature": 50}},
        {"id": "todo.lista", "name": "Bevásárlólista", "state": "0"},
    ],
}  # fmt: skip


@cache
def home(language: str) -> HomePicture:
    return parse_home(ENGLISH if language == "en" else HUNGARIAN)


def done(text: str, language: str) -> list[tuple[str, str, Any]]:
    """Every call on every entity, with the first of its values."""
    area = "lounge" if language == "en" else "nappali"
    picture = home(language)
    resolution = resolve(
        understand(text, language, picture=picture, area=area), Utterance(text, language, area), picture
    )
    return in_order(
        (call.service, entity_id, next(iter(call.data.values()), None))
        for call in resolution.calls
        for entity_id in call.entity_ids
    )


def in_order(calls: Iterable[tuple[str, str, Any]]) -> list[tuple[str, str, Any]]:
    return sorted(calls, key=repr)


@pytest.mark.parametrize(
    "text",
    [
        # Going somewhere.
        "run to the kitchen", "run upstairs", "come down to the kitchen", "go up to the bedroom",
        # A mode that is to end, a colour that tells which.
        "turn off heat mode on the bedroom thermostat", "stop cooling the bedroom", "turn off the red light",
        # No tap, no sprinkler.
        "turn off the tap", "turn on the sprinkler",
        # Two of the same.
        "set the living room thermostat from 19 to 21 degrees", "turn the corner lamp from red to blue",
        "turn the telly volume down from 50 to 20 percent", "turn the corner lamp up from 20 to 80",
        "corner lamp 20 percent and 2700 kelvin",
        # How much of what is left out.
        "set all lights to 50 percent except the corner lamp to 20",
        "turn all the lights on except the corner lamp to 50 percent",
        # Taken back.
        "turn the big light on, cancel that", "turn the big light on, never mind",
        "turn the big light on, forget it", "turn the big light on. Cancel.",
        # How many, and which.
        "turn on two lights in the kitchen", "turn on half the lights in the kitchen",
        "turn on one of the lights", "turn on the first light", "turn on the lamp on the left",
        "turn on the left lamp", "turn on the other lamp", "turn on the top light",
        # Not now.
        "turn the lights off at night", "turn the led strip on at sunset",
        "turn the heating on only at night", "at dawn turn the corner lamp on",
        "turn the big light on in a minute", "turn the big light on tonight",
        "turn on the big light this evening",
        # Half of it.
        "turn off not only the big light but also the corner lamp", "turn off the corner lamp on",
        "set the bedroom thermostat to cool at 20 degrees",
        # Remarks.
        "the big light's still on", "party's over", "the heating's on but it's cold",
        "tell Dave to turn off the big light", "tell Dave to turn everything off",
        # What would lose something.
        "add milk to the shopping list, eggs and bread, and start the dishwasher",
    ],
)  # fmt: skip
def test_nothing_is_done_in_english(text: str) -> None:
    assert done(text, "en") == []


@pytest.mark.parametrize(
    "text",
    [
        "gyere le a konyhába", "menj ki a konyhába", "menj ki az udvarra", "menj fel az emeletre",
        "vidd fel Lillát",
        "kapcsold ki a hűtést Lilla szobájában", "állítsd le a hűtést Lillánál",
        "kapcsold le a piros lámpát",
        "állítsd a fűtést 19 fokról 21 fokra", "a csillárt pirosról kékre",
        "vedd le a hangerőt ötvenről húszra",
        "kapcsold fel a csillárt, mégse", "kapcsold fel a csillárt, mindegy",
        "kapcsolj fel két lámpát a konyhában", "kapcsold fel az egyik lámpát",
        "kapcsolj fel egyet a lámpák közül",
        "naplementekor kapcsold fel a hangulatfényt", "kapcsolj el a Netflixről",
        "csendes a ház", "a bojler teljesítménye", "Lilla lekapcsolja a lámpát", "tűz van a nappaliban",
        "elég fényes a csillár",
        "este kapcsold fel a csillárt", "majd este kapcsold le a csillárt", "mindjárt kapcsold le a csillárt",
        "vedd le a tejet a bevásárlólistáról és a kenyeret is",
    ],
)  # fmt: skip
def test_nothing_is_done_in_hungarian(text: str) -> None:
    assert done(text, "hu") == []


@pytest.mark.parametrize(
    ("text", "language", "calls"),
    [
        # Which of two valves is asked; it was never the coffee machine.
        ("kapcsold ki a locsolást", "hu", []),
        ("a csillárt hagyd, az olvasólámpát kapcsold le", "hu", [("turn_off", "light.olvaso", None)]),
        ("turn off everything except the telly and close the curtains", "en",
         [("close_cover", "cover.curtains", None),
          *(("turn_off", one, None) for one in (
              "light.big", "light.ceiling", "light.corner", "light.night", "light.strip", "switch.dishwasher",
              "switch.kettle"))]),
        ("turn off all lights except the kitchen and lock the front door", "en",
         [("lock", "lock.front", None),
          *(("turn_off", one, None) for one in ("light.big", "light.corner", "light.night", "light.strip"))]),
        ("turn the big light on, actually the corner lamp", "en", [("turn_on", "light.corner", None)]),
        ("kapcsold fel a csillárt, vagyis az olvasólámpát", "hu", [("turn_on", "light.olvaso", None)]),
        ("set the corner lamp to 50 percent, no wait, 60 percent", "en",
         [("turn_on", "light.corner", 60)]),
        ("lights off but only in the kitchen", "en", [("turn_off", "light.ceiling", None)]),
        ("kapcsold le a lámpákat, de csak a konyhában", "hu", [("turn_off", "light.konyha", None)]),
        ("adj még tíz percet a locsolási időhöz", "hu", [("set_value", "input_number.ido", 30)]),
        ("corner lamp blue and brighter", "en",
         [("turn_on", "light.corner", 20), ("turn_on", "light.corner", "blue")]),
        ("tell Dusty to start cleaning", "en", [("start", "vacuum.dusty", None)]),
        ("set screen time to an extra half hour", "en", []),
        ("turn the living room lights off", "en",
         [("turn_off", one, None) for one in ("light.big", "light.corner", "light.strip")]),
    ],
)  # fmt: skip
def test_what_is_said_is_done_whole_and_nothing_else(
    text: str, language: str, calls: list[tuple[str, str, Any]]
) -> None:
    assert done(text, language) == in_order(calls)


def test_a_white_keeps_the_brightness_that_was_said_with_it() -> None:
    picture = home("en")
    text = "big light warm white 20 percent"
    (call,) = resolve(
        understand(text, picture=picture, area="lounge"), Utterance(text, "en", "lounge"), picture
    ).calls
    assert dict(call.data) == {"color_temp_kelvin": 2700, "brightness_pct": 20}
