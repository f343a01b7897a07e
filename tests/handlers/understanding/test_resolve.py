from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.intents import NOT_SERVED
from handlers.questions import ANSWERERS
from handlers.resolve import resolve
from handlers.services import PLANS
from handlers.status import Status
from handlers.understanding import Intent, Outcome, Resolution, Understanding, Utterance, Verdict
from provisioning.home.registry import EntityState, HomePicture

Reached = Callable[[Resolution], dict[str, list[str]]]


@pytest.mark.parametrize(
    ("intent", "calls"),
    [
        (Intent("HassTurnOn", {"name": "Samovar"}), {"switch.turn_on": ["switch.samovar"]}),
        (Intent("HassTurnOn", {"name": "Parlour blind"}), {"cover.open_cover": ["cover.parlour"]}),
        (Intent("HassTurnOff", {"name": "Barn gate"}), {"cover.close_cover": ["cover.gate"]}),
        (Intent("HassTurnOn", {"name": "Porch door"}), {"lock.lock": ["lock.porch"]}),
        (Intent("HassTurnOff", {"name": "Porch door"}), {"lock.unlock": ["lock.porch"]}),
        (Intent("HassTurnOn", {"name": "Pond valve"}), {"valve.open_valve": ["valve.pond"]}),
        (Intent("HassTurnOn", {"name": "Dinner bell"}), {"button.press": ["button.bell"]}),
        (Intent("HassTurnOn", {"name": "Cosy evening"}), {"scene.turn_on": ["scene.cosy"]}),
        (Intent("HassTurnOn", {"name": "Bedtime routine"}), {"script.turn_on": ["script.bedtime"]}),
        (Intent("HassTurnOff", {"name": "Old faithful"}), {"vacuum.return_to_base": ["vacuum.hoover"]}),
        (Intent("HassToggle", {"name": "Reading lamp"}), {"light.turn_off": ["light.reading"]}),
        (Intent("HassToggle", {"name": "Samovar"}), {"switch.turn_on": ["switch.samovar"]}),
        (Intent("HassToggle", {"name": "Attic heating"}), {"climate.turn_on": ["climate.attic"]}),
        (Intent("HassToggle", {"name": "Parlour heating"}), {"climate.turn_off": ["climate.parlour"]}),
        (Intent("HassToggle", {"name": "Silver screen"}), {"media_player.turn_off": ["media_player.screen"]}),
        (
            Intent("HassMediaPause", {"name": "Silver screen"}),
            {"media_player.media_pause": ["media_player.screen"]},
        ),
        (Intent("HassLawnMowerDock"), {"lawn_mower.dock": ["lawn_mower.goat"]}),
        (Intent("HassStopMoving", {"name": "Barn gate"}), {"cover.stop_cover": ["cover.gate"]}),
    ],
)
def test_an_intent_becomes_the_service_that_means_it_on_that_kind_of_thing(
    listener: Any, reached: Reached, intent: Intent, calls: dict[str, list[str]]
) -> None:
    resolution = listener.resolve(intent)
    assert resolution.status is Status.OK
    assert reached(resolution) == calls


@pytest.mark.parametrize(
    ("intent", "data"),
    [
        (Intent("HassLightSet", {"name": "Reading lamp", "brightness": 30.0}), {"brightness_pct": 30}),
        (Intent("HassLightSet", {"name": "Reading lamp", "color": "red"}), {"color_name": "red"}),
        (Intent("HassLightSet", {"name": "Reading lamp", "temperature": 2700}), {"color_temp_kelvin": 2700}),
        (Intent("HassSetPosition", {"name": "Parlour blind", "position": 25}), {"position": 25}),
        (Intent("HassFanSetSpeed", {"name": "Extractor", "percentage": 60}), {"percentage": 60}),
        (
            Intent("HassClimateSetTemperature", {"name": "Attic heating", "temperature": 20.5}),
            {"temperature": 20.5},
        ),
        (Intent("HassSetVolume", {"name": "Gramophone", "volume_level": 55}), {"volume_level": 0.55}),
        (Intent("HassSetVolumeRelative", {"name": "Gramophone", "volume_step": 20}), {"volume_level": 0.6}),
        (Intent("HassSetVolumeRelative", {"name": "Gramophone", "volume_step": -90}), {"volume_level": 0.0}),
        (Intent("HassMediaPlayerMute", {"name": "Gramophone"}), {"is_volume_muted": True}),
        (Intent("HassListAddItem", {"name": "Chores", "item": "sweep"}), {"item": "sweep"}),
        (
            Intent("HassListCompleteItem", {"name": "Chores", "item": "sweep"}),
            {"item": "sweep", "status": "completed"},
        ),
    ],
)
def test_values_reach_the_service_in_its_own_units(
    listener: Any, intent: Intent, data: dict[str, Any]
) -> None:
    (call,) = listener.resolve(intent).calls
    assert dict(call.data) == data


