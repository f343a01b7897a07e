"""Numbers of the home: set by their name, within their bounds, in their own unit."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.interpret import parse_home
from handlers.resolve import resolve
from handlers.understanding import Outcome, Resolution, Utterance, Verdict
from provisioning.home.registry import HomePicture
from tests.handlers.frames.homes import understand

HOME: Final[dict[str, Any]] = {
    "areas": [{"id": "garden", "name": "Garden"}, {"id": "bedroom", "name": "Bedroom"}],
    "entities": [
        {"id": "number.pump", "name": "Pool pump speed", "area": "garden", "state": "30",
         "attributes": {"min": 0, "max": 100, "step": 5, "unit_of_measurement": "%"}},
        {"id": "input_number.water", "name": "Watering time", "area": "garden", "state": "10",
         "attributes": {"min": 0, "max": 60, "step": 1, "unit_of_measurement": "min"}},
        {"id": "number.offset", "name": "Bedroom offset", "area": "bedroom", "state": "1.5",
         "attributes": {"min": -5, "max": 5, "step": 0.5, "unit_of_measurement": "°C"}},
        {"id": "number.locsolas", "name": "Locsolási idő", "area": "garden", "state": "10",
         "attributes": {"min": 0, "max": 60, "unit_of_measurement": "perc"}},
        {"id": "climate.bedroom", "name": "Radiator", "area": "bedroom", "state": "heat",
         "attributes": {"temperature": 20}},
        {"id": "light.garden", "name": "Garden light", "area": "garden", "state": "off"},
    ],
}  # fmt: skip


@cache
def home() -> HomePicture:
    return parse_home(HOME)


def said(text: str, language: str = "en") -> Resolution:
    understanding = understand(text, language, picture=home())
    return resolve(understanding, Utterance(text, language), home())


def set_to(text: str, language: str = "en") -> list[tuple[str, Any]]:
    calls = said(text, language).calls
    assert all(call.service == "set_value" for call in calls)
    return [(call.entity_ids[0], call.data["value"]) for call in calls]


@pytest.mark.parametrize(
    ("text", "language", "entity_id", "value"),
    [
        ("set the pool pump speed to 40", "en", "number.pump", 40),
        ("set the pool pump speed to forty percent", "en", "number.pump", 40),
        ("raise the pool pump speed by 10 percent", "en", "number.pump", 40),
        ("give the pool pump speed another ten percent", "en", "number.pump", 40),
        ("lower the pool pump speed by 10", "en", "number.pump", 20),
        ("turn up the pool pump speed", "en", "number.pump", 35),
        ("turn the pool pump speed down", "en", "number.pump", 25),
        ("cut the pool pump speed to 10", "en", "number.pump", 10),
        ("pool pump speed 60", "en", "number.pump", 60),
        ("set the watering time to 20 minutes", "en", "input_number.water", 20),
        ("set the watering time to half an hour", "en", "input_number.water", 30),
        ("set the watering time to 1 hour", "en", "input_number.water", 60),
        ("set the watering time to ninety seconds", "en", "input_number.water", 1.5),
        ("set the bedroom offset to 0.5 degrees", "en", "number.offset", 0.5),
        ("legyen a locsolási idő húsz perc", "hu", "number.locsolas", 20),
        ("állítsd a locsolási időt fél órára", "hu", "number.locsolas", 30),
        ("vedd le a locsolási időt öt perccel", "hu", "number.locsolas", 5),
    ],
)
def test_a_number_is_set_by_its_name(text: str, language: str, entity_id: str, value: float) -> None:
    assert set_to(text, language) == [(entity_id, value)]


@pytest.mark.parametrize(
    "text",
    [
        "set the pool pump speed to 140",
        "set the watering time to 2 hours",
        "set the watering time to 20 percent",
        "set the watering time to 20 degrees",
        "set the pool pump speed to 20 minutes",
        "set the bedroom offset to 20 degrees",
    ],
)
def test_beyond_its_bounds_or_in_another_unit_it_is_not_set(text: str) -> None:
    resolution = said(text)
    assert resolution.outcome is not Outcome.COMMANDS
    assert resolution.calls == ()


@pytest.mark.parametrize("text", ["set the bedroom to 20", "set the bedroom temperature to 20 degrees"])
def test_where_a_number_is_says_nothing_of_it(text: str) -> None:
    assert [call.entity_ids for call in said(text).calls] == [("climate.bedroom",)]


@pytest.mark.parametrize(
    "text",
    [
        "set the garden to 20",
        "set the garden volume to 20",
        "make the pool pump speed brighter",
        "turn on the garden light for 20 minutes",
        "turn on the garden light for half an hour",
        "turn on the garden light in an hour",
        "dim the garden light for ten seconds",
        "turn on the pool pump speed",
        "close the watering time",
    ],
)
def test_no_number_and_no_lamp_is_touched_by_what_is_not_about_it(text: str) -> None:
    assert not any(call.service == "set_value" for call in said(text).calls)
    lit = [call for call in said(text).calls if "brightness_pct" in call.data]
    assert not lit or text == "set the garden to 20"


@pytest.mark.parametrize(
    "text", ["turn on the garden light for 20 minutes", "garden light on in ten minutes"]
)
def test_how_long_or_when_something_is_to_be_is_passed_on(text: str) -> None:
    assert understand(text, picture=home()).verdict is Verdict.PASS_ON


@given(st.integers(-1000, 1000))
def test_it_is_never_set_beyond_its_bounds(value: int) -> None:
    for entity_id, number in set_to(f"set the pool pump speed to {value}"):
        assert entity_id == "number.pump"
        assert 0 <= number <= 100
