"""A device that floods: transcripts in an open loop, whatever comes back; a process of its own.

It sends so many a second, pipelined, spread over its connections, and reads every answer. What a server
does not take (it stops reading) piles up here, up to a bound; beyond it a sentence is not sent but counted as
held back. As a program it takes one `FloodJob` as JSON from stdin, floods until stdin ends, and then says on
stdout what came of it (`Flooded`).
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import cycle, repeat
from typing import Any, Final

from wyoming.asr import Transcript
from wyoming.error import Error
from wyoming.handle import Handled, NotHandled
from wyoming.user_event import UserEvent

from wyoming_central.client import AUTHENTICATE
from wyoming_central.frame import FrameDecoder, encode

# How often a handful of sentences is sent.
_BEAT_SECONDS: Final = 0.01
# What one connection leaves unsent at most.
_PILE_BYTES: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class FloodJob:
    """How to flood.

    Attributes:
        token: Of the device.
        connections: How many connections that device opens.
        rate: Sentences a second, over all connections.
        distinct: Whether every sentence is a new one; else it is always the same.
        start: The number of the first new sentence.
        address: Where it comes from; all of 127.0.0.0/8 is this machine.
    """

    host: str
    port: int
    token: str
    connections: int
    rate: float
    distinct: bool
    start: int
    address: str
    cpu: int | None


@dataclass(frozen=True, slots=True)
class Flooded:
    """What came of it.

    Attributes:
        sent: Sentences that were handed to the system.
        held_back: Sentences that were not, because the server did not take those before.
        answers: How many of each kind: `handled`, `not-handled: TEXT`, `error: CODE`, `closed`.
        seconds: How long it flooded.
    """

    sent: int
    held_back: int
    answers: dict[str, int]
    seconds: float


class _Mouth(asyncio.Protocol):
    """One connection of the device."""

    def __init__(self, token: str, answers: Counter[str]) -> None:
        self._token = token
        self._answers = answers
        self._decoder = FrameDecoder()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(encode(UserEvent(name=AUTHENTICATE, data={"token": self._token}).event()))

    def data_received(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (event := self._decoder.next_event()) is not None:
            kind, text = event.type, str(event.data.get("text"))
            if Handled.is_type(kind):
                self._answers[kind] += 1
            elif NotHandled.is_type(kind):
                self._answers[f"{kind}: {text}"] += 1
            elif Error.is_type(kind):
                self._answers[f"{kind}: {event.data.get('code')}"] += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._answers["closed"] += 1


async def flood(job: FloodJob, until: asyncio.Event) -> Flooded:
    """Flood until told to stop."""
    loop = asyncio.get_running_loop()
    answers: Counter[str] = Counter()
    mouths = []
    for _ in range(job.connections):
        _, mouth = await loop.create_connection(
            lambda: _Mouth(job.token, answers), job.host, job.port, local_addr=(job.address, 0)
        )
        mouths.append(mouth)
    sentences, turns = _sentences(job), cycle(mouths)
    sent = held_back = 0
    began = loop.time()
    while not until.is_set():
        due = int((loop.time() - began) * job.rate)
        for _ in range(due - sent - held_back):
            transport = next(turns).transport
            if transport is None or transport.get_write_buffer_size() > _PILE_BYTES:
                held_back += 1
            else:
                transport.write(next(sentences))
                sent += 1
        await asyncio.sleep(_BEAT_SECONDS)
    seconds = loop.time() - began
    found = dict(answers)
    for mouth in mouths:
        if mouth.transport is not None:
            mouth.transport.abort()
    return Flooded(sent, held_back, found, seconds)


def _sentences(job: FloodJob) -> Iterator[bytes]:
    if not job.distinct:
        return repeat(_frame("Turn on the ceiling light"))
    # Half of them are understood, half nobody understands: those take the longest.
    return (
        _frame(
            f"Add item {number} to the shopping list"
            if number % 2
            else f"Turn the lamp number {number} round"
        )
        for number in _numbers(job.start)
    )


def _numbers(start: int) -> Iterator[int]:
    while True:
        yield start
        start += 1


def _frame(text: str) -> bytes:
    return encode(Transcript(text=text, language="en").event())


async def _main() -> None:
    job = FloodJob(**json.loads(sys.stdin.readline()))
    if job.cpu is not None:
        os.sched_setaffinity(0, {job.cpu})
    # The one who is measured speaks from this processor, too.
    os.nice(10)
    ended = asyncio.Event()
    waiting = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    waiting.add_done_callback(lambda _: ended.set())
    sys.stdout.write(json.dumps(asdict(await flood(job, ended))) + "\n")


if __name__ == "__main__":
    asyncio.run(_main())
