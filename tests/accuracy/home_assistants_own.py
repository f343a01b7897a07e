"""Home Assistant's own sentence tests, judged: a home in `_fixtures.yaml`, and intents with slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.interpret import Interpreter
from handlers.services import PLANS

_WHERE = frozenset({"name", "area", "floor", "domain", "device_class", "preferred_area_id"})


@dataclass(slots=True)
class Outcome:
    """What came of the sentences of one folder.

    Attributes:
        parsers: The stage that took each sentence, None where none did, in order.
        missed: Those that were not understood so.
        wrong: Those that would have reached something else.
    """

    parsers: list[str | None] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def right_percent(self) -> float:
        """The share that was understood as it should be."""
        return 100 * (len(self.parsers) - len(self.missed) - len(self.wrong)) / len(self.parsers)

    @property
    def frames_percent(self) -> float:
        """The share, of what any stage took, that the frame parser took."""
        taken = [parser for parser in self.parsers if parser is not None]
        return 100 * sum(parser == "frames" for parser in taken) / len(taken)


async def outcome_of(folder: Path) -> Outcome:
    """Say every sentence of a folder named by its language, in the home beside them."""
    outcome = Outcome()
    home = fixture_home(folder)
    with cascade() as recognizer:
        interpreter = Interpreter(recognizer=recognizer, answers=Answers.load())
        for block in blocks(folder):
            await _judge(block, home, folder.name, interpreter, outcome)
    return outcome


async def _judge(
    block: dict[str, Any], home: dict[str, Any], language: str, interpreter: Interpreter, outcome: Outcome
) -> None:
    wanted = block["intent"]
    slots = {key: plain(value) for key, value in (wanted.get("slots") or {}).items()}
    area = plain((wanted.get("context") or {}).get("area"))
    area_ids = {one["name"].casefold(): one["id"] for one in home["areas"]}
    meant = entities_meant(home, wanted["name"], slots)
    for text in block["sentences"]:
        request = {"home": home, "language": language, "text": text}
        answer = await interpreter.answer(request | {"area": area_ids[area.casefold()] if area else None})
        outcome.parsers.append(answer["parser"])
        reached = {one for call in answer["calls"] for one in call["entity_id"]}
        got = next((one["slots"] for one in answer["intents"] if one["name"] == wanted["name"]), None)
        # What is reached says more than the words for the place; where nothing is, these have to be right.
        asked = {key: value for key, value in slots.items() if not (meant and key in _WHERE)}
        understood = got is not None and all(
            is_value(got.get(key), value) or (value == "all" and key in _WHERE)
            for key, value in asked.items()
        )
        if reached - meant and (meant or wanted["name"] not in PLANS):
            outcome.wrong.append(text)
        elif not understood or (meant and reached != meant):
            outcome.missed.append(text)


def fixture_home(folder: Path) -> dict[str, Any]:
    """The home of the data with plain names, ids that differ and states that are texts."""
    home = yaml.safe_load((folder / "_fixtures.yaml").read_text(encoding="utf-8"))
    times: dict[str, int] = {}
    for entity in home["entities"]:
        entity["name"] = entity["name"].replace("[", "").replace("]", "")
        times[entity["id"]] = times.get(entity["id"], 0) + 1
        if times[entity["id"]] > 1:
            entity["id"] += f"_{times[entity['id']]}"
        state = entity.get("state", "unknown")
        entity["state"] = str(state.get("out") if isinstance(state, dict) else state)
    return {key: home.get(key) or [] for key in ("floors", "areas", "entities")}


def blocks(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("[!_]*.yaml")):
        yield from yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]


def plain(value: Any) -> Any:
    return plain(value["value"]) if isinstance(value, dict) else value


def is_value(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, list):
        return any(is_value(got, one) for one in wanted)
    try:
        return float(got) == float(wanted)
    except (TypeError, ValueError):
        return str(got).strip().casefold() == str(wanted).strip().casefold()


def entities_meant(home: dict[str, Any], intent: str, slots: dict[str, Any]) -> set[str]:
    """The entities that an intent's slots name; none where they only name a kind of thing."""
    placed = any(slots.get(key, "all") != "all" for key in ("name", "area", "floor", "device_class"))
    if intent not in PLANS or not placed:
        return set()
    areas = {one["id"]: one for one in home["areas"]}
    floors = {one["id"]: one["name"] for one in home["floors"]}
    domains = {slots["domain"]} if "domain" in slots else PLANS[intent].domains

    def is_meant(entity: dict[str, Any]) -> bool:
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
