"""How a sentence falls into words, numbers and signs."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.frames.tokens import folded, plain, tokens_of, words_of

HUNGARIAN = "aábcdeéfghiíjklmnoóöőpqrstuúüűvwxyz"
sentences = st.text() | st.text(alphabet=f"{HUNGARIAN}{HUNGARIAN.upper()}0123456789 '’-.,%°&?!")


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ("", []),
        (" \t ", []),
        ("kapcsold be a lámpát", ["kapcsold", "be", "a", "lámpát"]),
        ("it's too dark", ["it's", "too", "dark"]),
        ("the kids' room", ["the", "kids", "room"]),
        ("'quoted'", ["quoted"]),
        ("20,5 fok", ["20,5", "fok"]),
        ("20.5 fok", ["20.5", "fok"]),
        ("2, 3", ["2", ",", "3"]),
        ("at 20.", ["at", "20", "."]),
        ("30%-ra", ["30", "%", "ra"]),
        ("21°c", ["21", "°", "c"]),
        ("lamp2", ["lamp", "2"]),
        ("hi-fi", ["hi", "fi"]),
        ("snake_case", ["snake", "case"]),
        ("salt & pepper; now: go?!", ["salt", "&", "pepper", ";", "now", ":", "go", "?", "!"]),
        ("(lamp) [x] «y» #", ["lamp", "x", "y"]),
    ],
)
def test_words_numbers_and_signs_are_tokens_and_the_rest_separates_them(said: str, texts: list[str]) -> None:
    assert [token.text for token in tokens_of(said)] == texts


@pytest.mark.parametrize(
    ("said", "values"),
    [
        ("30", [30.0]),
        ("20,5", [20.5]),
        ("20.5", [20.5]),
        ("1.2.3", [1.2, None, 3.0]),
        ("lamp 2", [None, 2.0]),
        ("two", [None]),
        ("%", [None]),
    ],
)
def test_only_a_number_in_digits_has_a_value(said: str, values: list[float | None]) -> None:
    assert [token.number for token in tokens_of(said)] == values


@pytest.mark.parametrize(
    ("said", "glued"),
    [
        ("30-ra", [False, True]),
        ("30%-ra", [False, True, True]),
        ("30ra", [False, True]),
        ("30 ra", [False, False]),
        ("30 -ra", [False, False]),
        ("30- ra", [False, False]),
        ("30--ra", [False, False]),
        ("led-et", [False, True]),
        ("a/b", [False, False]),
        ("a, b", [False, True, False]),
    ],
)
def test_what_nothing_but_a_hyphen_parts_is_glued(said: str, glued: list[bool]) -> None:
    assert [token.glued for token in tokens_of(said)] == glued


@pytest.mark.parametrize(
    ("said", "texts"),
    [
        ("szeretném, ha ég", ["szeretném", "ha", "ég"]),
        ("írd fel, hogy tej", ["írd", "fel", "hogy", "tej"]),
        ("nappali, hall", ["nappali", ",", "hall"]),
        ("konyha, hogyan", ["konyha", ",", "hogyan"]),
    ],
)
def test_a_comma_that_only_spelling_wants_is_no_token(said: str, texts: list[str]) -> None:
    assert [token.text for token in tokens_of(said)] == texts


def test_a_comma_left_out_shifts_no_token() -> None:
    said = "szeretném, ha ég"
    assert [said[token.start : token.end] for token in tokens_of(said)] == ["szeretném", "ha", "ég"]


@pytest.mark.parametrize(
    ("said", "compared"),
    [
        ("Kapcsold BE", "kapcsold be"),
        ("La\u0301mpa", "lámpa"),
        ("it’s", "it's"),
        ("it‘s", "it's"),
        ("it`s", "it's"),
        ("it´s", "it's"),
        ("ŐRÜLT ŰRHAJÓ", "őrült űrhajó"),
        ("Straße", "strasse"),
    ],
)
def test_what_is_compared_is_composed_without_case_and_has_one_apostrophe(said: str, compared: str) -> None:
    assert folded(said) == compared


@given(sentences)
def test_any_text_gives_tokens_in_order_that_stand_where_they_say(said: str) -> None:
    text = folded(said)
    tokens = tokens_of(text)
    assert all(text[token.start : token.end] == token.text != "" for token in tokens)
    assert all(first.end <= second.start for first, second in pairwise(tokens))


@given(sentences)
def test_no_letter_and_no_digit_of_a_sentence_is_lost(said: str) -> None:
    text = folded(said)
    covered = {at for token in tokens_of(text) for at in range(token.start, token.end)}
    missed = {text[at] for at in range(len(text)) if at not in covered}
    assert not [one for one in missed if unicodedata.category(one) in {"Ll", "Lu", "Nd"}]


@given(st.text(alphabet=f"{HUNGARIAN}{HUNGARIAN.upper()} '’0123456789"))
def test_what_is_folded_stays_as_it_is(said: str) -> None:
    assert folded(folded(said)) == folded(said)
    assert folded(unicodedata.normalize("NFD", said)) == folded(said)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Nappali lámpa", ("nappali", "lámpa")),
        ("Kids' Room", ("kids", "room")),
        ("Lamp 2 (old)", ("lamp", "2", "old")),
        ("Hi-Fi & TV", ("hi", "fi", "tv")),
        ("50%", ("50",)),
        ("%!?", ()),
        ("", ()),
    ],
)
def test_the_words_of_a_name_are_without_signs(name: str, words: tuple[str, ...]) -> None:
    assert words_of(name) == words


@pytest.mark.parametrize(
    ("word", "bare"),
    [("tükörfény", "tukorfeny"), ("őűóúéáíöü", "ououeaiou"), ("lamp", "lamp"), ("", ""), ("café", "cafe")],
)
def test_a_plain_word_has_no_accents(word: str, bare: str) -> None:
    assert plain(word) == bare


@given(st.text(alphabet=HUNGARIAN))
def test_a_plain_hungarian_word_is_ascii_and_as_long(word: str) -> None:
    assert plain(word).isascii()
    assert len(plain(word)) == len(word)
    assert plain(plain(word)) == plain(word)
