"""Sentences of which a part might be done, or done to less or more than was meant: nothing is done."""

from __future__ import annotations

import pytest

from handlers.interpret import parse_home
from handlers.understanding import Verdict
from tests.handlers.frames.homes import targets, understand

ACTING = {Verdict.COMMANDS, Verdict.ASK}


@pytest.mark.parametrize(
    ("text", "language"),
    [
        # Which of two is not said.
        ("open or close the bedroom blind", "en"),
        ("turn on the kettle or the radio", "en"),
        ("nyisd ki vagy csukd be a garázskaput", "hu"),
        # Taken back, or left out, at the end.
        ("turn on the kettle not", "en"),
        ("turn on the kettle, not", "en"),
        ("turn everything off except", "en"),
        ("unlock the front door but", "en"),
        # A verb that has no part in it, said so or put right to be one.
        ("stop unlock the front door", "en"),
        ("give unlock the front door", "en"),
        ("file unlock the front door", "en"),
        ("came unlock the front door", "en"),
        ("unlock the front door catch", "en"),
        ("luck unlock the front door", "en"),
        ("trace turn everything off", "en"),
        ("lamb turn everything off", "en"),
        # What has a meaning, but no part in it.
        ("turn on the ceiling fan quiet", "en"),
        ("turn off the kettle battery", "en"),
        ("open the bedroom blind freezing", "en"),
        ("unlock the front door red", "en"),
        ("lehet hogy kapcsold le az olvasólámpát", "hu"),
        # A word that may have been meant as a place, in a part of its own.
        ("close the bedroom blind, it's ketchen", "en"),
        # How long, or when.
        ("turn on the kettle for an hour", "en"),
        ("turn on the worktop light for half an hour", "en"),
        ("dim the worktop light for ten minutes", "en"),
        ("kapcsold fel az olvasólámpát fél órára", "hu"),
        # So many people, and a station.
        ("állítsd az olvasólámpát, öten vagyunk", "hu"),
        ("radio four", "en"),
        # Forbidden.
        ("tilos kinyitni a garázskaput", "hu"),
        # A place that is none of this home.
        ("turn on the light outside", "en"),
        ("it's too dark outside", "en"),
        ("kapcsold fel kint a lámpát", "hu"),
    ],
)
@pytest.mark.parametrize("area", [None, "kitchen"])
def test_nothing_is_done_of_what_is_only_half_a_command(text: str, language: str, area: str | None) -> None:
    heard_in = {"kitchen": "konyha"}.get(area or "") if language == "hu" else area
    assert understand(text, language, area=heard_in).verdict not in ACTING


@pytest.mark.parametrize(
    ("text", "language", "left_alone"),
    [
        ("lock everything but the shed", "en", "lock.shed"),
        ("lock up, not the shed", "en", "lock.shed"),
        ("lock all the doors but the shed", "en", "lock.shed"),
        ("zárd be az összes ajtót, de a shed-et ne", "hu", "lock.shed"),
    ],
)
def test_what_is_left_out_is_left_out_however_the_rest_was_said(
    text: str, language: str, left_alone: str
) -> None:
    locks = [
        {"id": "lock.front", "name": "Front", "state": "unlocked"},
        {"id": "lock.back", "name": "Back", "state": "unlocked"},
        {"id": left_alone, "name": "Shed", "state": "unlocked"},
    ]
    understanding = understand(text, language, picture=parse_home({"entities": locks}))
    assert left_alone not in targets(understanding)


@pytest.mark.parametrize("text", ["I'm cold, but not the lounge", "bedtime except the movie night"])
def test_where_nothing_can_be_left_out_an_exception_ends_it(text: str) -> None:
    assert understand(text).verdict not in ACTING


