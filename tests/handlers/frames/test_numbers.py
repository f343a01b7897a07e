"""Which numbers are heard, in digits, in words and in one word, and in which case they stand."""

from __future__ import annotations

from functools import cache
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.data_file import read_yaml
from handlers.frames.case import Case
from handlers.frames.lexicon import Lexicon
from handlers.frames.numbers import Number, compound_value, glued_case, number_at
from handlers.frames.tokens import folded, tokens_of
from handlers.hungarian import is_back

ENGLISH_UNITS: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
ENGLISH_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
HUNGARIAN_UNITS: Final = (
    "nulla", "egy", "kettő", "három", "négy", "öt", "hat", "hét", "nyolc", "kilenc",
)  # fmt: skip
HUNGARIAN_TENS: Final = (
    "tizen", "huszon", "harminc", "negyven", "ötven", "hatvan", "hetven", "nyolcvan", "kilencven",
)  # fmt: skip
SAID: Final = (
    "one", "ten", "twenty", "hundred", "thousand", "and", "a", "half", "point", "5", "20,5", "%", "lamp",
    "öt", "tíz", "száz", "ezer", "fél", "és", "egész", "fok", "-ra", "lámpa",
)  # fmt: skip


@cache
def lexicon_of(language: str) -> Lexicon:
    return Lexicon(language, {"numbers": read_yaml(f"lexicon/{language}.yaml")["numbers"]})


def heard(said: str, language: str, at: int = 0) -> Number | None:
    lexicon = lexicon_of(language)
    tokens = tokens_of(folded(said))
    forms = [lexicon.forms_of(token.text) for token in tokens]
    return number_at(tokens, forms, at, lexicon.numbers)


def in_english(value: int, *, joined: str = " and ") -> str:
    if value < 20:
        return ENGLISH_UNITS[value]
    if value < 100:
        tens, units = divmod(value, 10)
        return f"{ENGLISH_TENS[tens - 2]} {ENGLISH_UNITS[units]}" if units else ENGLISH_TENS[tens - 2]
    hundreds, rest = divmod(value, 100)
    said = f"{ENGLISH_UNITS[hundreds]} hundred"
    return f"{said}{joined}{in_english(rest)}" if rest else said


def in_hungarian(value: int) -> str:
    if value < 10:
        return HUNGARIAN_UNITS[value]
    if value in {10, 20}:
        return {10: "tíz", 20: "húsz"}[value]
    if value < 100:
        tens, units = divmod(value, 10)
        return HUNGARIAN_TENS[tens - 1] + (HUNGARIAN_UNITS[units] if units else "")
    size, name = (1000, "ezer") if value >= 1000 else (100, "száz")
    times, rest = divmod(value, size)
    how_many = {1: "", 2: "két"}.get(times) if times < 3 else in_hungarian(times)
    return f"{how_many}{name}{in_hungarian(rest) if rest else ''}"


@pytest.mark.parametrize("joined", [" and ", " "])
def test_every_english_number_below_a_thousand_is_heard_whole(joined: str) -> None:
    for value in range(1000):
        said = in_english(value, joined=joined)
        assert heard(said, "en") == Number(len(said.split()), value, Case.NONE), said


@given(st.integers(1, 999), st.integers(0, 999))
def test_english_thousands_are_heard_whole(thousands: int, rest: int) -> None:
    said = f"{in_english(thousands)} thousand {in_english(rest) if rest else ''}"
    assert heard(said, "en") == Number(len(said.split()), thousands * 1000 + rest, Case.NONE)


def test_every_hungarian_number_below_a_thousand_is_heard_as_one_word() -> None:
    for value in range(1000):
        said = in_hungarian(value)
        assert heard(said, "hu") == Number(1, value, Case.NONE), said


@given(st.integers(1000, 9999))
def test_hungarian_thousands_are_heard_as_one_word(value: int) -> None:
    assert heard(in_hungarian(value), "hu") == Number(1, value, Case.NONE)


