from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from provisioning.home import mirror as mirror_module
from provisioning.home.mirror import Mirror
from provisioning.home.parse import EntityEntry, HomeConfig, Table
from provisioning.home.registry import Area, Entity, Floor
from tests.provisioning.home.any_json import JSON

LAMP = "light.lamp"


def a_mirror(**entry: Any) -> Mirror:
    mirror = Mirror()
    mirror.apply({"a": {LAMP: {"s": "off", "a": {"friendly_name": "Lamp"}}}})
    mirror.replace_areas(Table({"kitchen": Area("kitchen", "Kitchen"), "hall": Area("hall", "Hall")}))
    mirror.replace_devices(Table({"d1": "kitchen", "d2": ""}))
    mirror.replace_entries([LAMP], {LAMP: EntityEntry(**entry)})
    return mirror


def the_lamp(mirror: Mirror) -> Entity:
    mirror.compose_places()
    mirror.compose(mirror.states)
    return mirror.registry("1").entities[LAMP]


def test_an_entity_inherits_the_area_of_its_device() -> None:
    assert the_lamp(a_mirror(device_id="d1")).area_id == "kitchen"


def test_its_own_area_wins() -> None:
    assert the_lamp(a_mirror(device_id="d1", area_id="hall")).area_id == "hall"


def test_an_area_that_does_not_exist_is_none() -> None:
    assert the_lamp(a_mirror(area_id="attic")).area_id is None


def test_an_area_on_an_unknown_floor_is_on_none() -> None:
    mirror = a_mirror()
    mirror.replace_areas(Table({"a": Area("a", "A", floor_id="up"), "b": Area("b", "B", floor_id="lost")}))
    mirror.replace_floors(Table({"up": Floor("up", "Upstairs")}))
    mirror.compose_places()
    areas = mirror.registry("1").areas
    assert (areas["a"].floor_id, areas["b"].floor_id) == ("up", None)


def test_the_name_is_the_one_people_see() -> None:
    mirror = a_mirror(name="Registry name")
    assert the_lamp(mirror).name == "Lamp"
    mirror.apply({"c": {LAMP: {"-": {"a": ["friendly_name"]}}}})
    assert the_lamp(mirror).name == "Registry name"


def test_what_the_owner_decided_about_exposure_wins() -> None:
    mirror = a_mirror(should_expose=False)
    mirror.replace_exposure({LAMP: True}, expose_new=True)
    assert not the_lamp(mirror).exposed


def test_what_nobody_decided_is_home_assistants_default() -> None:
    mirror = a_mirror()
    mirror.replace_exposure({}, expose_new=True)
    assert the_lamp(mirror).exposed
    mirror.replace_exposure({}, expose_new=False)
    assert not the_lamp(mirror).exposed


def test_an_entity_without_a_registry_entry_is_exposed_only_if_it_is_listed() -> None:
    mirror = a_mirror()
    mirror.replace_entries([LAMP], {})
    mirror.replace_exposure({}, expose_new=True)
    assert not the_lamp(mirror).exposed
    assert mirror.unregistered
    mirror.replace_exposure({LAMP: True}, expose_new=True)
    assert the_lamp(mirror).exposed


def test_a_change_adds_to_the_attributes_and_takes_from_them() -> None:
    mirror = a_mirror()
    mirror.apply({"c": {LAMP: {"+": {"s": "on", "a": {"brightness": 80, "effect": "none"}}}}})
    changes = mirror.apply({"c": {LAMP: {"+": {"a": {"brightness": 90}}, "-": {"a": ["effect"]}}}})
    state = mirror.states[LAMP]
    assert state.state == "on"
    assert state.attributes == {"friendly_name": "Lamp", "brightness": 90}
    assert changes.changed == {LAMP}
    assert changes.renamed == set()


def test_a_new_friendly_name_is_told_apart_from_a_new_state() -> None:
    changes = a_mirror().apply({"c": {LAMP: {"+": {"a": {"friendly_name": "Reading lamp"}}}}})
    assert changes.renamed == {LAMP}


def test_what_is_not_kept_is_removed() -> None:
    mirror = a_mirror()
    mirror.apply({"a": {"light.other": {"s": "on", "a": {}}}})
    changes = mirror.keep_only({"light.other"})
    assert changes.removed == {LAMP}
    assert set(mirror.states) == {"light.other"}


def test_a_state_is_never_changed_in_place() -> None:
    mirror = a_mirror()
    before = mirror.states[LAMP]
    mirror.apply({"c": {LAMP: {"+": {"s": "on", "a": {"brightness": 1}}}}})
    assert (before.state, dict(before.attributes)) == ("off", {"friendly_name": "Lamp"})


def test_entities_beyond_the_limit_are_counted_not_kept(monkeypatch: Any) -> None:
    monkeypatch.setattr(mirror_module, "MAX_ENTITIES", 3)
    mirror = Mirror()
    changes = mirror.apply({"a": {f"light.n{i}": {"s": "on", "a": {}} for i in range(5)}})
    assert len(mirror.states) == 3
    assert changes.skipped == 2
    mirror.apply({"a": {f"light.m{i}": {"s": "on", "a": {}} for i in range(5)}})
    assert len(mirror.states) == 3


def test_a_registry_differs_only_by_content() -> None:
    mirror = a_mirror()
    the_lamp(mirror)
    registry = mirror.registry("1")
    assert mirror.differs_from(None)
    assert not mirror.differs_from(registry)
    mirror.apply({"c": {LAMP: {"+": {"s": "on"}}}})
    the_lamp(mirror)
    assert not mirror.differs_from(registry)
    mirror.config = HomeConfig(language="hu")
    assert mirror.differs_from(registry)


@given(JSON, JSON)
def test_no_event_makes_the_mirror_raise(first: Any, second: Any) -> None:
    mirror = a_mirror()
    for event in (first, {"a": first}, {"c": {LAMP: second}}, {"r": first}, {"c": second}, second):
        mirror.apply(event)
    mirror.compose(list(mirror.states))


_IDS = st.sampled_from(["light.a", "light.b", "lock.c"])
_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("a"), _IDS, st.sampled_from(["on", "off"]), st.sampled_from(["A", "B"])),
        st.tuples(st.just("c"), _IDS, st.sampled_from(["on", "off"]), st.sampled_from(["A", "B"])),
        st.tuples(st.just("r"), _IDS, st.none(), st.none()),
    ),
    max_size=30,
)


@given(_STEPS)
def test_composing_what_changed_is_as_good_as_composing_everything(steps: list[Any]) -> None:
    by_steps = Mirror()
    for kind, identifier, state, name in steps:
        body: Any = {"s": state, "a": {"friendly_name": name}}
        event = {
            "a": {"a": {identifier: body}},
            "c": {"c": {identifier: {"+": body}}},
            "r": {"r": [identifier]},
        }
        changes = by_steps.apply(event[kind])
        by_steps.compose(changes.added | changes.renamed | changes.removed)
    states = {key: {"s": one.state, "a": dict(one.attributes)} for key, one in by_steps.states.items()}
    at_once = Mirror()
    at_once.apply({"a": states})
    at_once.compose(at_once.states)
    assert by_steps.registry("1") == at_once.registry("1")
