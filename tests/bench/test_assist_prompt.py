"""That what is compared with is what it is taken for: a real Home Assistant's prompt for a hundred things."""

from __future__ import annotations

import json

import pytest

from handlers.interpret import parse_home
from tests.bench.assist_prompt import assist_prompt
from tests.bench.hundred_things import LANGUAGES, floors, things


@pytest.mark.parametrize("language", LANGUAGES)
def test_there_are_a_hundred_different_things(language: str) -> None:
    hundred = things(language)

    assert len(hundred) == 100
    assert len({one.name for one in hundred}) == 100
    assert len({one.entity_id for one in hundred}) == 100
    assert len({room for rooms in floors(language).values() for room in rooms}) == 12


@pytest.mark.real
@pytest.mark.slow
async def test_home_assistant_tells_a_model_of_each_of_a_hundred_things() -> None:
    found = await assist_prompt("hu")

    prompt, home = found.prompt, parse_home(found.home)
    exposed = home.registry.exposed_entities()
    assert prompt.entities == len(exposed) == len(home.registry.entities) == 100
    assert {(one.id, one.name) for one in exposed} == {(one.entity_id, one.name) for one in things("hu")}
    assert {one.name for one in home.registry.areas.values()} == {one.room for one in things("hu")}
    assert {one.name for one in home.registry.floors.values()} == set(floors("hu"))
    assert all(home.registry.areas[one.area_id or ""].floor_id for one in exposed)
    assert all(home.states[one.id].state not in {"unknown", "unavailable"} for one in exposed)
    for one in exposed:
        area = home.registry.areas[one.area_id or ""].name
        assert f"- names: {one.name}\n  domain: {one.domain}\n  areas: {area}\n" in found.text
    assert prompt.instructions + prompt.home == len(found.text)
    assert "voice assistant for Home Assistant" in found.text[: prompt.instructions]
    assert {"HassTurnOn", "HassTurnOff", "HassLightSet", "GetLiveContext"} <= {
        tool["name"] for tool in found.tools
    }
    assert prompt.tools == len(json.dumps(found.tools, ensure_ascii=False, separators=(",", ":")))
    assert prompt.characters == prompt.instructions + prompt.home + prompt.tools
