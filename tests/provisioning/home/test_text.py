from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from provisioning.home.text import clean_text


@given(st.text(), st.integers(1, 40))
def test_what_is_kept_is_one_printable_line_within_the_limit(text: str, limit: int) -> None:
    cleaned = clean_text(text, limit)
    assert len(cleaned) <= limit
    assert cleaned.isprintable()
    assert cleaned == cleaned.strip()
    assert clean_text(cleaned, limit) == cleaned


@given(st.one_of(st.none(), st.integers(), st.binary(), st.lists(st.text())))
def test_what_is_not_text_is_empty(value: object) -> None:
    assert clean_text(value, 10) == ""


def test_marks_that_turn_the_direction_of_writing_go() -> None:
    assert clean_text("lamp\u202egnol\u2066", 20) == "lampgnol"


def test_line_breaks_and_controls_become_one_space() -> None:
    assert clean_text("a\r\n\x00\x1b[31mb", 20) == "a [31mb"


def test_letters_typed_in_two_pieces_are_one() -> None:
    assert clean_text(unicodedata.normalize("NFD", "Hálószoba"), 20) == "Hálószoba"
