"""Alarms: armed and disarmed by voice, unless Home Assistant wants a code for it."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.interpret import parse_home
from handlers.resolve import resolve
from handlers.understanding import Outcome, Utterance, Verdict
from tests.handlers.frames.homes import targets, understand


def home(name: str, **attributes: Any) -> dict[str, Any]:
    alarm = {"id": "alarm_control_panel.house", "name": name, "state": "disarmed", "attributes": attributes}
    lamp = {"id": "light.hall", "name": "Hall lamp", "state": "on"}
    return {"entities": [alarm, lamp]}


@pytest.mark.parametrize(
    ("text", "language", "service"),
    [
        ("arm the alarm", "en", "alarm_arm_away"),
        ("arm the house alarm in home mode", "en", "alarm_arm_home"),
        ("arm the alarm for the night", "en", "alarm_arm_night"),
        ("set the alarm to away", "en", "alarm_arm_away"),
        ("disarm the alarm", "en", "alarm_disarm"),
        ("turn off the alarm system", "en", "alarm_disarm"),
        ("élesítsd a riasztót", "hu", "alarm_arm_away"),
        ("riasztó be", "hu", "alarm_arm_away"),
        ("hatástalanítsd a riasztót", "hu", "alarm_disarm"),
        ("kapcsold ki a riasztót", "hu", "alarm_disarm"),
    ],
)
def test_an_alarm_is_armed_and_disarmed(text: str, language: str, service: str) -> None:
    picture = parse_home(home("House alarm" if language == "en" else "Riasztó", supported_features=7))
    understanding = understand(text, language, picture=picture)
    resolution = resolve(understanding, Utterance(text, language), picture)
    assert [(call.service, call.entity_ids) for call in resolution.calls] == [
        (service, ("alarm_control_panel.house",))
    ]


@pytest.mark.parametrize(
    ("text", "attributes"),
    [
        ("disarm the alarm", {"code_format": "number"}),
        ("arm the alarm", {"code_format": "number"}),
        ("arm the alarm", {"code_arm_required": True}),
        ("arm the alarm for the night", {"supported_features": 3}),
    ],
)
def test_what_needs_a_code_or_cannot_be_done_is_not_done(text: str, attributes: dict[str, Any]) -> None:
    picture = parse_home(home("House alarm", **{"supported_features": 7, **attributes}))
    resolution = resolve(understand(text, picture=picture), Utterance(text, "en"), picture)
    assert resolution.outcome is not Outcome.COMMANDS
    assert resolution.calls == ()


def test_without_need_of_a_code_for_arming_it_is_armed() -> None:
    attributes = {"supported_features": 7, "code_format": "number", "code_arm_required": False}
    picture = parse_home(home("House alarm", **attributes))
    resolution = resolve(
        understand("arm the alarm", picture=picture), Utterance("arm the alarm", "en"), picture
    )
    assert [call.service for call in resolution.calls] == ["alarm_arm_away"]


def test_for_the_night_says_which_mode_only_of_an_alarm() -> None:
    lock = {"id": "lock.door", "name": "Front door", "state": "unlocked"}
    picture = parse_home({"entities": [*home("House alarm")["entities"], lock]})
    assert targets(understand("lock up for the night", picture=picture)) == {"lock.door"}


@pytest.mark.parametrize("text", ["arm the lamp", "turn everything off", "don't disarm the alarm"])
def test_no_other_sentence_reaches_an_alarm(text: str) -> None:
    understanding = understand(text, picture=parse_home(home("House alarm", supported_features=7)))
    assert understanding.verdict is not Verdict.COMMANDS or all(
        "alarm" not in target for intent in understanding.intents for target in intent.targets
    )
