"""Options: what a home's things list in their states can be chosen by its name, and nothing else can."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.choices import LONGEST_OPTION, MOST_OPTIONS
from handlers.interpret import parse_home
from handlers.resolve import resolve
from handlers.understanding import Intent, Outcome, Resolution, Utterance, Verdict
from provisioning.home.registry import HomePicture
from tests.handlers.frames.homes import targets, understand

ENGLISH: Final[dict[str, Any]] = {
    "areas": [{"id": "lounge", "name": "Lounge"}, {"id": "bedroom", "name": "Bedroom"}],
    "entities": [
        {"id": "select.wash", "name": "Washing programme", "state": "Eco",
         "attributes": {"options": ["Eco", "Quick wash", "Cotton 60", "Wool"]}},
        {"id": "input_select.house", "name": "House mode", "state": "Home",
         "attributes": {"options": ["Home", "Away", "Night"]}},
        {"id": "media_player.tv", "name": "TV", "area": "lounge", "state": "on",
         "attributes": {"source_list": ["HDMI 1", "HDMI 2", "Netflix"], "source": "Netflix"}},
        {"id": "media_player.radio", "name": "Bedroom radio", "area": "bedroom", "state": "playing",
         "attributes": {"source_list": ["Jazz FM", "Radio 4"]}},
        {"id": "humidifier.bedroom", "name": "Bedroom humidifier", "area": "bedroom", "state": "on",
         "attributes": {"available_modes": ["auto", "sleep"], "humidity": 40, "mode": "sleep"}},
        {"id": "water_heater.tank", "name": "Hot water tank", "state": "eco",
         "attributes": {"operation_list": ["eco", "performance", "boost"], "temperature": 50}},
        {"id": "climate.bedroom", "name": "Bedroom radiator", "area": "bedroom", "state": "heat",
         "attributes": {"preset_modes": ["eco", "away"], "hvac_modes": ["heat", "off"], "temperature": 20}},
        {"id": "light.strip", "name": "LED strip", "area": "lounge", "state": "on",
         "attributes": {"effect_list": ["Rainbow", "Fire"]}},
        {"id": "light.lamp", "name": "Floor lamp", "area": "lounge", "state": "off"},
        {"id": "select.safe", "name": "Safe code", "exposed": False, "state": "1",
         "attributes": {"options": ["Vault open", "Vault shut"]}},
    ],
}  # fmt: skip
HUNGARIAN: Final[dict[str, Any]] = {
    "areas": [{"id": "nappali", "name": "Nappali"}],
    "entities": [
        {"id": "select.wash", "name": "Mosási program", "state": "Eco",
         "attributes": {"options": ["Eco", "Gyors mosás", "Pamut 60", "Gyapjú"]}},
        {"id": "media_player.tv", "name": "Tévé", "area": "nappali", "state": "on",
         "attributes": {"source_list": ["HDMI 1", "HDMI 2", "Netflix", "M4 Sport"]}},
        {"id": "humidifier.halo", "name": "Hálószobai párásító", "state": "on",
         "attributes": {"available_modes": ["auto", "sleep", "normal"]}},
        {"id": "water_heater.tank", "name": "Bojler", "state": "eco",
         "attributes": {"operation_list": ["eco", "performance"]}},
        {"id": "light.lamp", "name": "Állólámpa", "area": "nappali", "state": "off"},
    ],
}  # fmt: skip


@cache
def home(language: str) -> HomePicture:
    return parse_home(ENGLISH if language == "en" else HUNGARIAN)


def said(text: str, language: str = "en", area: str | None = None) -> Resolution:
    picture = home(language)
    understanding = understand(text, language, picture=picture, area=area)
    return resolve(understanding, Utterance(text, language, area), picture)


def calls(resolution: Resolution) -> list[tuple[str, str, Any]]:
    return [
        (f"{call.domain}.{call.service}", *call.entity_ids, next(iter(call.data.values()), None))
        for call in resolution.calls
    ]


@pytest.mark.parametrize(
    ("text", "service", "entity_id", "option"),
    [
        ("set the washing programme to quick wash", "select.select_option", "select.wash", "Quick wash"),
        ("change the washing programme to cotton 60", "select.select_option", "select.wash", "Cotton 60"),
        ("put it on cotton 60 degrees", "select.select_option", "select.wash", "Cotton 60"),
        ("washing programme to wool", "select.select_option", "select.wash", "Wool"),
        ("set the washing programme to quick", "select.select_option", "select.wash", "Quick wash"),
        ("set house mode to away", "input_select.select_option", "input_select.house", "Away"),
        ("switch the house mode to night", "input_select.select_option", "input_select.house", "Night"),
        ("switch the tv to hdmi one", "media_player.select_source", "media_player.tv", "HDMI 1"),
        ("switch to hdmi 2", "media_player.select_source", "media_player.tv", "HDMI 2"),
        ("put netflix on the telly", "media_player.select_source", "media_player.tv", "Netflix"),
        ("change the input of the tv to hdmi 1", "media_player.select_source", "media_player.tv", "HDMI 1"),
        ("play radio 4 on the bedroom radio", "media_player.select_source", "media_player.radio", "Radio 4"),
        ("put the humidifier in sleep mode", "humidifier.set_mode", "humidifier.bedroom", "sleep"),
        ("humidifier to automatic", "humidifier.set_mode", "humidifier.bedroom", "auto"),
        ("set the hot water to performance", "water_heater.set_operation_mode", "water_heater.tank",
         "performance"),
        ("boost the hot water", "water_heater.set_operation_mode", "water_heater.tank", "boost"),
        ("set the bedroom radiator to away", "climate.set_preset_mode", "climate.bedroom", "away"),
        ("put the bedroom radiator in eco mode", "climate.set_preset_mode", "climate.bedroom", "eco"),
        ("set the led strip to rainbow", "light.turn_on", "light.strip", "Rainbow"),
    ],
)  # fmt: skip
def test_an_option_is_chosen_by_its_name(text: str, service: str, entity_id: str, option: str) -> None:
    assert calls(said(text)) == [(service, entity_id, option)]


@pytest.mark.parametrize(
    ("text", "service", "entity_id", "option"),
    [
        ("állítsd a mosási programot gyors mosásra", "select.select_option", "select.wash", "Gyors mosás"),
        ("váltsd át gyorsmosásra a mosási programot", "select.select_option", "select.wash", "Gyors mosás"),
        ("a mosási program legyen pamut 60 fok", "select.select_option", "select.wash", "Pamut 60"),
        ("kapcsold a tévét hdmi 1-re", "media_player.select_source", "media_player.tv", "HDMI 1"),
        ("kapcsolj át a hdmi kettőre", "media_player.select_source", "media_player.tv", "HDMI 2"),
        ("tévét az m4 sportra", "media_player.select_source", "media_player.tv", "M4 Sport"),
        ("tedd a párásítót alvó módba", "humidifier.set_mode", "humidifier.halo", "sleep"),
        ("a párásító legyen automatán", "humidifier.set_mode", "humidifier.halo", "auto"),
        ("bojlert takarékosra", "water_heater.set_operation_mode", "water_heater.tank", "eco"),
        ("a bojler menjen vissza takarékosra", "water_heater.set_operation_mode", "water_heater.tank", "eco"),
    ],
)
def test_an_option_is_chosen_in_hungarian(text: str, service: str, entity_id: str, option: str) -> None:
    assert calls(said(text, "hu")) == [(service, entity_id, option)]


@pytest.mark.parametrize(
    "text",
    [
        "don't switch the tv to netflix",
        "if the tv is on hdmi 1",
        "he said put the tv on netflix",
        "netflix",
        "turn off netflix",
        "unlock netflix on the tv",
        "set the floor lamp to netflix",
        "set the floor lamp to rainbow",
        "set the washing programme to cotton 90",
        "set the washing programme to netflix",
        "switch the tv to netflix or hdmi 1",
        "set the safe code to vault open",
        "switch the tv to netflix tomorrow",
        "the tv was on netflix",
        "set the bedroom to wool",
    ],
)
def test_what_is_no_option_of_the_thing_or_not_asked_for_is_not_chosen(text: str) -> None:
    assert said(text).calls == ()


def test_two_options_in_one_sentence_go_each_to_its_thing() -> None:
    assert calls(said("switch the tv to hdmi 2 and set the washing programme to wool")) == [
        ("media_player.select_source", "media_player.tv", "HDMI 2"),
        ("select.select_option", "select.wash", "Wool"),
    ]


def test_an_option_that_several_things_have_is_asked_about_and_chosen_by_the_answer() -> None:
    understanding = understand("set it to eco", picture=home("en"))
    assert understanding.verdict is Verdict.ASK
    assert targets(understanding) == {"select.wash", "water_heater.tank", "climate.bedroom"}
    question = understanding.question
    assert question is not None
    for one, option in (("select.wash", "Eco"), ("water_heater.tank", "eco")):
        chosen = Intent(question.intent.name, question.intent.slots, (one,))
        answered = type(understanding)(Verdict.COMMANDS, (chosen,))
        resolution = resolve(answered, Utterance("", "en"), home("en"))
        assert calls(resolution)[0][1:] == (one, option)


def test_what_is_in_the_states_is_never_remembered_as_what_a_sentence_means() -> None:
    assert not understand("switch the tv to hdmi 2", picture=home("en")).cacheable


def test_a_thing_that_lists_nothing_now_takes_no_option() -> None:
    tv = {"id": "media_player.tv", "name": "TV", "state": "off"}
    assert understand("switch the tv to netflix", picture=parse_home({"entities": [tv]})).verdict is (
        Verdict.PASS_ON
    )


@pytest.mark.parametrize("listed", [None, "Netflix", 7, [7, None, {}], {"Netflix": 1}, ["Netflix" * 30]])
def test_a_list_that_is_none_has_no_options(listed: Any) -> None:
    assert len("Netflix" * 30) > LONGEST_OPTION
    tv = {"id": "media_player.tv", "name": "TV", "state": "on", "attributes": {"source_list": listed}}
    picture = parse_home({"entities": [tv]})
    resolution = resolve(
        understand("switch the tv to netflix", picture=picture), Utterance("", "en"), picture
    )
    assert resolution.calls == ()


def test_of_a_very_long_list_only_the_beginning_is_looked_at() -> None:
    listed = [f"Station {number}" for number in range(MOST_OPTIONS + 1)]
    tv = {"id": "media_player.tv", "name": "TV", "state": "on", "attributes": {"source_list": listed}}
    picture = parse_home({"entities": [tv]})
    assert understand(f"switch the tv to station {MOST_OPTIONS - 1}", picture=picture).verdict is (
        Verdict.COMMANDS
    )
    assert understand(f"switch the tv to station {MOST_OPTIONS}", picture=picture).verdict is Verdict.PASS_ON


@given(st.text(max_size=20))
def test_whatever_is_said_only_an_option_that_is_listed_is_chosen(words: str) -> None:
    listed = {"Eco", "Quick wash", "Cotton 60", "Wool"}
    for call in said(f"set the washing programme to {words}").calls:
        assert call.entity_ids == ("select.wash",)
        assert call.data["option"] in listed


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("what's the washing programme set to", "Eco"),
        ("what programme is the washing programme on", "Eco"),
        ("what mode is the humidifier in", "mode.sleep"),
        ("which input is the tv on", "Netflix"),
    ],
)
def test_what_is_chosen_can_be_asked_for(text: str, answer: str) -> None:
    resolution = said(text)
    assert resolution.outcome is Outcome.ANSWER
    assert resolution.say is not None
    value = resolution.say.values["value"]
    assert getattr(value, "key", value) == answer
