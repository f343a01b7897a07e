"""From a sentence to intents with their entities, to a question back, or to the next stage with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.frames.stage import FrameStage
from handlers.frames.tokens import MAX_TOKENS
from handlers.interpret import parse_home
from handlers.understanding import Intent, Utterance, Verdict
from tests.handlers.frames.homes import home, reason, targets, understand

ON, OFF = "HassTurnOn", "HassTurnOff"


@pytest.mark.parametrize(
    ("text", "language", "name", "slots", "about"),
    [
        ("turn on the sofa lamp", "en", ON, {"name": "Sofa lamp"}, {"light.sofa"}),
        ("turn on the settee lamp", "en", ON, {"name": "Sofa lamp"}, {"light.sofa"}),
        ("turn on the sofa lmap", "en", ON, {"name": "Sofa lamp"}, {"light.sofa"}),
        ("turn on the kitchen lights", "en", ON, {"area": "Kitchen", "domain": "light"},
         {"light.spots", "light.worktop"}),
        ("turn off all the lights downstairs", "en", OFF, {"floor": "Downstairs"},
         {"light.spots", "light.worktop", "light.sofa"}),
        ("turn off the lights except the sofa lamp", "en", OFF, {"domain": "light"},
         {"light.spots", "light.worktop", "light.bedside"}),
        ("set the sofa lamp to 40 percent", "en", "HassLightSet", {"brightness": 40}, {"light.sofa"}),
        ("make the sofa lamp red", "en", "HassLightSet", {"color": "red"}, {"light.sofa"}),
        ("dim the worktop light", "en", "HassLightSet", {"brightness_step": -20}, {"light.worktop"}),
        ("set the lounge heating to 21 degrees", "en", "HassClimateSetTemperature", {"temperature": 21},
         {"climate.lounge"}),
        ("set the bedroom blind to 30%", "en", "HassSetPosition", {"position": 30}, {"cover.blind"}),
        ("open the garage door", "en", ON, {"name": "Garage door"}, {"cover.garage"}),
        ("close the bedroom blind", "en", OFF, {"name": "Bedroom blind"}, {"cover.blind"}),
        ("lock the front door", "en", ON, {"name": "Front door"}, {"lock.front"}),
        ("unlock the front door", "en", OFF, {"name": "Front door"}, {"lock.front"}),
        ("pause the music", "en", "HassMediaPause", {}, {"media_player.radio"}),
        ("turn the radio up", "en", "HassSetVolumeRelative", {"volume_step": "up"}, {"media_player.radio"}),
        ("send dusty home", "en", "HassVacuumReturnToBase", {"name": "Dusty"}, {"vacuum.hoover"}),
        ("movie night", "en", ON, {"name": "Movie night"}, {"scene.movie"}),
        ("kapcsold fel az olvasólámpát", "hu", ON, {"name": "Olvasólámpa"}, {"light.olvaso"}),
        ("kapcsold fel az olvasolampat", "hu", ON, {"name": "Olvasólámpa"}, {"light.olvaso"}),
        ("kapcsold le a konyhai lámpákat", "hu", OFF, {"area": "Konyha"}, {"light.konyha", "light.pult"}),
        ("húzd le a hálószobai redőnyt", "hu", OFF, {"name": "Hálószobai redőny"}, {"cover.redony"}),
        ("nyisd ki a garázskaput", "hu", ON, {"name": "Garázskapu"}, {"cover.kapu"}),
        ("garázskapu kinyit", "hu", ON, {"name": "Garázskapu"}, {"cover.kapu"}),
        ("állítsd a termosztátot 21 fokra", "hu", "HassClimateSetTemperature", {"temperature": 21},
         {"climate.nappali"}),
        ("kapcsold le az összes lámpát az olvasólámpa kivételével", "hu", OFF, {"domain": "light"},
         {"light.konyha", "light.pult", "light.ejjeli"}),
    ],
)  # fmt: skip
def test_a_command_is_an_intent_with_its_entities(
    text: str, language: str, name: str, slots: dict[str, Any], about: set[str]
) -> None:
    understanding = understand(text, language)
    assert understanding.verdict is Verdict.COMMANDS
    (intent,) = understanding.intents
    assert (intent.name, set(intent.targets)) == (name, about)
    assert slots.items() <= dict(intent.slots).items()


@pytest.mark.parametrize(
    ("text", "done"),
    [
        ("turn on the sofa lamp and close the bedroom blind", [(ON, "light.sofa"), (OFF, "cover.blind")]),
        ("turn on the sofa lamp and the kettle", [(ON, "light.sofa"), (ON, "switch.kettle")]),
        ("turn the kettle and the radio off", [(OFF, "switch.kettle"), (OFF, "media_player.radio")]),
        ("turn on the sofa lamp and turn on the sofa lamp", [(ON, "light.sofa")]),
    ],
)
def test_several_commands_are_done_in_their_order_and_each_once(
    text: str, done: list[tuple[str, str]]
) -> None:
    understanding = understand(text)
    assert [(one.name, *one.targets) for one in understanding.intents] == done


@pytest.mark.parametrize(
    ("text", "language", "area", "about"),
    [
        ("turn on the lights", "en", None, {"light.spots", "light.worktop", "light.sofa", "light.bedside"}),
        ("turn on the lights", "en", "kitchen", {"light.spots", "light.worktop"}),
        ("turn on the lights in the bedroom", "en", "kitchen", {"light.bedside"}),
        ("turn on the sofa lamp", "en", "kitchen", {"light.sofa"}),
        ("turn on the lamp", "en", "bedroom", {"light.bedside"}),
        ("kapcsold fel a lámpát", "hu", "konyha", {"light.konyha", "light.pult"}),
    ],
)
def test_the_place_of_the_speaker_stands_in_for_one_that_was_not_said(
    text: str, language: str, area: str | None, about: set[str]
) -> None:
    understanding = understand(text, language, area=area)
    assert understanding.verdict is Verdict.COMMANDS
    assert targets(understanding) == about


@pytest.mark.parametrize(
    ("text", "language", "candidates"),
    [
        ("turn on the lamp", "en", {"light.sofa", "light.bedside"}),
        ("it's dark", "en", {"light.spots", "light.worktop", "light.sofa", "light.bedside"}),
        ("kapcsold fel a lámpát", "hu", {"light.konyha", "light.pult", "light.olvaso", "light.ejjeli"}),
    ],
)
def test_where_several_may_be_meant_it_is_asked_which(text: str, language: str, candidates: set[str]) -> None:
    understanding = understand(text, language)
    assert understanding.verdict is Verdict.ASK
    assert understanding.question is not None
    assert set(understanding.question.candidates) == candidates
    assert understanding.question.intent.targets == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no words"),
        ("?!", "says nothing"),
        ("lamp " * (MAX_TOKENS + 1), "too long"),
        ("turn on the unicorn", "left over: unicorn"),
        ("turn on the", "left over: …"),
        ("turn on", "does not say what"),
        ("turn the telly off", "nothing here is called so: telly"),
        ("sofa lamp", "a name alone asks for nothing"),
        ("turn on the sofa lamp and the lamp", "one of several things is ambiguous"),
        ("turn off the lights except the unicorn", "left over: unicorn, except what"),
        ("turn off the lights except the telly", "what is to be left out is not known"),
        ("turn on everything", "everything, but not to be turned off"),
        ("lock the kettle", None),
        ("turn on the sofa lamp at seven", "left over: seven"),
    ],
)
def test_what_is_not_understood_is_passed_on_with_the_reason(text: str, why: str | None) -> None:
    understanding = understand(text)
    assert understanding.verdict is Verdict.PASS_ON
    assert understanding.intents == ()
    assert why is None or reason(understanding) == why


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("don't turn on the sofa lamp", "en"),
        ("the sofa lamp is on", "en"),
        ("yesterday my brother turned on the sofa lamp", "en"),
        ("ne kapcsold le a rádiót", "hu"),
    ],
)
def test_what_asks_for_nothing_is_not_for_the_assistant(text: str, language: str) -> None:
    understanding = understand(text, language)
    assert understanding.verdict is Verdict.NOT_FOR_ME
    assert understanding.intents == ()


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("turn it off", {"light.sofa"}),
        ("make it red", {"light.sofa"}),
        ("and the bedside lamp too", {"light.bedside"}),
        ("and the kettle", {"switch.kettle"}),
        ("turn off the radio", {"media_player.radio"}),
    ],
)
def test_what_was_spoken_of_last_can_be_spoken_of_again(text: str, about: set[str]) -> None:
    before = Intent(ON, {"name": "Sofa lamp"}, ("light.sofa",))
    assert targets(understand(text, after=[before])) == about


@pytest.mark.parametrize(
    ("text", "after", "is_cacheable"),
    [
        ("turn on the sofa lamp", False, True),
        ("turn on the sofa lamp", True, True),
        ("don't turn on the sofa lamp", False, True),
        ("turn everything off", False, False),
        ("turn it off", True, False),
    ],
)
def test_only_what_depends_on_neither_states_nor_session_may_be_cached(
    text: str, *, after: bool, is_cacheable: bool
) -> None:
    before = [Intent(ON, {"name": "Sofa lamp"}, ("light.sofa",))] if after else []
    assert understand(text, after=before).cacheable is is_cacheable


def test_everything_is_what_may_be_left_on_and_never_a_lock_or_a_cover() -> None:
    assert targets(understand("turn everything off")) == {
        "light.spots", "light.worktop", "light.sofa", "light.bedside", "fan.ceiling", "switch.kettle",
        "media_player.radio",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("unlock the door in the hall", Verdict.ASK),
        ("unlock all the doors in the hall", Verdict.COMMANDS),
        ("lock the door in the hall", Verdict.COMMANDS),
    ],
)
def test_of_several_doors_at_a_place_one_is_opened_only_when_it_is_known_which(
    text: str, verdict: Verdict
) -> None:
    doors = [{"id": f"lock.{one}", "name": f"{one} door", "area": "hall"} for one in ("front", "back")]
    picture = parse_home({"areas": [{"id": "hall", "name": "Hall"}], "entities": doors})
    assert understand(text, picture=picture).verdict is verdict


@pytest.mark.parametrize(
    "text", ["turn on the lights", "turn everything off", "what time is it", "lamp", "it's dark"]
)
def test_in_a_home_of_nothing_nothing_is_reached(text: str) -> None:
    assert targets(understand(text, picture=parse_home({}))) == set()


async def test_the_stage_understands_what_the_parser_does() -> None:
    stage = FrameStage()
    try:
        await stage.warm(("en", "hu", "xx"), home("en"))
        for text in ("turn on the sofa lamp", "is the sofa lamp on", "turn on the unicorn"):
            found = await stage.recognize(Utterance(text, "en"), home("en"))
            assert found == understand(text)
    finally:
        stage.close()


async def test_a_language_without_a_lexicon_is_passed_on() -> None:
    stage = FrameStage()
    try:
        found = await stage.recognize(Utterance("allume la lampe", "fr"), home("en"))
    finally:
        stage.close()
    assert found.verdict is Verdict.PASS_ON
    assert reason(found) == "no lexicon in this language"


async def test_a_home_that_changed_is_understood_as_it_is_now() -> None:
    stage = FrameStage()
    try:
        for name, verdict in (("Lantern", Verdict.PASS_ON), ("Chandelier", Verdict.COMMANDS)):
            picture = parse_home({"entities": [{"id": "light.one", "name": name}]})
            found = await stage.recognize(Utterance("turn on the chandelier", "en"), picture)
            assert found.verdict is verdict
    finally:
        stage.close()
