"""A TCP peer that does to a server whatever a case says; every wait has a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from wyoming.event import Event
from wyoming.ping import Ping

from tests.hostile.expectation import Answer, End
from wyoming_central.errors import FrameError
from wyoming_central.frame import FrameDecoder, encode

_CHUNK: Final = 64 * 1024
_STILL_THERE: Final = "still there?"


class HungError(Exception):
    """Something that a case waits for did not come in time; the message says what."""


class EndedError(Exception):
    """The connection ended while a case waited for something else; the message says for what."""


class HostilePeer:
    """One connection, read by a task of its own from the beginning; made by `hostile_peer`.

    Attributes:
        heard: The events that came, in order.
        end: How the server ended the connection (`closed`, `cut`); None while it stands.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, within: float, address: str
    ) -> None:
        self.heard: list[Event] = []
        self.end: End | None = None
        self.address = address
        self._reader = reader
        self._writer = writer
        self._within = within
        self._decoder = FrameDecoder()
        self._news = asyncio.Event()
        self._reads = asyncio.Event()
        self._reads.set()
        self._chunk = _CHUNK
        self._every = 0.0
        self._left = False

    # What it does.

    async def send(self, raw: bytes, *, chunk: int | None = None, every: float = 0.0) -> None:
        """Send bytes, at once or `chunk` at a time; what the server does not take any more is dropped."""
        if chunk is None:
            self._writer.write(raw)
            await asyncio.sleep(0)
            return
        for start in range(0, len(raw), chunk):
            if self.end is not None:
                return
            self._writer.write(raw[start : start + chunk])
            await self._pause(every)

    async def shut(self) -> None:
        """End the own side."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def leave(self) -> None:
        """Go away in good order (FIN), when all that was sent has left."""
        self._left = True
        self._writer.close()

    async def reset(self) -> None:
        """Go away without an orderly end (RST), when all that was sent has left, or can leave no more."""
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(self._within / 4):
                while self._writer.transport.get_write_buffer_size():
                    await asyncio.sleep(0.001)
        self._left = True
        own = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def stop_reading(self) -> None:
        """Read nothing more for now."""
        self._reads.clear()
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]

    def read_on(self, *, chunk: int = _CHUNK, every: float = 0.0) -> None:
        """Read again, `chunk` bytes every `every` seconds."""
        self._chunk, self._every = chunk, every
        self._reads.set()
        with contextlib.suppress(RuntimeError):
            self._writer.transport.resume_reading()  # type: ignore[attr-defined]

    def forget(self, answer: Answer) -> None:
        """Forget that an answer was heard."""
        self.heard[:] = [event for event in self.heard if not answer.fits(event)]

    # What it waits for.

    async def until(self, holds: Callable[[list[Event]], bool], what: str) -> None:
        """Wait until what was heard is as wanted.

        Raises:
            HungError: It was not, in time.
            EndedError: The connection ended before.
        """
        await self._wait(lambda: holds(self.heard) or self.end is not None, what)
        if not holds(self.heard):
            raise EndedError(f"the connection was {self.end} before there was {what}: {self._last_words()}")

    async def until_ended(self) -> None:
        """Wait until the server has ended the connection.

        Raises:
            HungError: It does not.
        """
        await self._wait(lambda: self.end is not None, "an end")

    async def still_answers(self, *, after: int = 0) -> None:
        """Ping, and forget the answer; wait for `after` events first, for a ping overtakes those of turns.

        Raises:
            HungError, EndedError: They do not come, or there is no answer.
        """
        await self.until(lambda heard: len(heard) >= after, f"the last of {after} answers")
        await self.send(encode(Ping(text=_STILL_THERE).event()))
        await self.until(lambda heard: any(map(_is_still_there, heard)), "an answer to a ping")
        self.heard[:] = [event for event in self.heard if not _is_still_there(event)]

    async def read(self) -> None:
        """Read until the connection ends; the task of `hostile_peer`."""
        try:
            while True:
                await self._reads.wait()
                data = await self._reader.read(self._chunk)
                if not data:
                    self._decoder.end()
                    self._over(End.CLOSED)
                    return
                self._decoder.feed(data)
                while (event := self._decoder.next_event()) is not None:
                    self.heard.append(event)
                self._news.set()
                if self._every:
                    await asyncio.sleep(self._every)
        except (OSError, FrameError):
            # Also an answer that is cut in the middle.
            self._over(End.CUT)

    def _over(self, end: End) -> None:
        self.end = End.GONE if self._left else end
        self._news.set()

    async def _pause(self, seconds: float) -> None:
        """Let time pass, unless the server ends the connection before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.end is None:
                    self._news.clear()
                    await self._news.wait()

    async def _wait(self, holds: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(self._within):
                while not holds():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise HungError(f"within {self._within:g} s there was not {what}: {self._last_words()}") from None

    def _last_words(self) -> str:
        return "; ".join(f"{event.type} {str(event.data)[:100]}" for event in self.heard[-2:]) or "nothing"


def _is_still_there(event: Event) -> bool:
    return event.type == "pong" and event.data.get("text") == _STILL_THERE


def _connected(to: tuple[str, int], address: str, greeting: bytes, within: float) -> socket.socket:
    own = socket.create_connection(to, timeout=within, source_address=(address, 0))
    own.sendall(greeting)
    own.setblocking(False)
    return own


@asynccontextmanager
async def hostile_peer(
    to: tuple[str, int], *, address: str, within: float, group: asyncio.TaskGroup, greeting: bytes = b""
) -> AsyncIterator[HostilePeer]:
    """Connect to a server for the length of the block.

    Args:
        to: Where it listens.
        address: The own address.
        within: Seconds that each wait may take.
        group: Owns the task that reads.
        greeting: Leaves together with the connection, before the server can have looked at either.

    Raises:
        HungError: There is no connection in time.
    """
    try:
        async with asyncio.timeout(within):
            own = await asyncio.to_thread(_connected, to, address, greeting, within)
            reader, writer = await asyncio.open_connection(sock=own)
    except TimeoutError:
        raise HungError(f"within {within:g} s there was no connection") from None
    peer = HostilePeer(reader, writer, within=within, address=address)
    reading = group.create_task(peer.read())
    try:
        yield peer
    finally:
        writer.transport.abort()
        reading.cancel()
