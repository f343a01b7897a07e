"""What chooses among candidates: whose it is, which of them in order, or how many they are."""

from __future__ import annotations

from typing import Any, Final

import pytest

from handlers.interpret import parse_home
from handlers.open_question import OpenQuestionStage
from handlers.understanding import Intent, OpenQuestion, SessionContext, Utterance

HOME: Final[dict[str, Any]] = {
    "areas": [{"id": "first", "name": "First floor"}],
    "entities": [
        {"id": "light.agi", "name": "Ági lámpája", "aliases": ["Maude's lamp"], "state": "on"},
        {"id": "light.zsofi", "name": "Zsófi lámpája", "aliases": ["Gran's lamp"], "state": "on"},
        {"id": "light.csilla", "name": "Csilla kislámpája", "aliases": ["Bedside lamp"], "state": "on"},
        {"id": "light.second", "name": "Second lamp", "state": "on"},
        {"id": "light.hall", "name": "Hall lamp", "area": "first", "state": "on"},
    ],
}
THREE: Final = ("light.agi", "light.zsofi", "light.csilla")
ODD: Final = ("light.hall", "light.agi", "light.second")


async def chosen(text: str, language: str, candidates: tuple[str, ...]) -> tuple[str, ...]:
    question = OpenQuestion(Intent("HassTurnOff"), candidates, 0.0)
    utterance = Utterance(text, language, session=SessionContext(open_question=question))
    understanding = await OpenQuestionStage().recognize(utterance, parse_home(HOME))
    return tuple(target for intent in understanding.intents for target in intent.targets)


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("Ágiét", "hu", "light.agi"),
        ("az Ágiét", "hu", "light.agi"),
        ("Zsófiét kérem", "hu", "light.zsofi"),
        ("a Csilláét", "hu", "light.csilla"),
        ("Csilláé", "hu", "light.csilla"),
        ("Maude's", "en", "light.agi"),
        ("Gran's one please", "en", "light.zsofi"),
    ],
)
async def test_whose_it_is_says_which_one(text: str, language: str, wanted: str) -> None:
    assert await chosen(text, language, THREE) == (wanted,)


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("the first one", "en", "light.agi"),
        ("second", "en", "light.zsofi"),
        ("the last one please", "en", "light.csilla"),
        ("az elsőt", "hu", "light.agi"),
        ("a másodikat kérem", "hu", "light.zsofi"),
        ("az utolsó", "hu", "light.csilla"),
    ],
)
async def test_the_place_in_the_question_says_which_one(text: str, language: str, wanted: str) -> None:
    assert await chosen(text, language, THREE) == (wanted,)


@pytest.mark.parametrize(
    ("text", "wanted"), [("second", "light.second"), ("the first floor one", "light.hall")]
)
async def test_a_name_comes_before_a_place_in_the_question(text: str, wanted: str) -> None:
    assert await chosen(text, "en", ODD) == (wanted,)


@pytest.mark.parametrize(
    ("text", "language"), [("all three", "en"), ("mind a hármat", "hu"), ("mind a három", "hu")]
)
async def test_how_many_they_are_means_all_of_them(text: str, language: str) -> None:
    assert await chosen(text, language, THREE) == THREE


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("all four", "en"),
        ("mind a kettőt", "hu"),
        ("three", "en"),
        ("the fifth one", "en"),
        ("Bélát", "hu"),
        ("Béláét", "hu"),
        ("the first and the last", "en"),
    ],
)
async def test_another_number_or_name_chooses_nothing(text: str, language: str) -> None:
    assert await chosen(text, language, THREE) == ()
