"""The server over real TCP, on both event loops: turns, their order, and every way to an end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import pytest
from wyoming.asr import Transcript
from wyoming.client import AsyncClient, AsyncTcpClient
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong

from handlers.peer import Identity
from wyoming_central.errors import AddressError, Fault, ListenError
from wyoming_central.frame import FrameBounds, encode
from wyoming_central.limits import Limits
from wyoming_central.server import Server

pytestmark = pytest.mark.usefixtures("nothing_is_left")

ANNA = Identity("anna", "kitchen", "kitchen", "hu")


async def turn_of_the_loop() -> None:
    """Let everything that is ready happen."""
    for _ in range(20):
        await asyncio.sleep(0)


async def until(condition: Callable[[], bool]) -> None:
    """Let things happen until something shows that cannot be awaited."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


# Turns.


async def test_the_stock_client_is_answered(sink: Any, address: tuple[str, int]) -> None:
    async with AsyncTcpClient(*address, read_timeout=5) as client:
        await client.write_event(Ping(text="ő").event())
        assert await client.read_event() == Pong(text="ő").event()
        await client.write_event(Describe().event())
        event = await client.read_event()
        assert event is not None
        assert Info.is_type(event.type)
        await client.write_event(Transcript(text="kapcsold fel", language="hu").event())
        event = await client.read_event()
        assert event is not None
        assert Handled.from_event(event).text == "kapcsold fel"
        await client.write_event(Event("nobody-knows", {"a": [1]}, b"payload"))
        await client.write_event(Ping().event())
        assert await client.read_event() == Pong().event()


async def test_the_stock_client_learns_why_it_is_closed(address: tuple[str, int]) -> None:
    async with AsyncClient.from_uri("tcp://{}:{}".format(*address), read_timeout=5) as client:
        await client.write_event(Event("x", {}, b"a" * 100_000))
        event = await client.read_event()
        assert event is not None
        assert Error.from_event(event).code == Fault.PAYLOAD_TOO_LONG
        assert await client.read_event() is None


