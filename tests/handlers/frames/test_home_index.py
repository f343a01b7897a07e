"""The words of a home: what they find, and that an index that follows it equals one that is built anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import settings as tried
from hypothesis import strategies as st

from handlers.frames.home_index import (
    MOST_CHANGED,
    HomeIndex,
    NameNode,
    bits,
    index_of,
    searched_words,
    updated,
)
from provisioning.home.registry import Area, Entity, Floor, Registry
from tests.handlers.frames.homes import ids, index, lexicon
from tests.thorough import examples

FLOORS: Final = {"upper": Floor("upper", "Emelet", ("Upstairs",))}
AREAS: Final = {
    "hall": Area("hall", "Háló", ("Hall",), "upper"),
    "garden": Area("garden", "Kert", ()),
    "gone": Area("gone", "Lounge", (), "nowhere"),
}
WORDS: Final = (
    "kert", "háló", "halo", "hálo", "lámpa", "lámpája", "lamp", "lamps", "fények", "garázskapu", "hall",
    "TV", "kitchen", "2", "konyhai",
)  # fmt: skip
IDS: Final = ("light.a", "light.b", "light.c", "cover.a", "cover.b", "lock.a", "fan.a", "media_player.a")

entity_names = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join)
changes = st.one_of(
    st.fixed_dictionaries({"name": entity_names}),
    st.fixed_dictionaries({"aliases": st.lists(entity_names, max_size=2).map(tuple)}),
    st.fixed_dictionaries({"area_id": st.sampled_from([None, "hall", "garden", "unknown"])}),
    st.fixed_dictionaries({"exposed": st.booleans()}),
    st.fixed_dictionaries({"device_class": st.sampled_from([None, "gate", "shutter"])}),
)
entities = st.builds(
    Entity,
    id=st.sampled_from(IDS),
    name=entity_names,
    aliases=st.lists(entity_names, max_size=2).map(tuple),
    area_id=st.sampled_from([None, "hall", "garden"]),
    exposed=st.sampled_from([True, True, True, False]),
    device_class=st.sampled_from([None, "gate", "shutter"]),
)


def registry_of(known: Mapping[str, Entity], areas: Mapping[str, Area] = AREAS) -> Registry:
    return Registry("some", FLOORS, areas, dict(known))


def names_below(node: NameNode, before: str = "") -> dict[str, tuple[int, frozenset[Any]]]:
    """Every whole name, and what is called so."""
    found = {}
    if node.entities or node.places:
        found[before] = (node.entities, frozenset(node.places))
    for word, below in node.below.items():
        found |= names_below(below, f"{before} {word}")
    return found


def content_of(known: HomeIndex) -> dict[str, Any]:
    """All that is found by an index, however it came about."""
    return {
        "entities": known.entities,
        "named": dict(known.named),
        "placed": dict(known.placed),
        "places": {word: frozenset(places) for word, places in known.places.items()},
        "domains": dict(known.domains),
        "classes": {name: mask for name, mask in known.classes.items() if mask},
        "areas": dict(known.areas),
        "floors": dict(known.floors),
        "names": names_below(known.names),
        "words_of": list(known.words_of),
        "slips": {rest: frozenset(words) for rest, words in known.slips._rests.items()},
        "kinds": {name: known.of_kind(kind) for name, kind in lexicon("hu").kinds.items()},
        "beginnings": {word: known.beginning_with(word[:3]) for word in WORDS},
    }


@st.composite
def histories(draw: st.DrawFn) -> list[Registry]:
    """A home, and what it is after one change and another: something comes, goes, or is not as it was."""
    known = {entity.id: entity for entity in draw(st.lists(entities, min_size=2, max_size=6))}
    history = [registry_of(known)]
    for _ in range(draw(st.integers(1, 4))):
        how = draw(st.sampled_from(["changes", "changes", "changes", "comes", "goes"]))
        if how == "comes":
            come = draw(entities)
            known = {**known, come.id: come}
        elif known:
            which = draw(st.sampled_from(sorted(known)))
            if how == "goes":
                known = {one: entity for one, entity in known.items() if one != which}
            else:
                known = {**known, which: replace(known[which], **draw(changes))}
        history.append(registry_of(known))
    return history


@pytest.mark.parametrize("language", ["en", "hu"])
@tried(max_examples=examples(60))
@given(history=histories())
def test_an_index_that_follows_a_home_equals_one_that_is_built_anew(
    language: str, history: list[Registry]
) -> None:
    known = index_of(history[0], lexicon(language))
    for registry in history[1:]:
        known = updated(known, registry, lexicon(language))
        assert known.registry is registry
        assert content_of(known) == content_of(index_of(registry, lexicon(language)))


@tried(max_examples=examples(40))
@given(history=histories())
def test_the_older_index_stays_as_it_was_for_whoever_uses_it(history: list[Registry]) -> None:
    older = index_of(history[0], lexicon("hu"))
    before = content_of(older)
    newer = older
    for registry in history[1:]:
        newer = updated(newer, registry, lexicon("hu"))
    assert content_of(older) == before


def renamed(count: int) -> tuple[HomeIndex, HomeIndex, Registry]:
    """The index of a large home, and of the same home where so many have another name."""
    known = {f"light.{one}": Entity(f"light.{one}", f"Lamp {one}") for one in range(80)}
    older = index_of(registry_of(known), lexicon("en"))
    for one in list(known)[:count]:
        known[one] = replace(known[one], name=f"Spot {one}")
    registry = registry_of(known)
    return older, updated(older, registry, lexicon("en")), registry


@pytest.mark.parametrize("count", [0, 1, MOST_CHANGED, MOST_CHANGED + 1, 80])
def test_however_many_are_renamed_the_index_is_that_of_the_new_names(count: int) -> None:
    _, newer, registry = renamed(count)
    assert content_of(newer) == content_of(index_of(registry, lexicon("en")))


def test_what_depends_on_no_name_is_taken_over_where_only_names_changed() -> None:
    older, newer, _ = renamed(1)
    assert newer.placed is older.placed
    assert newer.names is not older.names


@pytest.mark.parametrize(
    "areas",
    [
        {**AREAS, "hall": replace(AREAS["hall"], name="Corridor")},
        {**AREAS, "hall": replace(AREAS["hall"], floor_id=None)},
        {"garden": AREAS["garden"]},
        {**AREAS, "cellar": Area("cellar", "Cellar")},
    ],
    ids=["renamed", "on no floor", "gone", "new"],
)
def test_an_area_that_changes_changes_what_is_there(areas: dict[str, Area]) -> None:
    known = {"light.a": Entity("light.a", "Lamp", area_id="hall")}
    older = index_of(registry_of(known), lexicon("en"))
    registry = registry_of(known, areas)
    assert content_of(updated(older, registry, lexicon("en"))) == content_of(
        index_of(registry, lexicon("en"))
    )


def test_only_what_is_exposed_has_words() -> None:
    known = index("en")
    assert not known.knows("cellar")
    assert not known.knows("strongbox")
    assert "light.cellar" not in {entity.id for entity in known.entities}


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("sofa", {"light.sofa"}),
        ("settee", {"light.sofa"}),
        ("lamp", {"light.sofa", "light.bedside"}),
        ("dusty", {"vacuum.hoover"}),
        ("spot", {"light.spots"}),
    ],
)
def test_a_word_finds_all_that_have_it_in_a_name_or_alias(word: str, found: set[str]) -> None:
    assert ids(index("en"), index("en").named[word]) == found


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("kitchen", {"light.spots", "light.worktop", "switch.kettle", "media_player.radio"}),
        ("upstairs", {"light.bedside", "fan.ceiling", "cover.blind", "binary_sensor.window"}),
        ("driveway", {"cover.garage", "sensor.outside"}),
    ],
)
def test_a_word_of_a_place_finds_all_that_is_there(word: str, found: set[str]) -> None:
    assert ids(index("en"), index("en").placed[word]) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sofa lamp", {"light.sofa"}),
        ("settee lamp", {"light.sofa"}),
        ("garage door", {"cover.garage"}),
        ("sofa", set()),
    ],
)
def test_a_whole_name_is_that_of_one_thing(name: str, found: set[str]) -> None:
    node = index("en").names
    for word in name.split():
        node = node.below[word]
    assert ids(index("en"), node.entities) == found


@pytest.mark.parametrize(
    ("kind", "certain", "perhaps"),
    [
        ("gate", {"cover.gate"}, {"cover.gate", "cover.plain"}),
        ("light", {"light.one"}, {"light.one"}),
        ("door", {"lock.one", "cover.door", "binary_sensor.door"},
         {"lock.one", "cover.door", "cover.plain", "binary_sensor.door"}),
        ("radio", {"media_player.radio"}, {"media_player.radio"}),
    ],
)  # fmt: skip
def test_a_kind_is_what_has_its_class_and_perhaps_what_has_none(
    kind: str, certain: set[str], perhaps: set[str]
) -> None:
    described = [
        ("cover.gate", "One", "gate"), ("cover.door", "Two", "door"), ("cover.plain", "Three", None),
        ("cover.blind", "Four", "blind"), ("light.one", "Five", None), ("lock.one", "Six", None),
        ("binary_sensor.door", "Seven", "door"), ("binary_sensor.plain", "Eight", None),
        ("media_player.radio", "The radio", None), ("media_player.tv", "Telly", None),
    ]  # fmt: skip
    known = {one: Entity(one, name, device_class=of) for one, name, of in described}
    found = index_of(registry_of(known), lexicon("en"))
    exact, near = found.of_kind(lexicon("en").kinds[kind])
    assert (ids(found, exact), ids(found, near)) == (certain, perhaps)


@pytest.mark.parametrize(
    ("language", "name", "found"),
    [
        ("en", ("kitchen", "spots"), {"kitchen", "spots", "spot"}),
        ("hu", ("garázskapu",), {"garázskapu", "garázs", "kapu"}),
        ("hu", ("konyhai",), {"konyhai", "konyha"}),
        ("hu", ("éjszakát",), {"éjszakát", "éjszaka"}),
        ("hu", ("mama", "lámpája"), {"mama", "lámpája", "lámpa"}),
    ],
)
def test_a_name_is_found_by_its_words_their_stems_and_their_parts(
    language: str, name: tuple[str, ...], found: set[str]
) -> None:
    assert found <= searched_words(name, lexicon(language))


@pytest.mark.parametrize(("mask", "places"), [(0, []), (1, [0]), (0b1011, [0, 1, 3]), (1 << 300, [300])])
def test_the_ones_of_a_mask_are_found_the_lowest_first(mask: int, places: list[int]) -> None:
    assert list(bits(mask)) == places
