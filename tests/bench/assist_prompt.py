"""How long the prompt is that Home Assistant itself gives a language model, for a home of a hundred things.

It is asked of a real Home Assistant: a probe in it (`assist_prompt_probe/`) tells what its Assist API gives a
model, and what its Ollama integration puts in front of that as long as nobody has written anything else.

What is counted, of Home Assistant's prompt and of ours alike, are the characters (Unicode code points) of
everything that a model is given to read besides the sentence itself, for the first sentence of a
conversation, said in no room in particular:

- *instructions*: who it is and what it is to do, with whatever stands between the parts;
- *home*: the things of the home. In Home Assistant's prompt that is the list of them in YAML; the line that
  announces it belongs to the instructions;
- *tools*: what it may call, as compact JSON of names, descriptions and parameters, without the frame that
  each of them is in on the wire, and with letters rather than escapes in it. A schema that only says what the
  server lets a model write is not given to the model, and not counted.

Where there was a choice of what to count, it favours Home Assistant: the home is configured with nothing that
brings tools besides those of its things (a shopping list, to-do lists, scripts, calendars); nothing has
another name; without a satellite there are no tools for timers, which would be seven more; and no state of
anything is in the prompt, so that a question costs it a second round, in which all of this is given again
with the states behind it.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from provisioning.home.socket import HomeAssistantSocket
from tests.bench.hundred_things import floors, script
from tests.real.house import eventually, started_house
from wyoming_central.demo.furnish import furnish

_NAME: Final = "wyoming-central-assist-prompt"
_PROBE: Final = "assist_prompt_probe"
_WITHIN: Final = 20.0
_STARTED_WITHIN: Final = 120.0
_FIRST_THING: Final = re.compile(r"^- ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class AssistPrompt:
    """How long Home Assistant's own prompt is; see the module for what is counted.

    Attributes:
        instructions: Characters of what a model is to do.
        home: Characters of the list of things.
        tools: Characters of what it may call.
        entities: How many things are in the list.
    """

    instructions: int
    home: int
    tools: int
    entities: int

    @property
    def characters(self) -> int:
        """All of it."""
        return self.instructions + self.home + self.tools


@dataclass(frozen=True, slots=True)
class AssistHome:
    """A home, and what Home Assistant tells a model of it.

    Attributes:
        prompt: How long that is.
        home: The same home as `handlers.interpret.parse_home` takes it, as Home Assistant reports it.
        text: The prompt without the tools.
        tools: What a model may call: `name`, `description`, `parameters`.
        version: Of Home Assistant.
    """

    prompt: AssistPrompt
    home: Mapping[str, Any] = field(repr=False)
    text: str = field(repr=False)
    tools: Sequence[Mapping[str, Any]] = field(repr=False)
    version: str


class AssistPromptError(Exception):
    """Home Assistant's prompt is not what this module takes it for."""


async def assist_prompt(language: str = "hu") -> AssistHome:
    """Start a Home Assistant with a hundred things, ask it for its prompt, and end it.

    Args:
        language: Of the home and its names, `hu` or `en`; Home Assistant's instructions are English anyway.

    Raises:
        AssistPromptError: Not all of the things, or others, are in the prompt.
        HomeError: Home Assistant refused something.
        InstanceError: There is no Home Assistant to start.
    """
    house_script = script(language, more={_PROBE: None})
    wanted = {one.entity_id for one in house_script.furniture}
    with tempfile.TemporaryDirectory(prefix=f"{_NAME}-") as folder:
        await asyncio.to_thread(_put_probe, Path(folder) / "instances" / _NAME)
        async with (
            started_house(Path(folder), _NAME, house_script.configuration, language=language) as house,
            house.admin() as socket,
        ):
            await eventually(lambda: _has(socket, wanted), within=_STARTED_WITHIN)
            await furnish(house.endpoint.url, house.token, house_script, http=house.http)
            await _make_floors(socket, language)
            home = await _described(socket)
            told = await socket.command(
                "call_service", within=_WITHIN, domain=_PROBE, service="tell", return_response=True
            )
    if (shown := {one["id"] for one in home["entities"]}) != wanted:
        raise AssistPromptError(f"exposed, or not, against our wish: {sorted(shown ^ wanted)}")
    return _measured(told["response"], home, socket.version)


