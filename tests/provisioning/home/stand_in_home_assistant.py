"""A Home Assistant for tests: its WebSocket, small enough to read, and able to fail on request.

It speaks what a home's connection uses (authentication, registries, exposure, `subscribe_entities`, events,
service calls, ping) and does, when told to, what the real one cannot be made to do: answer late or never,
drop the line in mid-call, refuse a token that was good a moment ago, send garbage, send far too much.

    async with StandInHomeAssistant(entities=[light("light.lamp", "Lamp", area_id="kitchen")]) as ha:
        home = LiveHome(user_id="u", url=ha.url, token=ha.token, http=http)
        ...
        assert ha.calls == [ReceivedCall("light", "turn_on", ("light.lamp",), {})]
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import aiohttp
import orjson
from aiohttp import web

TOKEN = "a-token-of-the-stand-in"


@dataclass(frozen=True, slots=True)
class StandInEntity:
    """An entity: its registry entry (none if `registered` is false) and its state."""

    entity_id: str
    name: str
    state: str = "off"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    aliases: Sequence[str | None] = ()
    area_id: str | None = None
    device_id: str | None = None
    exposed: bool | None = True
    registered: bool = True
    entity_category: str | None = None

    def entry(self) -> dict[str, Any]:
        options = {} if self.exposed is None else {"conversation": {"should_expose": self.exposed}}
        return {
            "entity_id": self.entity_id,
            "name": None,
            "original_name": self.name,
            "aliases": list(self.aliases),
            "area_id": self.area_id,
            "device_id": self.device_id,
            "disabled_by": None,
            "hidden_by": None,
            "entity_category": self.entity_category,
            "options": options,
        }

    def compressed(self) -> dict[str, Any]:
        return {"s": self.state, "a": {"friendly_name": self.name, **self.attributes}, "lc": 1.0}


def light(entity_id: str, name: str, **more: Any) -> StandInEntity:
    return StandInEntity(entity_id, name, **more)


@dataclass(frozen=True, slots=True)
class ReceivedCall:
    """A `call_service` as it arrived."""

    domain: str
    service: str
    entity_ids: tuple[str, ...]
    data: Mapping[str, Any]


_STATE_AFTER = {
    "turn_on": "on",
    "turn_off": "off",
    "lock": "locked",
    "unlock": "unlocked",
    "open_cover": "open",
    "close_cover": "closed",
    "open_valve": "open",
    "close_valve": "closed",
}


class StandInHomeAssistant:
    """An `async with` block in which a stand-in listens on a port of its own.

    Attributes to read:
        url, token: As a `LiveHome` takes them.
        calls: Every service call that arrived, answered or not.
        received: The type of every command that arrived.
        connections: How many are open and authenticated.

    Attributes to set, at any time:
        delay: Seconds before a service call is answered.
        mute: Commands are taken and never answered (authentication still is).
        deaf_auth: The token is never answered.
        refuse_token: Every token is refused.
        drop_on_call: The next service call closes the connection instead of being answered.
        fail_calls: `(code, message)` with which every service call fails.
        fail_commands: The same by command type: `{"config/floor_registry/list": ("unknown_command", "…")}`.
        idle_calls: Service calls succeed and change no state.
        hass_state: What `get_config` says: `RUNNING`, `STARTING`.
        config: Further fields of `get_config`.
        answers: Results by command type instead of the true ones; JSON of any kind.
    """

    def __init__(
        self,
        *,
        entities: Sequence[StandInEntity] = (),
        areas: Sequence[Mapping[str, Any]] = (),
        floors: Sequence[Mapping[str, Any]] = (),
        devices: Sequence[Mapping[str, Any]] = (),
        token: str = TOKEN,
        language: str = "en",
    ) -> None:
        self.entities = {entity.entity_id: entity for entity in entities}
        self.areas = [dict(area) for area in areas]
        self.floors = [dict(floor) for floor in floors]
        self.devices = [dict(device) for device in devices]
        self.token = token
        self.config: dict[str, Any] = {
            "language": language,
            "country": "HU",
            "time_zone": "Europe/Budapest",
            "unit_system": {"temperature": "°C"},
        }
        self.hass_state = "RUNNING"
        self.expose_new = True
        self.delay = 0.0
        self.mute = False
        self.deaf_auth = False
        self.refuse_token = False
        self.drop_on_call = False
        self.idle_calls = False
        self.fail_calls: tuple[str, str] | None = None
        self.fail_commands: dict[str, tuple[str, str]] = {}
        self.answers: dict[str, Any] = {}
        self.calls: list[ReceivedCall] = []
        self.received: list[str] = []
        self._lines: set[Line] = set()
        self._moved = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def connections(self) -> int:
        return len(self._lines)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def routes(self) -> list[web.RouteDef]:
        """What it serves."""
        return [web.get("/api/websocket", self._serve)]

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; a second time on the same port."""
        app = web.Application()
        app.add_routes(self.routes)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port or self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Stop listening and drop everybody."""
        for task in self._tasks:
            task.cancel()
        await self.drop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def drop(self) -> None:
        """Cut every connection without a goodbye."""
        for line in tuple(self._lines):
            line.cut()
        await asyncio.sleep(0)

    async def revoke_token(self) -> None:
        """Refuse the token from now on, and close the connections made with it, as the real one does."""
        self.refuse_token = True
        for line in tuple(self._lines):
            await line.websocket.close()

    async def until(self, holds: Callable[[StandInHomeAssistant], bool], *, within: float = 5) -> None:
        """Wait until something is so, looked at after every command that arrives."""
        async with asyncio.timeout(within), self._moved:
            await self._moved.wait_for(lambda: holds(self))

    # What happens in the house.

    async def put(self, entity: StandInEntity) -> None:
        """Add an entity, or replace it, registry entry and state."""
        self.entities[entity.entity_id] = entity
        await self._tell_states({"a": {entity.entity_id: entity.compressed()}})
        if entity.registered:
            await self.fire("entity_registry_updated", {"action": "update", "entity_id": entity.entity_id})

    async def set_state(self, entity_id: str, state: str, **attributes: Any) -> None:
        entity = self.entities[entity_id]
        self.entities[entity_id] = replace(
            entity, state=state, attributes={**entity.attributes, **attributes}
        )
        difference: dict[str, Any] = {"s": state, "lc": 2.0}
        if attributes:
            difference["a"] = attributes
        await self._tell_states({"c": {entity_id: {"+": difference}}})

    async def change_entry(self, entity_id: str, **fields: Any) -> None:
        """Change an entity's registry entry (`exposed`, `area_id`, `aliases`) and fire the event of it."""
        self.entities[entity_id] = replace(self.entities[entity_id], **fields)
        await self.fire("entity_registry_updated", {"action": "update", "entity_id": entity_id})

    async def remove(self, entity_id: str) -> None:
        del self.entities[entity_id]
        await self._tell_states({"r": [entity_id]})
        await self.fire("entity_registry_updated", {"action": "remove", "entity_id": entity_id})

    async def fire(self, event_type: str, data: Mapping[str, Any] | None = None) -> None:
        for line in tuple(self._lines):
            await line.event(event_type, {"event_type": event_type, "data": dict(data or {})})

    async def send_raw(self, message: str | bytes) -> None:
        """Send text or bytes as they are to everybody."""
        for line in tuple(self._lines):
            await line.send_raw(message)

    async def _tell_states(self, event: Mapping[str, Any]) -> None:
        for line in tuple(self._lines):
            await line.states(event)

    # The protocol.

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(max_msg_size=0)
        await websocket.prepare(request)
        line = Line(websocket, request)
        try:
            if await self._let_in(line):
                self._lines.add(line)
                async for message in websocket:
                    await self._take(line, orjson.loads(message.data))
        except (aiohttp.ClientError, ConnectionError):
            pass
        finally:
            self._lines.discard(line)
        return websocket

    def knows(self, token: str) -> bool:
        """Whether a connection may be opened with this token."""
        return token == self.token

    async def _let_in(self, line: Line) -> bool:
        websocket = line.websocket
        await websocket.send_str('{"type":"auth_required","ha_version":"2026.1.0"}')
        message = await websocket.receive_json()
        if self.deaf_auth:
            await websocket.receive()
            return False
        line.token = str(message.get("access_token"))
        if self.refuse_token or message.get("type") != "auth" or not self.knows(line.token):
            await websocket.send_str('{"type":"auth_invalid","message":"Invalid access token or password"}')
            await websocket.close()
            return False
        await websocket.send_str('{"type":"auth_ok","ha_version":"2026.1.0"}')
        return True

    async def _take(self, line: Line, message: dict[str, Any]) -> None:
        type_ = message["type"]
        self.received.append(type_)
        if type_ == "call_service":
            self._note_call(message)
        async with self._moved:
            self._moved.notify_all()
        if self.mute:
            return
        if type_ == "call_service":
            task = asyncio.create_task(self._call(line, message))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif type_ in self.fail_commands:
            await line.fail(message["id"], *self.fail_commands[type_])
        elif type_ == "ping":
            await line.send({"id": message["id"], "type": "pong"})
        elif type_ in self.answers:
            await line.result(message["id"], self.answers[type_])
        elif type_ == "subscribe_entities":
            await line.result(message["id"], None)
            line.states_id = message["id"]
            everything = {key: entity.compressed() for key, entity in self.entities.items()}
            await line.states({"a": everything})
        elif type_ == "subscribe_events":
            line.subscriptions[message["event_type"]] = message["id"]
            await line.result(message["id"], None)
        else:
            await self._answer(line, message)

    async def _answer(self, line: Line, message: dict[str, Any]) -> None:
        results: dict[str, Callable[[], Any]] = {
            "supported_features": lambda: None,
            "get_config": lambda: {**self.config, "state": self.hass_state},
            "config/area_registry/list": lambda: self.areas,
            "config/floor_registry/list": lambda: self.floors,
            "config/device_registry/list": lambda: self.devices,
            "config/entity_registry/get_entries": lambda: self._entries(message["entity_ids"]),
            "homeassistant/expose_entity/list": self._exposure,
            "homeassistant/expose_new_entities/get": lambda: {"expose_new": self.expose_new},
        }
        if message["type"] in results:
            await line.result(message["id"], results[message["type"]]())
        else:
            await self.answer_other(line, message)

    async def answer_other(self, line: Line, message: dict[str, Any]) -> None:
        """Answer a command that has nothing to do with a home's states."""
        await line.fail(message["id"], "unknown_command", "Unknown command.")

    def _entries(self, entity_ids: Sequence[str]) -> dict[str, Any]:
        known = {key: self.entities.get(key) for key in entity_ids}
        return {
            key: entity.entry() if entity and entity.registered else None for key, entity in known.items()
        }

    def _exposure(self) -> dict[str, Any]:
        exposed = {key: {"conversation": True} for key, entity in self.entities.items() if entity.exposed}
        return {"exposed_entities": exposed}

    def _note_call(self, message: dict[str, Any]) -> None:
        target = message.get("target", {}).get("entity_id", [])
        self.calls.append(
            ReceivedCall(
                message["domain"], message["service"], tuple(target), message.get("service_data", {})
            )
        )

    async def _call(self, line: Line, message: dict[str, Any]) -> None:
        if self.drop_on_call:
            self.drop_on_call = False
            line.cut()
            return
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.fail_calls is not None:
            await line.fail(message["id"], *self.fail_calls)
            return
        after = _STATE_AFTER.get(message["service"])
        if after is not None and not self.idle_calls:
            for entity_id in message.get("target", {}).get("entity_id", []):
                if entity_id in self.entities:
                    await self.set_state(entity_id, after)
        await line.result(message["id"], {"context": {"id": "c"}})