def test_a_noun_that_two_things_here_are_called_by_is_asked_about() -> None:
    lamps = [
        {"id": "light.tall", "name": "Tall lamp", "area": "den"},
        {"id": "light.brass", "name": "Brass lamp", "area": "den"},
    ]
    picture = parse_home({"areas": [{"id": "den", "name": "Den"}], "entities": lamps})
    assert understand("turn on the lamp", area="den", picture=picture).verdict is Verdict.ASK
    assert understand("turn on the light", area="den", picture=picture).verdict is Verdict.COMMANDS


@pytest.mark.parametrize("text", ["adj a nappalinak egy fokot", "állítsd a nappali termosztátot egy fokra"])
def test_so_cold_a_room_is_no_wish(text: str) -> None:
    assert understand(text, "hu").verdict not in ACTING


def test_by_so_much_is_no_value_to_set() -> None:
    (intent,) = understand("dim the kitchen lights by ten percent").intents
    assert intent.slots["brightness_step"] == -10


@pytest.mark.parametrize(
    ("number", "verdict"), [(1, Verdict.COMMANDS), (2, Verdict.COMMANDS), (3, Verdict.ASK)]
)
def test_both_are_two_and_of_more_it_is_asked_which(number: int, verdict: Verdict) -> None:
    lamps = [
        {"id": f"light.l{one}", "name": f"{name} lamp", "area": "den"}
        for one, name in zip(range(number), ("Tall", "Brass", "Desk"), strict=False)
    ]
    home = {"areas": [{"id": "den", "name": "Den"}], "entities": lamps}
    assert understand("turn on both lamps", picture=parse_home(home), area="den").verdict is verdict


@pytest.mark.parametrize(
    ("first", "then", "about"),
    [
        ("is the bedroom blind open", "and the garage door", {"cover.garage"}),
        ("which lights are on upstairs", "and downstairs", {"light.spots", "light.worktop", "light.sofa"}),
        ("which lights are on upstairs", "what about the kitchen", {"light.spots", "light.worktop"}),
    ],
)
def test_a_question_may_be_asked_again_of_something_else(first: str, then: str, about: set[str]) -> None:
    asked = understand(first)
    again = understand(then, after=asked.intents)
    assert again.verdict is Verdict.QUESTION
    assert targets(again) == about
    assert again.intents[0].asks == asked.intents[0].asks
    assert not again.cacheable


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("get dusty to vacuum", {"vacuum.hoover"}),
        ("dusty go clean", {"vacuum.hoover"}),
    ],
)
def test_a_verb_may_say_what_another_one_lets_be_done(text: str, about: set[str]) -> None:
    assert targets(understand(text)) == about


@pytest.mark.parametrize(
    "text", ["állítsd a lámpát 50-vel", f"set the sofa lamp to {'9' * 400}", "val", "vel"]
)
def test_no_sentence_is_too_odd_to_be_read(text: str) -> None:
    assert understand(text, "hu").verdict is not None
    assert understand(text, "en").verdict is not None


@pytest.mark.parametrize(
    ("text", "language", "slots"),
    [
        ("fűtsd fel a nappalit 22 fokra", "hu", {"temperature": 22}),
        ("hűtsd le a nappalit két fokkal", "hu", {"temperature_step": -2}),
        ("warm up the lounge", "en", {"temperature_step": 1}),
        ("heat the lounge up to 22 degrees", "en", {"temperature": 22}),
        ("cool the lounge down by two degrees", "en", {"temperature_step": -2}),
    ],
)
def test_a_room_is_warmed_by_what_heats_it(text: str, language: str, slots: dict[str, int]) -> None:
    (intent,) = understand(text, language).intents
    assert intent.name == "HassClimateSetTemperature"
    assert {name: value for name, value in intent.slots.items() if name in slots} == slots
    assert {target.partition(".")[0] for target in intent.targets} == {"climate"}


@pytest.mark.parametrize(
    ("text", "language"), [("warm up the sofa lamp", "en"), ("fűtsd fel az olvasólámpát", "hu")]
)
def test_nothing_else_is_warmed(text: str, language: str) -> None:
    assert understand(text, language).verdict is Verdict.PASS_ON