@given(st.integers(0, 999))
def test_a_hungarian_number_with_an_ending_keeps_its_value(value: int) -> None:
    said = in_hungarian(value)
    back = is_back(said)
    assert heard(f"{said}{'ra' if back else 're'}", "hu") == Number(1, value, Case.TO)
    assert heard(f"{said}ig", "hu") == Number(1, value, Case.TO)
    place = heard(f"{said}{'ban' if back else 'ben'}", "hu")
    assert place is not None
    assert place.value == value


@pytest.mark.parametrize("said", ["öten", "heten", "nyolcan", "kilencen", "négyen", "tízen"])
def test_so_many_people_are_no_number(said: str) -> None:
    assert heard(said, "hu") is None


@pytest.mark.parametrize(
    ("said", "value", "case"),
    [
        ("tízzel", 10, Case.WITH),
        ("hússzal", 20, Case.WITH),
        ("nyolccal", 8, Case.WITH),
        ("kettővel", 2, Case.WITH),
        ("ötvennel", 50, Case.WITH),
        ("százzal", 100, Case.WITH),
        ("ötvenet", 50, Case.OBJECT),
        ("nyolcat", 8, Case.OBJECT),
        ("egyet", 1, Case.OBJECT),
        ("huszonkétre", 22, Case.TO),
        ("kétszáz", 200, Case.NONE),
        ("kettőszáz", 200, Case.NONE),
    ],
)
def test_a_hungarian_number_takes_endings_as_a_noun_does(said: str, value: int, case: Case) -> None:
    assert heard(said, "hu") == Number(1, value, case)


@pytest.mark.parametrize("language", ["en", "hu"])
@pytest.mark.parametrize(
    ("said", "value"), [("30", 30.0), ("20,5", 20.5), ("20.5", 20.5), ("0", 0.0), ("2700", 2700.0)]
)
def test_a_number_in_digits_is_its_value(language: str, said: str, value: float) -> None:
    assert heard(said, language) == Number(1, value, Case.NONE)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("30-ra", Number(2, 30, Case.TO)),
        ("30ra", Number(2, 30, Case.TO)),
        ("25-höz", Number(2, 25, Case.TO)),
        ("40-ig", Number(2, 40, Case.TO)),
        ("5-tel", Number(2, 5, Case.WITH)),
        ("10-zel", Number(2, 10, Case.WITH)),
        ("100-zal", Number(2, 100, Case.WITH)),
        ("20-as", Number(2, 20, Case.OTHER)),
        ("20,5-re", Number(2, 20.5, Case.TO)),
        ("20 -ra", Number(1, 20, Case.NONE)),
        ("30%-ra", Number(1, 30, Case.NONE)),
        ("30 ra", Number(1, 30, Case.NONE)),
        ("5-szoba", Number(1, 5, Case.NONE)),
    ],
)
def test_an_ending_glued_to_digits_is_their_case_and_a_longer_word_is_none(said: str, number: Number) -> None:
    assert heard(said, "hu") == number


@pytest.mark.parametrize(
    ("ending", "case"),
    [
        *((ending, Case.TO) for ending in ("ra", "re", "ig", "hoz", "hez", "höz")),
        *((ending, Case.WITH) for ending in ("kal", "kel", "zel", "val", "tel")),
        *((ending, Case.OTHER) for ending in ("as", "at", "nál", "c")),
    ],
)
def test_an_ending_behind_a_hyphen_makes_a_case(ending: str, case: Case) -> None:
    assert glued_case(ending) is case


@pytest.mark.parametrize(
    ("said", "language", "number"),
    [
        ("two and a half", "en", Number(4, 2.5, Case.NONE)),
        ("20 and a half", "en", Number(4, 20.5, Case.NONE)),
        ("two hundred and one and a half", "en", Number(7, 201.5, Case.NONE)),
        ("húsz és fél", "hu", Number(3, 20.5, Case.NONE)),
        ("22 és fél", "hu", Number(3, 22.5, Case.NONE)),
        ("másfél", "hu", Number(1, 1.5, Case.NONE)),
        ("másfélre", "hu", Number(1, 1.5, Case.TO)),
    ],
)
def test_a_half_is_added_to_what_stands_before_it(said: str, language: str, number: Number) -> None:
    assert heard(said, language) == number


