"""Two people on one server, over TCP, on real Home Assistants: nothing of one ever reaches the other."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from wyoming.asr import Transcript
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from provisioning.home.socket import HomeAssistantSocket
from wyoming_central.client import Client, connect

if TYPE_CHECKING:
    from conftest import Household

pytestmark = [pytest.mark.real, pytest.mark.slow]

ANNA, BELA = "anna@example.org", "bela@example.org"
LAMP, SECOND_LAMP = "light.ceiling_lights", "light.kitchen_lights"


@pytest.fixture(autouse=True)
async def dark(household: Household) -> None:
    """All lamps of both homes are off, so that every switching on is a change."""
    for email in (ANNA, BELA):
        async with household.server.home_assistant(email) as socket:
            await socket.command(
                "call_service", within=10, domain="light", service="turn_off", target={"entity_id": "all"}
            )


async def lamps(household: Household) -> dict[str, str]:
    """How the lamp of each home is, in Home Assistant's own words, with the time of its last change."""
    found = {}
    for email in (ANNA, BELA):
        async with household.server.home_assistant(email) as socket:
            for state in await socket.command("get_states", within=10):
                if state["entity_id"] in {LAMP, SECOND_LAMP}:
                    found[f"{email} {state['entity_id']}"] = f"{state['state']} since {state['last_changed']}"
    return found


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


async def test_each_token_reaches_its_own_home_and_no_other(household: Household) -> None:
    for email, token in ((ANNA, household.annas_token), (BELA, household.belas_token)):
        for sentence in ("Kapcsold be a nappali lámpát", "Kapcsold le a nappali lámpát"):
            before = await lamps(household)
            async with household.server.satellite(token) as satellite:
                assert (await satellite.say(sentence))[-1].type == "handled"
            assert changed(before, await lamps(household)) == {f"{email} {LAMP}"}


async def test_the_area_of_a_satellite_is_looked_for_in_its_own_home(household: Household) -> None:
    before = await lamps(household)
    async with household.server.satellite(household.belas_token) as satellite:
        answer = (await satellite.say("Kapcsold fel a lámpákat"))[-1]
    assert answer.type == "handled"
    assert changed(before, await lamps(household)) == {f"{BELA} {LAMP}"}
    async with household.server.satellite(household.belas_token) as satellite:
        await satellite.say("Kapcsold le a lámpákat")


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": "{anna}"},
        {"user": ANNA, "email": ANNA},
        {"context": {"user_id": "{anna}", "device_id": "{annas_device}", "satellite_id": "{annas_device}"}},
        {"context": {"conversation_id": "{anna}"}},
    ],
)
async def test_naming_another_user_in_an_event_changes_nothing(
    household: Household, fields: dict[str, Any]
) -> None:
    async with household.server.stored() as stored:
        anna = await stored.users.by_email(ANNA)
        (device,) = [one for one in await stored.devices.list(anna.id) if one.name == "Nappali"]
    text = json.dumps(fields).replace("{anna}", anna.id).replace("{annas_device}", device.id)
    before = await lamps(household)
    async with household.server.satellite(household.belas_token) as satellite:
        event = Event(
            "transcript", {"text": "Kapcsold be a konyhai lámpát", "language": "hu", **json.loads(text)}
        )
        answer = (await satellite.request(event, until={"handled", "not-handled", "error"}, within=20))[-1]
    assert f"{ANNA} {SECOND_LAMP}" not in changed(before, await lamps(household))
    assert anna.id not in json.dumps(answer.data.get("text"))


async def test_without_a_credential_nothing_is_reached(household: Household) -> None:
    before = await lamps(household)
    async with connect(household.server.uri()) as stranger:
        answer = (await stranger.say("Kapcsold be a nappali lámpát", language="hu"))[-1]
    assert answer.type == "not-handled"
    assert changed(before, await lamps(household)) == set()


async def test_a_session_is_not_shared(household: Household) -> None:
    """What one was asked back is not answered by the other, and stays open for the one it was asked of."""
    two = {SECOND_LAMP: "Konyhai lámpa", "light.bed_light": "Olvasólámpa"}
    async with (
        household.server.home_assistant(ANNA) as socket,
        household.server.satellite(household.annas_token) as annas,
        household.server.satellite(household.belas_token) as belas,
    ):
        await rename(socket, dict.fromkeys(two, "Kislámpa"))
        try:
            asked = await until_asked(annas)
            assert asked.type == "handled"
            before = await lamps(household)
            await belas.say("a konyhait")
            assert changed(before, await lamps(household)) == set()
            await annas.say("a konyhait")
            assert changed(before, await lamps(household)) == {f"{ANNA} {SECOND_LAMP}"}
        finally:
            await rename(socket, two)


async def rename(socket: HomeAssistantSocket, names: dict[str, str]) -> None:
    for entity_id, name in names.items():
        await socket.command("config/entity_registry/update", within=10, entity_id=entity_id, name=name)


async def until_asked(satellite: Client) -> Event:
    """The names have reached the server, and two things are of the name that was said."""
    async with asyncio.timeout(10):
        while True:
            answer = (await satellite.say("Kapcsold be a kislámpát"))[-1]
            if answer.type == "handled" and answer.data["text"].endswith("?"):
                return answer


async def test_a_binding_makes_a_stock_peer_the_device_of_one_user_only(household: Household) -> None:
    bound = household.server.run(
        "binding",
        "add",
        "Nappali",
        "--user",
        BELA,
        "--network",
        "127.0.0.1/32",
        "--listener",
        "anna",
        "--json",
    )
    try:
        host, port = household.server.uri("anna").removeprefix("tcp://").split(":")
        before = await lamps(household)
        answer = await until_handled(host, int(port), "Kapcsold be a nappali lámpát")
        assert answer.type == "handled", answer
        assert changed(before, await lamps(household)) == {f"{BELA} {LAMP}"}
        await until_handled(host, int(port), "Kapcsold le a nappali lámpát")
    finally:
        household.server.run("binding", "remove", json.loads(bound.stdout)["id"], "--yes")


async def until_handled(host: str, port: int, text: str) -> Event:
    """Ask with the `wyoming` package's own client, as Home Assistant does; a binding counts in a second."""
    answer = Event("none")
    for _ in range(10):
        async with AsyncTcpClient(host, port) as client:
            await client.write_event(Transcript(text, language="hu").event())
            answer = await client.read_event() or Event("none")
        if answer.type == "handled":
            break
    return answer


async def test_the_audit_of_one_user_holds_nothing_of_the_other(household: Household) -> None:
    rows = json.loads(
        household.server.run("audit", "tail", "--user", ANNA, "--limit", "500", "--json").stdout
    )
    async with household.server.stored() as stored:
        anna = await stored.users.by_email(ANNA)
    assert rows
    assert all(anna.id in json.dumps(row) or ANNA in json.dumps(row) for row in rows)


async def test_no_token_is_in_the_log_the_audit_or_an_answer(household: Household) -> None:
    async with household.server.satellite(household.annas_token) as satellite:
        answers = await satellite.say("Hány óra van?", context={"token": household.annas_token})
    said = json.dumps([answer.data for answer in answers])
    audit = household.server.run("audit", "tail", "--limit", "500", "--json").stdout
    _, home_token = await household.server.access(ANNA)
    for text in (said, audit, household.server.log_file.read_text()):
        for secret in (household.annas_token, household.belas_token, home_token):
            assert secret not in text
            assert secret.split(".")[-1] not in text
