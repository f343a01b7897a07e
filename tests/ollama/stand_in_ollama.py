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
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any, Final, Self

from aiohttp import web

from tests.ollama.random_answer import check_schema, sample

CHARACTERS_A_TOKEN: Final = 4
_TAGS: Final = {
    "format": "gguf",
    "family": "mistral3",
    "parameter_size": "3.8B",
    "quantization_level": "Q4_K_M",
}
_DIGEST: Final = "a" * 64
_BYTES: Final = 2_987_654_321
_NOW: Final = "2026-11-27T12:00:00.000000001Z"
_OPTIONS: Final = {
    "num_ctx": int, "num_predict": int, "seed": int, "temperature": (int, float), "top_p": (int, float),
    "top_k": int, "repeat_penalty": (int, float), "stop": list,
}  # fmt: skip
_ROLES: Final = frozenset({"system", "user", "assistant", "tool"})
_ENDLESS: Final = 60_000


class Fault(StrEnum):
    """What goes wrong with one chat."""

    BUSY = "the queue is full"
    OUT_OF_MEMORY = "the model does not fit into memory"
    NOT_FOUND = "the model is not there, although it is listed"
    RESET_BEFORE = "the connection is reset before a byte of the answer"
    RESET_MIDWAY = "the connection is reset in the middle"
    NO_DONE = "the stream ends in the middle, as if that were the end"
    ERROR_LINE = "an error as a line in the middle"
    GARBLED_LINE = "a line that is no JSON"
    WRONG_SHAPE = "a line that is JSON of another shape"
    EMPTY = "nothing is written"
    PROSE = "format is ignored: prose"
    FENCED = "format is ignored: JSON between fences, with words around"
    BABBLE = "goes on talking after the object has closed"
    CUT_JSON = "the tokens run out in the middle of the object"
    HUGE = "a text without end in the object"
    HANG = "never answers"
    HANG_MIDWAY = "stops in the middle"
    SLOW_DRIP = "a token now and then, for ever"
    REDIRECT = "is somewhere else"
    HTML = "a page of something else"


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """How one chat is answered.

    Attributes:
        content: What is written; None for a random value that fits the schema. A mapping is dumped as it is:
            models disobey.
        fault: What goes wrong.
        first_seconds: Before the first byte.
        token_seconds: Between two pieces.
        characters_a_chunk: Of a piece.
    """

    content: str | Mapping[str, Any] | None = None
    fault: Fault | None = None
    first_seconds: float = 0.0
    token_seconds: float = 0.0
    characters_a_chunk: int = CHARACTERS_A_TOKEN


