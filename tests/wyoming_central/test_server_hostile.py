"""Peers that mean harm, over real TCP: each learns why it is closed, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.ping import Ping

from handlers.peer import Identity
from wyoming_central.errors import Fault
from wyoming_central.frame import encode
from wyoming_central.server import Server

pytestmark = pytest.mark.usefixtures("nothing_is_left")

PING = encode(Ping(text="ping").event())
GIGABYTE = 1 << 30
ANNA = Identity("anna", "kitchen", "kitchen", "hu")

HOSTILE = {
    "declared gigabyte of data": (b'{"type":"x","data_length":%d}\n' % GIGABYTE, Fault.DATA_TOO_LONG),
    "declared gigabyte of payload": (
        b'{"type":"x","payload_length":%d}\n' % GIGABYTE,
        Fault.PAYLOAD_TOO_LONG,
    ),
    "header without end": (b"a" * 40_000, Fault.HEADER_TOO_LONG),
    "header one byte over": (b'{"type":"x"}' + b" " * (16 * 1024 - 11) + b"\n", Fault.HEADER_TOO_LONG),
    "bad JSON": (b"{nonsense}\n", Fault.BAD_JSON),
    "bad JSON in data": (b'{"type":"x","data_length":4}\n{{{{', Fault.BAD_JSON),
    "list as header": (b'["ping"]\n', Fault.BAD_HEADER),
    "no type": (b'{"data":{}}\n', Fault.BAD_TYPE),
    "type is a number": (b'{"type":7}\n', Fault.BAD_TYPE),
    "length is a string": (b'{"type":"x","data_length":"7"}\n', Fault.BAD_LENGTH),
    "length is negative": (b'{"type":"x","payload_length":-7}\n', Fault.BAD_LENGTH),
    "length is true": (b'{"type":"x","payload_length":true}\n', Fault.BAD_LENGTH),
    "length is huge": (b'{"type":"x","payload_length":%d}\n' % 10**300, Fault.BAD_LENGTH),
    "deep nesting": (b'{"type":"x","data":' + b'{"a":' * 500 + b"1" + b"}" * 501 + b"\n", Fault.TOO_DEEP),
    "depth bomb": (b'{"type":"x","data_length":200000}\n' + b"[" * 200_000, Fault.BAD_JSON),
    "data is a list": (b'{"type":"x","data":[1]}\n', Fault.BAD_DATA),
    "NaN": (b'{"type":"ping","data":{"text":NaN}}\n', Fault.BAD_JSON),
    "beyond infinity": (b'{"type":"ping","data":{"text":1e999}}\n', Fault.BAD_JSON),
    "lone surrogate": (b'{"type":"ping","data":{"text":"\\ud800"}}\n', Fault.BAD_JSON),
    "not UTF-8": (b'{"type":"ping","data":{"text":"\xff"}}\n', Fault.BAD_JSON),
    "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", Fault.BAD_JSON),
    "TLS": (bytes.fromhex("16030100c8010000c40303") + b"\n" * 200, Fault.BAD_JSON),
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_it_is_told_why_and_logged_once_and_nobody_else_notices(
    sink: Any, address: tuple[str, int], meet: Any, log: Any, case: str
) -> None:
    sink.bind = ANNA
    raw, fault = HOSTILE[case]
    async with meet(address) as honest, meet(address) as hostile:
        honest.say("hold")
        await sink.begun.get()
        hostile.send(raw)
        refusal = await hostile.refusal()
        assert refusal.code == fault
        assert refusal.text
        sink.release.set()
        assert await honest.text() == "hold"
        [line] = log
        assert (line["event"], line["code"], line["log_level"]) == ("peer refused", fault, "warning")
        assert (line["listener"], line["address"]) == ("default", "127.0.0.1")
        assert line["connection_id"]


@pytest.mark.parametrize(
    "raw",
    [b'{"type":"x"', b'{"type":"x","data_length":9}\n{"a":1', b'{"type":"x","payload_length":9}\n1234'],
    ids=["header", "data", "payload"],
)
async def test_a_frame_that_its_sender_cuts_is_refused(
    address: tuple[str, int], meet: Any, log: Any, raw: bytes
) -> None:
    async with meet(address) as peer:
        peer.send(raw)
        peer.writer.write_eof()
        assert (await peer.refusal()).code == Fault.CUT_FRAME
        assert len(log) == 1


async def test_what_came_before_a_malformed_frame_is_answered_first(
    sink: Any, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("hold")
        peer.send(PING + b"not json\n" + PING)
        assert await peer.text() == "ping"
        sink.release.set()
        answer, refusal = await peer.last_words()
        assert answer.data["text"] == "hold"
        assert refusal.data["code"] == Fault.BAD_JSON


async def test_the_refusal_arrives_although_the_peer_keeps_sending(
    address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.send(b'{"type":"x","data_length":%d}\n' % GIGABYTE + b"a" * 4_000_000)
        assert (await peer.refusal()).code == Fault.DATA_TOO_LONG


async def test_a_peer_that_resets_in_mid_frame_leaves_nothing(
    server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.send(PING + PING[:9])
        assert await peer.text() == "ping"
        peer.reset()
        async with asyncio.timeout(10):
            while server.connections:
                await asyncio.sleep(0.001)


async def test_many_half_frames_hold_nothing_up_and_end_in_time(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    sink.bind = ANNA
    async with contextlib.AsyncExitStack() as stack, meet(address) as honest:
        halves = [await stack.enter_async_context(meet(address)) for _ in range(50)]
        for half in halves:
            half.send(PING + PING[:-1])
        for half in halves:
            assert await half.text() == "ping"
        honest.send(PING)
        assert await honest.text() == "ping"
        clock.now += server.limits.half_frame_seconds
        server.check_deadlines()
        for half in halves:
            assert (await half.refusal()).code == Fault.SLOW_FRAME
        honest.send(PING)
        assert await honest.text() == "ping"


async def test_a_flood_of_small_questions_with_long_answers_is_held_by_its_reader(
    server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as flood, meet(address) as honest:
        flood.writer.transport.pause_reading()
        flood.send(encode(Event("describe", {})) * 100_000)
        for _ in range(20):
            honest.send(PING)
            assert await honest.text() == "ping"
        held = max(connection._transport.get_write_buffer_size() for connection in server._connections)
        assert held < 512 * 1024


async def test_no_text_of_a_frame_reaches_the_log(address: tuple[str, int], meet: Any, log: Any) -> None:
    async with meet(address) as peer:
        peer.send(b'{"type":"x","data":"hunter2"}\n')
        await peer.refusal()
    assert "hunter2" not in repr(log)
