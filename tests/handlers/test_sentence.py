"""What is taken from an event, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.intent import Entity, Intent

from handlers.errors import EventError
from handlers.sentence import MAX_SENTENCE_LENGTH, MAX_SLOTS, cleaned, intent_of, sentence_of

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def test_a_transcript_of_the_wyoming_package_is_understood() -> None:
    event = Transcript(
        "Kapcsold be", language="hu-HU", context={"token": "t", "conversation_id": "c"}
    ).event()
    sentence = sentence_of(event)
    assert (sentence.text, sentence.language, sentence.token, sentence.conversation_id) == (
        "Kapcsold be",
        "hu",
        "t",
        "c",
    )


def test_a_token_is_not_in_the_repr() -> None:
    event = Transcript("x", context={"token": "very-secret"}).event()
    assert "very-secret" not in repr(sentence_of(event))


def test_a_language_that_is_not_spoken_here_is_left_to_the_device() -> None:
    assert sentence_of(Transcript("x", language="de").event()).language is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ({}, "bad-text"),
        ({"text": 5}, "bad-text"),
        ({"text": None}, "bad-text"),
        ({"text": "x", "language": 5}, "bad-language"),
        ({"text": "x", "context": []}, "bad-context"),
        ({"text": "x", "context": {"token": ["t"]}}, "bad-context"),
        ({"text": "x", "context": {"token": False}}, "bad-context"),
    ],
)
def test_an_event_that_breaks_its_promise_is_refused_with_a_code(data: dict[str, Any], code: str) -> None:
    with pytest.raises(EventError) as caught:
        sentence_of(Event("transcript", data))
    assert caught.value.code == code


def test_control_characters_and_line_breaks_become_blanks() -> None:
    assert cleaned("kapcsold\x00 be\r\n a\u202elámpát\t", 100) == "kapcsold be a lámpát"


def test_decomposed_letters_are_composed() -> None:
    assert cleaned("la\u0301mpa", 100) == "lámpa"


@given(st.text(max_size=3000))
def test_a_cleaned_text_is_bounded_one_line_and_stays_as_it_is(text: str) -> None:
    once = cleaned(text, MAX_SENTENCE_LENGTH)
    assert len(once) <= MAX_SENTENCE_LENGTH
    assert "\n" not in once
    assert cleaned(once, MAX_SENTENCE_LENGTH) == once


@given(st.dictionaries(st.sampled_from(["text", "language", "context", "name", "entities"]), json_values))
def test_arbitrary_data_gives_a_sentence_or_an_event_error(data: dict[str, Any]) -> None:
    for read in (sentence_of, intent_of):
        try:
            read(Event("transcript", data))
        except EventError:
            continue


def test_an_intent_of_the_wyoming_package_is_understood() -> None:
    event = Intent("HassTurnOn", entities=[Entity("name", "Lámpa"), Entity("brightness", 50)]).event()
    intent, _ = intent_of(event)
    assert intent.name == "HassTurnOn"
    assert dict(intent.slots) == {"name": "Lámpa", "brightness": 50}


def test_an_intent_cannot_name_entity_ids_past_resolution() -> None:
    intent, _ = intent_of(Event("intent", {"name": "HassTurnOn", "targets": ["lock.x"], "entities": []}))
    assert intent.targets == ()


def test_an_intent_with_too_many_entities_is_refused() -> None:
    entities = [{"name": f"n{number}", "value": 1} for number in range(MAX_SLOTS + 1)]
    with pytest.raises(EventError, match="at most"):
        intent_of(Event("intent", {"name": "HassTurnOn", "entities": entities}))
