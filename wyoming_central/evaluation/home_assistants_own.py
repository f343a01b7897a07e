"""Home Assistant's own sentence tests: a home in `_fixtures.yaml`, and sentences with their intent and slots.

A set is a folder whose name begins with its language. Every other `.yaml` file in it holds `tests`, a list of
blocks: `sentences`, and of their `intent` the `name`, the `slots`, and the `area` of the satellite in
`context`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from handlers.services import PLANS
from wyoming_central.evaluation.given import Given, read_yaml
from wyoming_central.evaluation.judge_intent import is_value
from wyoming_central.evaluation.sentences import (
    ExpectedIntent,
    Said,
    SentenceSet,
    demand_home,
    language_of,
    sentences_of,
)

FIXTURES: Final = "_fixtures.yaml"
"""The home; its presence tells such a set."""

_TESTS: Final = "[!_]*.yaml"


def intent_sets_in(folder: Path) -> list[Path]:
    """The folders that are sets of this kind: the one that is given, and those below it."""
    return sorted(fixtures.parent for fixtures in folder.rglob(FIXTURES))


def intent_files(folder: Path) -> list[Path]:
    """The files of a set that hold its sentences."""
    return sorted(folder.glob(_TESTS))


def read_intent_set(folder: Path) -> SentenceSet:
    """Read one set.

    Raises:
        SentenceDataError: A file of it cannot be used; says which, and where.
    """
    language = language_of(folder)
    home = fixture_home(folder)
    files = map(read_yaml, intent_files(folder))
    blocks = (block for file in files for block in file.member("tests").items())
    said = tuple(one for block in blocks for one in _of_block(block, home))
    return SentenceSet(folder.name, language, home, said)


def fixture_home(folder: Path) -> dict[str, Any]:
    """The home of the data with plain names, ids that differ and states that are texts.

    Raises:
        SentenceDataError: It is none that can be spoken to.
    """
    given = read_yaml(folder / FIXTURES)
    times: dict[str, int] = {}
    home = {
        "floors": [dict(one.mapping()) for one in given.member("floors").items()],
        "areas": [dict(one.mapping()) for one in given.member("areas").items()],
        "entities": [_entity(one, times) for one in given.member("entities").items()],
    }
    demand_home(home, given)
    return home


def _entity(given: Given, times: dict[str, int]) -> dict[str, Any]:
    name = given.member("name").text().replace("[", "").replace("]", "")
    entity_id = given.member("id").text()
    times[entity_id] = times.get(entity_id, 0) + 1
    state = given.mapping().get("state", "unknown")
    return {
        **given.mapping(),
        "id": entity_id if times[entity_id] == 1 else f"{entity_id}_{times[entity_id]}",
        "name": name,
        # A state is told as people say it, and as Home Assistant has it.
        "state": str(state.get("out") if isinstance(state, dict) else state),
    }


def _of_block(block: Given, home: Mapping[str, Any]) -> Iterator[Said]:
    wanted = block.member("intent")
    name = wanted.member("name").text()
    slots = {key: _plain(one.value) for key, one in wanted.member("slots").members()}
    expected = ExpectedIntent(name, slots, frozenset(entities_meant(home, name, slots)))
    area = _area(wanted.member("context").member("area"), home)
    for text in sentences_of(block.member("sentences")):
        yield Said(text, expected, area)


def _area(given: Given, home: Mapping[str, Any]) -> str | None:
    """The id of the area that is given by its name."""
    name = _plain(given.value)
    if not name:
        return None
    for area in home["areas"]:
        if str(name).casefold() == area["name"].casefold():
            return str(area["id"])
    raise given.wrong(f"{name} is no area of the home")


def _plain(value: Any) -> Any:
    """A value itself, where what is said for it stands beside it."""
    return _plain(value.get("value")) if isinstance(value, dict) else value


def entities_meant(home: Mapping[str, Any], intent: str, slots: Mapping[str, Any]) -> set[str]:
    """The entities that an intent's slots name; none where they only name a kind of thing."""
    placed = any(slots.get(key, "all") != "all" for key in ("name", "area", "floor", "device_class"))
    if intent not in PLANS or not placed:
        return set()
    areas = {one["id"]: one for one in home["areas"]}
    floors = {one["id"]: one["name"] for one in home["floors"]}
    domains = {slots["domain"]} if "domain" in slots else PLANS[intent].domains

    def is_meant(entity: Mapping[str, Any]) -> bool:
        area = areas.get(entity.get("area"), {})
        facts = {
            "name": entity["name"],
            "area": area.get("name"),
            "floor": floors.get(area.get("floor")),
            "device_class": (entity.get("attributes") or {}).get("device_class"),
        }
        return entity["id"].partition(".")[0] in domains and all(
            slots.get(key, "all") == "all" or is_value(fact, slots[key]) for key, fact in facts.items()
        )

    return {entity["id"] for entity in home["entities"] if is_meant(entity)}