def _put_probe(folder: Path) -> None:
    source = Path(__file__).with_name(_PROBE)
    shutil.copytree(
        source, folder / "custom_components" / _PROBE, ignore=shutil.ignore_patterns("__pycache__")
    )


async def _has(socket: HomeAssistantSocket, wanted: set[str]) -> bool:
    """Whether it has started, and has these entities."""
    config = await socket.command("get_config", within=_WITHIN)
    states = await socket.command("get_states", within=_WITHIN)
    return config["state"] == "RUNNING" and wanted <= {state["entity_id"] for state in states}


async def _make_floors(socket: HomeAssistantSocket, language: str) -> None:
    areas = {
        one["name"]: one["area_id"]
        for one in await socket.command("config/area_registry/list", within=_WITHIN)
    }
    for level, (name, rooms) in enumerate(floors(language).items()):
        floor = await socket.command("config/floor_registry/create", within=_WITHIN, name=name, level=level)
        for room in rooms:
            await socket.command(
                "config/area_registry/update",
                within=_WITHIN,
                area_id=areas[room],
                floor_id=floor["floor_id"],
            )


async def _described(socket: HomeAssistantSocket) -> dict[str, Any]:
    """The home as `interpret` takes it: what is exposed, from the registries and the states."""

    async def ask(command: str, **more: Any) -> Any:
        return await socket.command(command, within=_WITHIN, **more)

    exposed = (await ask("homeassistant/expose_entity/list"))["exposed_entities"]
    shown = {entity_id for entity_id, assistants in exposed.items() if assistants.get("conversation")}
    entries = await ask("config/entity_registry/get_entries", entity_ids=sorted(shown))
    states = {state["entity_id"]: state for state in await ask("get_states")}
    config = await ask("get_config")
    return {
        "time_zone": config["time_zone"],
        "temperature_unit": config["unit_system"]["temperature"],
        "floors": [
            {"id": one["floor_id"], "name": one["name"], "aliases": one["aliases"]}
            for one in await ask("config/floor_registry/list")
        ],
        "areas": [
            {
                "id": one["area_id"],
                "name": one["name"],
                "aliases": one["aliases"],
                "floor": one["floor_id"],
            }
            for one in await ask("config/area_registry/list")
        ],
        "entities": [
            {
                "id": entity_id,
                "name": state["attributes"]["friendly_name"],
                "aliases": entries[entity_id]["aliases"],
                "area": entries[entity_id]["area_id"],
                "state": state["state"],
                "attributes": state["attributes"],
            }
            # In the order in which Home Assistant has them.
            for entity_id, state in states.items()
            if entity_id in shown
        ],
    }


def _measured(told: Mapping[str, Any], home: Mapping[str, Any], version: str) -> AssistHome:
    text = f"{told['front']}\n{told['api_prompt']}"
    begin = _FIRST_THING.search(text)
    if begin is None:
        raise AssistPromptError("there is no list of things in the prompt")
    listing = text[begin.start() :]
    listed = yaml.safe_load(listing)
    names = sorted(one["names"] for one in listed)
    if names != sorted(one["name"] for one in home["entities"]):
        raise AssistPromptError(f"the prompt lists {len(names)} things, and others than are exposed")
    tools = json.dumps(told["tools"], ensure_ascii=False, separators=(",", ":"))
    return AssistHome(
        prompt=AssistPrompt(len(text) - len(listing), len(listing), len(tools), len(listed)),
        home=home,
        text=text,
        tools=told["tools"],
        version=version,
    )
