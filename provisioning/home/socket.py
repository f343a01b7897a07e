"""One WebSocket to one Home Assistant: commands with deadlines, events to listeners.

It stands beside `homeassistant-api`, whose `AsyncWebsocketClient` this project would otherwise use, because
every turn goes through it and that client (6.1) cannot carry a turn:

- whoever waits for an answer reads the socket, so two waiting at once read each other's frames, and what
  arrives while nobody waits (state events) stays unread until Home Assistant closes the connection; here one
  task reads, and belongs to the connection;
- nothing in it has a deadline, and an answer that never comes leaves its entry behind for ever;
- events pile up in lists without a bound;
- `trigger_service(target=…)` is refused as `invalid_format`, `list_entity_registry()` fails its own
  validation on newer releases, and areas, devices, floors, exposure, `subscribe_entities` are not there.

A service call takes the same time through both (measured side by side in `tests/real/test_live_home.py`).
"""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import orjson
import structlog

from provisioning.errors import (
    HomeError,
    HomeTimeoutError,
    HomeUnauthorizedError,
    HomeUnreachableError,
    ServiceCallError,
)
from provisioning.home.text import clean_text

MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
"""A longer message ends the connection. 5,000 entities with their states come to about 3 MiB."""

MAX_PENDING_COMMANDS: Final = 64
"""Commands under way at once on a connection; a further one waits for its turn within its own deadline."""

MAX_SUBSCRIPTIONS: Final = 64
"""Subscriptions on a connection; asking for more is a mistake in this program."""

MAX_ERROR_CHARACTERS: Final = 300
"""What is kept of an error message of Home Assistant."""

SLICE_SECONDS: Final = 0.001
"""After reading for so long without a pause, a connection rests as long, and everybody else has their turn.

So one that floods never takes more than half of the time, and what it sends beyond that it has to keep. Half
of the time was some 70,000 changed states a second; a Home Assistant of a busy home sends a few hundred.
"""

CLOSE_SECONDS: Final = 0.5
"""How long a closing connection waits for the other side's goodbye."""

# A message that is there already is received in a few microseconds.
_WAITED_SECONDS: Final = 0.0002

EventListener = Callable[[Any], None]

_logger = structlog.get_logger(__name__)


