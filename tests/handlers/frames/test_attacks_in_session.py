"""What somebody who attacked it got done by what was said before, or by how much: each is right now."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from handlers.interpret import parse_home
from handlers.resolve import resolve
from handlers.understanding import Intent, Utterance
from provisioning.home.registry import HomePicture
from tests.handlers.frames.homes import understand

HOMES = Path(__file__).parents[2] / "accuracy" / "must_not_act"


@cache
def home(language: str) -> HomePicture:
    described = yaml.safe_load((HOMES / f"{language}-home.yaml").read_text(encoding="utf-8"))
    for entity in described["entities"]:
        entity["state"] = str(entity["state"])
        if entity["id"] == "cover.lounge":
            entity["attributes"]["current_position"] = 40
    return parse_home(described)


def done(text: str, language: str, after: Sequence[Intent] = ()) -> list[tuple[str, str, Any]]:
    area = "lounge" if language == "en" else "nappali"
    picture = home(language)
    understanding = understand(text, language, picture=picture, area=area, after=after)
    resolution = resolve(understanding, Utterance(text, language, area), picture)
    return sorted(
        (
            (call.service, entity_id, next(iter(call.data.values()), None))
            for call in resolution.calls
            for entity_id in call.entity_ids
        ),
        key=repr,
    )


def switched(name: str, *targets: str) -> tuple[Intent, ...]:
    return (Intent(name, {}, targets),)


OFF, ON = "HassTurnOff", "HassTurnOn"


@pytest.mark.parametrize(
    ("before", "text", "language", "reached"),
    [
        # Only a place is said: what was done was done to lights.
        (switched(OFF, "light.spots", "light.worktop"), "and in the lounge", "en",
         ["light.floor", "light.lounge"]),
        (switched(OFF, "light.spots", "light.worktop"), "and the lounge", "en",
         ["light.floor", "light.lounge"]),
        (switched(OFF, "light.csillar"), "és a nappaliban", "hu", ["light.allo", "light.nappali"]),
        # "The lights" does not ask for light here.
        (switched(OFF, "switch.kettle"), "the lights too", "en", ["light.floor", "light.lounge"]),
        (switched(OFF, "switch.kettle"), "and the lights", "en", ["light.floor", "light.lounge"]),
        (switched(OFF, "switch.kave"), "a lámpát is", "hu", ["light.allo", "light.nappali"]),
        # The others are those that were not spoken of.
        (switched(ON, "light.eloszoba"), "kapcsold le az összes többi lámpát", "hu",
         ["light.allo", "light.csillar", "light.ejjeli", "light.hold", "light.nappali", "light.pult",
          "light.tukor"]),
        (switched(ON, "light.hallway"), "turn off all other lights", "en",
         ["light.bedside", "light.desk", "light.floor", "light.lounge", "light.spots", "light.stars",
          "light.worktop"]),
        (switched(ON, "switch.kettle"), "and the washing machine", "en", ["switch.washer"]),
        (switched(ON, "light.floor"), "turn it off", "en", ["light.floor"]),
    ],
)  # fmt: skip
def test_what_was_done_is_done_to_what_is_meant(
    before: tuple[Intent, ...], text: str, language: str, reached: list[str]
) -> None:
    calls = done(text, language, before)
    assert sorted(entity_id for _, entity_id, _ in calls) == reached
    service = "turn_off" if before[0].name == OFF or "off" in text or "le " in text else "turn_on"
    assert {one for one, _, _ in calls} == {service}


@pytest.mark.parametrize(
    ("before", "text", "language"),
    [
        (switched(ON, "switch.kettle"), "turn it down to 18", "en"),
        (switched(ON, "scene.film"), "turn it off", "en"),
        (switched(ON, "switch.kettle"), "make it blue", "en"),
        (switched("HassVacuumStart", "vacuum.robot"), "vedd lejjebb azt", "hu"),
        ((Intent("HassGetState", {}, ("todo.shopping",)),), "turn it off", "en"),
    ],
)
def test_what_cannot_be_done_to_what_was_spoken_of_is_done_to_nothing_else(
    before: tuple[Intent, ...], text: str, language: str
) -> None:
    assert done(text, language, before) == []


def test_a_vacuum_that_was_spoken_of_is_what_is_stopped() -> None:
    before = switched("HassVacuumStart", "vacuum.robot")
    assert done("állítsd le", "hu", before) == [("pause", "vacuum.robot", None)]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("open the lounge blinds by 20 percent", 60),
        ("close the lounge blinds by 20 percent", 20),
        ("close the lounge blinds a bit", 30),
        ("open the lounge blinds a bit", 50),
        ("close the lounge blinds more", 20),
        ("set the lounge blinds to 20 percent closed", 80),
        ("close the lounge blinds 20 percent", 80),
        ("close the lounge blinds 20", 80),
        ("set the lounge blinds to 20 percent", 20),
    ],
)
def test_a_blind_goes_the_way_that_was_said(text: str, position: int) -> None:
    assert done(text, "en") == [("set_cover_position", "cover.lounge", position)]


def test_a_name_with_a_number_is_heard_in_digits_and_in_words() -> None:
    lamps = [
        {"id": "light.one", "name": "Desk lamp", "state": "off"},
        {"id": "light.two", "name": "Desk lamp two", "state": "off"},
        {"id": "light.spot", "name": "Spot 10", "state": "off"},
    ]
    picture = parse_home({"entities": lamps})
    for text, entity_id in (
        ("turn on desk lamp 2", "light.two"),
        ("turn on desk lamp two", "light.two"),
        ("turn on spot ten", "light.spot"),
        ("turn on desk lamp", "light.one"),
    ):
        targets = [one for intent in understand(text, picture=picture).intents for one in intent.targets]
        assert targets == [entity_id], text