@pytest.mark.parametrize(
    ("said", "language", "number"),
    [
        ("twenty point five", "en", Number(3, 20.5, Case.NONE)),
        ("20 point 5", "en", Number(3, 20.5, Case.NONE)),
        ("twenty one point zero", "en", Number(4, 21, Case.NONE)),
        ("húsz egész öt", "hu", Number(3, 20.5, Case.NONE)),
        ("húsz egész ötre", "hu", Number(3, 20.5, Case.TO)),
        ("21 egész 5", "hu", Number(3, 21.5, Case.NONE)),
        ("twenty point twelve", "en", Number(1, 20, Case.NONE)),
        ("20 point 12", "en", Number(1, 20, Case.NONE)),
        ("húsz egész lámpa", "hu", Number(1, 20, Case.NONE)),
        ("twenty point", "en", Number(1, 20, Case.NONE)),
    ],
)
def test_one_digit_after_the_point_is_tenths_and_nothing_else_is(
    said: str, language: str, number: Number
) -> None:
    assert heard(said, language) == number


@pytest.mark.parametrize("said", ["fél fok", "fél fokkal", "fél fokot"])
def test_half_of_a_degree_is_a_number(said: str) -> None:
    assert heard(said, "hu") == Number(1, 0.5, Case.NONE)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("two hundred and the lamp", Number(2, 200, Case.NONE)),
        ("twenty twenty", Number(1, 20, Case.NONE)),
        ("seven eight", Number(1, 7, Case.NONE)),
        ("ten five", Number(1, 10, Case.NONE)),
        ("nineteen ninety", Number(1, 19, Case.NONE)),
        ("twenty twelve", Number(1, 20, Case.NONE)),
        ("hundred and ten", Number(3, 110, Case.NONE)),
        ("thirteen hundred", Number(2, 1300, Case.NONE)),
        ("twenty seven hundred", Number(3, 2700, Case.NONE)),
        ("two thousand and five", Number(4, 2005, Case.NONE)),
        ("two thousand and twenty five", Number(5, 2025, Case.NONE)),
        ("two thousand seven hundred", Number(4, 2700, Case.NONE)),
        ("hundred hundred", Number(1, 100, Case.NONE)),
        ("twenty-five", Number(2, 25, Case.NONE)),
        ("twenty and five", Number(1, 20, Case.NONE)),
    ],
)
def test_words_that_make_no_number_together_are_not_taken_together(said: str, number: Number) -> None:
    assert heard(said, "en") == number


@pytest.mark.parametrize(
    ("said", "language"),
    [
        ("lamp", "en"),
        ("and a half", "en"),
        ("point five", "en"),
        ("%", "en"),
        ("lámpa", "hu"),
        ("fél", "hu"),
        ("fél lámpa", "hu"),
        ("hatalmas", "hu"),
        ("egész öt", "hu"),
        ("ötlámpa", "hu"),
    ],
)
def test_what_is_no_number_is_none(said: str, language: str) -> None:
    assert heard(said, language) is None


def test_a_number_is_heard_where_it_stands() -> None:
    assert heard("set lamp two to fifty five percent", "en", at=4) == Number(2, 55, Case.NONE)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("ezerszáz", 1100),
        ("kétezerötszáz", 2500),
        ("százezer", 100_000),
        ("kétszázezer", 200_000),
        ("százszáz", None),
        ("ezerezer", None),
        ("százlámpa", None),
        ("lámpaszáz", None),
        ("ötvenhúsz", None),
        ("", None),
    ],
)
def test_parts_of_one_word_are_multiplied_and_added_where_they_fit(word: str, value: int | None) -> None:
    assert compound_value(word, lexicon_of("hu").numbers) == value


@pytest.mark.parametrize("language", ["en", "hu"])
@given(words=st.lists(st.sampled_from(SAID), min_size=1, max_size=8))
def test_any_row_of_words_gives_a_number_of_words_that_are_there_or_none(
    language: str, words: list[str]
) -> None:
    said = " ".join(words)
    count = len(tokens_of(folded(said)))
    for at in range(count):
        number = heard(said, language, at)
        assert number is None or (1 <= number.length <= count - at and number.value >= 0)