@pytest.mark.parametrize(
    "intent",
    [
        Intent("HassLightSet", {"name": "Plain bulb", "brightness": 30}),
        Intent("HassLightSet", {"name": "Reading lamp"}),
        Intent("HassLightSet", {"name": "Reading lamp", "brightness": "much"}),
        Intent("HassLightSet", {"name": "Reading lamp", "brightness": 1e9}),
        Intent("HassLightSet", {"name": "Reading lamp", "brightness": float("nan")}),
        Intent("HassSetPosition", {"name": "Barn gate", "position": 50}),
        Intent("HassListAddItem", {"name": "Chores", "item": "  "}),
    ],
)
def test_what_a_thing_cannot_do_is_said_and_not_tried(listener: Any, intent: Intent) -> None:
    resolution = listener.resolve(intent)
    assert resolution.status is Status.CANNOT
    assert resolution.calls == ()


def test_a_gate_without_positions_still_opens_all_the_way(listener: Any, reached: Reached) -> None:
    resolution = listener.resolve(Intent("HassSetPosition", {"name": "Barn gate", "position": 100}))
    assert reached(resolution) == {"cover.open_cover": ["cover.gate"]}


def test_lamps_of_a_place_are_one_call_and_those_that_cannot_are_left_out(
    listener: Any, reached: Reached
) -> None:
    resolution = listener.resolve(Intent("HassLightSet", {"area": "Parlour", "brightness": 30}))
    assert reached(resolution) == {"light.turn_on": ["light.reading"]}


def test_a_floor_is_all_of_its_areas(listener: Any, reached: Reached) -> None:
    resolution = listener.resolve(Intent("HassTurnOff", {"floor": "Ground floor", "domain": "light"}))
    assert reached(resolution) == {"light.turn_off": ["light.galley_ceiling", "light.reading", "light.bulb"]}


def test_turning_a_place_on_is_about_its_lamps_and_off_about_what_was_left_on(
    listener: Any, reached: Reached
) -> None:
    on = listener.resolve(Intent("HassTurnOn", {"area": "Galley"}))
    off = listener.resolve(Intent("HassTurnOff", {"area": "Galley"}))
    assert reached(on) == {"light.turn_on": ["light.galley_ceiling"]}
    assert reached(off) == {
        "light.turn_off": ["light.galley_ceiling"],
        "switch.turn_off": ["switch.samovar"],
        "fan.turn_off": ["fan.galley"],
    }


def test_two_things_of_one_name_are_a_question_back_that_tells_them_apart(listener: Any) -> None:
    resolution = listener.resolve(Intent("HassTurnOn", {"name": "Ceiling light"}))
    assert resolution.outcome is Outcome.ASK
    assert resolution.calls == ()
    assert resolution.question.candidates == ("light.galley_ceiling", "light.attic_ceiling")
    assert listener.say(resolution) == (
        "Which one do you mean: Ceiling light in the Galley or Ceiling light in the Attic?"
    )


def test_of_two_things_of_one_name_the_one_in_the_room_is_meant(listener: Any, reached: Reached) -> None:
    resolution = listener.resolve(Intent("HassTurnOn", {"name": "Ceiling light"}), area="attic")
    assert reached(resolution) == {"light.turn_on": ["light.attic_ceiling"]}


def test_a_thermostat_without_a_name_is_that_of_the_room_or_a_question(
    listener: Any, reached: Reached
) -> None:
    intent = Intent("HassClimateSetTemperature", {"temperature": 21})
    assert listener.resolve(intent).outcome is Outcome.ASK
    assert reached(listener.resolve(intent, area="attic")) == {"climate.set_temperature": ["climate.attic"]}


def test_pausing_without_a_name_is_for_what_plays(listener: Any, reached: Reached) -> None:
    everywhere = listener.resolve(Intent("HassMediaPause"))
    here = listener.resolve(Intent("HassMediaPause", {"area": "Parlour"}))
    resumed = listener.resolve(Intent("HassMediaUnpause", {"area": "Parlour"}))
    assert reached(everywhere) == reached(here) == {"media_player.media_pause": ["media_player.gramophone"]}
    assert reached(resumed) == {"media_player.media_play": ["media_player.screen"]}


