"""Which intent answers a question, and what of which entities it asks."""

from __future__ import annotations

import pytest

from handlers.understanding import Verdict
from tests.handlers.frames.homes import index, targets, understand

LIGHTS = {"light.spots", "light.worktop", "light.sofa", "light.bedside"}


@pytest.mark.parametrize(
    ("text", "language", "asks", "state", "about"),
    [
        ("is the sofa lamp on", "en", "one_yesno", "on", {"light.sofa"}),
        ("isn't the sofa lamp on", "en", "one_yesno", None, {"light.sofa"}),
        ("is the front door locked", "en", "one_yesno", "locked", {"lock.front"}),
        ("is the garage door open", "en", "one_yesno", "open", {"cover.garage"}),
        ("is the bedroom window open", "en", "one_yesno", "on", {"binary_sensor.window"}),
        ("did I lock the front door", "en", "one_yesno", "locked", {"lock.front"}),
        ("which lights are on", "en", "which", "on", LIGHTS),
        ("how many lights are on", "en", "how_many", "on", LIGHTS),
        ("are all the lights off", "en", "all", "off", LIGHTS),
        ("are any lights on upstairs", "en", "any", "on", {"light.bedside"}),
        ("who is home", "en", "which", "home", {"person.maude"}),
        ("be van kapcsolva az olvasólámpa", "hu", "one_yesno", "on", {"light.olvaso"}),
        ("hány lámpa ég az emeleten", "hu", "how_many", "on", {"light.ejjeli"}),
        ("ki van otthon", "hu", "which", "home", {"person.zsofi"}),
    ],
)
def test_a_question_for_a_state_asks_it_of_what_was_mentioned(
    text: str, language: str, asks: str, state: str | None, about: set[str]
) -> None:
    understanding = understand(text, language)
    assert understanding.verdict is Verdict.QUESTION
    (intent,) = understanding.intents
    assert (intent.name, intent.asks) == ("HassGetState", asks)
    assert set(intent.targets) == about
    assert state is None or intent.slots["state"] == state


@pytest.mark.parametrize(
    ("text", "language", "name", "about", "asks"),
    [
        ("what time is it", "en", "HassGetCurrentTime", set(), None),
        ("what's the date", "en", "HassGetCurrentDate", set(), None),
        ("what's the weather", "en", "HassGetWeather", set(), None),
        ("where is maude", "en", "HassGetState", {"person.maude"}, "where"),
        ("what is the temperature of the driveway", "en", "HassGetState", {"sensor.outside"}, "one"),
        ("what is the lounge heating set to", "en", "HassClimateGetTemperature", {"climate.lounge"},
         "setpoint"),
        ("hány óra van", "hu", "HassGetCurrentTime", set(), None),
        ("hol van zsófi", "hu", "HassGetState", {"person.zsofi"}, "where"),
        ("mennyi a hőmérséklet a nappaliban", "hu", "HassClimateGetTemperature", {"climate.nappali"}, None),
    ],
)  # fmt: skip
def test_other_questions_have_intents_of_their_own(
    text: str, language: str, name: str, about: set[str], asks: str | None
) -> None:
    understanding = understand(text, language)
    assert understanding.verdict is Verdict.QUESTION
    (intent,) = understanding.intents
    assert (intent.name, set(intent.targets), intent.asks) == (name, about, asks)


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("is the sofa lamp on", {"name": "Sofa lamp", "domain": "light"}),
        ("are any lights on upstairs", {"floor": "Upstairs", "domain": "light"}),
        ("is the bedroom window open", {"name": "Bedroom window", "device_class": "window"}),
    ],
)
def test_a_question_says_in_the_words_of_the_home_what_it_is_about(text: str, slots: dict[str, str]) -> None:
    (intent,) = understand(text).intents
    assert slots.items() <= dict(intent.slots).items()


@pytest.mark.parametrize(
    "text",
    [
        "is the unicorn on", "is the kettle locked", "is the wine cellar on", "is the strongbox locked",
        "is the sofa lamp on and is the kettle on", "is the sofa lamp in the bedroom on",
        "what is the humidity", "is the sofa lamp on for ten minutes",
    ],
)  # fmt: skip
def test_what_is_not_known_to_be_answered_is_passed_on(text: str) -> None:
    understanding = understand(text)
    assert understanding.verdict is Verdict.PASS_ON
    assert targets(understanding) == set()


@pytest.mark.parametrize(
    "text", ["is everything off", "which lights are on", "what's on", "is anything open"]
)
def test_a_question_is_about_nothing_that_is_not_exposed(text: str) -> None:
    assert targets(understand(text)) <= {entity.id for entity in index("en").entities}
