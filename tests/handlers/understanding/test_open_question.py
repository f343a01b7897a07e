from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from handlers.understanding import Intent, OpenQuestion, Outcome, Verdict

NOW = 1772715900.0
CEILING = OpenQuestion(
    Intent("HassTurnOn", {"name": "Ceiling light"}), ("light.galley_ceiling", "light.attic_ceiling"), NOW - 5
)
CSILLAR = OpenQuestion(
    Intent("HassTurnOff", {"name": "Csillár"}), ("light.csillar_konyha", "light.csillar_padlas"), NOW - 5
)
FURNACES = OpenQuestion(
    Intent("HassClimateSetTemperature", {"temperature": 22}), ("climate.etkezo", "climate.padlas"), NOW - 5
)


@pytest.mark.parametrize(
    ("text", "language", "question", "chosen"),
    [
        ("the galley", "en", CEILING, ("light.galley_ceiling",)),
        ("The one in the attic, please.", "en", CEILING, ("light.attic_ceiling",)),
        ("attic", "en", CEILING, ("light.attic_ceiling",)),
        ("both of them", "en", CEILING, CEILING.candidates),
        ("a konyhait", "hu", CSILLAR, ("light.csillar_konyha",)),
        ("a padlásszobában lévőt", "hu", CSILLAR, ("light.csillar_padlas",)),
        ("A konyhai csillárt kérem!", "hu", CSILLAR, ("light.csillar_konyha",)),
        ("konyha", "hu", CSILLAR, ("light.csillar_konyha",)),
        ("mindkettőt", "hu", CSILLAR, CSILLAR.candidates),
        ("az étkező fűtést", "hu", FURNACES, ("climate.etkezo",)),
        ("a padlás", "hu", FURNACES, ("climate.padlas",)),
    ],
)
async def test_a_candidate_is_chosen_by_name_alias_area_or_a_word_of_its_own(
    listener: Any, text: str, language: str, question: OpenQuestion, chosen: tuple[str, ...]
) -> None:
    understanding = await listener.understand(text, language, question=question)
    assert understanding.verdict is Verdict.COMMANDS
    assert understanding.intents == (replace(question.intent, targets=chosen),)
    assert not understanding.cacheable


async def test_the_choice_is_carried_out(listener: Any, reached: Any) -> None:
    resolution = await listener.hear("a konyhait", "hu", question=CSILLAR)
    assert resolution.outcome is Outcome.COMMANDS
    assert reached(resolution) == {"light.turn_off": ["light.csillar_konyha"]}


@pytest.mark.parametrize("text", ["ceiling light", "the garden", "", "yes", "banana the galley"])
async def test_what_chooses_none_or_several_is_passed_on(listener: Any, text: str) -> None:
    understanding = await listener.understand(text, "en", question=CEILING)
    assert understanding.verdict is Verdict.PASS_ON


async def test_a_sentence_of_its_own_is_understood_as_such(listener: Any) -> None:
    understanding = await listener.understand("turn on the samovar", question=CEILING)
    assert understanding.intents[0].slots["name"] == "Samovar"


async def test_a_question_is_open_for_as_long_as_its_session_keeps_it(listener: Any) -> None:
    early = replace(CEILING, asked_at=NOW - 120)
    assert (await listener.understand("attic", question=early)).verdict is Verdict.COMMANDS


async def test_a_candidate_that_is_gone_is_not_chosen(listener: Any) -> None:
    gone = replace(CEILING, candidates=("light.was_here", "light.attic_ceiling"))
    understanding = await listener.understand("attic", question=gone)
    assert understanding.intents[0].targets == ("light.attic_ceiling",)


async def test_a_question_about_a_state_is_answered_once_its_thing_is_known(listener: Any) -> None:
    asked = listener.resolve(Intent("HassClimateGetTemperature"))
    resolution = await listener.hear("yard temperature", question=replace(asked.question, asked_at=NOW))
    assert resolution.outcome is Outcome.ANSWER
