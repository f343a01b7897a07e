from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.templates import MAX_TEXT_LENGTH, TemplateStage
from handlers.understanding import Utterance, Verdict
from provisioning.home.registry import Entity, HomePicture, Registry


@pytest.mark.parametrize(
    ("text", "language", "intent", "slots"),
    [
        ("turn on the book light", "en", "HassTurnOn", {"name": "Reading lamp"}),
        ("turn on the parlour lights", "en", "HassTurnOn", {"area": "Parlour", "domain": "light"}),
        ("set reading lamp to 40%", "en", "HassLightSet", {"name": "Reading lamp", "brightness": 40}),
        (
            "turn the gramophone volume down by ten percent",
            "en",
            "HassSetVolumeRelative",
            {"volume_step": -10},
        ),
        ("play some jazz on the gramophone", "en", "HassMediaSearchAndPlay", {"name": "Gramophone"}),
        ("kapcsold be az étkező lámpát", "hu", "HassTurnOn", {"name": "Étkező lámpa"}),
        ("kapcsold be a girlandot kérlek", "hu", "HassTurnOn", {"name": "Fényfüzér"}),
        ("kapcsold le a lámpákat a konyhában", "hu", "HassTurnOff", {"area": "Konyha", "domain": "light"}),
        ("húzd le az étkező redőnyt", "hu", "HassTurnOff", {"name": "Étkező redőny"}),
        ("nyisd ki az udvari kaput", "hu", "HassTurnOn", {"name": "Udvari kapu"}),
        ("zárd be a hátsó ajtót", "hu", "HassTurnOn", {"name": "Hátsó ajtó"}),
        ("kapcsold le a fényeket a tetőtérben", "hu", "HassTurnOff", {"floor": "Tetőtér", "domain": "light"}),
    ],
)
async def test_a_sentence_is_understood_with_the_names_of_the_home(
    listener: Any, text: str, language: str, intent: str, slots: dict[str, Any]
) -> None:
    understanding = await listener.understand(text, language)
    assert [one.name for one in understanding.intents] == [intent]
    assert slots.items() <= dict(understanding.intents[0].slots).items()
    assert understanding.cacheable


async def test_an_inflected_name_is_the_thing_of_that_name_before_it_is_its_area(listener: Any) -> None:
    understanding = await listener.understand("Kapcsold be az étkező lámpát", "hu", area="etkezo")
    assert understanding.intents[0].targets == ("light.etkezo",)


async def test_a_name_that_two_things_bear_stays_open(listener: Any) -> None:
    understanding = await listener.understand("turn on the ceiling light")
    intent = understanding.intents[0]
    assert intent.targets == ()
    assert intent.slots["name"] == "Ceiling light"
    assert intent.requires["domain"] == ("light",)


async def test_the_area_of_the_device_stands_in_for_one_that_was_not_said(listener: Any) -> None:
    assert (await listener.understand("turn on the lights")).verdict is Verdict.PASS_ON
    understanding = await listener.understand("turn on the lights", area="attic")
    assert understanding.intents[0].slots["area"] == "Attic"


async def test_a_question_says_what_of_it_is_asked(listener: Any) -> None:
    understanding = await listener.understand("how many windows are open")
    assert understanding.verdict is Verdict.QUESTION
    assert understanding.intents[0].asks == "how_many"


async def test_an_unexposed_name_is_no_name(listener: Any) -> None:
    assert (await listener.understand("turn on the cellar lamp")).verdict is Verdict.PASS_ON


@pytest.mark.parametrize(
    ("text", "language", "items"),
    [
        ("add milk and some eggs to my list", "en", ["milk", "eggs"]),
        ("írd fel a tejet, a kenyeret és az almát a bevásárlólistára", "hu", ["tej", "kenyér", "alma"]),
    ],
)
async def test_each_thing_that_is_listed_is_an_item_of_its_own(
    listener: Any, text: str, language: str, items: list[str]
) -> None:
    understanding = await listener.understand(text, language)
    assert [one.slots["item"] for one in understanding.intents] == items


async def test_names_that_look_like_templates_are_only_names(templates: TemplateStage) -> None:
    entities = {
        one.id: one
        for one in (
            Entity("light.a", "Lamp {area} (left|right) [dim] <name>"),
            Entity("light.b", "{"),
            Entity("light.c", "))"),
            Entity("light.d", "Tall lamp"),
        )
    }
    picture = HomePicture(Registry("odd names", entities=entities))
    for language in ("en", "hu"):
        understanding = await templates.recognize(Utterance("turn on the tall lamp", language), picture)
        assert understanding.verdict is (Verdict.COMMANDS if language == "en" else Verdict.PASS_ON)


async def test_another_revision_has_other_names(templates: TemplateStage) -> None:
    before = HomePicture(Registry("before", entities={"light.a": Entity("light.a", "Old name")}))
    after = HomePicture(Registry("after", entities={"light.a": Entity("light.a", "New name")}))
    heard = Utterance("turn on the new name", "en")
    assert (await templates.recognize(heard, before)).verdict is Verdict.PASS_ON
    assert (await templates.recognize(heard, after)).verdict is Verdict.COMMANDS


async def test_what_is_too_long_or_in_no_known_language_is_passed_on(templates: TemplateStage) -> None:
    picture = HomePicture(Registry("empty"))
    for heard in (
        Utterance("a" * (MAX_TEXT_LENGTH + 1), "en"),
        Utterance("allume", "fr"),
        Utterance("", "en"),
    ):
        understanding = await templates.recognize(heard, picture)
        assert understanding.verdict is Verdict.PASS_ON
        assert understanding.stages[0].reason


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=60), language=st.sampled_from(["en", "hu"]))
async def test_no_text_makes_it_raise(templates: TemplateStage, text: str, language: str) -> None:
    picture = HomePicture(Registry("one lamp", entities={"light.a": Entity("light.a", "Tall lamp")}))
    understanding = await templates.recognize(Utterance(text, language), picture)
    assert understanding.verdict in Verdict
