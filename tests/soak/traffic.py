"""What an hour brings to a server: satellites that speak, Home Assistants that call, strangers who mean harm.

Each of these works comes from addresses of its own (all of 127.0.0.0/8 is this machine), as it would from a
network, so that the default limits of the server are in force and not in the way.
"""

from __future__ import annotations

import asyncio
import itertools
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random

from wyoming.event import Event

from tests.bench.stand_in_homes import SENTENCES
from wyoming_central.client import Client
from wyoming_central.errors import ClientError, FrameError
from wyoming_central.frame import encode

_PATIENCE = 10.0
_RESET = struct.pack("ii", 1, 0)

_MISCHIEF: Sequence[bytes] = (
    b"{nonsense}\n",
    b'["ping"]\n',
    b'{"type":"x","data_length":1073741824}\n',
    b'{"type":"x","payload_length":1073741824}\n',
    b'{"type":"x","data":' + b'{"a":' * 500 + b"1" + b"}" * 501 + b"\n",
    b"a" * 40_000,
    b'{"type":"ping","data":{"text":"\\ud800"}}\n',
    b'{"type":"transcript","data":{"text":["not","a","text"]}}\n',
    b'{"type":"transcript","data":{"text":"Turn on the desk lamp"}}\n',
    b'{"type":"user-event","data":{"name":"authenticate","data":{"token":"nonsense"}}}\n',
    b'{"type":"recognize","data":{"text":"Turn on the desk lamp","context":{"token":"a.b.c"}}}\n',
    b'{"type":"transcript","data_length":500}\n{"text":"half a fra',
    b'{"type":"ping"}\n' * 2000,
    b'{"type":"describe"}\n' * 500,
    b"",
)


@dataclass(slots=True)
class Traffic:
    """Brings traffic to a server until it is cancelled, and counts what came of it.

    Attributes:
        counted: How often what happened: `handled`, `not-handled`, `lost`, `refused`, ….
    """

    host: str
    port: int
    tokens: Sequence[str]
    random: Random
    counted: Counter[str] = field(default_factory=Counter)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    async def run(self) -> None:
        """All of it at once."""
        async with asyncio.TaskGroup() as group:
            for number, token in enumerate(self.tokens):
                group.create_task(self._speak(number, token), name=f"satellite {number}")
            for number in range(4):
                group.create_task(self._call(number), name=f"Home Assistant {number}")
            for number in range(4):
                group.create_task(self._harm(number), name=f"stranger {number}")

    async def _speak(self, number: int, token: str) -> None:
        """A satellite: it speaks every second or so, and now and then loses its connection."""
        while True:
            with suppress(ClientError, FrameError, OSError):
                async with self._connected(1, number) as client:
                    await client.authenticate(token)
                    for _ in range(self.random.randint(5, 200)):
                        await self._say(client, *self._sentence())
                        await asyncio.sleep(self.random.uniform(0.2, 1.0))
            self.counted["reconnects"] += 1

    async def _call(self, number: int) -> None:
        """A Home Assistant: a connection for every sentence, and for every look whether we are there."""
        while True:
            with suppress(ClientError, FrameError, OSError):
                async with self._connected(2, number) as client:
                    if self.random.random() < 0.5:
                        await client.describe()
                        self.counted["described"] += 1
                    else:
                        text, language = self._sentence()
                        token = self.random.choice(self.tokens)
                        answer = await client.say(text, language=language, context={"token": token})
                        self.counted[answer[-1].type] += 1
            await asyncio.sleep(self.random.uniform(0.05, 0.2))

    async def _harm(self, number: int) -> None:
        """A stranger: something malformed, then it reads, waits, resets or goes."""
        for count in itertools.count():
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_PATIENCE):
                    await self._one_harm(3 + number, count % 250)
            self.counted["harm"] += 1
            await asyncio.sleep(self.random.uniform(0.02, 0.1))

    async def _one_harm(self, network: int, host: int) -> None:
        reader, writer = await self._open(network, host)
        try:
            writer.write(self.random.choice(_MISCHIEF))
            match self.random.randrange(4):
                case 0:
                    await asyncio.sleep(self.random.uniform(0, 2))
                case 1:
                    writer.write_eof()
                    await reader.read()
                case 2:
                    own = writer.get_extra_info("socket")
                    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                case _:
                    await reader.read(4096)
        finally:
            writer.transport.abort()

    def _sentence(self) -> tuple[str, str]:
        """Mostly what was said before; now and then what nobody ever said."""
        kind = self.random.random()
        if kind < 0.8:
            language, text = self.random.choice(SENTENCES)
            return text, language
        number = next(self._numbers)
        if kind < 0.95:
            return f"Set the desk lamp brightness to {number % 101} percent", "en"
        return f"what do you make of number {number}", "en"

    async def _say(self, client: Client, text: str, language: str) -> None:
        answer = await client.say(text, language=language, within=_PATIENCE)
        self.counted[answer[-1].type] += 1

    @asynccontextmanager
    async def _connected(self, network: int, host: int) -> AsyncIterator[Client]:
        reader, writer = await self._open(network, host)
        try:
            yield Client(reader, writer)
        finally:
            writer.write(encode(Event("ping")))
            writer.transport.abort()

    async def _open(self, network: int, host: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        local = (f"127.1.{network}.{host + 1}", 0)
        async with asyncio.timeout(_PATIENCE):
            return await asyncio.open_connection(self.host, self.port, local_addr=local)
