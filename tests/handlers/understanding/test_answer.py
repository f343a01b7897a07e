from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import DataFileError
from handlers import answer
from handlers.answer import Answers, placeholders
from handlers.intents import NOT_SERVED
from handlers.questions import BINARY_WORDS, CONDITIONS, RESPONSES, STATE_WORDS
from handlers.resolve import MAX_CANDIDATES_SPOKEN
from handlers.services import COLOURS
from handlers.status import Status
from handlers.targets import CLASSES, KINDS
from handlers.understanding import Phrase


def test_both_languages_say_the_same_things_with_the_same_values(answers: Answers) -> None:
    hungarian, english = answers.keys("hu"), answers.keys("en")
    assert set(hungarian) == set(english)
    different = [key for key in english if placeholders(english[key]) != placeholders(hungarian[key])]
    assert different == []


@pytest.mark.parametrize("language", ["hu", "en"])
def test_whatever_can_be_done_can_be_asked_with_the_same_values(answers: Answers, language: str) -> None:
    done, confirm = (
        {
            key.removeprefix(group): placeholders(sentence)
            for key, sentence in answers.keys(language).items()
            if key.startswith(group)
        }
        for group in ("done.", "confirm.")
    )
    assert confirm == done
    asked = [sentence for key, sentence in answers.keys(language).items() if key.startswith("confirm.")]
    assert all(sentence.endswith("?") for sentence in asked)


@pytest.mark.parametrize(
    "key",
    [
        *(f"status.{status}" for status in Status),
        "said.words",
        "said.then",
        *(f"failed.{status}" for status in (Status.CALL_FAILED, Status.ENTITY_GONE, Status.NOT_CONFIRMED)),
        *(f"not-served.{what}" for what in sorted(set(NOT_SERVED.values()))),
        *(f"state.{domain}.{state}" for domain, states in STATE_WORDS.items() for state in sorted(states)),
        *(f"state.binary_sensor.{name}-{state}" for name in sorted(BINARY_WORDS) for state in ("on", "off")),
        *(f"weather.{condition}" for condition in sorted(CONDITIONS)),
        *(f"respond.{response}" for response in sorted(RESPONSES)),
        *(f"colour.{colour}" for colour in sorted(COLOURS)),
        *(f"{group}.{kind}" for group in ("kind", "count") for kind in sorted(KINDS | {"any"})),
        *(f"kind.class.{name}" for name in sorted(CLASSES)),
    ],
)
def test_everything_that_can_be_said_has_a_sentence(answers: Answers, key: str) -> None:
    assert answers.keys("hu")[key]
    assert answers.keys("en")[key]


@pytest.mark.parametrize("status", list(Status))
def test_a_status_is_a_sentence_of_its_own_without_values(answers: Answers, status: Status) -> None:
    for language in ("hu", "en"):
        said = answers.speak(Phrase(f"status.{status}"), language)
        others = {answers.speak(Phrase(f"status.{one}"), language) for one in Status if one is not status}
        assert said not in others


@pytest.mark.parametrize(
    ("values", "language", "said"),
    [
        ({"targets": ("állólámpa",)}, "hu", "Felkapcsoltam az állólámpát."),
        ({"targets": ("állólámpa", "redőny")}, "hu", "Felkapcsoltam az állólámpát és a redőnyt."),
        ({"targets": ("tükör", "TV", "lámpa 1")}, "hu", "Felkapcsoltam a tükröt, a TV-t és a lámpa 1-et."),
        ({"targets": ("lamp", "the other lamp")}, "en", "Turned on the lamp and the other lamp."),
        ({"targets": Phrase("count.light", {"count": 5})}, "hu", "Felkapcsoltam az 5 lámpát."),
        ({"targets": Phrase("count.light", {"count": 6})}, "en", "Turned on the 6 lights."),
    ],
)
def test_names_take_article_ending_and_conjunction(
    answers: Answers, values: dict[str, Any], language: str, said: str
) -> None:
    assert answers.speak(Phrase("done.light.turn_on", values), language) == said


@pytest.mark.parametrize(
    ("value", "hungarian"), [(20.5, "20,5"), (Decimal("3.50"), "3,5"), (21, "21"), (21.0, "21"), (100, "100")]
)
def test_numbers_have_the_comma_of_the_language(answers: Answers, value: Any, hungarian: str) -> None:
    phrase = Phrase("answer.uv", {"value": value})
    assert answers.speak(phrase, "hu") == f"Az UV-index {hungarian}."
    assert answers.speak(phrase, "en") == f"The UV index is {hungarian.replace(',', '.')}."


def test_names_are_data_and_never_templates(answers: Answers) -> None:
    name = "{name|the} {0} %s {__class__} \\g<0>"
    said = answers.speak(Phrase("missing.name", {"name": name}), "en")
    assert said == f"I can't find anything called {name}."


def test_a_phrase_that_nobody_wrote_is_still_an_answer(answers: Answers) -> None:
    internal = answers.speak(Phrase("status.internal"), "hu")
    assert answers.speak(Phrase("nobody.wrote.this"), "hu") == internal
    assert answers.speak((), "hu") == internal


def test_a_language_that_is_not_spoken_is_answered_in_the_default_one(answers: Answers) -> None:
    phrase = Phrase("status.ok")
    assert answers.speak(phrase, "fr") == answers.speak(phrase, "hu")


def test_several_phrases_are_several_sentences_each_once(answers: Answers) -> None:
    lamp = Phrase("done.light.turn_on", {"targets": ("lamp",)})
    blind = Phrase("done.raised.close", {"targets": ("blind",)})
    assert answers.speak((lamp, blind, lamp), "en") == "Turned on the lamp. Closed the blind."


@given(
    st.dictionaries(
        st.sampled_from(["targets", "name"]), st.one_of(st.none(), st.text(), st.integers(), st.floats())
    )
)
def test_no_value_makes_speaking_raise(values: dict[str, Any]) -> None:
    spoken = _LOADED.speak(Phrase("done.light.turn_on", values), "hu")
    assert spoken


_LOADED = Answers.load()


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        ({"status": {"ok": "{name|upper}"}}, "upper"),
        ({"status": {"ok": "half a { brace"}}, "brace"),
        ({"status": {"ok": "{name!r}"}}, "brace"),
        ({"status": {True: "yes"}}, "quotation marks"),
        ({"status": ["ok"]}, "neither a text nor a group"),
        ({"status": {"ok": "fine"}}, "no sentence for status.answered"),
        (None, "neither a text nor a group"),
    ],
)
def test_a_wrong_answers_file_is_refused_with_the_place(
    monkeypatch: pytest.MonkeyPatch, data: Any, complaint: str
) -> None:
    monkeypatch.setattr(answer, "read_yaml", lambda _name: data)
    with pytest.raises(DataFileError, match=complaint):
        Answers.load()


def test_candidates_are_few_enough_to_listen_to() -> None:
    assert 2 <= MAX_CANDIDATES_SPOKEN <= 5
