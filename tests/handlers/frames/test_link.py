"""What each part of a sentence may be: a name of the home, a word of the language, a number, or unknown."""

from __future__ import annotations

import pytest

from handlers.frames.case import Case
from handlers.frames.lexicon import Role
from tests.handlers.frames.homes import ids, index, pieces


@pytest.mark.parametrize(
    ("text", "language", "texts"),
    [
        ("turn on the sofa lamp", "en", ["turn", "on", "the", "sofa lamp"]),
        ("the settee lamp please", "en", ["the", "settee lamp", "please"]),
        ("set it to twenty five percent", "en", ["set", "it", "to", "twenty five", "percent"]),
        ("nyisd ki a garázskaput", "hu", ["nyisd", "ki", "a", "garázskaput"]),
        ("a hálószobai redőnyt", "hu", ["a", "hálószobai redőnyt"]),
        ("", "en", []),
    ],
)
def test_the_longest_name_or_phrase_is_one_piece(text: str, language: str, texts: list[str]) -> None:
    assert [piece.text for piece in pieces(text, language)] == texts


@pytest.mark.parametrize(
    ("name", "language", "entities"),
    [
        ("sofa lamp", "en", {"light.sofa"}),
        ("settee lamp", "en", {"light.sofa"}),
        ("SOFA LAMP", "en", {"light.sofa"}),
        ("sofa lamps", "en", {"light.sofa"}),
        ("sofa", "en", set()),
        ("wine cellar", "en", set()),
        ("hálószobai redőnyt", "hu", {"cover.redony"}),
        ("garázskapuval", "hu", {"cover.kapu"}),
        ("páncélszekrényt", "hu", set()),
    ],
)
def test_a_whole_name_in_any_form_is_what_is_called_so(name: str, language: str, entities: set[str]) -> None:
    assert ids(index(language), pieces(name, language)[0].entities) == entities


@pytest.mark.parametrize(
    ("name", "language", "place"),
    [("kitchen", "en", "Kitchen"), ("upstairs", "en", "Upstairs"), ("konyhában", "hu", "Konyha")],
)
def test_a_place_is_known_by_its_name(name: str, language: str, place: str) -> None:
    assert [one.name for one in pieces(name, language)[0].places] == [place]


@pytest.mark.parametrize(
    ("word", "language", "case"),
    [
        ("konyhában", "hu", Case.PLACE), ("redőnyt", "hu", Case.OBJECT), ("konyha", "hu", Case.NONE),
        ("kitchen", "en", Case.NONE), ("bevásárlólistára", "hu", Case.TO),
    ],
)  # fmt: skip
def test_the_case_of_a_piece_is_that_of_its_word(word: str, language: str, case: Case) -> None:
    assert pieces(word, language)[0].case is case


@pytest.mark.parametrize("word", ["xyzzyx", "unicorn", "qwertz"])
@pytest.mark.parametrize("language", ["en", "hu"])
def test_what_nobody_knows_is_unknown(word: str, language: str) -> None:
    (piece,) = pieces(word, language)
    assert piece.is_unknown
    assert piece.slip is None


@pytest.mark.parametrize(
    ("said", "language", "meant"),
    [("worktpo", "en", "worktop"), ("bedsid", "en", "bedside"), ("garazskapu", "hu", "garázskapu")],
)
def test_a_slip_is_put_right_and_remembered(said: str, language: str, meant: str) -> None:
    (piece,) = pieces(said, language)
    assert (piece.text, piece.slip) == (meant, said)


@pytest.mark.parametrize(
    ("text", "number"), [("40", 40.0), ("20.5", 20.5), ("twenty", 20.0), ("twenty one", 21.0)]
)
def test_a_number_is_its_value(text: str, number: float) -> None:
    assert [piece.number for piece in pieces(text)] == [number]


def test_a_verb_is_no_part_of_a_name() -> None:
    (piece,) = pieces("turn")
    assert piece.sense(Role.VERB)
    assert piece.words == ()


def test_a_noun_names_its_kind_whether_the_home_has_one_or_not() -> None:
    (piece,) = pieces("television")
    assert [word.kinds for word in piece.words] == [("tv",)]
    assert piece.entities == 0


def test_a_phrase_that_asks_for_something_unsaid_is_left_aside_where_it_is_taken_literally() -> None:
    assert any(piece.sense(Role.INDIRECT) for piece in pieces("it's dark"))
    assert not any(piece.sense(Role.INDIRECT) for piece in pieces("it's dark", literally=True))


@pytest.mark.parametrize("text", ["turn on the sofa lamp to 40%, now!", "állítsd a lámpát 40%-ra"])
def test_the_pieces_cover_the_sentence_without_a_gap(text: str) -> None:
    for language in ("en", "hu"):
        found = pieces(text, language)
        assert [piece.first for piece in found[1:]] == [piece.last for piece in found[:-1]]
