"""What is put right in a sentence before it is read, and what is left as it was said."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.frames.correct import corrected
from handlers.frames.home_index import HomeIndex, index_of
from handlers.frames.lexicon import Lexicon
from handlers.frames.tokens import Token, folded, tokens_of
from provisioning.home.registry import Area, Entity, Registry

ENGLISH: Final[dict[str, Any]] = {
    "actions": {"turn_on": ["(turn|switch) … on"], "brighten": ["brighten"]},
    "kinds": {"lamp": {"words": ["lamp", "spotlight"], "domains": ["light"]}},
    "states": {"on": ["running"]},
    "determiners": ["the"],
    "prepositions": ["in"],
    "fillers": ["please"],
}
HUNGARIAN: Final[dict[str, Any]] = {
    "actions": {"turn_on": ["be+kapcsol", "fel+kapcsol"]},
    "kinds": {
        "lamp": {"words": ["lámpa"], "domains": ["light"]},
        "shutter": {"words": ["redőny"], "domains": ["cover"]},
    },
    "units": {"percent": ["%", "százalék"]},
    "determiners": ["a", "az"],
}


def home(areas: Iterable[str], names: Iterable[str], lexicon: Lexicon) -> HomeIndex:
    entities = {f"light.{at}": Entity(f"light.{at}", name) for at, name in enumerate(names)}
    return index_of(
        Registry("home", areas={name: Area(name, name) for name in areas}, entities=entities), lexicon
    )


SAID: Final = (
    "turn", "the", "kithen", "kitchen", "bath", "room", "kitchenlamp", "LED", "-et", "30", "-ra", "%", ",",
    "neon", "cső", "tukor", "fény", "lampat", "be",
)  # fmt: skip
LEXICONS: Final = {"en": Lexicon("en", ENGLISH), "hu": Lexicon("hu", HUNGARIAN)}
HOMES: Final = {
    "en": home(
        ["Kitchen", "Bathroom", "Bedroom"],
        [
            "Mirror",
            "Neonlight",
            "Rail left",
            "Rail right",
            "Waterfall",
            "Watermill",
            "LED",
            "Hall",
            "Hallway",
        ],
        LEXICONS["en"],
    ),
    "hu": home(["Konyha", "Nappali"], ["Tükörfény", "Neoncső", "LED", "Sarokpolc"], LEXICONS["hu"]),
}


def meant_by(said: str, language: str) -> tuple[list[Token], dict[int, str]]:
    return corrected(tokens_of(folded(said)), HOMES[language], LEXICONS[language])


def words_meant_by(said: str, language: str) -> tuple[str, dict[int, str]]:
    tokens, slips = meant_by(said, language)
    return " ".join(token.text for token in tokens), slips


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "please turn the kitchen lamp on"),
        ("en", "switching the mirrors in the bathroom"),
        ("en", "rail left"),
        ("hu", "kapcsold be a konyhai lámpákat"),
        ("hu", "bekapcsolnád a tükörfényt"),
        ("hu", "a nappaliban a redőny 30 %"),
    ],
)
def test_what_is_known_in_any_of_its_forms_stays(language: str, said: str) -> None:
    assert words_meant_by(said, language) == (said, {})


@pytest.mark.parametrize(
    ("language", "said", "meant", "slips"),
    [
        ("en", "turn the kithen lamp on", "turn the kitchen lamp on", {2: "kithen"}),
        ("en", "swich the mirror on", "switch the mirror on", {0: "swich"}),
        ("en", "spotlihgt", "spotlight", {0: "spotlihgt"}),
        ("en", "the batroom miror", "the bathroom mirror", {1: "batroom", 2: "miror"}),
        ("en", "runing", "running", {0: "runing"}),
        ("hu", "kapcsild be", "kapcsold be", {0: "kapcsild"}),
        ("hu", "a rednőy", "a redőny", {1: "rednőy"}),
        ("hu", "sarokpocl", "sarokpolc", {0: "sarokpocl"}),
    ],
)
def test_a_slip_in_a_word_of_the_home_or_the_language_is_put_right(
    language: str, said: str, meant: str, slips: dict[int, str]
) -> None:
    assert words_meant_by(said, language) == (meant, slips)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("lampa", "lámpa"),
        ("tukorfeny", "tükörfény"),
        ("neoncso", "neoncső"),
        ("redony", "redőny"),
        ("szazalek", "százalék"),
        ("lampat", "lámpa"),
    ],
)
def test_accents_that_were_left_out_come_back(said: str, meant: str) -> None:
    assert words_meant_by(said, "hu") == (meant, {0: said})


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [
        ("en", "bath room", "bathroom"),
        ("en", "bed rooms", "bedrooms"),
        ("en", "neon light", "neonlight"),
        ("hu", "tükör fény", "tükörfény"),
        ("hu", "neon csőt", "neoncsőt"),
        ("hu", "bekap csolnád", "bekapcsolnád"),
    ],
)
def test_a_word_heard_as_two_becomes_one(language: str, said: str, meant: str) -> None:
    tokens, slips = meant_by(said, language)
    assert [(token.text, token.start, token.end) for token in tokens] == [(meant, 0, len(said))]
    assert slips == {0: said}


@pytest.mark.parametrize("said", ["water fall", "water falls", "mirror on"])
def test_two_words_that_are_known_by_themselves_stay_two(said: str) -> None:
    lexicon = LEXICONS["en"]
    index = home([], ["Water", "Fall", "Waterfall", "Mirror", "Mirroron"], lexicon)
    tokens = tokens_of(said)
    assert corrected(tokens, index, lexicon) == (tokens, {})


@pytest.mark.parametrize(
    ("language", "said", "parts"),
    [
        ("en", "kitchenlamp", "kitchen lamp"),
        ("en", "bathroommirror", "bathroom mirror"),
        ("en", "lampkitchen", "lamp kitchen"),
        ("hu", "konyhalámpa", "konyha lámpa"),
        ("hu", "nappaliredőnyök", "nappali redőnyök"),
    ],
)
def test_two_words_run_together_are_taken_apart(language: str, said: str, parts: str) -> None:
    assert words_meant_by(said, language) == (parts, {0: said})


def test_parts_of_one_word_stand_where_it_stood() -> None:
    tokens, _ = meant_by("the kitchenlamp", "en")
    assert [(token.start, token.end) for token in tokens[1:]] == [(4, 15), (4, 15)]


@pytest.mark.parametrize(
    ("language", "said", "meant"),
    [("en", "bathr", "bathroom"), ("hu", "neon", "neoncső"), ("hu", "sarok", "sarokpolc")],
)
def test_the_beginning_of_the_only_word_that_begins_so_is_that_word(
    language: str, said: str, meant: str
) -> None:
    assert words_meant_by(said, language) == (meant, {0: said})


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "water"),
        ("en", "bat"),
        ("en", "xylophone"),
        ("en", "lame"),
        ("hu", "xilofon"),
        ("en", "& , ? %"),
        ("en", "30 20.5"),
    ],
)
def test_what_is_meant_by_nothing_or_by_several_things_stays(language: str, said: str) -> None:
    assert words_meant_by(said, language) == (said, {})


def test_a_slip_of_two_words_that_are_as_near_stays() -> None:
    lexicon = LEXICONS["en"]
    index = home([], ["Barrel", "Carrel"], lexicon)
    tokens = tokens_of("marrel")
    assert corrected(tokens, index, lexicon) == (tokens, {})


def test_a_slip_of_a_singular_and_its_plural_is_the_singular() -> None:
    lexicon = LEXICONS["en"]
    index = home([], ["Candle", "Candles"], lexicon)
    meant, _ = corrected(tokens_of("candlex"), index, lexicon)
    assert [token.text for token in meant] == ["candle"]


@pytest.mark.parametrize("said", ["LED-et", "LED-ek", "LED-ben", "led-re"])
def test_an_ending_behind_a_hyphen_is_left_out_after_a_word(said: str) -> None:
    assert words_meant_by(said, "hu") == ("led", {})


@pytest.mark.parametrize("said", ["30-ra", "20.5-re", "30%-ra", "5-tel"])
def test_an_ending_behind_a_number_stays(said: str) -> None:
    tokens = tokens_of(said)
    assert corrected(tokens, HOMES["hu"], LEXICONS["hu"]) == (tokens, {})


def test_what_was_said_is_noted_by_the_position_of_what_was_meant() -> None:
    assert words_meant_by("bath room kitchenlamp kithen", "en") == (
        "bathroom kitchen lamp kitchen",
        {0: "bath room", 1: "kitchenlamp", 3: "kithen"},
    )


@pytest.mark.parametrize("language", ["en", "hu"])
@given(said=st.text() | st.lists(st.sampled_from(SAID)).map(" ".join))
def test_any_sentence_keeps_its_order_and_its_places(language: str, said: str) -> None:
    tokens, slips = meant_by(said, language)
    assert all(first.start <= second.start for first, second in pairwise(tokens))
    assert all(0 <= token.start < token.end <= len(folded(said)) for token in tokens)
    assert slips.keys() <= set(range(len(tokens)))
