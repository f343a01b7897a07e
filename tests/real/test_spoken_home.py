"""What people say, through the frame parser, in a real Home Assistant: what it does there, what it answers.

A stand-in for a home can only be as right about Home Assistant as whoever wrote it; here a service that is
not called so, a value that is out of range or an attribute of another name shows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio

from handlers.answer import Answers
from handlers.execute import execute
from handlers.frames.stage import FrameStage
from handlers.resolve import resolve
from handlers.status import Status
from handlers.understanding import Outcome, Resolution, Utterance
from provisioning.home.live import LiveHome
from provisioning.home.socket import HomeAssistantSocket
from tests.real.house import DEMONSTRATION, House, eventually, started_house

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.asyncio(loop_scope="module")]

NAME: Final = "wyoming-central-spoken-home"
CONFIGURATION: Final = (
    DEMONSTRATION
    + """
homeassistant:
  customize:
    media_player.lounge_room: {friendly_name: Telly}
    media_player.walkman: {friendly_name: Radio}
    vacuum.0_ground_floor: {friendly_name: Dusty}
    valve.orchard: {friendly_name: Orchard sprinkler}
    water_heater.demo_water_heater_celsius: {friendly_name: Hot water tank}
input_boolean:
  kettle: {name: Kettle}
input_select:
  house_mode: {name: House mode, options: [Home, Away, Night], initial: Home}
input_number:
  watering_time: {name: Watering time, min: 0, max: 60, initial: 10, unit_of_measurement: min}
input_button:
  bell: {name: Door bell}
scene:
  - name: Film night
    entities: {light.bed_light: "on"}
alarm_control_panel:
  - platform: manual
    name: House alarm
    arming_time: 0
    code_arm_required: false
"""
)
# Entity, the name that it is given, and the room where it stands; what has no unique id is named above.
FURNITURE: Final = (
    ("light.ceiling_lights", "Ceiling light", "Living Room"),
    ("light.living_room_rgbww_lights", "Floor lamp", "Living Room"),
    ("light.kitchen_lights", "Worktop light", "Kitchen"),
    ("light.bed_light", "Bedside lamp", "Bedroom"),
    ("fan.living_room_fan", "Fan", "Living Room"),
    ("cover.living_room_window", "Blinds", "Living Room"),
    ("cover.garage_door", "Garage door", None),
    ("climate.heatpump", "Heat pump", "Living Room"),
    ("climate.ecobee", "Thermostat", "Bedroom"),
    ("select.speed", "Spaceship speed", None),
    ("number.volume", "Door chime volume", None),
    ("switch.ac", "Coffee machine", "Kitchen"),
    ("button.push", "Cat feeder", None),
    ("sensor.outside_temperature", "Outside temperature", None),
    ("humidifier.humidifier", None, None),
    ("humidifier.hygrostat", None, None),
    ("media_player.lounge_room", None, None),
    ("media_player.walkman", None, None),
    ("vacuum.0_ground_floor", None, None),
    ("valve.orchard", None, None),
    ("water_heater.demo_water_heater_celsius", None, None),
    ("lock.front_door", None, None),
    ("lock.kitchen_door", None, None),
    ("input_boolean.kettle", None, None),
    ("input_select.house_mode", None, None),
    ("input_number.watering_time", None, None),
    ("input_button.bell", None, None),
    ("scene.film_night", None, None),
    ("alarm_control_panel.house_alarm", None, None),
    ("todo.shopping_list", None, None),
)


@dataclass
class Speaker:
    """Somebody who speaks in the house, through the frame parser and nothing else."""

    home: LiveHome
    witness: HomeAssistantSocket
    frames: FrameStage
    answers: Answers

    async def says(self, text: str, area: str | None = None, language: str = "en") -> tuple[Status, str]:
        """Say a sentence, have it done, and give what came of it and what was answered."""
        picture = self.home.picture
        assert picture is not None
        utterance = Utterance(text, language, area)
        resolution = resolve(await self.frames.recognize(utterance, picture), utterance, picture)
        if resolution.outcome is not Outcome.COMMANDS:
            return resolution.status, self.spoken(resolution, language)
        execution = await execute(resolution, self.home, within=8)
        assert execution.error is None
        return execution.status, self.answers.speak(execution.say, language)

    def spoken(self, resolution: Resolution, language: str) -> str:
        return self.answers.speak(resolution.said, language)

    async def seen(self, entity_id: str) -> Mapping[str, Any]:
        """What Home Assistant itself says of an entity, its state among the attributes."""
        states = await self.witness.command("get_states", within=10)
        state = next(one for one in states if one["entity_id"] == entity_id)
        return {**state["attributes"], "state": state["state"]}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def speaker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Speaker]:
    folder = tmp_path_factory.mktemp("spoken-home")
    async with (
        started_house(folder, NAME, CONFIGURATION, language="en") as house,
        house.admin() as admin,
    ):
        await add_shopping_list(house)
        await furnish(admin)
        async with house.living() as home:
            await eventually(lambda: knows_all(home))
            frames = FrameStage()
            yield Speaker(home, admin, frames, Answers.load())
            frames.close()


async def add_shopping_list(house: House) -> None:
    """As Home Assistant's own pages add an integration."""
    url = f"{house.endpoint.url}/api/config/config_entries/flow"
    headers = {"Authorization": f"Bearer {house.token}"}
    async with house.http.post(url, json={"handler": "shopping_list"}, headers=headers) as response:
        step = await response.json()
    async with house.http.post(f"{url}/{step['flow_id']}", json={}, headers=headers) as response:
        assert (await response.json())["type"] == "create_entry"