def test_the_shopping_list_is_the_list_that_is_called_so(listener: Any, reached: Reached) -> None:
    resolution = listener.resolve(Intent("HassShoppingListAddItem", {"item": "flour"}))
    assert reached(resolution) == {"todo.add_item": ["todo.groceries"]}


def test_a_value_for_nothing_in_particular_is_not_for_everything(listener: Any) -> None:
    resolution = listener.resolve(Intent("HassLightSet", {"brightness": 1}))
    assert resolution.outcome is Outcome.ASK


@pytest.mark.parametrize(
    ("intent", "language", "said"),
    [
        (Intent("HassTurnOn", {"name": "Sauna"}), "en", "I can't find anything called Sauna."),
        (Intent("HassTurnOn", {"name": "Szauna"}), "hu", "Nem találok ilyet: Szauna."),
        (
            Intent("HassTurnOn", {"area": "Dungeon", "domain": "light"}),
            "en",
            "I don't know a place called Dungeon.",
        ),
        (
            Intent("HassTurnOn", {"area": "Yard", "domain": "light"}),
            "en",
            "I can't find any light there: Yard.",
        ),
        (
            Intent("HassTurnOn", {"area": "Terasz", "domain": "light"}),
            "hu",
            "Nem találok lámpát itt: Terasz.",
        ),
        (
            Intent("HassTurnOn", {"domain": "cover", "device_class": "garage"}),
            "hu",
            "Nem találok garázskaput az otthonodban.",
        ),
        (
            Intent("HassTurnOn", {"name": "Reading lamp", "area": "Attic"}),
            "en",
            "I can't find anything called Reading lamp there: Attic.",
        ),
    ],
)
def test_what_was_not_found_is_named(listener: Any, intent: Intent, language: str, said: str) -> None:
    resolution = listener.resolve(intent, language)
    assert resolution.status is Status.NO_TARGET
    assert resolution.outcome is Outcome.NONE
    assert listener.say(resolution, language) == said


def test_a_thing_that_is_not_exposed_is_not_there(listener: Any) -> None:
    by_name = listener.resolve(Intent("HassTurnOn", {"name": "Cellar lamp"}))
    by_id = listener.resolve(Intent("HassTurnOn", targets=("light.cellar",)))
    by_kind = listener.resolve(Intent("HassTurnOn", {"area": "Yard", "domain": "light"}))
    assert {one.status for one in (by_name, by_id, by_kind)} == {Status.NO_TARGET}


@pytest.mark.parametrize("name", sorted(NOT_SERVED))
def test_what_is_not_served_yet_says_so(listener: Any, name: str) -> None:
    resolution = listener.resolve(Intent(name, {"area": "Parlour", "search_query": "jazz"}))
    assert resolution.status is Status.NOT_SERVED
    assert resolution.outcome is Outcome.NONE
    assert listener.say(resolution) != listener.say(listener.resolve(Intent("HassNevermind")))


def test_an_intent_that_nobody_knows_is_not_served(listener: Any) -> None:
    assert listener.resolve(Intent("HassTeleport")).status is Status.NOT_SERVED


def test_never_mind_does_nothing(listener: Any) -> None:
    resolution = listener.resolve(Intent("HassNevermind"))
    assert (resolution.outcome, resolution.calls) == (Outcome.NONE, ())


@pytest.mark.parametrize(
    ("verdict", "status"),
    [(Verdict.PASS_ON, Status.NOT_UNDERSTOOD), (Verdict.NOT_FOR_ME, Status.NOT_FOR_ME)],
)
def test_what_was_not_understood_or_not_meant_has_its_own_status(
    english: HomePicture, verdict: Verdict, status: Status
) -> None:
    resolution = resolve(Understanding(verdict), Utterance("", "en"), english)
    assert (resolution.outcome, resolution.status) == (Outcome.NONE, status)


def test_of_several_commands_all_are_done_or_none(listener: Any, english: HomePicture) -> None:
    possible, impossible = Intent("HassTurnOn", {"name": "Samovar"}), Intent("HassTurnOn", {"name": "Sauna"})
    heard = Utterance("", "en")
    both = resolve(Understanding(Verdict.COMMANDS, (possible, possible)), heard, english)
    mixed = resolve(Understanding(Verdict.COMMANDS, (possible, impossible)), heard, english)
    assert len(both.commands) == 2
    assert (mixed.status, mixed.calls) == (Status.NO_TARGET, ())