class HomeAssistantSocket:
    """An authenticated connection; made by `connect` only, usable until its block ends or it is lost."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse[Any], *, version: str) -> None:
        self._websocket = websocket
        self._ids = itertools.count(1)
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._listeners: dict[int, EventListener] = {}
        self._room = asyncio.Semaphore(MAX_PENDING_COMMANDS)
        self._lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.version = version

    @property
    def connected(self) -> bool:
        """Whether a command can still be sent."""
        return not self._lost.done()

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, url: str, token: str, *, http: aiohttp.ClientSession, within: float
    ) -> AsyncIterator[HomeAssistantSocket]:
        """Connect, authenticate, and read until the block ends.

        Args:
            url: Base address, such as `http://127.0.0.1:8200`.
            token: Access token, long-lived or not.
            http: Session to connect with; stays open.
            within: Seconds for connection and authentication together.

        Raises:
            HomeUnreachableError: Nobody answers there, or not as Home Assistant does.
            HomeTimeoutError: No answer in time.
            HomeUnauthorizedError: The token is refused.
        """
        websocket = await _open(url, token, http=http, within=within)
        try:
            socket = cls(websocket[0], version=websocket[1])
            reader = asyncio.create_task(socket._read(), name="home-assistant-socket-reader")
            try:
                yield socket
            finally:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
                socket._lose("the connection was closed")
        finally:
            await _close(websocket[0])

    async def command(self, type_: str, *, within: float, **fields: Any) -> Any:
        """Send a command and give its result.

        Args:
            type_: Home Assistant's command type, such as `get_config`.
            within: Seconds for the command, waiting for room included.
            fields: The command's further fields; JSON values.

        Raises:
            HomeUnreachableError: There is no connection, or it was lost before the answer; the command may
                have been carried out.
            HomeTimeoutError: No answer in time; the command may have been carried out.
            ServiceCallError: Home Assistant refused it; `code` and the message are its own.
        """
        return await self._send(next(self._ids), type_, within=within, fields=fields)

    async def subscribe(
        self, type_: str, listener: EventListener, *, within: float, **fields: Any
    ) -> Callable[[], None]:
        """Send a command that is answered by events, such as `subscribe_entities`.

        Args:
            type_: The command type.
            listener: Called with the `event` of every message, on the event loop, in order; must be quick.
            within: Seconds for Home Assistant to accept it.
            fields: The command's further fields.

        Returns:
            A function that stops the listener from being called.

        Raises:
            HomeError: As `command` does; then the listener is not called any more.
        """
        if len(self._listeners) >= MAX_SUBSCRIPTIONS:
            message = f"more than {MAX_SUBSCRIPTIONS} subscriptions on one connection"
            raise HomeError(message)
        identifier = next(self._ids)
        self._listeners[identifier] = listener
        try:
            await self._send(identifier, type_, within=within, fields=fields)
        except BaseException:
            self._listeners.pop(identifier, None)
            raise
        return lambda: self._listeners.pop(identifier, None) and None

    async def subscribe_events(
        self, event_type: str | None, listener: EventListener, *, within: float
    ) -> Callable[[], None]:
        """Have `listener` called with every event of this type (None: of every type); see `subscribe`."""
        fields = {} if event_type is None else {"event_type": event_type}
        return await self.subscribe("subscribe_events", listener, within=within, **fields)

    async def ping(self, *, within: float) -> None:
        """See that Home Assistant still answers.

        Raises:
            HomeUnreachableError: There is no connection any more.
            HomeTimeoutError: No pong in time.
        """
        await self._send(next(self._ids), "ping", within=within, fields={})

    async def lost(self) -> str:
        """Wait until the connection is lost, and give the reason in one line."""
        return await asyncio.shield(self._lost)

    async def _send(self, identifier: int, type_: str, *, within: float, fields: dict[str, Any]) -> Any:
        message = orjson.dumps({"id": identifier, "type": type_, **fields})
        try:
            async with asyncio.timeout(within), self._room:
                self._refuse_if_lost()
                answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
                self._pending[identifier] = answer
                try:
                    await self._websocket.send_frame(message, aiohttp.WSMsgType.TEXT)
                    return await answer
                finally:
                    del self._pending[identifier]
                    _forget(answer)
        except TimeoutError:
            message_ = f"Home Assistant did not answer {type_} within {within:g} s"
            raise HomeTimeoutError(message_) from None
        except (aiohttp.ClientError, OSError) as error:
            message_ = f"the connection broke while {type_} was sent: {type(error).__name__}"
            raise HomeUnreachableError(message_) from error

    def _refuse_if_lost(self) -> None:
        if self._lost.done():
            raise HomeUnreachableError(self._lost.result())

    async def _read(self) -> None:
        """Hand every message to whoever waits for it, until the connection is lost."""
        reason = "reading stopped"
        try:
            reason = await self._read_until_lost()
        except (aiohttp.ClientError, OSError) as error:
            reason = f"the connection to Home Assistant broke: {type(error).__name__}"
        except Exception as error:  # whatever it is, those who wait must hear of it
            _logger.exception("home_socket_reader_failed")
            reason = f"reading from Home Assistant failed: {type(error).__name__}"
        finally:
            self._lose(reason)

    async def _read_until_lost(self) -> str:
        # Not the loop's own time: uvloop's stands still until the loop has its turn, which is measured here.
        began = time.perf_counter()
        while True:
            asked = time.perf_counter()
            message = await self._websocket.receive()
            if time.perf_counter() - asked > _WAITED_SECONDS:
                # Others had their turn while it waited.
                began = time.perf_counter()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return _why_closed(message)
            try:
                content = orjson.loads(message.data)
            except ValueError:
                return "Home Assistant sent something that is not JSON"
            # Home Assistant sends a list where it was told that it may (`coalesce_messages`).
            for part in content if type(content) is list else (content,):
                if not self._take(part):
                    return "Home Assistant sent something that is not a message of its protocol"
            if time.perf_counter() - began >= SLICE_SECONDS:
                await asyncio.sleep(SLICE_SECONDS)
                began = time.perf_counter()

    def _take(self, message: Any) -> bool:
        """Give a message to its receiver; False if it is none of Home Assistant's protocol."""
        if type(message) is not dict:
            return False
        identifier = message.get("id")
        if type(identifier) is not int:
            return False
        match message.get("type"):
            case "event":
                self._take_event(identifier, message.get("event"))
            case "result":
                self._take_result(identifier, message)
            case "pong":
                self._answer(identifier, None)
            case _:
                pass
        return True

    def _take_event(self, identifier: int, event: Any) -> None:
        listener = self._listeners.get(identifier)
        if listener is None:
            return
        try:
            listener(event)
        except Exception:  # a listener's mistake must not cost the connection, and must be seen
            _logger.exception("home_event_listener_failed")

    def _take_result(self, identifier: int, message: dict[str, Any]) -> None:
        if message.get("success") is True:
            self._answer(identifier, message.get("result"))
            return
        error = message.get("error")
        details = error if type(error) is dict else {}
        self._answer(
            identifier,
            ServiceCallError(
                clean_text(details.get("code"), 64) or "unknown_error",
                clean_text(details.get("message"), MAX_ERROR_CHARACTERS) or "Home Assistant gave no reason",
            ),
        )

    def _answer(self, identifier: int, result: Any) -> None:
        waiting = self._pending.get(identifier)
        if waiting is None or waiting.done():
            return
        if isinstance(result, HomeError):
            waiting.set_exception(result)
        else:
            waiting.set_result(result)

    def _lose(self, reason: str) -> None:
        if self._lost.done():
            return
        self._lost.set_result(reason)
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(HomeUnreachableError(reason))
        self._listeners.clear()


