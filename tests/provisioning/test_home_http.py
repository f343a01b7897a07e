"""The session over which all homes are reached."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from provisioning.home.socket import HomeAssistantSocket
from provisioning.home_http import session_for_homes
from tests.provisioning.home.stand_in_home_assistant import StandInHomeAssistant

HOMES = 150


async def test_more_than_a_hundred_homes_are_connected_at_once() -> None:
    async with AsyncExitStack() as stack, StandInHomeAssistant() as ha, session_for_homes() as http:
        async with asyncio.timeout(30):
            for _ in range(HOMES):
                socket = HomeAssistantSocket.connect(ha.url, ha.token, http=http, within=10)
                await stack.enter_async_context(socket)
        assert ha.connections == HOMES
