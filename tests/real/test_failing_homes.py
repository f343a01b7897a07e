"""Every way in which a real Home Assistant can fail a speaker has its own sentence, in both languages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import psutil
import pytest

from handlers.answer import Answers
from handlers.understanding import Phrase
from provisioning.errors import HomeUnreachableError
from provisioning.home.socket import HomeAssistantSocket
from wyoming_central.client import Client
from wyoming_central.demo.script import read_script

if TYPE_CHECKING:
    from conftest import Household, RunningServer

pytestmark = [pytest.mark.real, pytest.mark.slow]

ANNA, BELA = "anna@example.org", "bela@example.org"
LAMP = "light.ceiling_lights"
LAMP_ON = {"hu": "Kapcsold be a nappali lámpát", "en": "Turn on the Nappali lámpa"}
# TURN_DEADLINE_SECONDS, and a little for the network and a busy machine.
DEADLINE = 10.0 + 2.0


def process_of(server: RunningServer, email: str) -> psutil.Process:
    """The Home Assistant process of a user, found by its folder."""
    name = server.instance(email)["name"]
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


async def is_answered(satellite: Client, status: str, language: str, server: RunningServer) -> str:
    """Say it and hold that the answer is in time, and the one for this status; the answer's text."""
    started = time.monotonic()
    answer = (await satellite.say(LAMP_ON[language], language=language, within=30))[-1]
    assert time.monotonic() - started < DEADLINE
    assert answer.type == "not-handled", answer
    row = await audit_row(server, answer.data["context"]["request_id"])
    assert row["status"] == status, row
    assert row["error_message"], row
    text: str = answer.data["text"]
    assert text in sentences_for(status, language)
    return text


def sentences_for(status: str, language: str) -> set[str]:
    """What `config/answers/` has for a status: of a whole turn, or naming the thing that failed."""
    answers = Answers.load()
    names = [furniture.name for furniture in read_script().furniture]
    keys = [key for key in answers.keys(language) if key in {f"status.{status}", f"failed.{status}"}]
    return {
        answers.speak(Phrase(key, {"targets": name, "target": name, "name": name}), language)
        for key in keys
        for name in names
    }


async def answers_in_both_languages(satellite: Client, status: str, server: RunningServer) -> None:
    """The failure has a sentence of its own in each language."""
    hungarian = await is_answered(satellite, status, "hu", server)
    english = await is_answered(satellite, status, "en", server)
    assert hungarian != english


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
        for language in LAMP_ON:
            with frozen(process_of(household.server, ANNA)):
                await is_answered(satellite, "home-slow", language, household.server)
            await until_handled(satellite)


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
                    # Home Assistant closes the connections of a token that it forgets, this one too.
                    with contextlib.suppress(HomeUnreachableError):
                        await socket.command(
                            "auth/delete_refresh_token", within=10, refresh_token_id=token["id"]
                        )
        statuses = set()
        async with asyncio.timeout(120):
            while True:
                answer = (await satellite.say(LAMP_ON["hu"], within=30))[-1]
                row = await audit_row(household.server, answer.data["context"]["request_id"])
                statuses.add(row["status"])
                if answer.type == "handled":
                    break
        assert statuses <= {"ok", "home-unauthorized", "home-down", "home-starting"}, statuses


async def test_an_entity_that_became_unavailable_is_named(household: Household) -> None:
    async with (
        annas_satellite(household) as satellite,
        household.server.home_assistant(ANNA) as socket,
    ):
        listed = await socket.command("config/entity_registry/list", within=10)
        (entry,) = {one["config_entry_id"] for one in listed if one["entity_id"] == LAMP}
        try:
            await disable(socket, entry, disabled_by="user")
            await until_seen(socket, "unavailable")
            await answers_in_both_languages(satellite, "entity-gone", household.server)
        finally:
            await disable(socket, entry, disabled_by=None)


async def disable(socket: HomeAssistantSocket, entry: str, *, disabled_by: str | None) -> None:
    """Take the demo's devices away from under their entities, or give them back."""
    await socket.command("config_entries/disable", within=10, entry_id=entry, disabled_by=disabled_by)


async def until_seen(socket: HomeAssistantSocket, state: str) -> None:
    async with asyncio.timeout(20):
        while True:
            states = {one["entity_id"]: one["state"] for one in await socket.command("get_states", within=10)}
            if states.get(LAMP) == state:
                return
            await asyncio.sleep(0.1)


async def test_what_nobody_understands_is_said_in_both_languages(household: Household) -> None:
    async with annas_satellite(household) as satellite:
        spoken = set()
        for language in LAMP_ON:
            answer = (await satellite.say("blabla humbug fütyürü", language=language))[-1]
            row = await audit_row(household.server, answer.data["context"]["request_id"])
            assert (answer.type, row["status"]) == ("not-handled", "not-understood")
            spoken.add(answer.data["text"])
        assert len(spoken) == 2


async def test_a_home_of_the_users_own_that_is_down_or_refuses_the_token(household: Household) -> None:
    """Nobody but the user can mend these, so the speaker keeps hearing of them."""
    server, email = household.server, "elza@example.org"
    url, _ = await server.access(BELA)
    async with server.home_assistant(BELA) as belas:
        own_token = await belas.command(
            "auth/long_lived_access_token", within=10, client_name="Elza's", lifespan=1
        )
    async with server.stored() as stored:
        user = await stored.users.add(email=email, password_hash="none", language="hu")
        await stored.users.set_home(user.id, url=url, token=own_token)
        await stored.instances.request_external(
            user_id=user.id, timezone="Europe/Budapest", language="hu", country="HU"
        )
    token = server.add_device(email, "Nappali")
    try:
        server.until_ready(email)
        async with server.satellite(token) as satellite:
            await until_handled(satellite)
            server.run("instance", "stop", BELA, "--wait")
            await until_status(satellite, "home-down", server)
            await answers_in_both_languages(satellite, "home-down", server)
            server.run("instance", "start", BELA, "--wait")
            await until_handled(satellite)
            async with server.home_assistant(BELA) as belas:
                for one in await belas.command("auth/refresh_tokens", within=10):
                    if one["client_name"] == "Elza's":
                        await belas.command(
                            "auth/delete_refresh_token", within=10, refresh_token_id=one["id"]
                        )
            await until_status(satellite, "home-unauthorized", server)
            await answers_in_both_languages(satellite, "home-unauthorized", server)
    finally:
        server.run("user", "remove", email, "--yes")


async def until_status(satellite: Client, status: str, server: RunningServer) -> None:
    """The server has noticed."""
    async with asyncio.timeout(60):
        while True:
            answer = (await satellite.say(LAMP_ON["hu"], within=30))[-1]
            row = await audit_row(server, answer.data["context"]["request_id"])
            if row["status"] == status:
                return


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


async def test_a_home_that_cannot_be_made_is_told_so(new_server: RunningServer) -> None:
    new_server.settings = {"HA_PYTHON": "/bin/false"}
    new_server.start()
    try:
        await new_server.add_user(ANNA)
        token = await asyncio.to_thread(new_server.add_device, ANNA, "Konyha")
        async with asyncio.timeout(60):
            while (await asyncio.to_thread(new_server.instance, ANNA))["status"] != "failed":
                await asyncio.sleep(0.2)
        assert new_server.instance(ANNA)["failure_reason"] == "no-interpreter"
        async with new_server.satellite(token) as satellite:
            await answers_in_both_languages(satellite, "home-failed", new_server)
    finally:
        new_server.stop()
