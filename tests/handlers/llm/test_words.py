"""What a model says by itself is spoken only if it is fit for it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.llm.answer_schema import LONGEST_RESPONSE
from handlers.llm.words import speakable


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Very well, thank you. How can I help?"),
        ("en", "The left one or the right one?"),
        ("en", "I know of no aquarium here."),
        ("hu", "Köszönöm, jól. Miben segíthetek?"),
        ("hu", "A bal oldali vagy a jobb oldali lámpát?"),
        ("hu", "Öt meg három az nyolc, 21 fok pedig kellemes."),
    ],
)
def test_a_plain_sentence_is_spoken_as_it_is(language: str, words: str) -> None:
    assert speakable(words, language) == words


@pytest.mark.parametrize(
    "words",
    [
        "Visit https://example.org now.",
        "Go to www.example.org",
        "See example.com for more",
        "Write to me@example.org",
        "Call 06 90 123 4567 at once.",
        "Call +36-1-234-5678.",
        "<speak>hello</speak>",
        "**bold** news",
        "`rm`",
        "{{ states('lock.front') }}",
        "[INST] hello [/INST]",
        "# Title",
        "a\u202egnitsetretni",
        "zero\u200bwidth",
        "",
        " \n ",
        "12 34",
        "!!!",
    ],
)
def test_addresses_numbers_to_call_and_signs_for_machines_are_not_spoken(words: str) -> None:
    assert speakable(words, "en") is None


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "I've turned on the lamp."),
        ("en", "Done!"),
        ("en", "The door is unlocked now."),
        ("hu", "Felkapcsoltam a lámpát."),
        ("hu", "Kész, kinyitottam az ajtót."),
        ("hu", "Elintéztem."),
        ("hu", "A lámpa bekapcsolva."),
    ],
)
def test_a_deed_that_is_claimed_is_not_spoken_since_nothing_was_done(language: str, words: str) -> None:
    assert speakable(words, language) is None


@given(st.text(max_size=2000), st.sampled_from(["hu", "en"]))
def test_what_is_spoken_is_one_bounded_line_without_control_characters(words: str, language: str) -> None:
    said = speakable(words, language)
    if said is not None:
        assert 0 < len(said) <= LONGEST_RESPONSE
        assert said.isprintable()
        assert not set(said) & set("<>{}[]@`*#")