class Line:
    """One connection, from the stand-in's side."""

    def __init__(self, websocket: web.WebSocketResponse, request: web.Request) -> None:
        self.websocket = websocket
        self.subscriptions: dict[str, int] = {}
        self.states_id: int | None = None
        self.token = ""
        self._request = request

    def cut(self) -> None:
        if self._request.transport is not None:
            self._request.transport.abort()

    async def send_raw(self, message: str | bytes) -> None:
        try:
            if isinstance(message, str):
                await self.websocket.send_str(message)
            else:
                await self.websocket.send_bytes(message)
        except (ConnectionError, aiohttp.ClientError):
            pass

    async def send(self, message: Mapping[str, Any]) -> None:
        await self.send_raw(orjson.dumps(message).decode())

    async def result(self, identifier: int, result: Any) -> None:
        await self.send({"id": identifier, "type": "result", "success": True, "result": result})

    async def fail(self, identifier: int, code: str, message: str) -> None:
        error = {"code": code, "message": message}
        await self.send({"id": identifier, "type": "result", "success": False, "error": error})

    async def event(self, event_type: str, event: Mapping[str, Any]) -> None:
        if event_type in self.subscriptions:
            await self.send({"id": self.subscriptions[event_type], "type": "event", "event": event})

    async def states(self, event: Mapping[str, Any]) -> None:
        if self.states_id is not None:
            await self.send({"id": self.states_id, "type": "event", "event": event})
