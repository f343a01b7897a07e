"""The deadlines of a connection, by a clock that the tests move."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from wyoming.event import Event
from wyoming.ping import Ping

from handlers.peer import Identity
from wyoming_central.errors import Fault
from wyoming_central.frame import encode
from wyoming_central.limits import Limits
from wyoming_central.server import Server

pytestmark = pytest.mark.usefixtures("nothing_is_left")

ANNA = Identity("anna", "kitchen", "kitchen", "hu")
PING = encode(Ping(text="ping").event())
LIMITS = Limits()


async def authenticate(peer: Any, device: str = "hall") -> None:
    peer.send(encode(Event("authenticate", {"user": "anna", "device": device})))
    assert (await peer.receive()).type == "authenticated"


async def pass_time(server: Server, clock: Any, seconds: float) -> None:
    clock.now += seconds
    server.check_deadlines()
    await asyncio.sleep(0)


async def test_who_shows_no_credential_is_closed_in_time_silent_or_not(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any, log: Any
) -> None:
    async with meet(address) as silent, meet(address) as busy, meet(address) as known:
        await authenticate(known)
        busy.say("hold")
        await sink.begun.get()
        await pass_time(server, clock, LIMITS.unauthenticated_seconds - 1)
        busy.send(PING)
        assert await busy.text() == "ping"
        await pass_time(server, clock, 1)
        refusal = await silent.refusal()
        assert refusal.code == Fault.UNAUTHENTICATED
        assert refusal.text == "no valid credential was shown within 10 s"
        sink.release.set()
        answer, last = await busy.last_words()
        assert (answer.data["text"], last.data["code"]) == ("hold", Fault.UNAUTHENTICATED)
        assert [(line["code"], line["address"]) for line in log] == [(Fault.UNAUTHENTICATED, "127.0.0.1")] * 2
        known.send(PING)
        assert await known.text() == "ping"


async def test_a_peer_whose_sentences_bring_their_token_may_be_silent_for_a_while(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    async with meet(address) as peer:
        for _ in range(3):
            peer.say("vouched for")
            await peer.receive()
            await pass_time(server, clock, LIMITS.idle_seconds - 1)
        await pass_time(server, clock, 1)
        assert (await peer.refusal()).code == Fault.IDLE


async def test_a_peer_whose_credential_ended_is_a_stranger_again(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    async with meet(address) as peer:
        await authenticate(peer)
        await pass_time(server, clock, LIMITS.unauthenticated_seconds)
        peer.say("expired")
        assert await peer.text() == "expired"
        await pass_time(server, clock, 0)
        assert (await peer.refusal()).code == Fault.UNAUTHENTICATED


async def test_a_known_device_may_be_silent_for_days(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    async with meet(address) as by_token:
        await authenticate(by_token)
        sink.bind = ANNA
        async with meet(address) as by_binding:
            by_binding.send(PING)
            await by_binding.receive()
            for _ in range(6):
                await pass_time(server, clock, 86_400)
            for peer in (by_token, by_binding):
                peer.say("still here")
                assert await peer.text() == "still here"
            await pass_time(server, clock, LIMITS.device_idle_seconds)
            assert (await by_token.refusal()).code == Fault.IDLE


async def test_a_frame_begun_must_end_in_time_however_busily_it_trickles(
    server: Server, address: tuple[str, int], meet: Any, clock: Any, log: Any
) -> None:
    async with meet(address) as peer:
        peer.send(PING + PING[:4])
        assert await peer.text() == "ping"
        for at in range(4, 13):
            await pass_time(server, clock, 1)
            peer.send(PING[at : at + 1])
            await asyncio.sleep(0.002)
        await pass_time(server, clock, 1)
        assert (await peer.refusal()).code == Fault.SLOW_FRAME
        assert [line["code"] for line in log] == [Fault.SLOW_FRAME]


async def test_each_frame_has_its_own_time(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.send(PING[:5])
        for _ in range(5):
            # It is never between two frames, but no frame takes longer than allowed.
            peer.send(PING[5:] + PING[:5])
            assert await peer.text() == "ping"
            await pass_time(server, clock, LIMITS.half_frame_seconds - 1)


async def test_a_frame_held_back_by_us_is_not_the_peers_delay(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.say("hold", *"abcdefgh")
        await sink.begun.get()
        await pass_time(server, clock, LIMITS.half_frame_seconds * 3)
        sink.release.set()
        assert [await peer.text() for _ in range(9)] == ["hold", *"abcdefgh"]


async def test_the_half_of_a_frame_seen_late_has_its_full_time(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.say("hold", *"abcd")
        peer.send(PING[:9])
        await sink.begun.get()
        await pass_time(server, clock, LIMITS.half_frame_seconds * 3)
        sink.release.set()
        assert [await peer.text() for _ in range(5)] == ["hold", *"abcd"]
        await pass_time(server, clock, LIMITS.half_frame_seconds - 1)
        peer.send(PING[9:])
        assert await peer.text() == "ping"


async def test_a_turn_may_take_longer_than_a_peer_may_be_silent(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    async with meet(address) as peer:
        await authenticate(peer)
        peer.say("hold")
        await sink.begun.get()
        await pass_time(server, clock, LIMITS.device_idle_seconds * 2)
        sink.release.set()
        assert await peer.text() == "hold"
        await pass_time(server, clock, LIMITS.device_idle_seconds - 1)
        peer.send(PING)
        assert await peer.text() == "ping"


async def test_the_refusal_of_a_late_frame_waits_for_the_turns_before_it(
    sink: Any, server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    sink.bind = ANNA
    async with meet(address) as peer:
        peer.say("hold", "second")
        peer.send(PING[:4])
        await sink.begun.get()
        await pass_time(server, clock, LIMITS.half_frame_seconds)
        sink.release.set()
        *answers, refusal = await peer.last_words()
        assert [event.data["text"] for event in answers] == ["hold", "second"]
        assert refusal.data["code"] == Fault.SLOW_FRAME


async def test_a_closing_connection_is_cut_where_the_peer_does_not_close_its_side(
    server: Server, address: tuple[str, int], meet: Any, clock: Any
) -> None:
    async with meet(address) as peer:
        peer.send(b"not json\n")
        assert (await peer.refusal()).code == Fault.BAD_JSON
        await pass_time(server, clock, LIMITS.linger_seconds - 0.1)
        peer.send(b"what comes now is thrown away\n" * 1000)
        await asyncio.sleep(0.01)
        assert server.connections == 1
        await pass_time(server, clock, 0.1)
        assert server.connections == 0


async def test_an_idle_connection_holds_no_task_no_queue_and_no_bytes(
    server: Server, address: tuple[str, int], meet: Any
) -> None:
    async with meet(address) as peer:
        peer.say("a")
        peer.send(PING)
        assert {await peer.text(), await peer.text()} == {"a", "ping"}
        await asyncio.sleep(0)
        [connection] = server._connections
        assert connection._worker is None
        assert connection._waiting is None
        assert connection._decoder.held_bytes == 0
        assert not hasattr(connection, "__dict__")


async def test_deadlines_are_looked_at_by_themselves(sink: Any, meet: Any) -> None:
    async with (
        Server(sink, limits=Limits(unauthenticated_seconds=0.02)) as server,
        meet(await server.listen("tcp://127.0.0.1:0", name="default")) as peer,
    ):
        assert (await peer.refusal()).code == Fault.UNAUTHENTICATED


def test_the_times_are_looked_at_four_times_within_the_shortest() -> None:
    assert Limits(write_seconds=0.4).sweep_seconds == pytest.approx(0.1)
    assert Limits().sweep_seconds == pytest.approx(0.5)
