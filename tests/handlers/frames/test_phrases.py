"""What one entry of the lexicon stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import DataFileError
from handlers.frames.phrases import GAP, MOST_PHRASES, expanded


@pytest.mark.parametrize(
    ("entry", "phrases"),
    [
        ("lights out", ["lights out"]),
        ("(turn|switch) on", ["turn on", "switch on"]),
        ("dim|fade", ["dim", "fade"]),
        ("open [up]", ["open up", "open"]),
        ("[please] go [now]", ["please go now", "please go", "go now", "go"]),
        ("[a|the] lamp", ["a lamp", "the lamp", "lamp"]),
        ("it's [(so|too)] dark", ["it's so dark", "it's too dark", "it's dark"]),
        ("(a (b|c)|d) e", ["a b e", "a c e", "d e"]),
        ("(turn|put) … on", ["turn … on", "put … on"]),
        ("(one|two)(three|four)", ["one three", "one four", "two three", "two four"]),
        ("  many   blanks  ", ["many blanks"]),
        ("%", ["%"]),
    ],
)
def test_brackets_stand_for_alternatives_and_for_what_may_be_left_out(entry: str, phrases: list[str]) -> None:
    assert expanded(entry) == phrases


@pytest.mark.parametrize("entry", ["(a|a)", "a [a|]", "(a|[a])"])
def test_a_phrase_is_given_once(entry: str) -> None:
    assert len(expanded(entry)) == len(set(expanded(entry)))


@pytest.mark.parametrize("entry", ["", " ", "[]", "()", "[(|)]", "|"])
def test_an_entry_of_nothing_stands_for_no_phrase(entry: str) -> None:
    assert expanded(entry) == []


@pytest.mark.parametrize("entry", ["(a", "[a", "(a]", "[a)", "((a)", "a)", "a]", "(a))", "a ] b", "(a [b)"])
def test_brackets_that_do_not_match_are_refused_with_the_entry(entry: str) -> None:
    with pytest.raises(DataFileError) as caught:
        expanded(entry)
    assert entry in caught.value.message


def test_an_entry_that_stands_for_too_many_phrases_is_refused_with_the_entry() -> None:
    entry = "(a|b) " * 13
    assert MOST_PHRASES < 2**13
    with pytest.raises(DataFileError, match="too many") as caught:
        expanded(entry)
    assert entry in caught.value.message


def test_as_many_phrases_as_an_entry_may_stand_for_are_given() -> None:
    assert len(expanded("|".join(str(number) for number in range(MOST_PHRASES)))) == MOST_PHRASES


@given(st.text(alphabet="ab ()[]|" + GAP, max_size=24))
def test_any_entry_is_expanded_or_refused(entry: str) -> None:
    try:
        phrases = expanded(entry)
    except DataFileError:
        return
    assert len(phrases) == len(set(phrases))
    assert all(phrase and phrase == " ".join(phrase.split()) for phrase in phrases)
    assert not any(sign in phrase for phrase in phrases for sign in "()[]|")


words = st.text(alphabet="abcdefgh", min_size=1, max_size=3)


@given(st.lists(words, min_size=1, max_size=4), st.lists(words, min_size=1, max_size=4))
def test_two_groups_stand_for_each_of_the_one_before_each_of_the_other(
    first: list[str], second: list[str]
) -> None:
    entry = f"({'|'.join(first)}) [{'|'.join(second)}]"
    assert set(expanded(entry)) == {f"{one} {other}".strip() for one in first for other in [*second, ""]}
