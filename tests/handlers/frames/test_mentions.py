"""What of a home is meant: exactly what every word of a mention fits, and nothing by a word too many."""

from __future__ import annotations

import pytest

from handlers.frames.clause import Mention
from handlers.frames.mentions import Meant, meant_by
from tests.handlers.frames.homes import ids, index, lexicon, masked, sentence

ALL = -1


def meant(text: str, language: str = "en", allowed: int = ALL) -> Meant:
    """What is meant by the one thing that a command mentions."""
    ((mention,),) = [clause.mentions for clause in sentence(text, language).clauses]
    known = index(language)
    return meant_by(mention, known.everything & allowed, known, lexicon(language))


@pytest.mark.parametrize(
    ("text", "language", "found"),
    [
        ("turn on the sofa lamp", "en", {"light.sofa"}),
        ("turn on the settee lamp", "en", {"light.sofa"}),
        ("turn on the sofa light", "en", {"light.sofa"}),
        ("turn on the lamp in the bedroom", "en", {"light.bedside"}),
        ("turn on the kitchen lights", "en", {"light.spots", "light.worktop"}),
        ("turn on the lights upstairs", "en", {"light.bedside"}),
        ("open the garage door", "en", {"cover.garage"}),
        ("turn on the kitchen kettle", "en", {"switch.kettle"}),
        ("turn on the bedroom kettle", "en", set()),
        ("turn on the sofa kettle", "en", set()),
        ("turn on the sofa lamp in the bedroom", "en", set()),
        ("turn on the television", "en", set()),
        ("kapcsold fel a konyhai lámpát", "hu", {"light.konyha"}),
        ("kapcsold fel az olvasólámpát", "hu", {"light.olvaso"}),
        ("kapcsold fel a lámpákat az emeleten", "hu", {"light.ejjeli"}),
        ("kapcsold fel a kerti olvasólámpát", "hu", set()),
    ],
)
def test_a_mention_reaches_what_all_of_its_words_fit(text: str, language: str, found: set[str]) -> None:
    assert ids(index(language), meant(text, language).mask) == found


@pytest.mark.parametrize(
    ("text", "by_name", "exactly"),
    [
        ("turn on the sofa lamp", True, True),
        ("turn on the sofa light", True, False),
        ("turn on the kitchen lights", False, False),
        ("turn on the lights", False, False),
    ],
)
def test_it_is_told_whether_a_name_was_said_and_whether_all_of_it(
    text: str, *, by_name: bool, exactly: bool
) -> None:
    found = meant(text)
    assert (found.by_name, found.exactly) == (by_name, exactly)


@pytest.mark.parametrize(
    ("text", "kinds", "places"),
    [
        ("turn on the kitchen lights", ("light",), ["Kitchen"]),
        ("turn on the lights upstairs", ("light",), ["Upstairs"]),
        ("close the blinds", ("blind",), []),
    ],
)
def test_the_kind_and_the_place_that_were_said_are_told(
    text: str, kinds: tuple[str, ...], places: list[str]
) -> None:
    found = meant(text)
    assert found.kinds == kinds
    assert [place.name for place in found.places] == places


def test_nothing_is_reached_but_what_is_allowed() -> None:
    kettle = masked(index("en"), "switch.kettle")
    assert meant("turn on the sofa lamp", allowed=kettle).mask == 0
    assert meant("turn on the kettle", allowed=kettle).mask == kettle
    assert meant("turn on the kettle", allowed=0).mask == 0


def test_a_mention_of_nothing_fits_all_that_is_allowed() -> None:
    known = index("en")
    assert meant_by(Mention(), known.everything, known, lexicon("en")).mask == known.everything
