"""A sink that does as it is told, and a peer without manners."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
import uvloop
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.info import Info
from wyoming.ping import Ping, Pong

from handlers.peer import Identity, Peer, Reply
from wyoming_central import connection as connection_module
from wyoming_central.frame import FrameDecoder, encode
from wyoming_central.limits import Limits
from wyoming_central.server import Server

PATIENCE = 10.0

ON_BOTH_LOOPS = {
    "test_client.py",
    "test_connection.py",
    "test_server.py",
    "test_server_hostile.py",
    "test_server_limits.py",
}


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What speaks TCP is tested on the loop it is served with, and on the one it falls back to."""
    if item.path.name in ON_BOTH_LOOPS:
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}


class Sink:
    """Answers `transcript` with `handled`, as its text commands; notes all it sees.

    `hold` waits until `release` is set; `break` raises; `bye` closes; `much` answers with 200 KB; an
    `authenticate` event makes the peer the device it names; `unsayable` answers what no frame can say.
    """

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.release = asyncio.Event()
        self.handled: list[str] = []
        self.settled: list[str] = []
        self.cancelled: list[str] = []
        self.bind: Identity | None = None
        self.write_only = False
        self.arrival_breaks = False

    def immediate(self, event: Event, peer: Peer) -> tuple[Event, ...] | None:
        if event.type == "ping":
            return (Pong(text=Ping.from_event(event).text).event(),)
        if event.type == "describe":
            return (Info().event(),)
        if event.type == "break-at-once":
            raise ValueError("broken")
        return None

    def arrived(self, peer: Peer) -> None:
        self.peers.append(peer)
        if self.arrival_breaks:
            raise ValueError("broken")
        peer.identity = self.bind
        peer.write_only = self.write_only

    async def handle(self, event: Event, peer: Peer) -> Reply:
        if event.type == "authenticate":
            peer.identity = Identity(event.data["user"], event.data["device"], "d", "hu")
            return Reply((Event("authenticated", {}),))
        if event.type != "transcript":
            return Reply()
        text = event.data["text"]
        self.begun.put_nowait(text)
        try:
            return await self._obey(text, peer)
        except asyncio.CancelledError:
            self.cancelled.append(text)
            raise

    async def _obey(self, text: str, peer: Peer) -> Reply:
        if text.startswith("hold"):
            await self.release.wait()
        if text == "break":
            raise ValueError("broken")
        if text == "hold as kitchen":
            peer.identity = Identity("anna", "kitchen", "kitchen", "hu")
        if text == "vouched for":
            peer.vouched_for = True
        if text == "expired":
            peer.identity = None
        self.handled.append(text)
        return Reply(
            (
                Handled(
                    text="a" * 200_000 if text == "much" else "\ud800" if text == "unsayable" else text
                ).event(),
            ),
            after=lambda: self.settled.append(text),
            close=text == "bye",
            hold_seconds={"later": 0.05, "much later": 3600.0}.get(text, 0.0),
        )


class RawPeer:
    """A TCP peer that sends any bytes it likes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._decoder = FrameDecoder()

    def send(self, raw: bytes) -> None:
        self.writer.write(raw)

    def say(self, *texts: str) -> None:
        self.send(b"".join(encode(Event("transcript", {"text": text})) for text in texts))

    def reset(self) -> None:
        """Go away without an orderly end (RST)."""
        own = self.writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    def close(self) -> None:
        """Go away in good order (FIN)."""
        self.writer.close()

    async def receive(self) -> Event | None:
        """The next event; None when the server has closed its side."""
        async with asyncio.timeout(PATIENCE):
            while (event := self._decoder.next_event()) is None:
                chunk = await self.reader.read(65536)
                if not chunk:
                    self._decoder.end()
                    return None
                self._decoder.feed(chunk)
            return event

    async def text(self) -> Any:
        event = await self.receive()
        assert event is not None
        return event.data.get("text")

    async def last_words(self) -> list[Event]:
        """All that comes until the server has closed its side."""
        events = []
        while (event := await self.receive()) is not None:
            events.append(event)
        return events

    async def refusal(self) -> Error:
        """The one `error` event with which the server closes."""
        [event] = await self.last_words()
        return Error.from_event(event)


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def raw_peer(address: tuple[str, int]) -> AsyncIterator[RawPeer]:
    reader, writer = await asyncio.open_connection(*address)
    try:
        yield RawPeer(reader, writer)
    finally:
        writer.transport.abort()


@pytest.fixture
def sink() -> Sink:
    return Sink()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def meet() -> Any:
    """Connect a `RawPeer` to an address, for the length of an `async with`."""
    return raw_peer


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MutableMapping[str, Any]]]:
    """The lines that connections log, whatever another test configured."""
    monkeypatch.setattr(connection_module, "_log", structlog.wrap_logger(structlog.PrintLogger()))
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
async def server(sink: Sink, clock: Clock) -> AsyncIterator[Server]:
    """A server whose time stands still and whose queues are short."""
    limits = Limits(waiting_events=3, events_at_once=5)
    async with asyncio.timeout(60), Server(sink, limits=limits, clock=clock) as server:
        yield server


@pytest.fixture
async def address(server: Server) -> tuple[str, int]:
    return await server.listen("tcp://127.0.0.1:0", name="default")


@pytest.fixture
async def nothing_is_left() -> AsyncIterator[None]:
    """Fails a test after which a task still runs, or in which an exception escaped to the loop."""
    escaped: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: escaped.append(context))
    yield
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert escaped == []
