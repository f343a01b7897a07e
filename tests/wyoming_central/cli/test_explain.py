"""`explain`: a turn of the audit log, read once more in the home of its user."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from storage.audit import AuditWriter
from storage.records import AuditRow
from tests.provisioning.home.stand_in_home_assistant import StandInEntity, StandInHomeAssistant

AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def house() -> Iterator[StandInHomeAssistant]:
    """A home that answers while a command has its own event loop."""
    ready, over = threading.Event(), asyncio.Event()
    house = StandInHomeAssistant(
        areas=[{"area_id": "den", "name": "Den", "aliases": [], "floor_id": None}],
        entities=[
            StandInEntity("light.moon", "Moon lamp", area_id="den"),
            StandInEntity("light.sun", "Sun lamp", area_id="den"),
        ],
    )
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with house:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    yield house
    loop.call_soon_threadsafe(over.set)
    thread.join(10)
    loop.close()


def turn(
    request_id: str, user_id: str, device_id: str, text: str | None, minutes: int, **more: Any
) -> AuditRow:
    return AuditRow(
        request_id=request_id,
        timestamp=AT + timedelta(minutes=minutes),
        user_id=user_id,
        device_id=device_id,
        input_text=text,
        intent=more.get("intent"),
        ha_response=more.get("ha_response"),
        status="ok",
        latency_ms=1.0,
        stages=[{"stage": "frames", "verdict": "commands", "ms": 0.3, "reason": None}],
        language="en",
    )


@pytest.fixture
def said(stored: Any, cli: Any, anna: str, ben: str, house: StandInHomeAssistant) -> None:
    del anna
    cli("device", "add", ben, "Hall", "--area", "Den")

    async def some(store: Any) -> None:
        users = {user.email: user for user in await store.users.list()}
        (device,) = await store.devices.list(users[ben].id)
        await store.users.set_home(users[ben].id, url=house.url, token=house.token)
        writer = AuditWriter(store.database)
        on = {
            "verdict": "commands",
            "parser": "frames",
            "intents": [{"name": "HassTurnOn", "slots": {"name": "Moon lamp"}, "targets": ["light.moon"]}],
        }
        done = {"speech": "Done.", "calls": [{"domain": "light", "service": "turn_on",
                                              "entity_id": ["light.moon"], "data": {}}]}  # fmt: skip
        for row in (
            turn(
                "a1" * 16, users[ben].id, device.id, "turn on the moon lamp", 0, intent=on, ha_response=done
            ),
            turn("b2" * 16, users[ben].id, device.id, "turn it off again", 1),
            turn("c3" * 16, users[ben].id, device.id, "turn on the giraffe", 2),
            turn("d4" * 16, users[ben].id, device.id, None, 3),
            turn("e5" * 16, users["anna@example.org"].id, device.id, "turn on the moon lamp", 4),
        ):
            writer.record(row)
        await writer.close()

    stored(some)


@pytest.mark.usefixtures("said")
def test_a_turn_is_shown_word_for_word_with_what_it_reaches(cli: Any) -> None:
    shown = cli("explain", "a1a1").stdout
    for part in (
        "Said         turn on the moon lamp",
        "Heard in     Den",
        "Stages then  frames: commands, 0.3 ms",
        "moon lamp  called so: light.moon",
        "verb: turn, particle: on",
        "“moon lamp” → light.moon",
        "Frames say   commands",
    ):
        assert part in shown


@pytest.mark.usefixtures("said")
def test_what_was_said_before_is_taken_into_account(cli: Any) -> None:
    shown = cli("explain", "b2b2").stdout
    assert "refers to: what was spoken of" in shown
    assert "Frames say   commands" in shown


@pytest.mark.usefixtures("said")
def test_programs_get_what_was_left_over_and_why(rows: Any) -> None:
    found = rows("explain", "c3c3")
    assert found["input_text"] == "turn on the giraffe"
    assert found["explanation"]["left_over"] == ["giraffe"]
    assert found["explanation"]["reason"] == "left over: giraffe"


@pytest.mark.usefixtures("said")
@pytest.mark.parametrize(
    ("request_id", "words"),
    [
        ("ffff", "there is no turn 'ffff'"),
        ("d4d4", "nothing was said in this turn"),
        ("e5e5", "anna@example.org has no Home Assistant yet"),
    ],
)
def test_what_cannot_be_explained_is_one_line(cli: Any, request_id: str, words: str) -> None:
    shown = cli("explain", request_id, code=1).stderr
    assert words in shown
    assert shown.count("\n") == 1


@pytest.mark.usefixtures("said")
def test_a_home_that_refuses_the_token_is_one_line_without_the_token(
    cli: Any, house: StandInHomeAssistant
) -> None:
    token, house.token = house.token, "another"
    shown = cli("explain", "a1a1", code=1).stderr
    assert "ben@example.org" in shown
    assert token not in shown
