from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from storage.audit import AuditWriter
from storage.records import AuditRow
from wyoming_central.cli import audit as audit_commands


def turn(request_id: str, user_id: str | None, text: str, speech: str = "Rendben.") -> AuditRow:
    return AuditRow(
        request_id=request_id,
        timestamp=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
        user_id=user_id,
        device_id=None,
        input_text=text,
        intent={
            "verdict": "commands",
            "parser": "templates",
            "intents": [{"name": "HassTurnOn", "slots": {"name": "lámpa"}}],
        },
        ha_response={
            "speech": speech,
            "calls": [
                {
                    "domain": "light",
                    "service": "turn_on",
                    "entity_id": ["light.a", "light.b"],
                    "data": {"x": 1},
                }
            ],
            "done": 1,
        },
        status="ok",
        latency_ms=12.345,
        stages=[{"stage": "templates", "verdict": "commands", "ms": 3.1, "reason": None}],
        language="hu",
    )


async def write(store: Any, *turns: AuditRow) -> None:
    writer = AuditWriter(store.database)
    for one in turns:
        writer.record(one)
    await writer.close()


@pytest.fixture
def said(stored: Any, anna: str, ben: str) -> None:
    async def some(store: Any) -> None:
        users = {user.email: user.id for user in await store.users.list()}
        await write(
            store,
            turn("a1" * 16, users[anna], "kapcsold fel a lámpát"),
            turn("b2" * 16, users[ben], "turn it on"),
            turn("b3" * 16, None, "evil\u202etext"),
        )

    stored(some)


@pytest.mark.usefixtures("said")
def test_the_newest_turns_are_listed_the_newest_last(cli: Any, rows: Any, anna: str) -> None:
    assert [row["request_id"][:2] for row in rows("audit", "tail")] == ["a1", "b2", "b3"]
    assert [row["request_id"][:2] for row in rows("audit", "tail", "-n", "1")] == ["b3"]
    assert [row["user"] for row in rows("audit", "tail", "--user", anna)] == [anna]
    shown = cli("audit", "tail").stdout
    assert "kapcsold fel a lámpát" in shown
    assert "templates" in shown
    assert "12.3" in shown


@pytest.mark.usefixtures("said")
def test_what_was_said_cannot_steer_a_terminal(cli: Any) -> None:
    assert "\u202e" not in cli("audit", "tail").stdout


@pytest.mark.usefixtures("said")
def test_one_turn_is_shown_with_all_that_is_known(cli: Any, rows: Any) -> None:
    shown = cli("audit", "show", "a1a1").stdout
    for part in (
        "HassTurnOn  name=lámpa",
        "light.turn_on  light.a, light.b  x=1",
        "templates: commands, 3.1 ms",
        "Rendben.",
    ):
        assert part in shown
    row = rows("audit", "show", "a1" * 16)
    assert row["timestamp"] == "2026-11-23T12:00:00.000+00:00"
    assert row["latency_ms"] == pytest.approx(12.345)


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(("wanted", "word"), [("b", "2 turns fit"), ("c", "no turn")])
def test_a_turn_that_is_not_one_is_one_line(cli: Any, wanted: str, word: str) -> None:
    [line] = cli("audit", "show", wanted, code=1).stderr.splitlines()
    assert word in line


def test_where_nothing_was_said_that_is_said(cli: Any, rows: Any, anna: str) -> None:
    del anna
    assert rows("audit", "tail") == []
    assert "Nothing" in cli("audit", "tail").stderr


@pytest.mark.usefixtures("said")
def test_following_shows_what_comes_as_a_line_each(
    cli: Any, monkeypatch: pytest.MonkeyPatch, anna: str
) -> None:
    waits = 0

    async def instead_of_waiting(_seconds: float) -> None:
        nonlocal waits
        waits += 1
        if waits > 2:
            raise KeyboardInterrupt
        async with audit_commands.open_store() as store:
            [user_id] = [user.id for user in await store.users.list() if user.email == anna]
            await write(store, turn(f"c{waits}" * 16, user_id, "még egyet"))

    class Clock:
        """`asyncio` as the module sees it, but for its sleep."""

        run = staticmethod(asyncio.run)
        sleep = staticmethod(instead_of_waiting)

    monkeypatch.setattr(audit_commands, "asyncio", Clock)
    result = cli("audit", "tail", "--follow", "-n", "1", "--user", anna, "--json", code=130)
    assert [json.loads(line)["request_id"][:2] for line in result.stdout.splitlines()] == ["a1", "c1", "c2"]


def test_of_a_removed_user_only_that_there_was_a_turn_is_shown(cli: Any, said: None, anna: str) -> None:
    cli("user", "remove", anna, "--yes")
    shown = cli("audit", "tail").stdout
    assert "a removed user" in shown
    assert "ok: (erased)" in shown
    assert "lámpát" not in shown


def staged(request_id: str, *stages: tuple[str, str, float]) -> AuditRow:
    reports = [
        {"stage": stage, "verdict": verdict, "ms": ms, "reason": None} for stage, verdict, ms in stages
    ]
    return replace(turn(request_id * 16, None, "turn it on"), stages=reports)


def test_the_share_of_each_stage_is_of_all_turns_and_its_time_of_those_it_was_asked(
    cli: Any, stored: Any, rows: Any
) -> None:
    async def some(store: Any) -> None:
        await write(
            store,
            staged("a1", ("frames", "commands", 0.4)),
            staged("a2", ("frames", "commands", 0.6)),
            staged("a3", ("frames", "pass-on", 0.2), ("templates", "question", 4.0)),
            staged("a4", ("frames", "pass-on", 0.4), ("templates", "pass-on", 6.0)),
            replace(turn("a5" * 16, None, ""), stages=None),
        )

    stored(some)
    assert rows("audit", "stages") == [
        {"stage": "frames", "asked": 4, "taken": 2, "share": 0.5, "p50_ms": 0.4, "p95_ms": 0.6},
        {"stage": "templates", "asked": 2, "taken": 1, "share": 0.25, "p50_ms": 5.0, "p95_ms": 6.0},
        {"stage": "nobody", "asked": 4, "taken": 1, "share": 0.25, "p50_ms": None, "p95_ms": None},
    ]
    shown = cli("audit", "stages").stdout
    assert "50.0 %" in shown
    assert "nobody" in shown


def test_where_nothing_was_said_no_stage_has_a_share(cli: Any, stored: Any, rows: Any) -> None:
    stored(lambda _store: asyncio.sleep(0))
    assert rows("audit", "stages") == []
    assert "Nothing was said yet" in cli("audit", "stages").stderr
