from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.reads import MOST_READS, ReadLog
from handlers.understanding import Utterance
from provisioning.home.registry import EntityState, HomePicture, Registry

HEARD = Utterance("turn on the lamp", "en", "parlour", now=1.0)
LAMP = EntityState("on", {"brightness": 128, "supported_color_modes": ["rgb"]})


def a_home(**states: EntityState) -> HomePicture:
    return HomePicture(Registry("one"), {f"light.{name}": state for name, state in states.items()})


def log_of(look: Callable[[Utterance, HomePicture], object], home: HomePicture) -> ReadLog:
    log = ReadLog(HEARD, home)
    look(log.utterance, log.picture)
    return log


def holds(look: Callable[[Utterance, HomePicture], object], home: HomePicture, later: HomePicture) -> bool:
    reads = log_of(look, home).reads
    assert reads is not None
    return reads.hold(later)


def the_state(_utterance: Utterance, picture: HomePicture) -> Any:
    state = picture.state_of("light.lamp")
    return state.state if state else None


def the_modes(_utterance: Utterance, picture: HomePicture) -> Any:
    state = picture.state_of("light.lamp")
    return state.attributes.get("supported_color_modes") if state else None


def test_what_is_read_is_what_is_there() -> None:
    log = ReadLog(HEARD, a_home(lamp=LAMP))
    state = log.picture.state_of("light.lamp")
    assert state is not None
    assert (state.state, state.attributes["brightness"]) == ("on", 128)
    assert state.attributes.get("effect") is None
    assert log.picture.state_of("light.none") is None
    assert (log.utterance.text, log.utterance.language, log.utterance.area_id) == (
        HEARD.text,
        "en",
        "parlour",
    )


def test_who_looked_at_nothing_need_not_look_again() -> None:
    assert holds(lambda _utterance, _picture: None, a_home(lamp=LAMP), a_home())


def test_who_asked_whether_there_is_a_state_does_not_care_which() -> None:
    def is_there(_utterance: Utterance, picture: HomePicture) -> bool:
        return picture.state_of("light.lamp") is not None

    assert holds(is_there, a_home(lamp=LAMP), a_home(lamp=EntityState("off")))
    assert not holds(is_there, a_home(lamp=LAMP), a_home())
    assert not holds(is_there, a_home(), a_home(lamp=LAMP))


def test_another_state_is_told_apart_and_other_attributes_are_not_looked_at() -> None:
    assert holds(the_state, a_home(lamp=LAMP), a_home(lamp=EntityState("on", {"brightness": 1})))
    assert not holds(the_state, a_home(lamp=LAMP), a_home(lamp=EntityState("off", LAMP.attributes)))


@pytest.mark.parametrize("modes", [["rgb", "xy"], ["xy"], [], None, "rgb", ("rgb",)])
def test_another_value_of_an_attribute_is_told_apart(modes: Any) -> None:
    later = a_home(lamp=EntityState("on", {"supported_color_modes": modes}))
    assert not holds(the_modes, a_home(lamp=LAMP), later)


def test_an_attribute_that_was_missing_is_told_from_one_that_is_none() -> None:
    assert not holds(
        the_modes,
        a_home(lamp=EntityState("on")),
        a_home(lamp=EntityState("on", {"supported_color_modes": None})),
    )


@pytest.mark.parametrize("value", [True, 1.0])
def test_values_that_are_equal_and_are_spoken_differently_are_told_apart(value: Any) -> None:
    before = a_home(lamp=EntityState("on", {"supported_color_modes": 1}))
    assert not holds(the_modes, before, a_home(lamp=EntityState("on", {"supported_color_modes": value})))


@pytest.mark.parametrize(
    "look",
    [
        lambda utterance, _picture: utterance.now,
        lambda utterance, _picture: utterance.session,
        lambda _utterance, picture: list(picture.states),
        lambda _utterance, picture: len(picture.states),
        lambda _utterance, picture: dict(picture.states["light.lamp"].attributes),
        lambda _utterance, picture: len(picture.states["light.lamp"].attributes),
    ],
    ids=["time", "session", "all states", "how many states", "all attributes", "how many attributes"],
)
def test_what_depends_on_the_moment_or_on_everything_is_never_used_again(look: Any) -> None:
    assert log_of(look, a_home(lamp=LAMP)).reads is None


@pytest.mark.parametrize("value", [{"a": 1}, [1], [["x"]], object()])
def test_what_cannot_be_compared_is_never_used_again(value: Any) -> None:
    home = a_home(lamp=EntityState("on", {"supported_color_modes": value}))
    assert log_of(the_modes, home).reads is None


def test_what_looked_at_more_than_is_worth_comparing_is_never_used_again() -> None:
    home = a_home(**{f"lamp{number}": LAMP for number in range(MOST_READS + 1)})

    def all_of_them(_utterance: Utterance, picture: HomePicture) -> None:
        for number in range(MOST_READS + 1):
            picture.state_of(f"light.lamp{number}")

    assert log_of(all_of_them, home).reads is None


STATES = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.builds(
        EntityState,
        st.sampled_from(["on", "off"]),
        st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from([0, 1, True, None, "1", 1.0])),
    ),
)
LOOKS = st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sampled_from(["presence", "state", "x", "y"])))


@given(STATES, STATES, LOOKS)
def test_whenever_it_holds_looking_again_gives_the_same(
    before: dict[str, EntityState], after: dict[str, EntityState], looks: list[tuple[str, str]]
) -> None:
    def look(_utterance: Utterance, picture: HomePicture) -> list[Any]:
        seen: list[Any] = []
        for name, what in looks:
            state = picture.state_of(f"light.{name}")
            if state is None or what == "presence":
                seen.append(state is None)
            else:
                seen.append(state.state if what == "state" else state.attributes.get(what, "nothing"))
        return seen

    log = ReadLog(HEARD, a_home(**before))
    first = look(log.utterance, log.picture)
    assert log.reads is not None
    if log.reads.hold(a_home(**after)):
        assert repr(look(HEARD, a_home(**after))) == repr(first)
    if before == after and repr(before) == repr(after):
        assert log.reads.hold(a_home(**after))