async def furnish(admin: HomeAssistantSocket) -> None:
    areas = {
        area["name"]: area["area_id"] for area in await admin.command("config/area_registry/list", within=10)
    }
    for entity_id, name, area in FURNITURE:
        if name is not None:
            await admin.command(
                "config/entity_registry/update",
                within=10,
                entity_id=entity_id,
                name=name,
                area_id=areas[area] if area else None,
            )
    shown = [entity_id for entity_id, _, _ in FURNITURE]
    states = await admin.command("get_states", within=10)
    hidden = [one["entity_id"] for one in states if one["entity_id"] not in shown]
    for entity_ids, should_expose in ((hidden, False), (shown, True)):
        await admin.command(
            "homeassistant/expose_entity",
            within=10,
            assistants=["conversation"],
            entity_ids=entity_ids,
            should_expose=should_expose,
        )


def knows_all(home: LiveHome) -> bool:
    if home.picture is None:
        return False
    exposed = {entity.id: entity.name for entity in home.picture.registry.exposed_entities()}
    return exposed.keys() == {entity_id for entity_id, _, _ in FURNITURE} and all(
        name is None or exposed[entity_id] == name for entity_id, name, _ in FURNITURE
    )


@pytest.mark.parametrize(
    ("text", "entity_id", "attribute", "value"),
    [
        ("could you switch the floor lamp off please", "light.living_room_rgbww_lights", "state", "off"),
        ("floor lamp on", "light.living_room_rgbww_lights", "state", "on"),
        ("dim the worktop light to thirty percent", "light.kitchen_lights", "brightness", 76),
        ("make the floor lamp blue", "light.living_room_rgbww_lights", "rgb_color", [0, 0, 255]),
        ("set the bedside lamp to rainbow", "light.bed_light", "effect", "rainbow"),
        ("set the fan to half speed", "fan.living_room_fan", "percentage", 50),
        ("put the fan in sleep mode", "fan.living_room_fan", "preset_mode", "sleep"),
        ("turn the fan off", "fan.living_room_fan", "state", "off"),
        ("blinds halfway please", "cover.living_room_window", "current_position", 50),
        ("open the garage door", "cover.garage_door", "state", "open"),
        ("set the heat pump to twenty two and a half degrees", "climate.heatpump", "temperature", 22.5),
        ("make the heat pump two degrees cooler", "climate.heatpump", "temperature", 20.5),
        ("put the thermostat in away mode", "climate.ecobee", "preset_mode", "away"),
        ("switch the telly to youtube", "media_player.lounge_room", "source", "youtube"),
        ("pause the radio", "media_player.walkman", "state", "paused"),
        ("set the volume of the radio to 30", "media_player.walkman", "volume_level", 0.3),
        ("mute the radio", "media_player.walkman", "is_volume_muted", True),
        ("set the humidifier to 45 percent", "humidifier.humidifier", "humidity", 45),
        ("switch the hygrostat to eco", "humidifier.hygrostat", "mode", "eco"),
        ("put the hot water on high demand", "water_heater.demo_water_heater_celsius", "operation_mode",
         "high_demand"),
        ("set the hot water tank to 50 degrees", "water_heater.demo_water_heater_celsius", "temperature", 50),
        ("set the spaceship speed to light speed", "select.speed", "state", "light_speed"),
        ("set the spaceship speed to ludicrous", "select.speed", "state", "ludicrous_speed"),
        ("set the door chime volume to 80", "number.volume", "state", "80.0"),
        ("switch the house mode to night", "input_select.house_mode", "state", "Night"),
        ("set the watering time to half an hour", "input_number.watering_time", "state", "30.0"),
        ("unlock the front door", "lock.front_door", "state", "unlocked"),
        ("lock the front door again please", "lock.front_door", "state", "locked"),
        ("pop the kettle on", "input_boolean.kettle", "state", "on"),
        ("coffee machine on please", "switch.ac", "state", "on"),
        ("start the orchard sprinkler", "valve.orchard", "state", "open"),
        ("dusty start cleaning", "vacuum.0_ground_floor", "state", "cleaning"),
        ("arm the house alarm for the night", "alarm_control_panel.house_alarm", "state", "armed_night"),
        ("turn the alarm off", "alarm_control_panel.house_alarm", "state", "disarmed"),
        ("film night", "light.bed_light", "state", "on"),
    ],
)  # fmt: skip
async def test_what_is_said_is_seen_in_home_assistant(
    speaker: Speaker, text: str, entity_id: str, attribute: str, value: Any
) -> None:
    status, answer = await speaker.says(text)
    assert status is Status.OK, answer

    async def is_so() -> bool:
        found = (await speaker.seen(entity_id)).get(attribute)
        return (list(found) if isinstance(found, tuple) else found) == value

    await eventually(is_so, within=3)