@pytest.mark.parametrize(
    ("text", "language", "said"),
    [
        ("turn on the samovar", "en", "Turned on the Samovar."),
        ("turn off all the lights", "en", "Turned off the 4 lights."),
        ("kapcsold fel az étkező lámpát", "hu", "Felkapcsoltam az Étkező lámpát."),
        ("kapcsold be a szamovárt", "hu", "Bekapcsoltam a Szamovárt."),
        ("húzd le az étkező redőnyt", "hu", "Leengedtem az Étkező redőnyt."),
        ("nyisd ki az udvari kaput", "hu", "Kinyitottam az Udvari kaput."),
        ("zárd be a hátsó ajtót", "hu", "Bezártam a Hátsó ajtót."),
        ("állítsd a fényfüzért pirosra", "hu", "Piros színre állítottam a Fényfüzért."),
        ("állítsd az étkező redőnyt 40 százalékra", "hu", "40 százalékra állítottam az Étkező redőnyt."),
    ],
)
async def test_what_was_done_is_said_as_people_say_it(
    listener: Any, text: str, language: str, said: str
) -> None:
    assert listener.say(await listener.hear(text, language), language) == said


_NAMES = st.sampled_from([*PLANS, *ANSWERERS, *NOT_SERVED, "HassNevermind", "Nonsense"])
_VALUES = st.one_of(
    st.sampled_from([
        "all", "Cellar lamp", "Ceiling light", "Reading lamp", "Parlour", "Yard", "Ground floor", "light",
        "cover",
        "up", "down", "on", "open", "window", "home", "",
    ]),
    st.text(max_size=12),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.lists(st.text(max_size=8), max_size=3).map(tuple),
)  # fmt: skip
_SLOTS = st.dictionaries(
    st.sampled_from([
        "name", "area", "floor", "domain", "device_class", "state", "brightness", "color", "temperature",
        "position",
        "volume_level", "volume_step", "percentage", "item", "mode", "fan_mode", "humidity",
    ]),
    _VALUES,
    max_size=6,
)  # fmt: skip
_TARGETS = st.lists(
    st.sampled_from(["light.cellar", "light.reading", "light.elsewhere", "nonsense"]), max_size=3
).map(tuple)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=_NAMES,
    slots=_SLOTS,
    requires=_SLOTS,
    targets=_TARGETS,
    asks=st.sampled_from([None, "any", "all", "which", "one", "where", "junk"]),
    area=st.sampled_from([None, "parlour", "nowhere"]),
)
def test_whatever_an_intent_holds_no_call_leaves_the_exposed_entities_and_nothing_raises(
    english: HomePicture,
    answers: Any,
    name: str,
    slots: dict[str, Any],
    requires: dict[str, Any],
    targets: tuple[str, ...],
    asks: str | None,
    area: str | None,
) -> None:
    intent = Intent(name, slots, targets, requires, asks)
    resolution = resolve(
        Understanding(Verdict.COMMANDS, (intent,)), Utterance("", "en", area, now=1_700_000_000.0), english
    )
    exposed = {one.id for one in english.registry.exposed_entities()}
    assert {one for call in resolution.calls for one in call.entity_ids} <= exposed
    assert all(call.entity_ids for call in resolution.calls)
    said = [command.said for command in resolution.commands] or [resolution.say]
    for language in ("en", "hu"):
        assert answers.speak(said, language)
        assert "Something went wrong" not in answers.speak(said, language)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(PLANS)),
    attributes=st.dictionaries(
        st.sampled_from(["supported_features", "supported_color_modes", "volume_level", "fan_modes"]),
        st.one_of(
            st.none(), st.text(max_size=4), st.integers(), st.floats(), st.lists(st.integers(), max_size=2)
        ),
    ),
)
def test_attributes_of_any_kind_do_no_harm(
    english: HomePicture, name: str, attributes: dict[str, Any]
) -> None:
    states = {one: replace(state, attributes=attributes) for one, state in english.states.items()}
    slots = {"name": "all", "brightness": 5, "volume_step": 3, "fan_mode": "low", "color": "red"}
    resolve(
        Understanding(Verdict.COMMANDS, (Intent(name, slots),)),
        Utterance("", "en"),
        replace(english, states=states),
    )


def test_entities_without_a_state_do_no_harm(english: HomePicture) -> None:
    stateless = replace(english, states={"light.reading": EntityState("on")})
    for name in (*PLANS, *ANSWERERS):
        for slots in ({"area": "Parlour"}, {"name": "Gramophone"}, {"domain": "person", "state": "home"}):
            resolve(Understanding(Verdict.COMMANDS, (Intent(name, slots),)), Utterance("", "en"), stateless)
