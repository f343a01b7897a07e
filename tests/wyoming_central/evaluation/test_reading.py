from __future__ import annotations

from pathlib import Path

import pytest

from tests.wyoming_central.evaluation.small_data import (
    EFFECTS_SENTENCES,
    FIXTURES,
    HOME,
    INTENTS_SENTENCES,
    LIGHTS,
    TESTS,
    write_both,
    write_effects,
    write_intents,
)
from wyoming_central.evaluation import given
from wyoming_central.evaluation.data import Kind, data_sets
from wyoming_central.evaluation.errors import EvaluationError, SentenceDataError
from wyoming_central.evaluation.sentences import ExpectedIntent


def test_a_folder_around_others_stands_for_all_sets_below_it(tmp_path: Path) -> None:
    sets = data_sets([write_both(tmp_path)])
    assert [(one.label, one.kind, one.sentences.language) for one in sets] == [
        ("flats/en-flat", Kind.NATURAL, "en"),
        ("own/hu", Kind.INTENTS, "hu"),
    ]
    assert [len(one.sentences.said) for one in sets] == [EFFECTS_SENTENCES, INTENTS_SENTENCES]


def test_a_set_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    folder = write_effects(tmp_path / "en")
    assert len(data_sets([folder, tmp_path, folder / ".." / "en"])) == 1


def test_a_set_is_the_same_for_as_long_as_its_files_are(tmp_path: Path) -> None:
    folder = write_effects(tmp_path / "en")
    [before] = data_sets([folder])
    assert data_sets([folder])[0].digest == before.digest
    (folder / "home.yaml").write_text(HOME + "\n", encoding="utf-8")
    assert data_sets([folder])[0].digest != before.digest


def test_a_fixture_is_a_home_with_plain_names_states_and_ids_that_differ(tmp_path: Path) -> None:
    [one] = data_sets([write_intents(tmp_path / "hu")])
    entities = one.sentences.home["entities"]
    assert [(entity["id"], entity["name"], entity["state"]) for entity in entities] == [
        ("light.kitchen", "konyhai lámpa", "off"),
        ("binary_sensor.door", "ajtó", "off"),
        ("binary_sensor.door_2", "másik ajtó", "on"),
    ]


def test_slots_name_the_entities_that_are_meant_and_context_the_room(tmp_path: Path) -> None:
    [one] = data_sets([write_intents(tmp_path / "hu")])
    last = one.sentences.said[-1]
    assert last.area == "kitchen"
    assert last.expected == ExpectedIntent(
        "HassTurnOn", {"area": "konyha", "domain": "light"}, frozenset({"light.kitchen"})
    )


@pytest.mark.parametrize(
    ("home", "tests", "place"),
    [
        ("areas: [", TESTS, "home.yaml: is no YAML"),
        ("- 1", TESTS, "home.yaml: is not a mapping"),
        ("entities: [{id: lamp, name: Lamp}]", TESTS, "home.yaml: lamp is not the id of an entity"),
        ("entities: [{id: light.a}]", TESTS, "home.yaml: light.a has no name"),
        ("entities: [{id: light.a, name: A, state: on}]", TESTS, "entities › 1 › state: is a truth value"),
        (HOME, "tests: []", "tests.yaml: is not a list"),
        (HOME, "- 5", "tests.yaml: 1: is not a mapping"),
        (HOME, "- {sentences: turn on}", "1 › sentences: is not a list"),
        (HOME, "- {outcome: none}", "1 › sentences: is not a list of sentences"),
        (HOME, "- {sentences: [5], outcome: none}", "1 › sentences › 1: is not a text"),
        (HOME, f"- {{sentences: [{'a' * 501}]}}", "1 › sentences: is not a list of sentences of at most 500"),
        (HOME, "- {sentences: [a], outcome: nothing}", "1 › outcome: is none of"),
        (HOME, "- {sentences: [a], outcome: answer}", "1: wants an answer without what it `says`"),
        (HOME, "- {sentences: [a], area: attic}", "1 › area: attic is no area"),
        (HOME, "- {sentences: [a], changes: {light.x: {}}}", "1 › changes › light.x: is no entity"),
        (HOME, "- {sentences: [a], changes: {light.hall: {state: on}}}", "hall › state: is a truth value"),
        (HOME, "- {sentences: [a], changes: {light.hall: off}}", "changes › light.hall: is not a mapping"),
        (HOME, "- {sentences: [a], setup: {light.x: {}}}", "1 › setup › light.x: is no entity"),
        (HOME, "- {sentences: [a], setup: {on: {}}}", "1 › setup: has a key that is no text"),
        (HOME, "- {sentences: [a], context: [1]}", "1 › context › 1: is not a text"),
        (HOME, f"- {{sentences: [a], context: [{', '.join('b' * 21)}]}}", "1 › context: has more than 20"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_set_is_told_with_its_file_and_place(
    tmp_path: Path, home: str, tests: str, place: str
) -> None:
    with pytest.raises(SentenceDataError) as failed:
        data_sets([write_effects(tmp_path / "en", home=home, tests=tests)])
    assert str(tmp_path) in failed.value.message
    assert place in failed.value.message
    assert failed.value.remedy


@pytest.mark.parametrize(
    ("fixtures", "tests", "place"),
    [
        ("entities: 5", LIGHTS, "_fixtures.yaml: entities: is not a list"),
        ("entities: [{name: a}]", LIGHTS, "entities › 1 › id: is not a text"),
        ("areas: [{id: a}]", LIGHTS, "_fixtures.yaml: a has no name"),
        (FIXTURES, "tests: {}", "light_HassTurnOn.yaml: tests: is not a list"),
        (FIXTURES, "tests: [{sentences: [a]}]", "tests › 1 › intent › name: is not a text"),
        (FIXTURES, "tests: [{intent: {name: A, slots: []}, sentences: [a]}]", "slots: is not a mapping"),
        (
            FIXTURES,
            "tests: [{intent: {name: A, context: {area: padlás}}, sentences: [a]}]",
            "intent › context › area: padlás is no area",
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_set_of_intents_is_told_with_its_file_and_place(
    tmp_path: Path, fixtures: str, tests: str, place: str
) -> None:
    with pytest.raises(SentenceDataError) as failed:
        data_sets([write_intents(tmp_path / "hu", fixtures=fixtures, tests=tests)])
    assert place in failed.value.message


def test_a_folder_without_sentences_is_none(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds no sentences"):
        data_sets([tmp_path])


def test_a_set_without_any_sentence_is_none(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds no sentence"):
        data_sets([write_effects(tmp_path / "en", tests="[]")])


def test_the_folder_says_which_language_is_spoken(tmp_path: Path) -> None:
    with pytest.raises(SentenceDataError, match="does not begin with a language"):
        data_sets([write_effects(tmp_path / "flat")])


def test_a_file_without_sentences_beside_a_home_is_told(tmp_path: Path) -> None:
    (write_effects(tmp_path / "en") / "tests.yaml").unlink()
    with pytest.raises(SentenceDataError, match=r"tests\.yaml: cannot be read"):
        data_sets([tmp_path])


def test_a_file_beyond_all_measure_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given, "MOST_BYTES", 100)
    with pytest.raises(SentenceDataError, match="more than 100 bytes"):
        data_sets([write_effects(tmp_path / "en")])