def _forget(answer: asyncio.Future[Any]) -> None:
    """Drop a future nobody waits for any more; an exception in it is not to be logged as never retrieved."""
    if answer.done() and not answer.cancelled():
        answer.exception()
    else:
        answer.cancel()


async def _open(
    url: str, token: str, *, http: aiohttp.ClientSession, within: float
) -> tuple[aiohttp.ClientWebSocketResponse[Any], str]:
    """Connect and authenticate; gives the open WebSocket and Home Assistant's version."""
    websocket: aiohttp.ClientWebSocketResponse[Any] | None = None
    try:
        async with asyncio.timeout(within):
            websocket = await http.ws_connect(
                f"{url.rstrip('/')}/api/websocket",
                max_msg_size=MAX_MESSAGE_BYTES,
                timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_SECONDS),
            )
            return websocket, await _authenticate(websocket, token)
    except BaseException as error:
        if websocket is not None:
            await _close(websocket)
        if isinstance(error, TimeoutError):
            message = f"Home Assistant did not let us in within {within:g} s"
            raise HomeTimeoutError(message) from None
        if isinstance(error, aiohttp.ClientError | OSError | ValueError):
            message = f"no Home Assistant answers at its address: {type(error).__name__}"
            raise HomeUnreachableError(message) from error
        raise


async def _authenticate(websocket: aiohttp.ClientWebSocketResponse[Any], token: str) -> str:
    greeting = await _receive_auth(websocket)
    if greeting.get("type") == "auth_required":
        await websocket.send_frame(
            orjson.dumps({"type": "auth", "access_token": token}), aiohttp.WSMsgType.TEXT
        )
        greeting = await _receive_auth(websocket)
    match greeting.get("type"):
        case "auth_ok":
            return clean_text(greeting.get("ha_version"), 32)
        case "auth_invalid":
            message = "Home Assistant refuses the token"
            raise HomeUnauthorizedError(message, remedy="give this user's home a new token")
        case _:
            message = "what answers there does not speak as Home Assistant does"
            raise HomeUnreachableError(message)


async def _receive_auth(websocket: aiohttp.ClientWebSocketResponse[Any]) -> dict[str, Any]:
    message = await websocket.receive()
    if message.type is not aiohttp.WSMsgType.TEXT:
        raise HomeUnreachableError(_why_closed(message))
    content = orjson.loads(message.data)
    return content if type(content) is dict else {}


def _why_closed(message: aiohttp.WSMessage) -> str:
    match message.type:
        case aiohttp.WSMsgType.CLOSE | aiohttp.WSMsgType.CLOSING | aiohttp.WSMsgType.CLOSED:
            return "Home Assistant closed the connection"
        case aiohttp.WSMsgType.ERROR:
            return f"the connection to Home Assistant broke: {message.data}"
        case _:
            return "Home Assistant sent a message that is not text"


async def _close(websocket: aiohttp.ClientWebSocketResponse[Any]) -> None:
    """Say goodbye briefly; what goes wrong with that is of no interest to anybody."""
    try:
        async with asyncio.timeout(2 * CLOSE_SECONDS):
            await websocket.close()
    except (TimeoutError, aiohttp.ClientError, OSError, RuntimeError):
        pass
