from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.answer import Answers
from handlers.prepared import MOST_TARGETS_KEPT, Preparer
from handlers.questions import ANSWERERS
from handlers.resolve import resolve
from handlers.services import PLANS
from handlers.understanding import (
    Intent,
    OpenQuestion,
    Outcome,
    SessionContext,
    Understanding,
    Utterance,
    Verdict,
)
from provisioning.home.registry import Entity, EntityState, HomePicture, Registry

HEARD = Utterance("x", "en", now=1772715900.0)


def understood(*intents: Intent, cacheable: bool = True) -> Understanding:
    return Understanding(Verdict.COMMANDS, intents, parser="templates", cacheable=cacheable)


TURN_ON = understood(Intent("HassTurnOn", {"name": "Reading lamp"}))
DIM = understood(Intent("HassLightSet", {"name": "Reading lamp", "brightness": 30}))
IS_ON = understood(Intent("HassGetState", {"name": "Reading lamp", "state": "on"}))


@pytest.fixture
def preparer(answers: Answers) -> Preparer:
    return Preparer(answers)


def with_state(home: HomePicture, entity_id: str, state: EntityState) -> HomePicture:
    return replace(home, states={**home.states, entity_id: state})


def test_what_was_prepared_is_used_again_whatever_state_its_target_is_in(
    preparer: Preparer, english: HomePicture
) -> None:
    prepared = preparer.prepare(TURN_ON, HEARD, english)
    for word in ("on", "off", "unavailable"):
        now = with_state(english, "light.reading", EntityState(word))
        assert preparer.known(HEARD, now) is prepared
    assert prepared.speech == "Turned on the Reading lamp."
    assert prepared.targets == ("light.reading",)


def test_what_depends_on_what_a_thing_can_do_is_worked_out_anew_when_that_changes(
    preparer: Preparer, english: HomePicture
) -> None:
    prepared = preparer.prepare(DIM, HEARD, english)
    state = english.states["light.reading"]
    assert preparer.known(HEARD, with_state(english, "light.reading", replace(state, state="x"))) is prepared
    switched = EntityState(state.state, {**state.attributes, "supported_color_modes": ["onoff"]})
    assert preparer.known(HEARD, with_state(english, "light.reading", switched)) is None


def test_an_answer_is_used_again_until_the_state_is_another(preparer: Preparer, english: HomePicture) -> None:
    answer = preparer.prepare(IS_ON, HEARD, english)
    assert preparer.known(HEARD, english) is answer
    other = "off" if english.states["light.reading"].state == "on" else "on"
    now = with_state(english, "light.reading", EntityState(other))
    assert preparer.known(HEARD, now) is None
    assert preparer.prepare(IS_ON, HEARD, now).speech != answer.speech


@pytest.mark.parametrize("name", ["HassGetCurrentTime", "HassGetCurrentDate"])
def test_the_time_is_never_told_twice(preparer: Preparer, english: HomePicture, name: str) -> None:
    preparer.prepare(understood(Intent(name)), HEARD, english)
    assert preparer.known(HEARD, english) is None


@pytest.mark.parametrize(
    "heard",
    [
        replace(HEARD, text="y"),
        replace(HEARD, language="hu"),
        replace(HEARD, area_id="attic"),
        replace(
            HEARD,
            session=SessionContext(open_question=OpenQuestion(TURN_ON.intents[0], ("light.reading",), 0)),
        ),
    ],
    ids=["text", "language", "area", "open question"],
)
def test_another_text_language_or_area_is_another_sentence_and_so_is_an_answer(
    preparer: Preparer, english: HomePicture, heard: Utterance
) -> None:
    preparer.prepare(TURN_ON, HEARD, english)
    assert preparer.known(heard, english) is None


def test_another_revision_of_the_home_is_another_home(preparer: Preparer, english: HomePicture) -> None:
    preparer.prepare(TURN_ON, HEARD, english)
    renamed = replace(english, registry=replace(english.registry, revision="another"))
    assert preparer.known(HEARD, renamed) is None


