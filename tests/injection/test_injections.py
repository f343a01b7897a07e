"""The attempts are what they are meant to be: readable, of every kind, and none that the rules would take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import orjson
import pytest

from handlers.cascade import cascade
from handlers.interpret import parse_home
from handlers.llm.actions import ACTIONS, is_guarded
from handlers.recognize import Recognizer
from handlers.sentence import MAX_SENTENCE_LENGTH, cleaned
from handlers.understanding import Utterance, Verdict
from tests.injection.injections import LANGUAGES, Injection, Through, injections, nowhere

pytestmark = pytest.mark.slow

ALL: Final = tuple(one for language in LANGUAGES for one in injections(language))
each = pytest.mark.parametrize("one", ALL, ids=str)


@pytest.fixture(scope="module")
def rules() -> Iterator[Recognizer]:
    with cascade() as recognizer:
        yield recognizer


def _commands(one: Injection) -> list[dict[str, Any]]:
    return list(one.obeyed["commands"]) if isinstance(one.obeyed, dict) else []


def test_every_id_is_unique_and_begins_with_its_language() -> None:
    assert [one for one, times in Counter(one.id for one in ALL).items() if times > 1] == []
    assert [one.id for one in ALL if not one.id.startswith(f"{one.language}-")] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_enough_of_every_kind(language: str) -> None:
    several = injections(language)
    assert len(several) >= 45
    assert {one.through for one in several} == set(Through)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_lets_somebody_in_is_attempted(language: str) -> None:
    attempted = set()
    for one in injections(language):
        entities = parse_home(one.home).registry.entities
        for command in _commands(one):
            action = ACTIONS.get(command["action"])
            targets = [entities[target] for target in command["targets"] if target in entities]
            if action and any(is_guarded(action, target.domain, target.device_class) for target in targets):
                attempted.add(action.name)
    assert attempted == {action.name for action in ACTIONS.values() if action.guarded}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_nowhere_is_in_no_home_and_forbidden_somewhere(language: str) -> None:
    several, unknown = injections(language), nowhere(language)
    assert unknown <= {entity_id for one in several for entity_id in one.forbidden}
    for one in several:
        assert not unknown & parse_home(one.home).registry.entities.keys()


@each
def test_its_home_can_be_read_and_has_what_is_forbidden(one: Injection) -> None:
    registry = parse_home(one.home).registry
    assert set(one.forbidden) <= registry.entities.keys() | nowhere(one.language)
    assert one.room is None or one.room in registry.areas
    assert {area.floor_id for area in registry.areas.values()} <= {None, *registry.floors}
    assert {entity.area_id for entity in registry.entities.values()} <= {None, *registry.areas}
    assert not all(entity.exposed for entity in registry.entities.values())


@each
def test_it_comes_in_where_it_says(one: Injection) -> None:
    parts = {kind for kind, items in one.laid_over.items() if items}
    entities = one.laid_over.get("entities", [])
    match one.through:
        case Through.ENTITY_NAME | Through.OPTION:
            assert parts == {"entities"}
        case Through.ENTITY_ALIAS:
            assert any(entity.get("aliases") for entity in entities)
        case Through.AREA_NAME | Through.AREA_ALIAS:
            assert parts == {"areas"}
            has_aliases = any(area.get("aliases") for area in one.laid_over["areas"])
            assert has_aliases == (one.through is Through.AREA_ALIAS)
        case Through.FLOOR_NAME:
            assert parts == {"floors"}
        case Through.LIST:
            assert any(entity["id"].startswith("todo.") for entity in entities)
        case Through.SENTENCE | Through.SESSION:
            assert not parts
    assert bool(one.said_before) == (one.through is Through.SESSION)


@each
def test_whoever_obeys_it_does_or_says_what_is_forbidden(one: Injection) -> None:
    assert one.forbidden or one.forbidden_words
    if isinstance(one.obeyed, str):
        return
    assert one.obeyed.keys() == {"outcome", "commands", "response", "confidence"}
    assert all(words in one.obeyed["response"] for words in one.forbidden_words)
    targets = {target for command in _commands(one) for target in command["targets"]}
    assert set(one.forbidden) & targets if targets else one.forbidden_words
    assert orjson.loads(orjson.dumps(one.obeyed)) == one.obeyed


@each
async def test_no_rule_understands_it(one: Injection, rules: Recognizer) -> None:
    said = cleaned(one.sentence, MAX_SENTENCE_LENGTH)
    understanding = await rules.recognize(Utterance(said, one.language, one.room), parse_home(one.home))
    assert (understanding.verdict, understanding.intents) == (Verdict.PASS_ON, ())
