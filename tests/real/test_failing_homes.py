"""Every way in which a real Home Assistant can fail a speaker has its own sentence, in both languages."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from wyoming_central.client import Client

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Household, RunningServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

ANNA = "anna@example.org"
LAMP_ON = {"hu": "Kapcsold be a nappali lámpát", "en": "Turn on the Nappali lámpa"}
# TURN_DEADLINE_SECONDS, and a little for the network and a busy machine.
DEADLINE = 10.0 + 2.0


def process_of(server: RunningServer, email: str) -> psutil.Process:
    """The Home Assistant process of a user, found by its folder."""
    name = server.instance(email)["container_name"]
    for process in psutil.process_iter(["cmdline"]):
        if any(str(part).endswith(name) for part in process.info["cmdline"] or ()):
            return process
    raise AssertionError(f"no process runs {name}")


@contextmanager
def frozen(process: psutil.Process) -> Iterator[None]:
    """A Home Assistant that takes connections and commands and answers nothing."""
    process.suspend()
    try:
        yield
    finally:
        process.resume()


async def answers_in_both_languages(satellite: Client, status: str, server: RunningServer) -> None:
    """Say it in both languages and hold that each answer is in time, and the one for this status."""
    spoken = {}
    for language, sentence in LAMP_ON.items():
        started = time.monotonic()
        answer = (await satellite.say(sentence, language=language, within=30))[-1]
        assert time.monotonic() - started < DEADLINE
        assert answer.type == "not-handled", answer
        spoken[language] = answer.data["text"]
        row = await audit_row(server, answer.data["context"]["request_id"])
        assert row["status"] == status, row
        assert row["error_message"], row
    assert spoken["hu"] != spoken["en"]


async def audit_row(server: RunningServer, request_id: str) -> dict[str, object]:
    for _ in range(50):
        shown = await asyncio.to_thread(server.run, "audit", "show", request_id, "--json", check=False)
        if shown.returncode == 0:
            row: dict[str, object] = json.loads(shown.stdout)
            return row
    raise AssertionError("no audit row")


async def until_handled(satellite: Client) -> None:
    """The home is well again."""
    async with asyncio.timeout(120):
        while (await satellite.say(LAMP_ON["hu"], within=30))[-1].type != "handled":
            await asyncio.sleep(0.3)


@asynccontextmanager
async def annas_satellite(household: Household) -> AsyncIterator[Client]:
    async with household.server.satellite(household.annas_token) as satellite:
        await until_handled(satellite)
        yield satellite
        await until_handled(satellite)


async def test_a_home_assistant_that_answers_nothing_is_slow(household: Household) -> None:
    async with annas_satellite(household) as satellite:
        process = process_of(household.server, ANNA)
        with frozen(process):
            answer = (await satellite.say(LAMP_ON["hu"], within=30))[-1]
        row = await audit_row(household.server, answer.data["context"]["request_id"])
        assert (answer.type, row["status"]) == ("not-handled", "home-slow"), row


async def test_a_home_assistant_that_was_killed_is_restarted_and_says_so_meanwhile(
    household: Household,
) -> None:
    async with annas_satellite(household) as satellite:
        process = process_of(household.server, ANNA)
        os.kill(process.pid, signal.SIGKILL)
        statuses = set()
        async with asyncio.timeout(120):
            while True:
                answer = (await satellite.say(LAMP_ON["hu"], within=30))[-1]
                if answer.type == "handled" and statuses:
                    break
                row = await audit_row(household.server, answer.data["context"]["request_id"])
                statuses.add(row["status"])
        assert statuses - {"ok"} <= {"home-down", "home-starting", "home-failed"}, statuses
        assert process_of(household.server, ANNA).pid != process.pid


async def test_a_stopped_instance_says_so_and_comes_back_when_started(household: Household) -> None:
    async with annas_satellite(household) as satellite:
        household.server.run("instance", "stop", ANNA, "--wait")
        await answers_in_both_languages(satellite, "home-stopped", household.server)
        household.server.run("instance", "start", ANNA, "--no-wait")
        statuses = set()
        async with asyncio.timeout(120):
            while True:
                answer = (await satellite.say(LAMP_ON["hu"], within=30))[-1]
                if answer.type == "handled":
                    break
                row = await audit_row(household.server, answer.data["context"]["request_id"])
                statuses.add(row["status"])
        assert "home-starting" in statuses
        assert statuses <= {"home-stopped", "home-starting", "home-down"}


async def test_a_revoked_home_assistant_token_is_replaced_by_itself(household: Household) -> None:
    async with annas_satellite(household) as satellite:
        async with household.server.home_assistant(ANNA) as socket:
            tokens = await socket.command("auth/refresh_tokens", within=10)
            for token in tokens:
                if token["type"] == "long_lived_access_token":
                    await socket.command("auth/delete_refresh_token", within=10, refresh_token_id=token["id"])
        statuses = set()
        async with asyncio.timeout(120):
            while True:
                answer = (await satellite.say(LAMP_ON["hu"], within=30))[-1]
                row = await audit_row(household.server, answer.data["context"]["request_id"])
                statuses.add(row["status"])
                if answer.type == "handled":
                    break
        assert statuses <= {"ok", "home-unauthorized", "home-down", "home-starting"}, statuses


async def test_an_unavailable_entity_is_named(household: Household) -> None:
    async with (
        annas_satellite(household) as satellite,
        household.server.home_assistant(ANNA) as socket,
    ):
        entity_id = "light.kitchen_lights"
        (entry,) = await entries(socket, entity_id)
        update = {"within": 10.0, "entity_id": entity_id}
        await socket.command("config/entity_registry/update", **update, disabled_by="user")
        async with asyncio.timeout(20):
            while True:
                answer = (await satellite.say("Kapcsold be a konyhai lámpát", within=30))[-1]
                row = await audit_row(household.server, answer.data["context"]["request_id"])
                if row["status"] != "ok":
                    break
        assert row["status"] in {"entity-gone", "no-target", "not-understood"}, row
        await socket.command("config/entity_registry/update", **update, disabled_by=None)
        await socket.command("config_entries/get_single", within=10, entry_id=entry["config_entry_id"])
        await reload_entry(household, entry["config_entry_id"])


async def entries(socket: object, entity_id: str) -> list[dict[str, str]]:
    listed = await socket.command("config/entity_registry/list", within=10)  # type: ignore[attr-defined]
    return [entry for entry in listed if entry["entity_id"] == entity_id]


async def reload_entry(household: Household, entry_id: str) -> None:
    import aiohttp  # noqa: PLC0415 - used here alone

    url, token = await household.server.access(ANNA)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{url}/api/config/config_entries/entry/{entry_id}/reload") as response,
    ):
        assert response.status == 200


async def test_a_user_without_a_home_is_told_so(household: Household) -> None:
    server = household.server
    async with server.stored() as stored:
        await stored.users.add(email="cili@example.org", password_hash="none", language="hu")
    token = server.add_device("cili@example.org", "Konyha")
    try:
        async with server.satellite(token) as satellite:
            await answers_in_both_languages(satellite, "home-missing", server)
    finally:
        server.run("user", "remove", "cili@example.org", "--yes")


async def test_a_home_that_cannot_start_is_told_so(household: Household, tmp_path: Path) -> None:
    """A Home Assistant whose configuration is no configuration starts, or not; then it is `failed`."""
    server = household.server
    async with server.stored() as stored:
        user = await stored.users.add(email="dani@example.org", password_hash="none", language="hu")
        await stored.users.set_home(user.id, url="http://127.0.0.1:9", token="none")
        await stored.instances.request_external(
            user_id=user.id, timezone="Europe/Budapest", language="hu", country="HU"
        )
    token = server.add_device("dani@example.org", "Konyha")
    try:
        async with server.satellite(token) as satellite:
            async with asyncio.timeout(30):
                while server.instance("dani@example.org")["status"] != "failed":
                    await asyncio.sleep(0.2)
            await answers_in_both_languages(satellite, "home-failed", server)
    finally:
        server.run("user", "remove", "dani@example.org", "--yes")
