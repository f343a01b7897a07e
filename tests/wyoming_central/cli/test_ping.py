"""`ping` against servers that answer, refuse, are silent, or speak something else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from wyoming.error import Error
from wyoming.event import Event
from wyoming.info import Describe

from handlers.describe import info_event
from handlers.peer import Peer, Reply
from wyoming_central.frame import encode
from wyoming_central.limits import Limits
from wyoming_central.server import Server

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Front:
    """Says what it can do, and nothing else."""

    def immediate(self, event: Event, _peer: Peer) -> tuple[Event, ...] | None:
        return (info_event("1.2.3"),) if Describe.is_type(event.type) else None

    def arrived(self, peer: Peer) -> None:
        pass

    async def handle(self, _event: Event, _peer: Peer) -> Reply:
        raise AssertionError("a ping says no sentence")


@pytest.fixture
async def uri() -> AsyncIterator[str]:
    server = Server(Front(), limits=Limits())
    async with server:
        host, port = await server.listen("tcp://127.0.0.1:0", name="default")
        yield f"tcp://{host}:{port}"


@asynccontextmanager
async def something_that(answers: Answer) -> AsyncIterator[str]:
    server = await asyncio.start_server(answers, "127.0.0.1", 0)
    async with server:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def line_about(cli: Any, answers: Answer, *arguments: str) -> str:
    """What is said on stderr, in one line that names the address."""
    async with something_that(answers) as uri:
        result = await asyncio.to_thread(cli, "ping", "--uri", uri, *arguments, code=1)
        assert result.stdout == ""
        [line] = result.stderr.splitlines()
        assert line.startswith(f"error: {uri}: ")
        return str(line)


async def test_a_server_that_answers_is_told_with_its_name_and_version(cli: Any, uri: str) -> None:
    result = await asyncio.to_thread(cli, "ping", "--uri", uri)
    assert result.stdout.startswith(f"{uri} answers: Wyoming Central 1.2.3 (")
    assert result.stderr == ""


async def test_as_json_it_is_one_object(cli: Any, uri: str) -> None:
    told = json.loads((await asyncio.to_thread(cli, "ping", "--uri", uri, "--json")).stdout)
    assert told.pop("ms") > 0
    assert told == {"uri": uri, "programs": [{"name": "Wyoming Central", "version": "1.2.3"}]}


async def test_without_an_address_it_is_the_first_listener_of_this_machine(
    cli: Any, uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = uri.rpartition(":")[2]
    monkeypatch.setenv("LISTEN", f"tcp://0.0.0.0:{port},anna=tcp://127.0.0.1:9")
    assert (await asyncio.to_thread(cli, "ping")).stdout.startswith(f"tcp://127.0.0.1:{port} answers")


def test_nobody_there_is_one_line(cli: Any) -> None:
    [line] = cli("ping", "--uri", "tcp://127.0.0.1:9", code=1).stderr.splitlines()
    assert "cannot reach tcp://127.0.0.1:9" in line
    assert "is the server running" in line


def test_what_is_no_address_is_one_line(cli: Any) -> None:
    [line] = cli("ping", "--uri", "127.0.0.1", code=1).stderr.splitlines()
    assert "tcp://HOST:PORT" in line


async def test_one_that_never_answers_is_given_up(cli: Any) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    assert "its log says" in await line_about(cli, silent, "--within", "0.2")


async def test_one_that_refuses_is_told_in_its_own_words(cli: Any) -> None:
    async def full(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(encode(Error(text="there are too many\x1b[31m connections", code="full").event()))
        writer.close()

    line = await line_about(cli, full)
    assert "there are too many" in line
    assert "\x1b" not in line


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b""], ids=["another language", "nothing"]
)
async def test_one_that_is_no_wyoming_server_is_told(cli: Any, said: bytes) -> None:
    async def other(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(said)
        writer.close()

    assert "is this a Wyoming server?" in await line_about(cli, other)
