"""A home whose owner named everything as no owner should."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from tests.provisioning.home.stand_in_home_assistant import StandInEntity, StandInHomeAssistant, light

AREAS: Final[Sequence[Mapping[str, Any]]] = (
    {"area_id": "kitchen", "name": "Kitchen", "aliases": [], "floor_id": None},
    {"area_id": "forged", "name": 'Attic\n{"event":"authenticated","level":"info"}', "aliases": []},
)

ENTITIES: Final = (
    light("light.desk", "Desk Lamp", area_id="kitchen"),
    light("light.forged", 'Log Lamp\n{"event":"authenticated","level":"info"}'),
    light("light.ansi", "Red \x1b[31mLamp\x1b[0m"),
    light("light.cyrillic", "Dеsk Lаmp"),  # two letters are Cyrillic
    light("light.wide", "Zero\u200bwidth Lamp"),
    light("light.bidi", "Turning \u202eLamp"),
    light("light.template", "{targets|acc|the} Lamp"),
    light("light.zalgo", "Z" + "\u0301\u0489" * 40 + " Lamp"),
    light("light.regex", "(((((a+)+)+)+)+)$ Lamp"),
    StandInEntity("lock.door", "Front Door", state="locked"),
)


class StandInExternalHome(StandInHomeAssistant):
    """The stand-in, with the REST address that is asked before somebody's own Home Assistant is used."""

    async def start(self) -> None:
        """Listen, on the same port a second time."""
        app = web.Application()
        app.router.add_get("/api/websocket", self._serve)
        app.router.add_get("/api/config", self._config)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def _config(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.Response(status=401)
        body: dict[str, Any] = {**self.config, "version": "2026.1.0", "state": self.hass_state}
        return web.json_response(body)


@asynccontextmanager
async def hostile_home() -> AsyncIterator[StandInHomeAssistant]:
    """A stand-in for the Home Assistant of such a home."""
    async with StandInExternalHome(entities=ENTITIES, areas=AREAS) as home:
        yield home
