from __future__ import annotations

import asyncio
import io
import sys
from typing import Any

import pytest
import uvloop

from provisioning.driver import Progress
from wyoming_central.cli import demo, serve


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What a server was started with, in place of one that runs for ever."""
    calls: list[Any] = []

    async def at_once(settings: Any, **more: Any) -> None:
        calls.append((settings, more, asyncio.get_running_loop()))

    monkeypatch.setattr(serve, "serve_until_stopped", at_once)
    return calls


def test_a_server_gets_the_settings_with_their_secrets_and_the_fast_loop(cli: Any, served: list[Any]) -> None:
    assert cli("serve").output == ""
    [(settings, more, loop)] = served
    assert settings.jwt_secrets
    assert settings.encryption_keys
    assert more == {}
    assert isinstance(loop, uvloop.Loop)


def test_settings_that_cannot_be_used_start_nothing(
    cli: Any, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTEN", "udp://nowhere")
    assert "LISTEN" in cli("serve", code=1).stderr
    assert served == []


def test_in_a_terminal_it_says_where_it_listens_and_shows_an_installation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with serve._shown_progress() as report:
        assert terminal.getvalue() == ""
        report(Progress("Home Assistant", 20.0))
        print("a log line", file=serve._CurrentStderr())
        report(Progress("Home Assistant", 100.0))
    assert "Installing Home Assistant" in terminal.getvalue()
    assert "a log line" in terminal.getvalue()


@pytest.mark.parametrize("code", [0, 1])
def test_the_demo_ends_as_what_it_saw(cli: Any, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    kept: list[bool] = []

    async def play(_settings: Any, *, keep: bool, console: Any) -> int:
        del console
        kept.append(keep)
        return code

    monkeypatch.setattr(demo, "run_demo", play)
    cli("demo", code=code)
    cli("demo", "--keep", code=code)
    assert kept == [False, True]
