"""What a Home Assistant serves to one who onboards, small enough to read and able to misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

from provisioning.driver import Endpoint

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

OPEN = ("user", "core_config", "analytics", "integration")


class StandInOnboardingServer:
    """Accounts, codes and tokens as Home Assistant 2025 hands them out; `async with` runs it."""

    def __init__(self, *, done: tuple[str, ...] = OPEN[1:]) -> None:
        self.done = list(done)
        self.passwords: dict[str, str] = {}
        self.language: str | None = None
        self.access: set[str] = set()
        self.long_lived: dict[str, str] = {}
        self.requests: list[str] = []
        self.answer_instead: web.StreamResponse | bytes | None = None
        self.hangs = False
        self.half_makes_the_owner = False
        self.gone = False
        self._codes: set[str] = set()
        self._number = 0
        self._runner: web.AppRunner | None = None
        self.endpoint = Endpoint("")

    @property
    def routes(self) -> list[web.RouteDef]:
        """All that it serves but the WebSocket."""
        return [
            web.get("/api/onboarding", self._steps),
            web.post("/api/onboarding/users", self._user),
            web.post("/api/onboarding/{step}", self._step),
            web.post("/auth/login_flow", self._flow),
            web.post("/auth/login_flow/{flow}", self._login),
            web.post("/auth/token", self._token),
        ]

    async def __aenter__(self) -> Self:
        app = web.Application(middlewares=[self._misbehave])
        app.add_routes([*self.routes, web.get("/api/websocket", self._websocket)])
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.endpoint = Endpoint(f"http://127.0.0.1:{self._runner.addresses[0][1]}")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def _new(self, word: str) -> str:
        self._number += 1
        return f"{word}{self._number}"

    @web.middleware
    async def _misbehave(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.requests.append(f"{request.method} {request.path}")
        if self.hangs:
            await asyncio.get_running_loop().create_future()
        if isinstance(self.answer_instead, bytes):
            return web.Response(body=self.answer_instead)
        return self.answer_instead or await handler(request)

    async def _steps(self, request: web.Request) -> web.StreamResponse:
        if self.gone:
            return web.Response(status=404)
        return web.json_response([{"step": step, "done": step in self.done} for step in OPEN])

    async def _step(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization", "").removeprefix("Bearer ") not in self.access:
            return web.Response(status=401)
        self.done.append(request.match_info["step"])
        return web.json_response({})

    async def _flow(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"flow_id": self._new("flow"), "type": "form"})

    async def _user(self, request: web.Request) -> web.StreamResponse:
        if "user" in self.done:
            return web.Response(status=403)
        body = await request.json()
        assert body["client_id"] == f"http://{request.host}/"
        if body["username"] in self.passwords:
            return web.Response(status=500, text="Username already exists")
        self.passwords[body["username"]] = body["password"]
        self.language = body["language"]
        if self.half_makes_the_owner:
            # As Home Assistant does where its client is gone before the account is noted as made.
            raise ConnectionResetError
        self.done.append("user")
        return web.json_response({"auth_code": self._code()})

    def _code(self) -> str:
        code = self._new("code")
        self._codes.add(code)
        return code

    async def _login(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if self.passwords.get(body["username"]) != body["password"]:
            return web.json_response({"type": "form", "errors": {"base": "invalid_auth"}})
        return web.json_response({"type": "create_entry", "result": self._code()})

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = await request.post()
        if form.get("action") == "revoke":
            self.access.discard(str(form["token"]).replace("refresh", "access"))
            return web.Response()
        if form.get("code") not in self._codes:
            return web.json_response({"error": "invalid_request"}, status=400)
        self._codes.discard(str(form["code"]))
        token = self._new("access")
        self.access.add(token)
        return web.json_response({"access_token": token, "refresh_token": token.replace("access", "refresh")})

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        websocket = web.WebSocketResponse()
        await websocket.prepare(request)
        await websocket.send_json({"type": "auth_required"})
        token = (await websocket.receive_json())["access_token"]
        if not self.knows(token):
            await websocket.send_json({"type": "auth_invalid"})
            return websocket
        await websocket.send_json({"type": "auth_ok", "ha_version": "2025.4.4"})
        async for message in websocket:
            command = message.json()
            answer = {"id": command["id"], "type": "result", "success": True}
            await websocket.send_json(answer | {"result": self.command(command, token)})
        return websocket

    def knows(self, token: str) -> bool:
        """Whether a connection may be opened with this token."""
        return token in self.access or token in self.long_lived.values()

    def command(self, command: dict[str, Any], token: str) -> Any:
        """What a command about tokens comes to on a connection that was opened with `token`."""
        match command["type"]:
            case "auth/long_lived_access_token":
                assert command["client_name"] not in self.long_lived
                self.long_lived[command["client_name"]] = self._new("long-lived")
                return self.long_lived[command["client_name"]]
            case "auth/refresh_tokens":
                return [
                    {
                        "id": name,
                        "client_name": name,
                        "type": "long_lived_access_token",
                        "is_current": value == token,
                    }
                    for name, value in self.long_lived.items()
                ]
            case "auth/delete_refresh_token":
                del self.long_lived[command["refresh_token_id"]]
        return None
