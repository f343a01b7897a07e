from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provisioning.home import parse
from provisioning.home.parse import (
    MAX_ALIASES,
    MAX_AREAS,
    MAX_ATTRIBUTES,
    MAX_ATTRIBUTES_WEIGHT,
    MAX_ENTITIES,
    MAX_NAME_CHARACTERS,
    EntityEntry,
    HomeConfig,
    is_exposed_by_default,
    parse_areas,
    parse_attributes,
    parse_config,
    parse_devices,
    parse_entries,
    parse_exposure,
    parse_floors,
    parse_state,
)
from provisioning.home.registry import Area, Floor
from tests.provisioning.home.any_json import JSON


@given(JSON)
def test_no_json_makes_a_parser_raise(raw: Any) -> None:
    parse_config(raw)
    parse_entries(raw)
    parse_exposure(raw)
    for table in (parse_floors(raw), parse_areas(raw), parse_devices(raw)):
        assert table.skipped >= 0


@given(st.lists(JSON, max_size=8))
def test_every_row_is_taken_or_counted(rows: list[Any]) -> None:
    table = parse_areas(rows)
    assert len(table.rows) <= len(rows) - table.skipped
    for area in table.rows.values():
        assert area.name
        assert len(area.name) <= MAX_NAME_CHARACTERS
        assert area.name.isprintable()


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=8), JSON, max_size=8), st.dictionaries(st.text(max_size=8), JSON))
def test_attributes_are_plain_finite_and_bounded(first: dict[str, Any], then: dict[str, Any]) -> None:
    attributes = parse_attributes(then, parse_attributes(first))
    assert len(attributes) <= MAX_ATTRIBUTES
    for value in attributes.values():
        for item in value if isinstance(value, tuple) else (value,):
            assert item is None or isinstance(item, str | int | float)
            assert not isinstance(item, float) or math.isfinite(item)


def test_attributes_end_at_a_weight_however_often_they_come() -> None:
    attributes: dict[str, Any] = {}
    for number in range(200):
        attributes = parse_attributes({f"a{number}": "x" * 900}, attributes)
    assert sum(map(len, attributes.values())) <= MAX_ATTRIBUTES_WEIGHT


def test_an_attribute_that_changes_frees_the_room_it_took() -> None:
    attributes: dict[str, Any] = {}
    for number in range(200):
        attributes = parse_attributes({"title": f"{number:03}" * 300}, attributes)
    assert attributes == {"title": "199" * 300}


def test_tables_in_attributes_are_left_out() -> None:
    assert parse_attributes({"forecast": [{"a": 1}], "x": {"y": 1}, "rgb": [1, 2, 3]}) == {
        "forecast": (),
        "rgb": (1, 2, 3),
    }


def test_an_area_with_aliases_on_a_floor() -> None:
    raw = [
        {"area_id": "konyha", "name": "Konyha", "aliases": ["főzőhely", None, "Konyha"], "floor_id": "fsz"}
    ]
    assert parse_areas(raw).rows == {"konyha": Area("konyha", "Konyha", ("főzőhely",), "fsz")}


def test_an_area_of_2024_3_has_no_floor() -> None:
    raw: list[Any] = [{"aliases": [], "area_id": "nappali", "icon": None, "name": "Nappali", "picture": None}]
    assert parse_areas(raw).rows["nappali"].floor_id is None


def test_a_floor() -> None:
    raw: list[Any] = [{"floor_id": "emelet", "name": "Emelet", "level": 1, "aliases": []}]
    assert parse_floors(raw).rows == {"emelet": Floor("emelet", "Emelet")}


def test_rows_beyond_the_limit_are_counted() -> None:
    table = parse_areas([{"area_id": f"a{i}", "name": f"A {i}"} for i in range(MAX_AREAS + 7)])
    assert len(table.rows) == MAX_AREAS
    assert table.skipped == 7


def test_a_device_without_an_area_is_no_mistake() -> None:
    table = parse_devices(
        [{"id": "d1", "area_id": None}, {"id": "d2", "area_id": "konyha"}, {"area_id": "x"}]
    )
    assert table.rows == {"d1": "", "d2": "konyha"}
    assert table.skipped == 1


def test_an_entry_with_null_among_its_aliases() -> None:
    raw = {
        "light.a": {
            "name": None,
            "original_name": "Lámpa",
            "aliases": [None, "Olvasó", "Lámpa", 3],
            "area_id": None,
            "device_id": "d1",
            "entity_category": None,
            "hidden_by": None,
            "options": {"conversation": {"should_expose": False}},
        },
        "light.gone": None,
    }
    assert parse_entries(raw) == {
        "light.a": EntityEntry(name="Lámpa", aliases=("Olvasó",), device_id="d1", should_expose=False)
    }


def test_aliases_end_at_a_limit() -> None:
    entry = parse_entries({"light.a": {"aliases": [f"n{i}" for i in range(500)]}})["light.a"]
    assert len(entry.aliases) == MAX_ALIASES


def test_exposure_means_the_conversation_assistant() -> None:
    raw = {
        "exposed_entities": {
            "light.a": {"conversation": True},
            "light.b": {"cloud.alexa": True},
            "light.c": {"conversation": False},
            "Not An Id": {"conversation": True},
        }
    }
    assert parse_exposure(raw) == {"light.a": True, "light.b": False, "light.c": False}


def test_exposure_ends_at_a_limit() -> None:
    raw = {"exposed_entities": {f"light.n{i}": {"conversation": True} for i in range(MAX_ENTITIES + 5)}}
    assert len(parse_exposure(raw)) == MAX_ENTITIES


def test_a_configuration() -> None:
    raw = {
        "language": "hu",
        "country": "hu",
        "time_zone": "Europe/Budapest",
        "unit_system": {"temperature": "°F"},
        "state": "STARTING",
    }
    assert parse_config(raw) == HomeConfig("hu", "HU", "Europe/Budapest", "°F", running=False)


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../../etc/passwd", "/etc/passwd", "", 3, "a" * 999])
def test_a_time_zone_that_does_not_exist_is_utc(zone: Any) -> None:
    assert parse_config({"time_zone": zone}).time_zone == "UTC"


@pytest.mark.parametrize("raw", [None, "", 3, "\n"])
def test_a_state_that_is_no_text_is_unknown(raw: Any) -> None:
    assert parse_state(raw) == "unknown"


@pytest.mark.parametrize(
    ("identifier", "device_class", "exposed"),
    [
        ("light.a", None, True),
        ("lock.a", None, False),
        ("sensor.a", "temperature", True),
        ("sensor.a", "energy", False),
        ("binary_sensor.a", "door", True),
        ("binary_sensor.a", None, False),
        ("automation.a", None, False),
    ],
)
def test_what_home_assistant_exposes_of_its_own_accord(
    identifier: str, device_class: str | None, *, exposed: bool
) -> None:
    assert is_exposed_by_default(identifier, device_class, unobtrusive=False) is exposed
    assert not is_exposed_by_default(identifier, device_class, unobtrusive=True)


@given(st.text())
def test_only_home_assistants_entity_ids_are_entity_ids(text: str) -> None:
    accepted = parse.entity_id(text)
    assert accepted in {None, text}
    assert accepted is None or (text.isascii() and text == text.lower() and text.count(".") == 1)
