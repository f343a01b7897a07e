"""A small Wyoming client: what `say`, the demo and the tests speak to a server with.

Every answer has a deadline and passes the same bounded codec as what the server reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from wyoming.asr import Transcript
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.user_event import UserEvent

from wyoming_central.address import host_and_port
from wyoming_central.errors import (
    ConnectionClosedError,
    EndlessAnswerError,
    RefusedError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from wyoming_central.frame import FrameDecoder, encode

AUTHENTICATE: Final = "authenticate"

_ERROR: Final = Error(text="").event().type
_ANSWERS: Final = frozenset({Handled().event().type, NotHandled().event().type, _ERROR})
_CHUNK_BYTES: Final = 64 * 1024
# More than any answer has; a server that goes on and on is not answering.
_ANSWER_EVENTS_MOST: Final = 1000


class Client:
    """One connection to a Wyoming server; made by `connect`, used by one task at a time.

    Every method raises `ServerTimeoutError` when its answer has not come `within` seconds,
    `ConnectionClosedError` when the server closed before, `FrameError` when what came is no frame within the
    bounds, and `EndlessAnswerError` when it goes on and on. After each of these the connection is of no more
    use.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._decoder = FrameDecoder()

    async def authenticate(self, token: str, *, within: float = 5.0) -> Event:
        """Say which device this is; the event that confirms it.

        Raises:
            RefusedError: The server does not accept the token.
        """
        event = UserEvent(name=AUTHENTICATE, data={"token": token}).event()
        return await self._ask(event, event.type, within=within)

    async def say(
        self,
        text: str,
        *,
        language: str | None = None,
        context: Mapping[str, Any] | None = None,
        within: float = 60.0,
    ) -> list[Event]:
        """Say a sentence; every event that came back, the last one `handled`, `not-handled` or `error`.

        Args:
            text: The sentence, as a speech-to-text on the satellite would give it.
            language: Two letters, or None to leave it to the device's settings.
            context: Goes along as the transcript's `context`.
            within: Seconds until the last of them.
        """
        context = dict(context) if context is not None else None
        transcript = Transcript(text=text, language=language, context=context).event()
        return await self.request(transcript, until=_ANSWERS, within=within)

    async def ping(self, text: str | None = None, *, within: float = 5.0) -> str | None:
        """Ask for a sign of life; the text that came back.

        Raises:
            RefusedError: The server answered with an error.
        """
        return Pong.from_event(
            await self._ask(Ping(text=text).event(), Pong().event().type, within=within)
        ).text

    async def describe(self, *, within: float = 5.0) -> Info:
        """Ask what the server can do.

        Raises:
            RefusedError: The server answered with an error.
        """
        return Info.from_event(await self._ask(Describe().event(), Info().event().type, within=within))

    async def request(self, event: Event, *, until: Iterable[str], within: float) -> list[Event]:
        """Send an event; every event that came back up to the first whose type is in `until`.

        Args:
            event: What to send.
            until: Event types that end the answer.
            within: Seconds until the last of them.
        """
        last = frozenset(until)
        answers: list[Event] = []
        try:
            async with asyncio.timeout(within):
                await self._send(event)
                while len(answers) < _ANSWER_EVENTS_MOST:
                    answers.append(await self._receive())
                    if answers[-1].type in last:
                        return answers
        except TimeoutError:
            raise ServerTimeoutError(f"no answer within {within:g} s") from None
        raise EndlessAnswerError(f"the answer has more than {_ANSWER_EVENTS_MOST} events")

    async def send(self, event: Event, *, within: float = 5.0) -> None:
        """Send an event without waiting for an answer."""
        try:
            async with asyncio.timeout(within):
                await self._send(event)
        except TimeoutError:
            raise ServerTimeoutError(f"the server took nothing for {within:g} s") from None

    async def receive(self, *, within: float = 5.0) -> Event:
        """Wait for the next event from the server."""
        try:
            async with asyncio.timeout(within):
                return await self._receive()
        except TimeoutError:
            raise ServerTimeoutError(f"nothing came within {within:g} s") from None

    async def _ask(self, event: Event, wanted: str, *, within: float) -> Event:
        answer = (await self.request(event, until={wanted, _ERROR}, within=within))[-1]
        if answer.type == _ERROR:
            text, code = answer.data.get("text"), answer.data.get("code")
            raise RefusedError(
                text if isinstance(text, str) else "the server answered with an error",
                code=code if isinstance(code, str) else None,
            )
        return answer

    async def _send(self, event: Event) -> None:
        try:
            self._writer.write(encode(event))
            await self._writer.drain()
        except OSError:
            # What the server said before it closed is worth more than that it closed.
            return

    async def _receive(self) -> Event:
        while True:
            event = self._decoder.next_event()
            if event is not None:
                return event
            try:
                chunk = await self._reader.read(_CHUNK_BYTES)
            except OSError as error:
                raise ConnectionClosedError(f"the connection was lost: {error.strerror}") from error
            if not chunk:
                self._decoder.end()
                raise ConnectionClosedError("the server closed the connection")
            self._decoder.feed(chunk)


@asynccontextmanager
async def connect(uri: str, *, within: float = 5.0) -> AsyncIterator[Client]:
    """Connect to a Wyoming server for as long as the context lasts.

    Args:
        uri: `tcp://HOST:PORT`, an IPv6 address in brackets.
        within: Seconds for connecting.

    Raises:
        AddressError: The URI is not of this form.
        ServerUnreachableError: Nobody answers there.
    """
    host, port = host_and_port(uri)
    remedy = "is the server running, and is this its address?"
    try:
        async with asyncio.timeout(within):
            reader, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        raise ServerUnreachableError(f"{uri} did not answer within {within:g} s", remedy=remedy) from None
    except OSError as error:
        raise ServerUnreachableError(
            f"cannot reach {uri}: {error.strerror or error}", remedy=remedy
        ) from error
    try:
        yield Client(reader, writer)
    finally:
        # Nobody waits for what a server does not take.
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
