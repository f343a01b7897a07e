from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handlers.questions import measured_number
from handlers.status import Status
from handlers.understanding import Intent, Outcome
from provisioning.home.registry import EntityState


@pytest.mark.parametrize(
    ("text", "language", "area", "said"),
    [
        ("is the galley hatch open", "en", None, "Yes, the Galley hatch is open."),
        ("is the porch door unlocked", "en", None, "No, the Porch door is locked."),
        ("which windows are open", "en", None, "Galley hatch."),
        ("are any windows open", "en", None, "Yes: Galley hatch."),
        ("are all windows closed", "en", None, "No, not these: Galley hatch."),
        ("how many windows are closed", "en", None, "1: Skylight."),
        ("what is the yard temperature", "en", None, "The Yard temperature: -1.5 °C."),
        ("what's the temperature in the parlour", "en", None, "It's 20.5 degrees in the Parlour."),
        ("how warm is it", "en", "attic", "It's 17 degrees in the Attic."),
        ("where is ben", "en", None, "Ben is here: The Mill."),
        ("is ada at home", "en", None, "Yes, Ada is at home."),
        ("who is home", "en", None, "Ada."),
        ("when is the parcel", "en", None, "The Parcel: March 5, 2026."),
        ("what's the weather like", "en", None, "It's 9.5 degrees and rainy."),
        ("what time is it", "en", None, "It's 1:05 PM."),
        ("what's the date", "en", None, "It's Thursday, March 5, 2026."),
        ("hello", "en", None, "Hello! How can I help?"),
        ("nyitva van-e a konyhaablak", "hu", None, "Igen, a Konyhaablak nyitva van."),
        ("csukva van a konyhaablak", "hu", None, "Nem, a Konyhaablak nyitva van."),
        ("hátsó ajtó zárva van", "hu", None, "Nem, a Hátsó ajtó nincs bezárva."),
        ("melyik ablak van nyitva", "hu", None, "Konyhaablak."),
        ("mennyi a hőmérséklet az étkezőben", "hu", None, "Az Étkezőben 20,4 fok van."),
        ("mennyi a terasz hőmérő hőmérséklete", "hu", None, "A Terasz hőmérő: 3,5 °C."),
        ("hány fok van", "hu", "padlas", "A Padlásszobában 16 fok van."),
        ("hol van béla", "hu", None, "Béla otthon van."),
        ("ki van otthon", "hu", None, "Béla."),
        ("milyen idő van", "hu", None, "24 fok van, süt a nap."),
        ("mennyi az idő", "hu", None, "14 óra 5 perc van."),
        ("hányadika van", "hu", None, "Ma 2026. március 5., csütörtök van."),
    ],
)
async def test_a_question_is_answered_from_the_mirror(
    listener: Any, text: str, language: str, area: str | None, said: str
) -> None:
    resolution = await listener.hear(text, language, area=area)
    assert resolution.outcome is Outcome.ANSWER
    assert resolution.calls == ()
    assert listener.say(resolution, language) == said


async def test_a_place_that_is_none_is_not_searched_for_people(listener: Any) -> None:
    resolution = await listener.hear("ki van kapcsolva", "hu")
    assert resolution.status is Status.NO_TARGET


def test_several_thermometers_are_a_question_back(listener: Any) -> None:
    resolution = listener.resolve(Intent("HassClimateGetTemperature"))
    assert resolution.outcome is Outcome.ASK


@pytest.mark.parametrize("state", ["unavailable", "unknown"])
def test_an_unknown_state_is_said_to_be_unknown(listener: Any, state: str) -> None:
    picture = listener.pictures["en"]
    unknown = replace(picture, states={**picture.states, "sensor.yard": EntityState(state)})
    dark = replace(listener, pictures={"en": unknown})
    resolution = dark.resolve(Intent("HassGetState", {"name": "Yard temperature"}))
    assert dark.say(resolution) == "I can't tell right now: Yard temperature."


def test_a_thing_that_cannot_be_read_is_in_no_state(listener: Any) -> None:
    picture = listener.pictures["en"]
    states = {one: EntityState("unavailable") for one in picture.states}
    dark = replace(listener, pictures={"en": replace(picture, states=states)})
    slots = {"domain": "light", "state": "on"}
    assert dark.say(dark.resolve(Intent("HassGetState", slots, asks="any"))) == "No, none of them."
    assert dark.say(dark.resolve(Intent("HassGetState", slots, asks="all"))) == "No, none of them."


def test_more_than_a_breath_of_names_is_cut_and_counted(listener: Any) -> None:
    resolution = listener.resolve(Intent("HassGetState", {"area": ("Parlour", "Galley"), "domain": (
        "light", "switch", "cover", "lock", "fan", "media_player")}, asks="which"))  # fmt: skip
    assert listener.say(resolution).endswith(" more.")


@pytest.mark.parametrize(
    ("value", "number"),
    [("21.50", "21.50"), ("21.4567", "21.46"), (-3, "-3"), ("NaN", None), ("inf", None), ("warm", None),
     (True, None), ("1e400", None), (None, None)],
)  # fmt: skip
def test_a_measured_number_is_finite_and_short(value: Any, number: str | None) -> None:
    assert measured_number(value) == (None if number is None else measured_number(number))


def test_wind_has_a_direction(listener: Any) -> None:
    said = listener.say(listener.resolve(Intent("HassGetWeather", asks="wind")))
    assert said == "The wind speed is 12 km/h, from the west."


def test_a_home_with_a_time_zone_nobody_knows_is_told_universal_time(listener: Any) -> None:
    picture = listener.pictures["en"]
    lost = replace(picture, registry=replace(picture.registry, time_zone="Mars/Olympus", revision="mars"))
    martian = replace(listener, pictures={"en": lost})
    assert martian.say(martian.resolve(Intent("HassGetCurrentTime"))) == "It's 1:05 PM."
