"""A strict stand-in for an Ollama server: real HTTP, the real shapes, no model.

It checks requests like the real one (an unknown model is 404, a full queue 503, `format` is enforced) and
answers with a random value that fits the schema of `format`, or with what a script says. It can fail in every
way in which the real one, or what stands between, does; whoever hangs up is noticed at once.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any, Final, Self

from aiohttp import web

from tests.ollama.chat_request import wrong_with
from tests.ollama.chat_script import CHARACTERS_A_TOKEN, ChatCall, Fault, ScriptedAnswer
from tests.ollama.random_answer import sample

__all__ = ["ChatCall", "Fault", "ScriptedAnswer", "StandInOllama"]

_TAGS: Final = {
    "format": "gguf",
    "family": "mistral3",
    "parameter_size": "3.8B",
    "quantization_level": "Q4_K_M",
}
_DIGEST: Final = "a" * 64
_BYTES: Final = 2_987_654_321
_NOW: Final = "2026-11-27T12:00:00.000000001Z"
_ENDLESS: Final = 60_000


Answering = Callable[[ChatCall], ScriptedAnswer]


class StandInOllama:
    """The server, for as long as its context lasts.

    Args:
        models: Those it has.
        pullable: Those that it can fetch.
        parallel: Chats at a time; others wait.
        most_waiting: How many may wait.
        seed: Of random answers.
        answer: How chats are answered; may be replaced at any time.
        port: 0 for one of the system's choice; it is kept when the server comes back.

    Attributes:
        calls: All chats.
        pulls: Names of models that were to be fetched.
        reloads: How often the model was loaded with another `num_ctx` than before.
        loaded: The model that is loaded, if one is.
        connections: How many connections chats came over.
        pull_error: What a fetching ends with in the middle; may be set at any time, as may `pull_stalls`.
        pull_stalls: Whether fetching comes to rest in the middle.
    """

    def __init__(
        self,
        *,
        models: Sequence[str] = ("ministral-3:3b-instruct-2512-q4_K_M",),
        pullable: Sequence[str] = (),
        parallel: int = 1,
        most_waiting: int = 512,
        seed: int = 0,
        answer: Answering | None = None,
        port: int = 0,
    ) -> None:
        self.models = tuple(models)
        self.pullable = tuple(pullable)
        self.answer = answer
        self.calls: list[ChatCall] = []
        self.pulls: list[str] = []
        self.reloads = 0
        self.loaded: str | None = None
        self.connections = 0
        self.pull_error: str | None = None
        self.pull_stalls = False
        self._peers: set[Any] = set()
        self._random = Random(seed)
        self._slots = asyncio.Semaphore(parallel)
        self._most_waiting = most_waiting
        self._waiting = 0
        self._num_ctx: int | None = None
        self._last_prompts = [""] * parallel  # of each place that is free
        self._news: asyncio.Queue[ChatCall] = asyncio.Queue()
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the same port as before if it was there before."""
        app = web.Application(client_max_size=4_000_000)
        app.router.add_get("/api/version", self._version)
        app.router.add_get("/api/tags", self._tags)
        app.router.add_get("/api/ps", self._ps)
        app.router.add_post("/api/show", self._show)
        app.router.add_post("/api/pull", self._pull)
        app.router.add_post("/api/chat", self._chat)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Go away; whatever is connected is cut off."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
            for connection in runner.server.connections if runner.server is not None else ():
                if connection.transport is not None:
                    connection.transport.abort()
            await runner.cleanup()

    async def next_call(self) -> ChatCall:
        """The next chat that is asked for and was not given here yet."""
        return await self._news.get()

    # What is small.

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({"version": "0.13.5"})

    async def _tags(self, _request: web.Request) -> web.Response:
        return web.json_response({"models": [self._described(name) for name in self.models]})

    async def _ps(self, _request: web.Request) -> web.Response:
        running = (
            [{**self._described(self.loaded), "expires_at": _NOW, "size_vram": _BYTES}] if self.loaded else []
        )
        return web.json_response({"models": running})

    async def _show(self, request: web.Request) -> web.Response:
        body = await _body(request)
        name = body.get("model")
        if name not in self.models:
            return _error(404, f"model '{name}' not found")
        return web.json_response(
            {"details": _TAGS, "model_info": {}, "capabilities": ["completion", "tools"]}
        )

    def _described(self, name: str) -> dict[str, Any]:
        return {
            "name": name, "model": name, "modified_at": _NOW, "size": _BYTES, "digest": _DIGEST,
            "details": {"parent_model": "", "families": ["mistral3"], **_TAGS},
        }  # fmt: skip

    async def _pull(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        name = body.get("model")
        if not isinstance(name, str) or not name:
            return _error(400, "invalid model name")
        self.pulls.append(name)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await _write(response, {"status": "pulling manifest"})
        if name not in self.pullable and name not in self.models:
            await _write(response, {"error": "pull model manifest: file does not exist"})
            return response
        part = {"status": f"pulling {_DIGEST[:12]}", "digest": f"sha256:{_DIGEST}", "total": _BYTES}
        for tenth in range(11):
            await _write(response, {**part, "completed": _BYTES * tenth // 10})
            await asyncio.sleep(0)
            if tenth == 5 and self.pull_stalls:
                await asyncio.Event().wait()
            if tenth == 5 and self.pull_error is not None:
                await _write(response, {"error": self.pull_error})
                return response
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            if status == "success":
                self.models = (*self.models, name)
            await _write(response, {"status": status})
        return response

    # Chats.

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        if wrong := wrong_with(body):
            return _error(400, wrong)
        if body["model"] not in self.models:
            return _error(404, f"model '{body['model']}' not found")
        self._note_peer(request)
        prompt = "\n".join(str(message.get("content", "")) for message in body["messages"])
        call = ChatCall(body, prompt, asyncio.get_running_loop().time())
        scripted = self.answer(call) if self.answer is not None else ScriptedAnswer()
        self.calls.append(call)
        self._news.put_nowait(call)
        try:
            if scripted.fault in _AT_ONCE:
                return _AT_ONCE[scripted.fault](body)
            if self._slots.locked() and self._waiting >= self._most_waiting:
                return _busy(body)
            async with self._slot():
                return await self._answered(request, call, scripted)
        except (asyncio.CancelledError, ConnectionError):
            call.cancelled = True
            raise
        finally:
            call.ended = asyncio.get_running_loop().time()
            call.over.set()

    def _note_peer(self, request: web.Request) -> None:
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        if peer not in self._peers:
            self._peers.add(peer)
            self.connections += 1

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        self._waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._slots.release()

    async def _answered(
        self, request: web.Request, call: ChatCall, scripted: ScriptedAnswer
    ) -> web.StreamResponse:
        self._load(call)
        try:
            return await self._written(request, call, scripted)
        finally:
            self._last_prompts.append(call.prompt)

    async def _written(
        self, request: web.Request, call: ChatCall, scripted: ScriptedAnswer
    ) -> web.StreamResponse:
        await asyncio.sleep(scripted.first_seconds)
        if scripted.fault is Fault.HANG:
            await asyncio.Event().wait()
        if scripted.fault is Fault.RESET_BEFORE:
            return _reset(request)
        text, size = self._content(call, scripted), scripted.characters_a_chunk
        pieces = [text[at : at + size] for at in range(0, len(text), size)]
        most = (call.body.get("options") or {}).get("num_predict", -1)
        if scripted.fault is Fault.CUT_JSON:
            most = len(pieces) // 2
        reason = "length" if 0 <= most < len(pieces) else "stop"
        if reason == "length":
            pieces = pieces[:most]
        call.content = "".join(pieces)
        last = {**_last(call, reason, len(pieces)), "done": True}
        if call.body.get("stream", True):
            return await self._stream(request, call, scripted, pieces, last)
        await asyncio.sleep(scripted.token_seconds * len(pieces))
        if wrong := await _wrong_at_once(scripted.fault, request):
            return wrong
        return web.json_response({**_line(call.body, call.content), **last})

    async def _stream(
        self,
        request: web.Request,
        call: ChatCall,
        scripted: ScriptedAnswer,
        pieces: Sequence[str],
        last: Mapping[str, Any],
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        for number, piece in enumerate(pieces):
            if number == len(pieces) // 2 and await _gone_wrong(scripted.fault, request, response):
                return response
            await _write(response, _line(call.body, piece))
            if scripted.token_seconds:
                await asyncio.sleep(scripted.token_seconds)
        await _write(response, {**_line(call.body, ""), **last})
        return response

    def _load(self, call: ChatCall) -> None:
        options = call.body.get("options") or {}
        context = options.get("num_ctx", 4096)
        if self.loaded is None or context != self._num_ctx:
            self.reloads += 1
            self._last_prompts = [""] * len(self._last_prompts)
        self.loaded, self._num_ctx = call.body["model"], context
        last = max(self._last_prompts, key=lambda one: _alike(call.prompt, one))
        known = _alike(call.prompt, last)
        self._last_prompts.remove(last)
        tokens = len(call.prompt) // CHARACTERS_A_TOKEN + 1
        call.cached_tokens = min(known // CHARACTERS_A_TOKEN, tokens - 1)
        call.prompt_tokens = tokens - call.cached_tokens
        call.whole_prompt_tokens = tokens
        call.truncated = tokens > context

    def _content(self, call: ChatCall, scripted: ScriptedAnswer) -> str:
        content = scripted.content
        if content is None:
            schema = call.body.get("format")
            content = sample(schema, self._random) if isinstance(schema, Mapping) else "Hello."
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        return _DISTORTED.get(scripted.fault or Fault.BUSY, lambda said: said)(text)


_DISTORTED: Final[Mapping[Fault, Callable[[str], str]]] = {
    Fault.EMPTY: lambda _text: "",
    Fault.PROSE: lambda _text: "Of course! I have turned on the lamp for you.",
    Fault.FENCED: lambda text: f"Here it is:\n```json\n{text}\n```\nAnything else?",
    Fault.BABBLE: lambda text: text + " And by the way, " * _ENDLESS,
    Fault.HUGE: lambda _text: '{"response":"' + "x" * (16 * _ENDLESS),
    Fault.SLOW_DRIP: lambda _text: '{"response":"' + "x" * _ENDLESS,
}


# --- ways to go wrong ---------------------------------------------------------------------------------------


def _busy(_body: Mapping[str, Any]) -> web.Response:
    return _error(503, "server busy, please try again.  maximum pending requests exceeded")


_AT_ONCE: Final[Mapping[Fault | None, Callable[[Mapping[str, Any]], web.Response]]] = {
    Fault.BUSY: _busy,
    Fault.OUT_OF_MEMORY: lambda _body: _error(
        500, "model requires more system memory (5.6 GiB) than is available (2.1 GiB)"
    ),
    Fault.NOT_FOUND: lambda body: _error(404, f"model '{body['model']}' not found"),
    Fault.REDIRECT: lambda _body: web.Response(
        status=307, headers={"Location": "http://127.0.0.1:9/api/chat"}
    ),
    Fault.HTML: lambda _body: web.Response(
        text="<!doctype html>\n<title>Welcome to the hotel</title>", content_type="text/html"
    ),
}


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    raise ConnectionResetError("as the script says")


async def _gone_wrong(fault: Fault | None, request: web.Request, response: web.StreamResponse) -> bool:
    """Go wrong in the middle of a stream, if that is the fault; whether nothing more is to come."""
    match fault:
        case Fault.RESET_MIDWAY:
            _reset(request)
        case Fault.ERROR_LINE:
            await _write(response, {"error": "an error was encountered while running the model"})
        case Fault.GARBLED_LINE:
            await response.write(b'{"model": \xff\n')
        case Fault.WRONG_SHAPE:
            await _write(response, {"model": 1, "message": "text", "done": "perhaps"})
        case Fault.HANG_MIDWAY:
            await asyncio.Event().wait()
        case Fault.NO_DONE:
            pass
        case _:
            return False
    return True


async def _wrong_at_once(fault: Fault | None, request: web.Request) -> web.Response | None:
    """What goes wrong in the middle, for one who wanted all in one piece."""
    match fault:
        case Fault.RESET_MIDWAY | Fault.NO_DONE:
            return _reset(request)
        case Fault.ERROR_LINE:
            return _error(500, "an error was encountered while running the model")
        case Fault.GARBLED_LINE:
            return web.Response(body=b'{"model": \xff', content_type="application/json")
        case Fault.WRONG_SHAPE:
            return web.json_response({"model": 1, "message": "text", "done": "perhaps"})
        case Fault.HANG_MIDWAY:
            await asyncio.Event().wait()
    return None


# --- the wire ---------------------------------------------------------------------------------------


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise web.HTTPBadRequest(text='{"error":"invalid character"}') from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text='{"error":"json: cannot unmarshal"}')
    return body


def _line(body: Mapping[str, Any], piece: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": piece}
    return {"model": body["model"], "created_at": _NOW, "message": message, "done": False}


def _last(call: ChatCall, reason: str, pieces: int) -> dict[str, Any]:
    return {
        "done_reason": reason, "total_duration": 800_000_000, "load_duration": 1_000_000,
        "prompt_eval_count": call.prompt_tokens, "prompt_eval_duration": 90_000_000,
        "eval_count": pieces, "eval_duration": 700_000_000,
    }  # fmt: skip


async def _write(response: web.StreamResponse, line: Mapping[str, Any]) -> None:
    text = json.dumps(line, ensure_ascii=False)
    # As Go writes it; the client takes these for the ends of lines.
    await response.write(text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode() + b"\n")


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginnings."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