@dataclass(slots=True, eq=False)
class ChatCall:
    """One chat that was asked for.

    Attributes:
        body: The request.
        prompt: All messages, joined.
        prompt_tokens: How many of it had to be read.
        cached_tokens: How many were known from the prompt before.
        truncated: Whether it did not fit into `num_ctx`.
        content: What was written.
        cancelled: Whether the client hung up before the end.
        over: Set when it has ended, however.
    """

    body: dict[str, Any]
    prompt: str
    started: float
    ended: float | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    truncated: bool = False
    content: str = ""
    cancelled: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


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
        self._peers: set[Any] = set()
        self._random = Random(seed)
        self._slots = asyncio.Semaphore(parallel)
        self._most_waiting = most_waiting
        self._waiting = 0
        self._num_ctx: int | None = None
        self._last_prompt = ""
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
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Go away; whatever is connected is cut off."""
        if self._runner is not None:
            runner, self._runner = self._runner, None
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
        name = str(body.get("model"))
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
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            if status == "success":
                self.models = (*self.models, name)
            await _write(response, {"status": status})
        return response

    # Chats.

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await _body(request)
        if wrong := _wrong_with(body):
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
        await asyncio.sleep(scripted.first_seconds)
        if scripted.fault is Fault.HANG:
            await asyncio.Event().wait()
        if scripted.fault is Fault.RESET_BEFORE:
            return _reset(request)
        call.content = self._content(call, scripted)
        if not call.body.get("stream", True):
            return web.json_response(
                {**_line(call.body, call.content), **_last(call, "stop", call.content), "done": True}
            )
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await self._stream(request, response, call, scripted)
        return response

    async def _stream(
        self, request: web.Request, response: web.StreamResponse, call: ChatCall, scripted: ScriptedAnswer
    ) -> None:
        size, most = scripted.characters_a_chunk, call.body.get("options", {}).get("num_predict", -1)
        pieces = [call.content[at : at + size] for at in range(0, len(call.content), size)]
        halfway = len(pieces) // 2
        if scripted.fault is Fault.CUT_JSON:
            most = halfway
        is_cut = 0 <= most < len(pieces)
        for number, piece in enumerate(pieces[:most] if is_cut else pieces):
            if number == halfway and await _gone_wrong(scripted.fault, request, response):
                return
            await _write(response, _line(call.body, piece))
            if scripted.token_seconds:
                await asyncio.sleep(scripted.token_seconds)
        last = _last(call, "length" if is_cut else "stop", call.content)
        await _write(response, {**_line(call.body, ""), **last, "done": True})

    def _load(self, call: ChatCall) -> None:
        options = call.body.get("options") or {}
        context = options.get("num_ctx", 4096)
        if self.loaded is None or context != self._num_ctx:
            self.reloads += 1
            self._last_prompt = ""
        self.loaded, self._num_ctx = call.body["model"], context
        known = 0
        for ours, theirs in zip(call.prompt, self._last_prompt, strict=False):
            if ours != theirs:
                break
            known += 1
        tokens = len(call.prompt) // CHARACTERS_A_TOKEN + 1
        call.cached_tokens = min(known // CHARACTERS_A_TOKEN, tokens - 1)
        call.prompt_tokens = tokens - call.cached_tokens
        call.truncated = tokens > context
        self._last_prompt = call.prompt

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


# --- the wire ---------------------------------------------------------------------------------------


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.read())
    except ValueError:
        raise web.HTTPBadRequest(text='{"error":"invalid character"}') from None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text='{"error":"json: cannot unmarshal"}')
    return body


def _wrong_with(body: Mapping[str, Any]) -> str | None:
    """What of a request the real one would refuse."""
    messages, options = body.get("messages"), body.get("options", {})
    if not isinstance(body.get("model"), str) or not body["model"]:
        return "model is required"
    if not isinstance(messages, list) or not all(
        isinstance(one, dict) and one.get("role") in _ROLES and isinstance(one.get("content"), str)
        for one in messages
    ):
        return "invalid messages"
    if not isinstance(options, dict) or any(
        name not in _OPTIONS or isinstance(value, bool) or not isinstance(value, _OPTIONS[name])
        for name, value in options.items()
    ):
        return "invalid option"
    keep_alive = body.get("keep_alive", 0)
    if isinstance(keep_alive, str) and keep_alive[-1:] not in {"s", "m", "h"}:
        return f'time: missing unit in duration "{keep_alive}"'
    return _wrong_format(body.get("format"))


def _wrong_format(wanted: Any) -> str | None:
    if wanted is None or wanted in ("", "json"):
        return None
    try:
        check_schema(wanted)
    except ValueError as error:
        return f"invalid format: {error}"
    return None


def _line(body: Mapping[str, Any], piece: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": piece}
    return {"model": body["model"], "created_at": _NOW, "message": message, "done": False}


def _last(call: ChatCall, reason: str, content: str) -> dict[str, Any]:
    return {
        "done_reason": reason, "total_duration": 800_000_000, "load_duration": 1_000_000,
        "prompt_eval_count": call.prompt_tokens, "prompt_eval_duration": 90_000_000,
        "eval_count": len(content) // CHARACTERS_A_TOKEN + 1, "eval_duration": 700_000_000,
    }  # fmt: skip


async def _write(response: web.StreamResponse, line: Mapping[str, Any]) -> None:
    text = json.dumps(line, ensure_ascii=False)
    # As Go writes it; the client takes these for the ends of lines.
    await response.write(text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode() + b"\n")


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)
