from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from provisioning.errors import (
    HomeError,
    HomeTimeoutError,
    HomeUnauthorizedError,
    HomeUnreachableError,
    ServiceCallError,
)
from provisioning.home import socket as socket_module
from provisioning.home.socket import MAX_PENDING_COMMANDS, HomeAssistantSocket
from tests.provisioning.home.stand_in_home_assistant import StandInHomeAssistant


def connect(ha: StandInHomeAssistant, http: aiohttp.ClientSession, *, within: float = 2) -> Any:
    return HomeAssistantSocket.connect(ha.url, ha.token, http=http, within=within)


async def test_a_command_gives_its_result(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant(language="hu") as ha, connect(ha, http) as socket:
        config = await socket.command("get_config", within=1)
        assert config["language"] == "hu"
        assert socket.version == "2026.1.0"


async def test_several_commands_at_once_get_their_own_results(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.answers = {"one": 1, "two": 2}
        names = ["one", "two"] * 20
        results = await asyncio.gather(*(socket.command(name, within=1) for name in names))
        assert results == [1, 2] * 20


async def test_a_refused_command_carries_home_assistants_code_and_cleaned_message(
    http: aiohttp.ClientSession,
) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.fail_commands = {"get_config": ("not_found", "no\nsuch\x1bthing" + "!" * 9999)}
        with pytest.raises(ServiceCallError, match="no such thing!") as caught:
            await socket.command("get_config", within=1)
        assert caught.value.code == "not_found"
        assert len(caught.value.message) <= socket_module.MAX_ERROR_CHARACTERS


@pytest.mark.parametrize("error", [None, [], "x", {"code": 3, "message": {}}])
async def test_a_refusal_without_reason_is_still_one(http: aiohttp.ClientSession, error: Any) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.mute = True
        asking = asyncio.ensure_future(socket.command("x", within=1))
        await ha.until(lambda ha: "x" in ha.received)
        for line in ha._lines:
            await line.send({"id": 1, "type": "result", "success": False, "error": error})
        with pytest.raises(ServiceCallError):
            await asking


async def test_a_wrong_token_is_unauthorized(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha:
        with pytest.raises(HomeUnauthorizedError) as caught:
            async with HomeAssistantSocket.connect(ha.url, "wrong-secret", http=http, within=1):
                pass
        assert "wrong-secret" not in str(caught.value)


async def test_nobody_at_the_address_is_unreachable(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha:
        url = ha.url
    with pytest.raises(HomeUnreachableError):
        async with HomeAssistantSocket.connect(url, "t", http=http, within=1):
            pass


@pytest.mark.parametrize("url", ["", "not a url", "http://", "ftp://127.0.0.1", "http://127.0.0.1:99999"])
async def test_an_address_that_is_none_is_unreachable(http: aiohttp.ClientSession, url: str) -> None:
    with pytest.raises(HomeUnreachableError):
        async with HomeAssistantSocket.connect(url, "t", http=http, within=1):
            pass


async def test_an_address_without_home_assistant_is_unreachable(http: aiohttp.ClientSession) -> None:
    runner = web.AppRunner(web.Application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        with pytest.raises(HomeUnreachableError):
            async with HomeAssistantSocket.connect(url, "t", http=http, within=1):
                pass
    finally:
        await runner.cleanup()


async def test_authentication_that_never_ends_times_out(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha:
        ha.deaf_auth = True
        with pytest.raises(HomeTimeoutError):
            async with connect(ha, http, within=0.05):
                pass


async def test_a_command_without_an_answer_ends_at_its_deadline_and_leaves_nothing(
    http: aiohttp.ClientSession,
) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.mute = True
        with pytest.raises(HomeTimeoutError):
            await socket.command("get_config", within=0.05)
        assert not socket._pending
        ha.mute = False
        assert await socket.command("get_config", within=1)


async def test_an_answer_that_comes_too_late_is_nobodys(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.delay = 0.1
        with pytest.raises(HomeTimeoutError):
            await socket.command("call_service", within=0.02, domain="light", service="turn_on")
        await asyncio.sleep(0.15)
        assert await socket.command("get_config", within=1)


async def test_a_connection_cut_in_mid_command_is_unreachable_at_once(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.drop_on_call = True
        async with asyncio.timeout(1):
            with pytest.raises(HomeUnreachableError):
                await socket.command("call_service", within=30, domain="light", service="turn_on")
        assert not socket.connected
        assert await socket.lost()
        with pytest.raises(HomeUnreachableError):
            await socket.command("get_config", within=1)


async def test_a_failure_nobody_waits_for_is_not_logged_as_lost(
    http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.mute = True
        asking = asyncio.ensure_future(socket.command("get_config", within=5))
        await ha.until(lambda ha: "get_config" in ha.received)
        asking.cancel()
        await ha.drop()
        await socket.lost()
        del asking
        gc.collect()
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_more_commands_than_there_is_room_for_wait_for_their_turn(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.mute = True
        waiting = [
            asyncio.ensure_future(socket.command("slow", within=0.3)) for _ in range(MAX_PENDING_COMMANDS + 9)
        ]
        await ha.until(lambda ha: len(ha.received) == MAX_PENDING_COMMANDS)
        await asyncio.sleep(0.05)
        assert len(ha.received) == MAX_PENDING_COMMANDS
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, HomeTimeoutError) for result in results)


@pytest.mark.parametrize(
    "frame",
    ["", "{", "3", '"x"', '{"type":"event"}', '{"id":"1"}', "[[]]", '{"id":true}', b"\x00\xff", "[" * 5000],
)
async def test_what_is_not_the_protocol_ends_the_connection(
    http: aiohttp.ClientSession, frame: str | bytes
) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        await ha.send_raw(frame)
        async with asyncio.timeout(1):
            assert await socket.lost()


@pytest.mark.parametrize(
    "frame",
    [
        '{"id":999,"type":"result","success":true}',
        '{"id":999,"type":"event"}',
        '{"id":999,"type":"pong"}',
        '{"id":999,"type":"something new"}',
        '{"id":999,"type":["x"]}',
        "[]",
    ],
)
async def test_messages_for_nobody_are_passed_over(http: aiohttp.ClientSession, frame: str) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        await ha.send_raw(frame)
        assert await socket.command("get_config", within=1)


async def test_a_message_beyond_the_limit_ends_the_connection(
    http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_module, "MAX_MESSAGE_BYTES", 10_000)
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.answers = {"big": "x" * 20_000}
        with pytest.raises(HomeUnreachableError):
            await socket.command("big", within=1)


async def test_events_come_in_order_even_those_in_the_frame_of_the_result(
    http: aiohttp.ClientSession,
) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        heard: list[Any] = []
        ha.mute = True
        asking = asyncio.ensure_future(socket.subscribe("subscribe_entities", heard.append, within=1))
        await ha.until(lambda ha: bool(ha.received))
        await ha.send_raw(
            '[{"id":1,"type":"result","success":true},{"id":1,"type":"event","event":1},'
            '{"id":1,"type":"event","event":2}]'
        )
        await asking
        assert heard == [1, 2]


async def test_a_listener_that_was_taken_off_hears_nothing_more(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        heard: list[Any] = []
        stop = await socket.subscribe_events("door", heard.append, within=1)
        await ha.fire("door", {"n": 1})
        await socket.command("get_config", within=1)
        stop()
        stop()
        await ha.fire("door", {"n": 2})
        await socket.command("get_config", within=1)
        assert [event["data"] for event in heard] == [{"n": 1}]


async def test_a_listener_that_fails_costs_nobody_the_connection(http: aiohttp.ClientSession) -> None:
    def fail(_event: Any) -> None:
        raise ValueError

    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        await socket.subscribe_events("door", fail, within=1)
        await ha.fire("door")
        assert await socket.command("get_config", within=1)


async def test_a_refused_subscription_leaves_no_listener(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        ha.fail_commands = {"subscribe_events": ("unauthorized", "no")}
        with pytest.raises(ServiceCallError):
            await socket.subscribe_events("door", print, within=1)
        assert not socket._listeners


async def test_subscriptions_end_at_a_limit(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        for number in range(socket_module.MAX_SUBSCRIPTIONS):
            await socket.subscribe_events(f"e{number}", print, within=1)
        with pytest.raises(HomeError, match="subscriptions"):
            await socket.subscribe_events("one more", print, within=1)


async def test_a_flood_of_events_leaves_the_loop_to_others(http: aiohttp.ClientSession) -> None:
    """Other tasks run every few milliseconds while hundreds of messages wait to be read."""
    async with StandInHomeAssistant() as ha, connect(ha, http) as socket:
        heard = 0

        def hear(_event: Any) -> None:
            nonlocal heard
            heard += 1

        await socket.subscribe_events("noise", hear, within=1)
        loop = asyncio.get_running_loop()
        done = asyncio.Event()
        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            before = loop.time()
            while not done.is_set():
                await asyncio.sleep(0)
                longest = max(longest, loop.time() - before)
                before = loop.time()

        watching = asyncio.ensure_future(watch())
        event = '{"id":1,"type":"event","event":' + '{"data":"' + "x" * 200 + '"}}'
        for _ in range(20):
            await ha.send_raw(f"[{','.join([event] * 100)}]")
        await socket.command("get_config", within=5)
        done.set()
        await watching
        assert heard == 2000
        assert longest < 0.1


async def test_leaving_the_block_ends_the_reader(http: aiohttp.ClientSession) -> None:
    async with StandInHomeAssistant() as ha:
        async with connect(ha, http) as socket:
            pass
        assert not socket.connected
        names = {task.get_name() for task in asyncio.all_tasks()}
        assert "home-assistant-socket-reader" not in names
