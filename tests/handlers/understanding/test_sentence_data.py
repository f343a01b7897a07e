"""How much of Home Assistant's own sentence tests is understood, where that data is at hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.interpret import Interpreter
from handlers.services import PLANS

DATA = Path(os.environ.get("PARSER_DATA", "")) / "intents-dev"
MAX_WRONG = 3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "PARSER_DATA" not in os.environ,
        reason="PARSER_DATA names no folder with the sentence data intents-dev",
    ),
]


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


@pytest.mark.parametrize(("language", "least_percent"), [("en", 98.0), ("hu", 99.0)])
async def test_home_assistants_own_sentences_are_understood(language: str, least_percent: float) -> None:
    folder = DATA / language
    home = fixture_home(folder)
    area_ids = {one["name"].casefold(): one["id"] for one in home["areas"]}
    total, missed, wrong = 0, [], []
    with cascade() as recognizer:
        interpreter = Interpreter(recognizer=recognizer, answers=Answers.load())
        for block in blocks(folder):
            wanted = block["intent"]
            slots = {key: plain(value) for key, value in (wanted.get("slots") or {}).items()}
            area = plain((wanted.get("context") or {}).get("area"))
            meant = entities_meant(home, wanted["name"], slots)
            for text in block["sentences"]:
                total += 1
                answer = await interpreter.answer({
                    "home": home, "language": language, "text": text,
                    "area": area_ids[area.casefold()] if area else None,
                })  # fmt: skip
                reached = {one for call in answer["calls"] for one in call["entity_id"]}
                got = next((one["slots"] for one in answer["intents"] if one["name"] == wanted["name"]), None)
                understood = got is not None and all(
                    is_value(got.get(key), value) or value == "all" for key, value in slots.items()
                )
                if reached - meant and (meant or wanted["name"] not in PLANS):
                    wrong.append(text)
                elif not understood or (meant and reached != meant):
                    missed.append(text)
    right = 100 * (total - len(missed) - len(wrong)) / total
    assert len(wrong) <= MAX_WRONG, wrong
    assert right >= least_percent, f"{right:.1f} % of {total}; missed: {missed}"
