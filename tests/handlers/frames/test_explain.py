"""What an explanation says of a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from handlers.frames.explain import MOST_SHOWN, Explanation, explained
from handlers.frames.home_index import index_of
from handlers.interpret import parse_home
from handlers.understanding import Utterance
from tests.handlers.frames.homes import lexicon

HOME: dict[str, Any] = {
    "floors": [{"id": "up", "name": "Emelet"}],
    "areas": [{"id": "konyha", "name": "Konyha"}, {"id": "halo", "name": "Hálószoba", "floor": "up"}],
    "entities": [
        {"id": "light.pult", "name": "Pultvilágítás", "area": "konyha"},
        {"id": "light.sziget", "name": "Szigetfény", "area": "konyha"},
        {"id": "cover.redony", "name": "Redőny", "area": "halo", "attributes": {"device_class": "shutter"}},
        {"id": "light.titok", "name": "Titkos lámpa", "area": "halo", "exposed": False},
    ],
}


def explain(text: str, home: dict[str, Any] = HOME) -> Explanation:
    words, picture = lexicon("hu"), parse_home(home)
    return explained(Utterance(text, "hu"), picture, index_of(picture.registry, words), words)


def meanings(explanation: Explanation) -> dict[str, tuple[str, ...]]:
    return {one.text: one.meanings for one in explanation.words}


def test_a_command_shows_its_links_its_frame_and_what_it_reaches() -> None:
    found = explain("kapcsold fel a pultvilágítást a konyhában")
    assert found.tokens == ("kapcsold", "fel", "a", "pultvilágítást", "a", "konyhában")
    assert meanings(found)["pultvilágítást"][0] == "called so: light.pult"
    assert "area Konyha" in meanings(found)["konyhában"]
    (frame,) = found.frames
    assert dict(frame.slots) == {"verb": "kapcsol", "particle": "fel"}
    assert [(one.candidates, one.count) for one in frame.mentions] == [(("light.pult",), 1)]
    assert (found.verdict, found.reason, found.left_over) == ("commands", None, ())


def test_what_nobody_knows_is_left_over_and_is_why_it_was_passed_on() -> None:
    found = explain("kapcsold fel a zsiráfot")
    assert meanings(found)["zsiráfot"] == ()
    assert (found.verdict, found.reason, found.left_over) == ("pass-on", "left over: zsiráfot", ("zsiráfot",))


def test_a_remark_says_that_it_is_one() -> None:
    found = explain("anya azt mondta, hogy kapcsold fel a lámpát")
    assert (found.verdict, found.reason, found.frames) == ("not-for-me", "remark", ())


def test_an_exception_stands_apart_from_what_is_meant() -> None:
    (frame,) = explain("oltsd le a konyhában a lámpákat, kivéve a szigetfényt").frames
    assert [(one.is_exception, one.candidates) for one in frame.mentions] == [
        (False, ("light.pult", "light.sziget")),
        (True, ("light.sziget",)),
    ]


def test_values_and_indirect_phrases_are_in_words() -> None:
    (frame,) = explain("húzd le félig a redőnyt").frames
    assert dict(frame.slots)["value"] == "50 percent"
    (frame,) = explain("túl sötét van itt").frames
    assert dict(frame.slots)["phrase"] == "turn_on light"


def test_what_is_not_exposed_is_in_no_explanation() -> None:
    found = explain("kapcsold fel a titkos lámpát")
    assert "light.titok" not in str(found.as_json())


def test_a_slip_is_shown_with_what_was_said() -> None:
    slips = {one.text: one.slip for one in explain("kapcsold fel a pultvilágítsát").words}
    assert "pultvilágítsát" in slips.values()


def test_of_many_candidates_only_some_are_listed() -> None:
    many = [{"id": f"light.l{number}", "name": f"Fény {number}", "area": "konyha"} for number in range(30)]
    (frame,) = explain("kapcsold fel az összes lámpát", HOME | {"entities": many}).frames
    assert (len(frame.mentions[0].candidates), frame.mentions[0].count) == (MOST_SHOWN, 30)


@pytest.mark.parametrize("text", ["", "?!", "a " * 500])
def test_what_is_no_sentence_is_explained_too(text: str) -> None:
    assert explain(text).verdict == "pass-on"
