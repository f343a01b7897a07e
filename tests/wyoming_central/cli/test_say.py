"""`say` against a server that answers as it is told, over TCP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled, NotHandled
from wyoming.user_event import UserEvent

from handlers.peer import Peer, Reply
from wyoming_central.limits import Limits
from wyoming_central.server import Server

TOKEN = "the token of the kitchen"


class House:
    """Knows one token, and what to do about lamps."""

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def immediate(self, _event: Event, _peer: Peer) -> tuple[Event, ...] | None:
        return None

    def arrived(self, peer: Peer) -> None:
        pass

    async def handle(self, event: Event, _peer: Peer) -> Reply:
        self.heard.append(event)
        if UserEvent.is_type(event.type):
            if event.data["data"]["token"] != TOKEN:
                return Reply(
                    (Error(text="the token was revoked", code="unauthenticated").event(),), close=True
                )
            return Reply((UserEvent(name="authenticated", data={"device": "kitchen"}).event(),))
        if "lamp" in event.data["text"]:
            return Reply((Handled(text="Turned on the lamp.").event(),))
        return Reply((NotHandled(text="I did not\x1b[31m get that.").event(),))


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def uri(house: House) -> AsyncIterator[str]:
    server = Server(house, limits=Limits())
    async with server:
        host, port = await server.listen("tcp://127.0.0.1:0", name="default")
        yield f"tcp://{host}:{port}"


@pytest.fixture
def say(cli: Any, uri: str) -> Any:
    """Run `say` beside the server."""

    async def run(*arguments: str, **more: Any) -> Any:
        return await asyncio.to_thread(cli, "say", *arguments, "--uri", uri, **more)

    return run


async def test_what_comes_back_is_shown_with_its_time(say: Any, house: House, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    result = await say("turn on the lamp", "-l", "en", "--token-file", str(tmp_path / "token"))
    heading, authenticated, answer = result.stdout.splitlines()
    assert heading.split() == ["EVENT", "MS", "TEXT"]
    assert "authenticated, device kitchen" in authenticated
    assert answer.startswith("handled")
    assert answer.endswith("Turned on the lamp.")
    assert house.heard[-1].data == {"text": "turn on the lamp", "language": "en"}
    assert TOKEN not in result.output


async def test_the_token_may_stand_in_the_environment(
    say: Any, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WYOMING_CENTRAL_TOKEN", TOKEN)
    await say("turn on the lamp")
    assert house.heard[0].data["data"] == {"token": TOKEN}


async def test_as_json_it_is_a_list_of_events(say: Any) -> None:
    result = await say("turn on the lamp", "--token", TOKEN, "--json")
    authenticated, answer = json.loads(result.stdout)
    assert authenticated["type"] == "user-event"
    assert answer["type"] == "handled"
    assert answer["data"]["text"] == "Turned on the lamp."
    assert answer["ms"] > 0


async def test_what_is_not_handled_is_exit_status_1_and_cannot_steer_the_terminal(say: Any) -> None:
    result = await say("sing", "--token", TOKEN, code=1)
    assert "not-handled" in result.stdout
    assert "\x1b" not in result.stdout
    assert result.stderr == ""


async def test_without_a_token_that_is_said_when_it_was_not_handled(say: Any) -> None:
    assert "--token-file" in (await say("sing", code=1)).stderr


async def test_a_refused_token_is_told_and_nothing_is_said(say: Any, house: House) -> None:
    result = await say("turn on the lamp", "--token", "another", code=1)
    assert "the token was revoked (unauthenticated)" in result.stdout
    assert "`wyoming-central device rotate`" in result.stderr
    assert len(house.heard) == 1


def test_without_an_address_it_is_the_server_of_this_machine(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTEN", "tcp://0.0.0.0:9")
    assert "tcp://127.0.0.1:9" in cli("say", "hello", code=1).stderr


def test_nobody_there_is_one_line(cli: Any) -> None:
    [line] = cli("say", "hello", "--uri", "tcp://127.0.0.1:9", code=1).stderr.splitlines()
    assert "tcp://127.0.0.1:9" in line


def test_a_token_file_that_is_not_there_is_one_line(cli: Any) -> None:
    [line] = cli("say", "hello", "--token-file", "nowhere", code=1).stderr.splitlines()
    assert "nowhere" in line