def test_an_understanding_that_may_not_be_kept_is_not_kept(preparer: Preparer, english: HomePicture) -> None:
    preparer.prepare(replace(TURN_ON, cacheable=False), HEARD, english)
    assert (preparer.known(HEARD, english), len(preparer)) == (None, 0)


def test_a_question_back_is_put_anew_each_time(preparer: Preparer) -> None:
    entities = {f"light.{one}": Entity(f"light.{one}", "Lamp", area_id=one) for one in ("a", "b")}
    home = HomePicture(
        Registry("two lamps", entities=entities), {one: EntityState("off") for one in entities}
    )
    asked = preparer.prepare(understood(Intent("HassTurnOn", {"name": "Lamp"})), HEARD, home)
    assert asked.resolution.outcome is Outcome.ASK
    assert preparer.known(HEARD, home) is None


def test_what_reaches_a_whole_house_is_not_kept(preparer: Preparer) -> None:
    entities = {
        f"light.{number}": Entity(f"light.{number}", f"Lamp {number}", area_id="hall")
        for number in range(MOST_TARGETS_KEPT + 1)
    }
    home = HomePicture(Registry("a house", entities=entities), {one: EntityState("off") for one in entities})
    everything = preparer.prepare(
        understood(Intent("HassTurnOn", {"name": "all", "domain": "light"})), HEARD, home
    )
    assert len(everything.targets) == MOST_TARGETS_KEPT + 1
    assert len(preparer) == 0


def test_of_more_than_fits_what_was_not_used_longest_goes(answers: Answers, english: HomePicture) -> None:
    preparer = Preparer(answers, size=2)
    first, second, third = (replace(HEARD, text=text) for text in "abc")
    preparer.prepare(TURN_ON, first, english)
    preparer.prepare(TURN_ON, second, english)
    preparer.known(first, english)
    preparer.prepare(TURN_ON, third, english)
    assert preparer.known(second, english) is None
    assert preparer.known(first, english) is not None


def _intents(home: HomePicture) -> st.SearchStrategy[Intent]:
    names = [entity.name for entity in home.registry.entities.values() if entity.exposed]
    slots: dict[str, st.SearchStrategy[Any]] = {
        "name": st.sampled_from(names),
        "area": st.sampled_from([area.name for area in home.registry.areas.values()]),
        "domain": st.sampled_from(["light", "cover", "media_player", "climate"]),
        "state": st.sampled_from(["on", "off", "open"]),
        "brightness": st.integers(0, 100),
        "position": st.integers(0, 100),
        "temperature": st.integers(10, 30),
        "volume_step": st.sampled_from(["up", "down", 10, -10]),
        "color": st.sampled_from(["red", "mauve"]),
    }
    return st.builds(
        Intent,
        st.sampled_from(sorted(PLANS) + sorted(ANSWERERS)),
        st.fixed_dictionaries({}, optional=slots),
        asks=st.none() | st.sampled_from(["one", "any", "all", "which", "how_many"]),
    )


STATES = st.builds(
    EntityState,
    st.sampled_from(["on", "off", "open", "playing", "paused", "unavailable", "21.5"]),
    st.fixed_dictionaries(
        {},
        optional={
            "supported_features": st.sampled_from([0, 1, 4, 16, 2**20 - 1, None]),
            "supported_color_modes": st.sampled_from([["onoff"], ["rgb"], ["color_temp"], None]),
            "volume_level": st.sampled_from([0.2, 0.5, None]),
            "current_temperature": st.sampled_from([20, 21.5, "x"]),
        },
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_what_is_used_again_is_what_would_be_worked_out_anew(
    answers: Answers, english: HomePicture, data: st.DataObject
) -> None:
    preparer = Preparer(answers)
    understanding = understood(data.draw(_intents(english)))
    heard = replace(HEARD, area_id=data.draw(st.none() | st.sampled_from(sorted(english.registry.areas))))
    prepared = preparer.prepare(understanding, heard, english)
    assert prepared.resolution == resolve(understanding, heard, english)
    changed = data.draw(st.dictionaries(st.sampled_from(sorted(english.states)), STATES, max_size=6))
    later = replace(english, states={**english.states, **changed})
    again = preparer.known(heard, later)
    if again is not None:
        assert again.resolution == resolve(understanding, heard, later)
