"""Our client, against our server, against the stock one, and against servers that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.info import Info
from wyoming.ping import Ping, Pong
from wyoming.server import AsyncEventHandler, AsyncTcpServer

from wyoming_central.client import Client, connect
from wyoming_central.errors import (
    AddressError,
    ConnectionClosedError,
    EndlessAnswerError,
    Fault,
    FrameError,
    RefusedError,
    ServerTimeoutError,
    ServerUnreachableError,
)
from wyoming_central.frame import encode

pytestmark = pytest.mark.usefixtures("nothing_is_left")

Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(behaviour: Behaviour) -> AsyncIterator[str]:
    """A server that does one thing to whoever connects."""
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await behaviour(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()
            done.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await done.wait()
        # The streams of asyncio end a task of their own a step later.
        await asyncio.sleep(0.01)


def uri_of(address: tuple[str, int]) -> str:
    return "tcp://{}:{}".format(*address)


async def test_our_server_answers_it(address: tuple[str, int]) -> None:
    async with connect(uri_of(address)) as client:
        assert await client.ping("ő") == "ő"
        assert await client.ping() is None
        assert isinstance(await client.describe(), Info)
        [event] = await client.say("kapcsold fel", language="hu", context={"conversation_id": "1"})
        assert Handled.from_event(event).text == "kapcsold fel"
        await client.send(Ping(text="by hand").event())
        assert await client.receive() == Pong(text="by hand").event()


class StockHandler(AsyncEventHandler):
    async def handle_event(self, event: Event) -> bool:
        if event.type == "ping":
            await self.write_event(Pong(text=Ping.from_event(event).text).event())
        elif event.type == "describe":
            await self.write_event(Info().event())
        elif event.type == "transcript":
            assert event.data == {"text": "ő", "language": "hu"}
            await self.write_event(Event("thinking", {"a": 1}, b"payload"))
            await self.write_event(NotHandled(text="nem").event())
        return True


async def test_the_stock_server_answers_it() -> None:
    server = AsyncTcpServer("127.0.0.1", 0)
    await server.start(StockHandler)
    assert server._server is not None
    async with connect(uri_of(server._server.sockets[0].getsockname())) as client:
        assert await client.ping("a") == "a"
        assert isinstance(await client.describe(), Info)
        thinking, answer = await client.say("ő", language="hu")
        assert thinking == Event("thinking", {"a": 1}, b"payload")
        assert NotHandled.from_event(answer).text == "nem"
    await server.stop()
    for task in tuple(server._handlers):
        await asyncio.wait([task])


async def test_authenticating_sends_the_token_and_gives_the_confirmation() -> None:
    got = asyncio.Queue[bytes]()

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.put_nowait(await reader.read(1000))
        writer.write(encode(Event("user-event", {"name": "authenticated", "data": {"device": "d"}})))
        await reader.read()

    async with serving(behaviour) as uri, connect(uri) as client:
        event = await client.authenticate("t0ken")
        assert event.data["name"] == "authenticated"
        assert b'{"name":"authenticate","data":{"token":"t0ken"}}' in got.get_nowait()


async def test_a_refused_token_is_an_error_with_the_servers_own_words() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(encode(Error(text="the token was revoked", code="unauthenticated").event()))

    async with serving(behaviour) as uri, connect(uri) as client:
        with pytest.raises(RefusedError, match="the token was revoked") as caught:
            await client.authenticate("t0ken")
        assert caught.value.code == "unauthenticated"


async def test_an_error_ends_what_was_said() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(encode(Error(text="no").event()))

    async with serving(behaviour) as uri, connect(uri) as client:
        assert [event.type for event in await client.say("a")] == ["error"]


async def test_a_server_that_never_answers_is_not_waited_for() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(behaviour) as uri, connect(uri) as client:
        with pytest.raises(ServerTimeoutError, match=r"no answer within 0\.01 s"):
            await client.say("a", within=0.01)
        with pytest.raises(ServerTimeoutError):
            await client.receive(within=0.01)


async def test_a_server_that_never_reads_is_not_waited_for() -> None:
    over = asyncio.Event()

    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()

    async def send_without_end(client: Client) -> None:
        while True:
            await client.send(Event("x", {}, b"a" * 60_000), within=0.1)

    async with serving(behaviour) as uri, connect(uri) as client:
        with pytest.raises(ServerTimeoutError):
            await send_without_end(client)
        over.set()


async def test_a_server_that_closes_instead_of_answering_is_an_error() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)

    async with serving(behaviour) as uri, connect(uri) as client:
        with pytest.raises(ConnectionClosedError):
            await client.ping()


async def test_a_server_that_answers_beyond_the_bounds_is_refused() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'{"type":"pong","payload_length":1073741824}\n')
        await reader.read()

    async with serving(behaviour) as uri, connect(uri) as client:
        with pytest.raises(FrameError) as caught:
            await client.ping()
        assert caught.value.code is Fault.PAYLOAD_TOO_LONG


async def test_a_server_that_talks_without_end_is_refused() -> None:
    async def behaviour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode(Event("tick", {})) * 1001)
        await reader.read()

    async with serving(behaviour) as uri, connect(uri) as client:
        with pytest.raises(EndlessAnswerError):
            await client.say("a")


async def test_a_text_that_no_frame_can_carry_is_refused_before_it_is_sent(
    address: tuple[str, int],
) -> None:
    async with connect(uri_of(address)) as client:
        with pytest.raises(FrameError):
            await client.say("\udcff")
        assert await client.ping("still here") == "still here"


async def test_nobody_there_is_an_error_with_a_remedy(unused_tcp_port: int) -> None:
    with pytest.raises(ServerUnreachableError, match="is the server running"):
        async with connect(f"tcp://127.0.0.1:{unused_tcp_port}"):
            pass


async def test_what_is_no_address_is_an_error_with_a_remedy() -> None:
    with pytest.raises(AddressError, match="tcp://HOST:PORT"):
        async with connect("localhost:10500"):
            pass
