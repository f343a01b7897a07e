"""What the files of words may hold, and how their words are looked up."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

import pytest
import yaml

from config.data_file import read_text, read_yaml
from config.errors import DataFileError
from handlers.frames.lexicon import (
    _PLAIN_GROUPS,
    _QUANTIFIERS,
    _VALUED_GROUPS,
    Indirect,
    Lexicon,
    Role,
    Sense,
    mistakes_in,
)
from handlers.frames.phrases import expanded
from handlers.frames.tokens import folded, tokens_of

LANGUAGES: Final = ("en", "hu")
OTHER_GROUPS: Final = {
    "actions", "bare", "choices", "choice_words", "comparatives", "indirect", "kinds", "list_words",
    "numbers", "quantifiers", "helping_verbs", "same_places", "same_things", "verbs",
}  # fmt: skip
KEYS_WITHIN: Final = {
    "kinds": {"words", "domains", "named_domains", "classes", "by_name", "alike"},
    "comparatives": {"more", "less"},
    "indirect": {"says", "do", "kind", "names", "attribute", "all"},
}
ENGLISH: Final[dict[str, Any]] = {
    "actions": {"turn_on": ["(turn|switch) … on", "enable"], "set": ["turn"], "start": ["kick off"]},
    "bare": {"back (home|to base)": ["dock"]},
    "kinds": {
        "lamp": {"words": ["lamp", "reading lamp"], "domains": ["light"]},
        "switch": {"words": ["switch"], "domains": ["switch", "input_boolean"]},
    },
    "states": {"on": ["on", "switched on"], "off": ["off"]},
    "attributes": {"volume": ["volume", "sound"]},
    "comparatives": {"volume": {"more": ["louder"], "less": ["quieter"]}},
    "whites": {2700: ["warm white"]},
    "amounts": {50: ["half", "half way"]},
    "quantifiers": {"all": ["all", "all of the"], "whole": ["everywhere"]},
    "indirect": [
        {"says": ["lights out"], "do": "turn_off", "kind": "lamp", "all": True},
        {"says": ["party time", "volume"], "do": "activate", "names": ["party", "fun"]},
    ],
    "determiners": ["the"],
    "list_words": ["item"],
    "same_places": [["living room", "lounge", "Sitting Room"]],
    "same_things": [["tv", "telly"]],
}
HUNGARIAN: Final[dict[str, Any]] = {
    "verbs": {"vesz": ["vedd", "vegyél"]},
    "actions": {
        "turn_on": ["be+kapcsol"],
        "close": ["be+zár"],
        "lock": ["be+zár"],
        "increase": ["fel+vesz"],
        "toggle": ["kapcsol"],
    },
    "bare": {"be": ["turn_on"]},
    "kinds": {"lamp": {"words": ["lámpa"], "domains": ["light"]}},
    "states": {"open": ["égő"]},
    "list_words": ["tétel"],
}


@cache
def loaded(language: str) -> Lexicon:
    return Lexicon.load(language)


@cache
def file_of(language: str) -> dict[str, Any]:
    data: dict[str, Any] = read_yaml(f"lexicon/{language}.yaml")
    return data


def small(language: str = "en") -> Lexicon:
    return Lexicon(language, ENGLISH if language == "en" else HUNGARIAN)


def longest(
    lexicon: Lexicon, said: str, at: int = 0, *, literally: bool = False
) -> tuple[int, tuple[Sense, ...]]:
    words = [token.text for token in tokens_of(folded(said))]
    return lexicon.longest(words, [lexicon.forms_of(word) for word in words], at, literally=literally)


def entries(language: str) -> Iterator[tuple[Any, Role]]:
    data = file_of(language)
    for group, role in _PLAIN_GROUPS.items():
        yield from ((phrase, role) for phrase in data.get(group) or ())
    for group, role in _VALUED_GROUPS.items():
        yield from ((phrase, role) for some in (data.get(group) or {}).values() for phrase in some)
    for name, phrases in data["quantifiers"].items():
        yield from ((phrase, _QUANTIFIERS[name]) for phrase in phrases)
    for both in data["comparatives"].values():
        yield from ((phrase, Role.MORE) for phrase in both["more"])
        yield from ((phrase, Role.LESS) for phrase in both["less"])
    yield from ((word, Role.KIND) for kind in data["kinds"].values() for word in kind["words"])
    yield from ((phrase, Role.INDIRECT) for entry in data["indirect"] for phrase in entry["says"])
    yield from ((phrase, Role.TAIL) for phrase in data["bare"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_file_of_a_language_is_read(language: str) -> None:
    assert loaded(language).language == language
    assert loaded(language).vocabulary


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_key_of_a_file_is_one_that_is_read(language: str) -> None:
    data = file_of(language)
    assert data.keys() <= _PLAIN_GROUPS.keys() | _VALUED_GROUPS.keys() | OTHER_GROUPS
    assert data["quantifiers"].keys() <= _QUANTIFIERS.keys()
    assert {key for kind in data["kinds"].values() for key in kind} <= KEYS_WITHIN["kinds"]
    assert {key for both in data["comparatives"].values() for key in both} <= KEYS_WITHIN["comparatives"]
    assert {key for entry in data["indirect"] for key in entry} <= KEYS_WITHIN["indirect"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_of_a_file_is_given_twice(language: str) -> None:
    nodes: list[yaml.Node | None] = [yaml.compose(read_text(f"lexicon/{language}.yaml"), yaml.SafeLoader)]
    twice = []
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            twice += [key for key in keys if keys.count(key) > 1]
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value
    assert twice == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_a_file_is_text(language: str) -> None:
    assert [phrase for phrase, _ in entries(language) if not isinstance(phrase, str)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_of_a_file_is_found_whole_with_what_it_does(language: str) -> None:
    missed = []
    for entry, role in entries(language):
        for phrase in expanded(entry):
            length, senses = longest(loaded(language), phrase)
            if length != len(tokens_of(folded(phrase))) or role not in {sense.role for sense in senses}:
                missed.append((phrase, role))
    assert missed == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_an_entry_of_a_file_refers_to_is_there(language: str) -> None:
    data = file_of(language)
    assert {entry.get("kind") for entry in data["indirect"]} <= {None, *data["kinds"]}
    assert {entry.get("attribute") for entry in data["indirect"]} <= {None, *data["attributes"]}
    assert data["comparatives"].keys() <= {"any", *data["attributes"]}
    assert data["adjectives"].keys() <= data["attributes"].keys()


@pytest.mark.parametrize("group", ["states", "comparatives", "questions", "units", "steps", "quantifiers"])
def test_both_languages_tell_the_same_apart(group: str) -> None:
    assert file_of("en")[group].keys() == file_of("hu")[group].keys()


@pytest.mark.parametrize("language", ["de", "xx"])
def test_a_language_without_a_file_is_refused_with_its_name(language: str) -> None:
    with pytest.raises(DataFileError, match=f"{language}.yaml"):
        Lexicon.load(language)


@pytest.mark.parametrize(
    ("data", "entry"),
    [
        ({"fillers": ["(please"]}, "(please"),
        ({"fillers": "please"}, "please"),
        ({"states": {"on": ["lit]"]}}, "lit]"),
        ({"states": {"on": "lit"}}, "lit"),
        ({"quantifiers": {"all": "every"}}, "every"),
        ({"comparatives": {"speed": {"more": "faster", "less": []}}}, "faster"),
        ({"comparatives": {"speed": {"more": [], "less": ["[slow"]}}}, "[slow"),
        ({"kinds": {"lamp": {"words": ["(lamp"]}}}, "(lamp"),
        ({"actions": {"turn_on": ["(turn … on"]}}, "(turn … on"),
        ({"kinds": {"lamp": {"words": "bulb"}}}, "lamp"),
        ({"quantifiers": {"most": ["most of"]}}, "most"),
        ({"bare": {"(back": ["dock"]}}, "(back"),
        ({"indirect": [{"says": ["it's dark"]}]}, "it's dark"),
        ({"indirect": [{"do": "turn_on", "kind": "lamp"}]}, "turn_on"),
        ({"indirect": [{"says": ["it's dark"], "do": "turn_on", "kind": "lamb"}]}, "lamb"),
        ({"indirect": [{"says": ["it's [dark"], "do": "turn_on"}]}, "it's [dark"),
        ({"indirect": [{"says": "it's dark", "do": "turn_on"}]}, "it's dark"),
        ({"fillers": ["(a|b)" * 13]}, "(a|b)(a|b)"),
    ],
)
def test_a_broken_entry_is_refused_by_name(data: dict[str, Any], entry: str) -> None:
    with pytest.raises(DataFileError) as caught:
        Lexicon("en", data)
    assert entry in caught.value.message


@pytest.mark.parametrize(
    "data",
    [
        {"fillers": ["(please"]},
        {"fillers": 5},
        {"states": ["on"]},
        {"kinds": {"lamp": ["lamp"]}},
        {"comparatives": {"speed": ["faster"]}},
        {"quantifiers": {"all": None}},
        {"numbers": {"units": {"one": "first"}}},
        [],
        None,
    ],
)
def test_whatever_is_wrong_in_a_file_is_told_with_its_name_and_a_remedy(data: Any) -> None:
    with pytest.raises(DataFileError, match=r"words\.yaml") as caught, mistakes_in("words.yaml"):
        Lexicon("en", data)
    assert caught.value.remedy


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("data", [{}, {"fillers": None, "states": None, "kinds": None, "numbers": None}])
def test_a_lexicon_of_nothing_knows_nothing(language: str, data: dict[str, Any]) -> None:
    lexicon = Lexicon(language, data)
    assert longest(lexicon, "turn on the lamp") == (0, ())
    assert (lexicon.actions, lexicon.kinds, lexicon.vocabulary) == ({}, {}, set())


@pytest.mark.parametrize(
    ("said", "length", "senses"),
    [
        ("all of the lamps", 3, {Sense(Role.ALL)}),
        ("all lamps", 1, {Sense(Role.ALL)}),
        ("half way", 2, {Sense(Role.AMOUNT, 50)}),
        ("half a lamp", 1, {Sense(Role.AMOUNT, 50)}),
        ("half wave", 1, {Sense(Role.AMOUNT, 50)}),
        ("switched on", 2, {Sense(Role.STATE, "on")}),
        ("switched off", 0, set()),
        ("warm white", 2, {Sense(Role.WHITE, 2700)}),
        ("reading lamp", 2, {Sense(Role.KIND, "lamp")}),
        ("louder", 1, {Sense(Role.MORE, "volume")}),
        ("quieter", 1, {Sense(Role.LESS, "volume")}),
        ("kick off", 2, {Sense(Role.VERB, "kick off")}),
        ("on", 1, {Sense(Role.STATE, "on"), Sense(Role.TAIL, "on")}),
        ("back to base", 3, {Sense(Role.TAIL, "back to base")}),
        ("switch", 1, {Sense(Role.KIND, "switch"), Sense(Role.VERB, "switch")}),
        ("piano", 0, set()),
    ],
)
def test_the_longest_phrase_that_begins_at_a_word_is_found_with_all_it_may_mean(
    said: str, length: int, senses: set[Sense]
) -> None:
    found = longest(small(), said)
    assert (found[0], set(found[1])) == (length, senses)


def test_a_phrase_is_looked_for_where_it_would_begin() -> None:
    assert longest(small(), "the reading lamp", at=1) == (2, (Sense(Role.KIND, "lamp"),))


@pytest.mark.parametrize(
    ("language", "said", "length", "kind"),
    [
        ("en", "lamps", 1, "lamp"),
        ("en", "reading lamps", 2, "lamp"),
        ("en", "readings lamp", 0, None),
        ("hu", "lámpákat", 1, "lamp"),
        ("hu", "lámpájával", 1, "lamp"),
    ],
)
def test_the_last_word_of_a_phrase_may_have_an_ending(
    language: str, said: str, length: int, kind: str | None
) -> None:
    senses = (Sense(Role.KIND, kind),) if kind else ()
    assert longest(small(language), said) == (length, senses)


@pytest.mark.parametrize("said", ["the's", "everywheres", "offs"])
def test_a_word_that_takes_no_endings_is_not_found_with_one(said: str) -> None:
    assert longest(small(), said) == (0, ())


def test_a_verb_as_it_is_said_is_no_form_of_something_else() -> None:
    data = {"actions": {"stop": ["lights"]}, "kinds": {"light": {"words": ["light"]}}}
    assert longest(Lexicon("en", data), "lights") == (1, (Sense(Role.VERB, "lights"),))


def test_what_is_asked_for_without_saying_it_is_found_but_not_literally() -> None:
    meaning = Indirect("turn_off", kind="lamp", all=True)
    assert longest(small(), "lights out") == (2, (Sense(Role.INDIRECT, meaning),))
    assert longest(small(), "lights out", literally=True) == (0, ())
    assert longest(small(), "volume", literally=True) == (1, (Sense(Role.ATTRIBUTE, "volume"),))


def test_what_is_asked_for_without_saying_it_names_what_it_is_done_to() -> None:
    _, (sense,) = longest(small(), "party time")
    assert sense.value == Indirect("activate", names=("party", "fun"))


@pytest.mark.parametrize(
    ("language", "verb", "tail", "actions"),
    [
        ("en", "turn", "on", ("turn_on",)),
        ("en", "switch", "on", ("turn_on",)),
        ("en", "turn", None, ("set",)),
        ("en", "kick off", None, ("start",)),
        ("en", "", "back home", ("dock",)),
        ("hu", "kapcsol", "be", ("turn_on",)),
        ("hu", "kapcsol", None, ("toggle",)),
        ("hu", "be+kapcsol", None, ("turn_on",)),
        ("hu", "zár", "be", ("close", "lock")),
        ("hu", "be+zár", None, ("close", "lock")),
        ("hu", "", "be", ("turn_on",)),
    ],
)
def test_a_verb_and_its_tail_tell_the_actions(
    language: str, verb: str, tail: str | None, actions: tuple[str, ...]
) -> None:
    assert small(language).actions[verb, tail] == actions


@pytest.mark.parametrize(
    ("language", "said", "verb"),
    [
        ("en", "turning", "turn"),
        ("en", "enabling", "enable"),
        ("hu", "kapcsold", "kapcsol"),
        ("hu", "kapcsolnád", "kapcsol"),
        ("hu", "bekapcsolnád", "be+kapcsol"),
        ("hu", "bekapcsol", "be+kapcsol"),
        ("hu", "vedd", "vesz"),
        ("hu", "felvegyél", "fel+vesz"),
    ],
)
def test_a_verb_is_found_in_the_forms_that_ask(language: str, said: str, verb: str) -> None:
    assert longest(small(language), said) == (1, (Sense(Role.VERB, verb),))


@pytest.mark.parametrize("said", ["kapcsol", "vesz", "veszd", "felvesz"])
def test_a_hungarian_verb_alone_is_not_found_as_it_tells_nor_in_forms_it_does_not_have(said: str) -> None:
    assert longest(small("hu"), said) == (0, ())


@pytest.mark.parametrize(
    ("by_name", "loose", "loose_at_places", "only_named"),
    [
        (None, True, False, False),
        (True, False, False, False),
        ("unless_placed", False, True, False),
        ("only", False, False, True),
    ],
)
def test_a_kind_means_what_is_called_so_as_far_as_its_entry_says(
    by_name: object, *, loose: bool, loose_at_places: bool, only_named: bool
) -> None:
    entry = {"words": ["lamp"], "domains": ["light"], "classes": ["led"], "by_name": by_name}
    kind = Lexicon("en", {"kinds": {"lamp": entry}}).kinds["lamp"]
    assert (kind.loose, kind.loose_at_places, kind.only_named) == (loose, loose_at_places, only_named)
    assert [*kind.words, *kind.domains, *kind.classes] == ["lamp", "light", "led"]


@pytest.mark.parametrize(
    ("word", "others"),
    [
        ("lounge", {("living", "room"), ("sitting", "room")}),
        ("living room", {("lounge",), ("sitting", "room")}),
        ("sitting room", {("living", "room"), ("lounge",)}),
    ],
)
def test_names_that_mean_the_same_are_known_by_each_of_them(word: str, others: set[tuple[str, ...]]) -> None:
    assert set(small().same_places[word]) == others
    assert small().same_things == {"tv": (("telly",),), "telly": (("tv",),)}


@pytest.mark.parametrize(
    ("bare", "accented"), [("lampa", "lámpa"), ("ego", "égő"), ("kapcsolnad", "kapcsolnád"), ("be", None)]
)
def test_a_word_without_its_accents_is_known_by_what_it_is_with_them(bare: str, accented: str | None) -> None:
    assert small("hu").accented(bare) == accented


def test_words_are_known_by_what_they_are() -> None:
    english, hungarian = small(), small("hu")
    assert english.is_kind("lamp")
    assert not english.is_kind("lamps")
    assert english.is_verb("turn")
    assert not english.is_verb("lamp")
    assert english.is_determiner("the")
    assert not english.is_determiner("turn")
    assert english.is_inflected("volume")
    assert not english.is_inflected("the")
    assert english.knows("reading")
    assert not english.knows("party's")
    assert english.is_list_word("items")
    assert hungarian.is_list_word("tételt")
    assert not hungarian.is_list_word("lista")


@pytest.mark.parametrize(
    ("said", "meant"),
    [("enabel", ["enable"]), ("swtch", ["switch"]), ("evrywhere", []), ("enablin", []), ("voluem", [])],
)
def test_only_verbs_kinds_and_states_are_meant_by_a_slip(said: str, meant: list[str]) -> None:
    assert [word for _, word in small().slips.meant(said)] == meant


def test_the_vocabulary_is_all_words_of_all_phrases_and_numbers() -> None:
    numbers = {"units": {"one": 1}, "tens": {"twenty": 20}, "hundred": ["hundred"], "point": ["point"]}
    lexicon = Lexicon(
        "en", {"fillers": ["would you (kindly|please)"], "list_words": ["item"], "numbers": numbers}
    )
    assert lexicon.vocabulary == {
        "item",
        "would",
        "you",
        "kindly",
        "please",
        "one",
        "twenty",
        "hundred",
        "point",
    }


def test_heads_are_the_nouns_that_a_compound_may_end_in() -> None:
    lexicon = Lexicon("en", {"kinds": {"tv": {"words": ["tv", "telly"]}, "lamp": {"words": ["lamp"]}}})
    assert lexicon.heads == {"telly", "lamp"}


@pytest.mark.parametrize(("language", "compound"), [("en", False), ("hu", True)])
def test_the_numbers_of_a_language_are_read(language: str, *, compound: bool) -> None:
    numbers = loaded(language).numbers
    assert numbers.compound is compound
    assert set(numbers.units.values()) >= set(range(10))
    assert set(numbers.tens.values()) == set(range(10 if compound else 20, 100, 10))
    assert numbers.hundred
    assert numbers.thousand
