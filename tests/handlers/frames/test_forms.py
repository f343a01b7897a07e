"""Which word an English or Hungarian word may be a form of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.frames.case import Case
from handlers.frames.forms import FORMS, Form, english_forms, gerund_of, hungarian_word_forms


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("lamps", "lamp"),
        ("radios", "radio"),
        ("switches", "switch"),
        ("brushes", "brush"),
        ("boxes", "box"),
        ("glasses", "glass"),
        ("potatoes", "potato"),
        ("batteries", "battery"),
        ("ties", "tie"),
        ("shelves", "shelf"),
        ("knives", "knife"),
        ("people", "person"),
        ("children", "child"),
        ("men", "man"),
        ("women", "woman"),
    ],
)
def test_a_plural_has_the_form_of_its_singular(plural: str, singular: str) -> None:
    assert Form(singular, Case.NONE, plural=True) in english_forms(plural)


@pytest.mark.parametrize("word", ["lamp", "glass", "status", "iris", "bus", "gas", "s", "is", ""])
def test_a_word_that_only_looks_like_a_plural_is_none(word: str) -> None:
    assert english_forms(word) == (Form(word, Case.NONE, plural=False),)


@pytest.mark.parametrize(
    ("word", "owner", "plural"),
    [("anna's", "anna", False), ("men's", "man", True), ("children's", "child", True)],
)
def test_a_possessive_has_the_form_of_its_owner(word: str, owner: str, *, plural: bool) -> None:
    assert Form(owner, Case.NONE, plural) in english_forms(word)


@pytest.mark.parametrize(
    ("verb", "gerund"),
    [
        ("turn", "turning"),
        ("switch", "switching"),
        ("close", "closing"),
        ("mute", "muting"),
        ("see", "seeing"),
        ("dim", "dimming"),
        ("put", "putting"),
        ("stop", "stopping"),
        ("run", "running"),
        ("plug", "plugging"),
        ("open", "opening"),
        ("lower", "lowering"),
        ("play", "playing"),
        ("mow", "mowing"),
        ("need", "needing"),
        ("press", "pressing"),
        ("up", "upping"),
    ],
)
def test_a_gerund_drops_a_mute_e_and_doubles_after_a_short_vowel(verb: str, gerund: str) -> None:
    assert gerund_of(verb) == gerund


@pytest.mark.parametrize(
    ("word", "form"),
    [
        ("lámpákat", Form("lámpa", Case.OBJECT, plural=True)),
        ("konyhában", Form("konyha", Case.PLACE, plural=False)),
        ("ötvenre", Form("ötven", Case.TO, plural=False)),
    ],
)
def test_a_hungarian_word_has_the_forms_of_its_readings(word: str, form: Form) -> None:
    assert form in hungarian_word_forms(word)


@pytest.mark.parametrize("language", ["en", "hu"])
@given(word=st.text())
def test_any_word_is_first_a_form_of_itself(language: str, word: str) -> None:
    assert FORMS[language](word)[0] == Form(word, Case.NONE, plural=False)


@given(st.from_regex(r"[a-z]*[bcdfglmnprtvw]", fullmatch=True).filter(lambda word: len(word) >= 3))
def test_a_word_with_a_plain_s_reads_back_to_itself(word: str) -> None:
    assert Form(word, Case.NONE, plural=True) in english_forms(f"{word}s")
    assert Form(word, Case.NONE, plural=False) in english_forms(f"{word}'s")
