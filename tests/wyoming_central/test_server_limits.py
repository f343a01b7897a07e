"""How many connections, events and bytes a peer may have, over real TCP; what happens beyond."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, MutableMapping
from typing import Any

import pytest
import structlog
from wyoming.event import Event
from wyoming.ping import Ping

from handlers.peer import Identity
from wyoming_central import server as server_module
from wyoming_central.errors import Fault
from wyoming_central.frame import FrameBounds, encode
from wyoming_central.limits import UNAUTHENTICATED_BYTES, Limits
from wyoming_central.server import Server

pytestmark = pytest.mark.usefixtures("nothing_is_left")

PING = encode(Ping(text="ping").event())
ANNA = Identity("anna", "kitchen", "kitchen", "hu")
LIMITS = Limits(
    connections=5,
    connections_per_address=4,
    connections_per_device=2,
    frames_per_second=20,
    waiting_bytes=1000,
    waiting_events=8,
)


@pytest.fixture
async def server(sink: Any, clock: Any) -> AsyncIterator[Server]:
    async with asyncio.timeout(60), Server(sink, limits=LIMITS, clock=clock) as server:
        yield server


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


async def authenticate(peer: Any, device: str) -> None:
    peer.send(encode(Event("authenticate", {"user": "anna", "device": device})))
    assert (await peer.receive()).type == "authenticated"


async def answers(peer: Any) -> bool:
    peer.send(PING)
    return bool(await peer.text() == "ping")


# Connections.


async def test_one_connection_too_many_from_an_address_is_told_so_and_the_others_stay(
    server: Server, address: tuple[str, int], meet: Any, server_log: Any
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(meet(address)) for _ in range(4)]
        assert [await answers(peer) for peer in peers] == [True] * 4
        for _ in range(3):
            async with meet(address) as one_more:
                refusal = await one_more.refusal()
                assert refusal.code == Fault.TOO_MANY_CONNECTIONS
                assert refusal.text == "there are 4 connections from your address already"
        assert [await answers(peer) for peer in peers] == [True] * 4
        assert [(line["address"], line["count"]) for line in server_log] == [("127.0.0.1", 1)]
        peers[0].close()
        await until(lambda: server.connections == 3)
        async with meet(address) as next_one:
            assert await answers(next_one)


async def test_one_connection_too_many_in_all_is_told_so(
    server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        six = await server.listen("tcp://[::1]:0", name="six")
        for place in (address, address, address, six, six):
            assert await answers(await stack.enter_async_context(meet(place)))
        async with meet(six) as one_more:
            assert (await one_more.refusal()).text == "there are 5 connections already"


async def test_a_device_that_connects_again_and_again_keeps_its_newest_connections(
    server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as first, meet(address) as second, meet(address) as other:
        await authenticate(other, "other")
        await authenticate(first, "hall")
        await authenticate(second, "hall")
        async with meet(address) as third:
            await authenticate(third, "hall")
            assert (await first.refusal()).code == Fault.TOO_MANY_CONNECTIONS
            assert [await answers(peer) for peer in (second, third, other)] == [True] * 3


async def test_a_bound_device_is_held_to_the_same_number(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as first, meet(address) as second:
        assert [await answers(first), await answers(second)] == [True, True]
        async with meet(address) as third:
            assert (await first.refusal()).code == Fault.TOO_MANY_CONNECTIONS
            assert [await answers(second), await answers(third)] == [True, True]


async def test_a_connection_that_becomes_another_device_counts_for_that_one_alone(
    server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as first, meet(address) as second, meet(address) as third:
        await authenticate(first, "hall")
        await authenticate(first, "kitchen")
        await authenticate(second, "hall")
        await authenticate(third, "hall")
        assert [await answers(peer) for peer in (first, second, third)] == [True] * 3


async def test_nothing_is_counted_that_is_gone(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    for _ in range(30):
        async with meet(address) as peer:
            await authenticate(peer, "hall")
            peer.reset()
        await until(lambda: server.connections == 0)
    assert (server._caps._all, server._caps._of_origin, server._caps._of_device) == (set(), {}, {})


async def test_a_peer_that_goes_while_it_is_let_in_is_not_counted_for_its_device(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("hold as kitchen")
        await sink.begun.get()
        peer.reset()
        await until(lambda: server.connections == 0)
    sink.release.set()
    await until(lambda: not server._workers)
    assert server._caps._of_device == {}


async def test_a_bug_in_letting_a_peer_in_ends_its_connection_and_is_logged(
    sink: Any, address: tuple[str, int], meet: Any, log: Any
) -> None:
    sink.arrival_breaks = True
    async with meet(address) as peer:
        assert (await peer.refusal()).code == Fault.INTERNAL
    assert [line["event"] for line in log] == ["connection failed"]


# Events and bytes.


@pytest.mark.slow
async def test_more_events_than_a_second_may_have_are_left_unread_until_it_is_over(
    server: Server, address: tuple[str, int], meet: Any, clock: Any, log: Any
) -> None:
    async with meet(address) as flood, meet(address) as other:
        flood.send(b"".join(encode(Ping(text=str(number)).event()) for number in range(50)))
        assert [await flood.text() for _ in range(20)] == [str(number) for number in range(20)]
        assert await answers(other)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(flood.reader.read(1), 0.02)
        clock.now += 1.0
        assert [await flood.text() for _ in range(20)] == [str(number) for number in range(20, 40)]
        clock.now += 1.0
        assert [await flood.text() for _ in range(10)] == [str(number) for number in range(40, 50)]
        assert [(line["event"], line["code"]) for line in log] == [("peer slowed down", Fault.TOO_FAST)]


async def test_events_that_wait_have_a_bound_in_bytes_and_are_all_answered_in_the_end(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        texts = ["hold", *(letter * 400 for letter in "abcdef")]
        peer.say(*texts)
        assert await sink.begun.get() == "hold"
        await asyncio.sleep(0.01)
        [connection] = server._connections
        assert len(connection._waiting or ()) == 3
        sink.release.set()
        assert [await peer.text() for _ in texts] == texts


async def test_of_a_stranger_one_event_waits_at_most(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("hold", "a", "b", "c")
        assert await sink.begun.get() == "hold"
        await asyncio.sleep(0.01)
        [connection] = server._connections
        assert len(connection._waiting or ()) == 1
        sink.release.set()
        assert [await peer.text() for _ in range(4)] == ["hold", "a", "b", "c"]


@pytest.mark.parametrize("known", [True, False])
async def test_a_peer_that_sends_much_at_once_lets_others_have_their_turn_in_between(
    sink: Any, meet: Any, *, known: bool
) -> None:
    order: list[str] = []
    immediate = sink.immediate

    def noting(event: Event, peer: Any) -> Any:
        order.append(peer.listener)
        return immediate(event, peer)

    sink.immediate = noting
    sink.bind = ANNA if known else None
    limits = Limits(events_at_once=100_000, bytes_at_once=4000, frames_per_second=100_000)
    async with Server(sink, limits=limits) as server:
        flood_at = await server.listen("tcp://127.0.0.1:0", name="flood")
        honest_at = await server.listen("tcp://127.0.0.1:0", name="honest")
        async with meet(flood_at) as flood, meet(honest_at) as honest:
            flood.send(encode(Ping(text="x" * 900).event()) * 200)
            honest.send(PING)
            assert await honest.text() == "ping"
            assert [len(await flood.text()) for _ in range(200)] == [900] * 200
    assert order.index("honest") <= (10 if known else 5)


BIG = UNAUTHENTICATED_BYTES + 1
OVERSIZE = {
    Fault.HEADER_TOO_LONG: b'{"type":"ping"}' + b" " * BIG + b"\n",
    Fault.DATA_TOO_LONG: b'{"type":"ping","data_length":%d}\n' % BIG + b'{"text":""}'.ljust(BIG),
    Fault.PAYLOAD_TOO_LONG: b'{"type":"ping","payload_length":%d}\n' % BIG + bytes(BIG),
}


@pytest.mark.parametrize("fault", OVERSIZE)
async def test_a_stranger_may_send_small_events_only_and_a_known_device_larger_ones(
    address: tuple[str, int], meet: Any, fault: Fault
) -> None:
    async with meet(address) as stranger, meet(address) as known:
        stranger.send(OVERSIZE[fault])
        refusal = await stranger.refusal()
        assert refusal.code == fault
        assert refusal.text.endswith("before the peer has authenticated")
        await authenticate(known, "hall")
        known.send(OVERSIZE[fault])
        assert (await known.receive()).type == "pong"


async def test_a_bound_peer_is_no_stranger(sink: Any, address: tuple[str, int], meet: Any) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.send(OVERSIZE[Fault.DATA_TOO_LONG])
        assert (await peer.receive()).type == "pong"


def test_bounds_are_narrowed_and_never_widened() -> None:
    assert FrameBounds(100, 20_000, 5).narrowed(1000) == FrameBounds(100, 1000, 5)


# Answers held back.


async def test_an_answer_that_is_held_back_holds_up_nobody_else(address: tuple[str, int], meet: Any) -> None:
    async with meet(address) as slow, meet(address) as quick:
        slow.say("later")
        quick.say("now")
        assert await quick.text() == "now"
        assert await slow.text() == "later"


async def test_an_answer_that_is_held_back_is_given_at_once_where_the_server_ends(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("much later")
        assert await sink.begun.get() == "much later"
        draining = asyncio.create_task(server.drain(10))
        assert [event.data["text"] for event in await peer.last_words()] == ["much later"]
        peer.close()
        assert await draining == 0


@pytest.fixture
def server_log(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[MutableMapping[str, Any]]]:
    """The lines that the server itself logs."""
    monkeypatch.setattr(server_module, "_log", structlog.wrap_logger(structlog.PrintLogger()))
    with structlog.testing.capture_logs() as lines:
        yield lines
