"""Which known word is meant by one that nobody knows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.frames.slips import SHORTEST, SHORTEST_FOR_TWO, Slips, most_slips, sounds_alike

LETTERS = "abdeiklmnort"
words = st.text(alphabet=LETTERS, min_size=SHORTEST + 1, max_size=12)


def knowing(*known: str) -> Slips:
    slips = Slips()
    for word in known:
        slips.add(word)
    return slips


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("kithen", "kitchen"),
        ("kitcheen", "kitchen"),
        ("kitchan", "kitchen"),
        ("ktichen", "kitchen"),
        ("kitchne", "kitchen"),
        ("lihgt", "light"),
        ("itchen", "kitchen"),
    ],
)
def test_a_letter_left_out_put_in_exchanged_or_swapped_is_forgiven(said: str, meant: str) -> None:
    assert knowing("kitchen", "light", "bathroom").meant(said) == [(1, meant)]


@pytest.mark.parametrize(
    ("said", "distance"), [("bathrooom", 1), ("bahtrooom", 2), ("batroim", None), ("bthrooms", 2)]
)
def test_two_slips_are_forgiven_only_in_a_long_word(said: str, distance: int | None) -> None:
    assert knowing("bathroom").meant(said) == ([(distance, "bathroom")] if distance else [])


def test_two_slips_are_not_forgiven_where_the_known_word_is_short() -> None:
    assert knowing("kitchen").meant("kitcheeen") == []


@pytest.mark.parametrize(
    ("length", "most"),
    [(0, 0), (SHORTEST - 1, 0), (SHORTEST, 1), (SHORTEST_FOR_TWO - 1, 1), (SHORTEST_FOR_TWO, 2), (40, 2)],
)
def test_the_longer_a_word_the_more_is_forgiven(length: int, most: int) -> None:
    assert most_slips("x" * length) == most


@pytest.mark.parametrize("said", ["cat", "cot", "catt", ""])
def test_nothing_is_forgiven_in_a_word_of_three_letters(said: str) -> None:
    assert knowing("cat").meant(said) == []


def test_a_word_that_is_known_is_no_slip_of_itself() -> None:
    assert knowing("light").meant("light") == []


def test_the_fewest_slips_come_first() -> None:
    slips = knowing("bedrooma", "bathroom", "bedrooms")
    assert slips.meant("bedroomxs") == [(1, "bedrooms"), (2, "bedrooma")]


def test_words_that_come_as_near_are_given_in_order() -> None:
    assert knowing("kitchens", "kitchena").meant("kitchenx") == [(1, "kitchena"), (1, "kitchens")]


@pytest.mark.parametrize(
    ("said", "known", "meant"),
    [
        ("desc", "desk", True),
        ("dest", "desk", False),
        ("hook", "book", False),
        ("dsek", "desk", True),
        ("lampp", "lamp", True),
        ("lamps", "lamp", False),
        ("clamp", "lamp", False),
    ],
)
def test_in_a_word_of_four_letters_only_what_sounds_alike_is_forgiven(
    said: str, known: str, *, meant: bool
) -> None:
    assert knowing(known).meant(said) == ([(1, known)] if meant else [])


@pytest.mark.parametrize(
    ("word", "other", "alike"),
    [
        ("desc", "desk", True),
        ("fann", "fan", True),
        ("fan", "fann", True),
        ("fant", "fan", False),
        ("form", "from", True),
        ("lamp", "lamp", False),
        ("door", "poor", False),
    ],
)
def test_two_words_sound_alike_but_for_a_like_a_double_or_a_swapped_letter(
    word: str, other: str, *, alike: bool
) -> None:
    assert sounds_alike(word, other) is alike


@given(words, st.data())
def test_any_one_slip_in_any_word_finds_it_again(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word) - 1))
    letter = data.draw(st.sampled_from(LETTERS))
    slipped = data.draw(
        st.sampled_from(
            [
                word[:at] + word[at + 1 :],
                word[:at] + letter + word[at:],
                word[:at] + letter + word[at + 1 :],
                word[:at] + word[at : at + 2][::-1] + word[at + 2 :],
            ]
        ).filter(lambda one: one != word and len(one) > SHORTEST)
    )
    assert knowing(word).meant(slipped) == [(1, word)]


@given(st.lists(words), st.lists(words), words)
def test_words_that_were_removed_are_as_if_they_had_never_been_there(
    kept: list[str], gone: list[str], said: str
) -> None:
    slips = knowing(*kept, *gone)
    for word in {*gone} - {*kept}:
        slips.remove(word)
    assert slips._rests.keys() == knowing(*kept)._rests.keys()
    assert slips.meant(said) == knowing(*kept).meant(said)


def test_a_word_removed_that_was_never_there_changes_nothing() -> None:
    slips = knowing("kitchen")
    slips.remove("kitchens")
    assert slips.meant("kithen") == [(1, "kitchen")]


def test_a_copy_changes_without_the_first() -> None:
    slips = knowing("kitchen")
    copy = slips.copied()
    copy.add("bathroom")
    copy.remove("kitchen")
    assert (slips.meant("kithen"), slips.meant("bathrom")) == ([(1, "kitchen")], [])
    assert (copy.meant("kithen"), copy.meant("bathrom")) == ([], [(1, "bathroom")])


def test_a_word_added_twice_is_found_once() -> None:
    assert knowing("kitchen", "kitchen").meant("kithen") == [(1, "kitchen")]
