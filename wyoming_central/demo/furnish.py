"""Furnishes a new home: rooms, names, and which devices the assistant may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import aiohttp

from provisioning.home.socket import HomeAssistantSocket
from wyoming_central.demo.script import Furniture, Script

_WITHIN: Final = 10.0
_ASSISTANT: Final = "conversation"


async def furnish(url: str, token: str, script: Script, *, http: aiohttp.ClientSession) -> None:
    """Make a Home Assistant with the demo configuration look like the script's home.

    Args:
        url: Of the Home Assistant.
        token: An administrator's.
        script: What it is to look like.
        http: Session to connect with.

    Raises:
        HomeError: Home Assistant refused something or could not be reached.
    """
    async with HomeAssistantSocket.connect(url, token, http=http, within=_WITHIN) as socket:
        rooms = await _make_rooms(socket, script)
        registered = {
            entry["entity_id"]: entry
            for entry in await socket.command("config/entity_registry/list", within=_WITHIN)
        }
        for furniture in script.furniture:
            if furniture.entity_id in registered:
                await _place(socket, furniture, rooms)
        await _show_only(socket, {furniture.entity_id for furniture in script.furniture})
        for preparation in script.preparations:
            await socket.command(
                "call_service",
                within=_WITHIN,
                domain=preparation.domain,
                service=preparation.service,
                service_data=dict(preparation.data),
                target={"entity_id": list(preparation.entity_ids)},
            )


async def _make_rooms(socket: HomeAssistantSocket, script: Script) -> Mapping[str, str]:
    """Area ids by the script's keys; onboarding has made some of the areas already."""
    existing = {
        area["name"].casefold(): area["area_id"]
        for area in await socket.command("config/area_registry/list", within=_WITHIN)
    }
    rooms = {}
    for key, name in script.rooms.items():
        area_id = existing.get(name.casefold())
        if area_id is None:
            area = await socket.command("config/area_registry/create", within=_WITHIN, name=name)
            area_id = area["area_id"]
        rooms[key] = area_id
    return rooms


async def _place(socket: HomeAssistantSocket, furniture: Furniture, rooms: Mapping[str, str]) -> None:
    await socket.command(
        "config/entity_registry/update",
        within=_WITHIN,
        entity_id=furniture.entity_id,
        name=furniture.name,
        area_id=rooms[furniture.room] if furniture.room else None,
    )


async def _show_only(socket: HomeAssistantSocket, shown: set[str]) -> None:
    states: list[dict[str, Any]] = await socket.command("get_states", within=_WITHIN)
    hidden = sorted(state["entity_id"] for state in states if state["entity_id"] not in shown)
    for entity_ids, should_expose in ((hidden, False), (sorted(shown), True)):
        await socket.command(
            "homeassistant/expose_entity",
            within=_WITHIN,
            assistants=[_ASSISTANT],
            entity_ids=entity_ids,
            should_expose=should_expose,
        )
