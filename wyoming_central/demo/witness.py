"""Sees for itself: asks Home Assistant, over a connection of its own, how an entity is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from provisioning.home.registry import EntityState
from provisioning.home.socket import HomeAssistantSocket
from wyoming_central.demo.script import Line

_WITHIN: Final = 10.0
_LOOK_EVERY: Final = 0.1


class Witness:
    """Looks at one Home Assistant past the server's back.

    Args:
        socket: A connection that nobody else uses.
    """

    def __init__(self, socket: HomeAssistantSocket) -> None:
        self._socket = socket

    async def state_of(self, entity_id: str) -> EntityState:
        """How an entity is now, in Home Assistant's own words.

        Raises:
            HomeError: Home Assistant does not answer.
            LookupError: It has no such entity.
        """
        states: list[dict[str, Any]] = await self._socket.command("get_states", within=_WITHIN)
        for state in states:
            if state["entity_id"] == entity_id:
                return EntityState(state["state"], state["attributes"])
        raise LookupError(entity_id)

    async def sees(self, line: Line, *, within: float) -> tuple[bool, EntityState]:
        """Whether the entity of a line comes to be as the line says, and how it is in the end.

        Covers take a second to move and locks to turn, so it is looked at until `within` seconds are over.
        """
        if line.entity_id is None:
            raise ValueError("a question changes nothing that could be seen")
        deadline = asyncio.get_running_loop().time() + within
        while True:
            state = await self.state_of(line.entity_id)
            if _is_as_said(state, line.state, line.attributes):
                return True, state
            if asyncio.get_running_loop().time() > deadline:
                return False, state
            await asyncio.sleep(_LOOK_EVERY)


def _is_as_said(state: EntityState, wanted: str | None, attributes: Mapping[str, Any]) -> bool:
    return (wanted is None or state.state == wanted) and all(
        state.attributes.get(name) == value for name, value in attributes.items()
    )