@pytest.mark.parametrize(
    ("text", "entity_id"),
    [("ring the door bell", "input_button.bell"), ("press the cat feeder", "button.push")],
)
async def test_a_button_is_pressed(speaker: Speaker, text: str, entity_id: str) -> None:
    before = (await speaker.seen(entity_id))["state"]
    assert (await speaker.says(text))[0] is Status.OK

    async def is_pressed() -> bool:
        return bool((await speaker.seen(entity_id))["state"] != before)

    await eventually(is_pressed, within=3)


async def test_a_list_and_a_lamp_in_one_sentence(speaker: Speaker) -> None:
    assert (await speaker.says("switch off the ceiling light and add oat milk to the shopping list"))[0] is (
        Status.OK
    )
    items = await speaker.witness.command("todo/item/list", within=10, entity_id="todo.shopping_list")
    assert [item["summary"] for item in items["items"]] == ["oat milk"]
    assert (await speaker.seen("light.ceiling_lights"))["state"] == "off"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("what's it like outside", "15.6"),
        ("which input is the telly on", "youtube"),
        ("what is the spaceship speed set to", "ludicrous"),
        ("is the front door locked", "Yes"),
        ("what mode is the hygrostat in", "eco"),
    ],
)
async def test_a_question_is_answered_from_what_home_assistant_says(
    speaker: Speaker, text: str, answer: str
) -> None:
    status, spoken = await speaker.says(text)
    assert status is Status.ANSWERED
    assert answer in spoken


@pytest.mark.parametrize(
    "text",
    [
        "don't open the garage door",
        "set the door chime volume to 800",
        "switch the telly to netflix",
        "turn on the walkman",
        "if the front door is unlocked lock it",
        "unlock the door",
        "set the watering time to two hours",
    ],
)
async def test_what_must_not_act_leaves_everything_as_it_is(speaker: Speaker, text: str) -> None:
    before = await speaker.witness.command("get_states", within=10)
    status, _ = await speaker.says(text)
    assert status is not Status.OK
    after = await speaker.witness.command("get_states", within=10)
    shown = {entity_id for entity_id, _, _ in FURNITURE}
    changed = [
        (old["entity_id"], old["state"], new["state"])
        for old, new in zip(before, after, strict=True)
        if old["entity_id"] in shown
        and (old["state"], old["attributes"]) != (new["state"], new["attributes"])
    ]
    assert changed == []


async def test_hungarian_is_spoken_in_the_same_home(speaker: Speaker) -> None:
    status, answer = await speaker.says("állítsd a Spaceship speed-et light speedre", language="hu")
    assert (status, answer) == (Status.OK, "Átállítottam a Spaceship speedet: light_speed.")