async def test_ping_and_describe_are_answered_while_a_turn_runs(
    sink: Any, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("hold")
        await sink.begun.get()
        peer.send(encode(Ping(text="1").event()) + encode(Describe().event()))
        assert await peer.text() == "1"
        assert (await peer.receive()).type == "info"
        sink.release.set()
        assert await peer.text() == "hold"


async def test_turns_keep_their_order_and_run_one_at_a_time(
    sink: Any, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("hold", "second", "third")
        assert await sink.begun.get() == "hold"
        await turn_of_the_loop()
        assert sink.begun.empty()
        sink.release.set()
        assert [await peer.text() for _ in range(3)] == ["hold", "second", "third"]


async def test_what_does_not_fit_the_queue_is_left_unread_and_answered_later(
    sink: Any, address: tuple[str, int], meet: Any
) -> None:
    texts = ["hold", *(str(number) for number in range(40))]
    async with meet(address) as peer:
        peer.say(*texts)
        await sink.begun.get()
        peer.send(encode(Ping(text="at the end").event()))
        await turn_of_the_loop()
        sink.release.set()
        answers = [await peer.text() for _ in range(42)]
        assert [text for text in answers if text != "at the end"] == texts


async def test_limits_are_for_what_peers_send_and_not_for_what_answers_them(sink: Any, meet: Any) -> None:
    async with Server(sink, limits=Limits(frame=FrameBounds(data_bytes=256))) as server:
        address = await server.listen("tcp://127.0.0.1:0", name="default")
        async with meet(address) as peer:
            peer.send(b'{"type": "ping", "data": {"text": "' + b"x" * 300 + b'"}}\n')
            assert (await peer.receive()).data["text"] == "x" * 300


async def test_a_flood_of_pings_is_answered_in_order(address: tuple[str, int], meet: Any) -> None:
    async with meet(address) as peer:
        peer.send(b"".join(encode(Ping(text=str(number)).event()) for number in range(500)))
        assert [await peer.text() for _ in range(500)] == [str(number) for number in range(500)]


@pytest.mark.parametrize("size", [1, 7, 16, 17, 18, 64, 1000])
async def test_what_was_asked_before_is_answered_as_it_was_the_first_time_however_the_wire_cuts_it(
    address: tuple[str, int], meet: Any, size: int
) -> None:
    asked = [None, "a", None, "ő", None, None, "a", "a"]
    raw = b"".join(encode(Ping(text=text).event()) for text in asked)
    async with meet(address) as peer:
        for _ in range(2):
            for at in range(0, len(raw), size):
                peer.send(raw[at : at + size])
                await asyncio.sleep(0)
            assert [await peer.text() for _ in asked] == asked


async def test_answers_that_are_known_are_few_and_small(
    server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        for number in range(1000):
            peer.send(encode(Ping(text=str(number)).event()))
            assert await peer.text() == str(number)
        peer.send(encode(Ping(text="x" * 200).event()))
        await peer.receive()
    assert len(server.known_answers) <= 256
    assert max(map(len, server.known_answers)) <= 128


async def test_one_peer_does_not_wait_for_another(sink: Any, address: tuple[str, int], meet: Any) -> None:
    async with meet(address) as slow, meet(address) as quick:
        slow.say("hold")
        await sink.begun.get()
        quick.say("quick")
        assert await quick.text() == "quick"


async def test_a_peer_is_known_by_its_binding_before_its_first_event(
    sink: Any, address: tuple[str, int], meet: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.say("early")
        assert await peer.text() == "early"
        assert [peer.identity for peer in sink.peers] == [ANNA]


async def test_what_may_wait_happens_after_the_answer_was_handed_over(
    sink: Any, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("a", "b")
        assert [await peer.text(), await peer.text()] == ["a", "b"]
        assert sink.settled == ["a", "b"]


async def test_a_peer_knows_its_listener_and_address(sink: Any, server: Server, meet: Any) -> None:
    address = await server.listen("tcp://127.0.0.1:0", name="kitchen")
    async with meet(address) as peer:
        peer.say("a")
        await peer.text()
        assert [(peer.listener, peer.address) for peer in sink.peers] == [("kitchen", "127.0.0.1")]
        assert len(sink.peers[0].connection_id) == 12


# Ends.


async def test_a_peer_that_has_said_all_is_still_answered(
    sink: Any, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("hold", "second")
        peer.writer.write_eof()
        await sink.begun.get()
        sink.release.set()
        assert [Handled.from_event(event).text for event in await peer.last_words()] == ["hold", "second"]


async def test_the_turn_of_a_peer_that_is_gone_runs_to_its_end_and_what_waits_is_dropped(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.say("hold", "second")
        await sink.begun.get()
        peer.reset()
        await until(lambda: server.connections == 0)
    sink.release.set()
    await turn_of_the_loop()
    assert sink.handled == ["hold"]
    assert sink.settled == ["hold"]


async def test_a_reply_may_close(sink: Any, address: tuple[str, int], meet: Any) -> None:
    async with meet(address) as peer:
        peer.say("bye", "more")
        assert [event.data["text"] for event in await peer.last_words()] == ["bye"]
        assert sink.handled == ["bye"]


@pytest.mark.parametrize(
    "sent",
    [
        encode(Transcript("break").event()),
        encode(Transcript("unsayable").event()),
        encode(Event("break-at-once")),
    ],
    ids=["handle", "answer", "immediate"],
)
async def test_a_bug_of_ours_ends_one_connection_and_is_logged(
    address: tuple[str, int], meet: Any, log: Any, sent: bytes
) -> None:
    async with meet(address) as other, meet(address) as peer:
        peer.send(sent)
        assert (await peer.refusal()).code == Fault.INTERNAL
        assert [line["event"] for line in log] == ["connection failed"]
        other.say("fine")
        assert await other.text() == "fine"


async def test_nothing_is_written_to_a_peer_that_never_reads(
    sink: Any, address: tuple[str, int], meet: Any
) -> None:
    sink.write_only = True
    async with meet(address) as peer:
        peer.say("a", "b")
        assert await sink.begun.get() == "a"
        assert await sink.begun.get() == "b"
        peer.send(encode(Ping().event()) + b"not json\n")
        assert await peer.last_words() == []
        assert sink.settled == ["a", "b"]


async def test_a_peer_that_does_not_read_is_cut_after_its_time(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, log: Any, clock: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer, meet(address) as other:
        peer.writer.transport.pause_reading()
        peer.say(*["much"] * 100)
        await until(lambda: any(connection._blocked_at is not None for connection in server._connections))
        assert sink.handled.count("much") < 100
        server.check_deadlines()
        assert server.connections == 2
        clock.now += server.limits.write_seconds
        server.check_deadlines()
        await until(lambda: server.connections == 1)
        assert [line["code"] for line in log] == [Fault.NOT_READING]
        other.say("fine")
        assert await other.text() == "fine"


async def test_a_peer_that_reads_again_is_served_again(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.writer.transport.pause_reading()
        peer.say(*["much"] * 100)
        await until(lambda: any(connection._blocked_at is not None for connection in server._connections))
        peer.writer.transport.resume_reading()
        for _ in range(100):
            assert len(await peer.text()) == 200_000
        clock.now += server.limits.write_seconds
        server.check_deadlines()
        peer.say("still here")
        assert await peer.text() == "still here"


async def test_withdrawing_a_device_closes_its_connections_and_no_other(
    server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with (
        meet(address) as first,
        meet(address) as second,
        meet(address) as third,
        meet(address) as nobody,
    ):
        for peer, user, device in ((first, "a", "d1"), (second, "a", "d2"), (third, "b", "d3")):
            peer.send(encode(Event("authenticate", {"user": user, "device": device})))
            await peer.receive()
        assert server.close_matching(lambda one: one.device_id == "d1", "gone") == 1
        assert server.close_matching(lambda one: one.device_id == "nobody", "gone") == 0
        refusal = await first.refusal()
        assert (refusal.text, refusal.code) == ("gone", Fault.REVOKED)
        assert (
            server.close_matching(lambda one: one.user_id == "a", "gone") == 2
        )  # the one that is just closing too
        assert (await second.refusal()).code == Fault.REVOKED
        for peer in (third, nobody):
            peer.say("still here")
            assert await peer.text() == "still here"


async def test_withdrawing_a_device_drops_its_answer_and_what_waits_but_not_its_turn(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.say("hold", "second")
        await sink.begun.get()
        assert server.close_matching(lambda one: one.device_id == ANNA.device_id, "gone") == 1
        assert (await peer.refusal()).code == Fault.REVOKED
        sink.release.set()
        await turn_of_the_loop()
        assert sink.settled == ["hold"]
        assert sink.handled == ["hold"]


# Draining.


async def test_draining_answers_all_that_was_accepted_and_then_closes(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as idle, meet(address) as busy:
        busy.say("hold", "second")
        await sink.begun.get()
        drain = asyncio.create_task(server.drain(10))
        assert await idle.last_words() == []
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)
        busy.say("too late")
        sink.release.set()
        assert [event.data["text"] for event in await busy.last_words()] == ["hold", "second"]
        busy.close()
        assert await drain == 0
        assert sink.settled == ["hold", "second"]
        assert server.connections == 0


async def test_draining_cuts_what_takes_too_long_and_counts_it(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("hold")
        await sink.begun.get()
        assert await server.drain(0.01) == 1
        assert sink.cancelled == ["hold"]
        assert server.connections == 0


async def test_draining_waits_for_the_turn_of_a_peer_that_is_gone(
    sink: Any, server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("hold")
        await sink.begun.get()
        peer.reset()
        await until(lambda: server.connections == 0)
    drain = asyncio.create_task(server.drain(10))
    await turn_of_the_loop()
    assert not drain.done()
    sink.release.set()
    assert await drain == 0
    assert sink.settled == ["hold"]


async def test_leaving_the_context_cuts_what_is_left(sink: Any, meet: Any) -> None:
    async with contextlib.AsyncExitStack() as peers:
        async with Server(sink) as server:
            address = await server.listen("tcp://127.0.0.1:0", name="default")
            peer = await peers.enter_async_context(meet(address))
            peer.say("hold")
            await sink.begun.get()
        assert server.connections == 0
        assert sink.cancelled == ["hold"]
        assert asyncio.all_tasks() == {asyncio.current_task()}


# Listening.


async def test_ipv6_is_listened_on(sink: Any, server: Server, meet: Any) -> None:
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    address = await server.listen("tcp://[::1]:0", name="six")
    assert address[0] == "::1"
    async with meet(address) as peer:
        peer.say("a")
        assert await peer.text() == "a"
        assert [peer.address for peer in sink.peers] == ["::1"]


async def test_every_address_of_a_name_is_listened_on(server: Server, meet: Any) -> None:
    _, port = await server.listen("tcp://localhost:0", name="default")
    async with meet(("127.0.0.1", port)) as peer:
        peer.say("a")
        assert await peer.text() == "a"


async def test_a_taken_port_is_an_error_with_a_remedy(server: Server, address: tuple[str, int]) -> None:
    with pytest.raises(ListenError, match="Address already in use") as caught:
        await server.listen(f"tcp://127.0.0.1:{address[1]}", name="second")
    assert "LISTEN" in (caught.value.remedy or "")


@pytest.mark.parametrize("uri", ["tcp://192.0.2.1:0", "tcp://no-such-host.invalid:0"])
async def test_an_address_of_another_machine_is_an_error_with_a_remedy(server: Server, uri: str) -> None:
    with pytest.raises(ListenError) as caught:
        await server.listen(uri, name="elsewhere")
    assert caught.value.remedy == "set LISTEN to an address of this machine"


@pytest.mark.parametrize(
    "uri",
    ["", "127.0.0.1:1", "unix:///tmp/x", "tcp://:1", "tcp://a", "tcp://a:x", "tcp://a:99999", "tcp://a:1/b"],
)
async def test_what_is_no_address_is_an_error_with_a_remedy(server: Server, uri: str) -> None:
    with pytest.raises(AddressError, match="tcp://HOST:PORT"):
        await server.listen(uri, name="none")
