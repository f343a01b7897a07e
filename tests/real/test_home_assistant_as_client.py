"""A real Home Assistant finds the server, adds it as its conversation agent and speaks through it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from conftest import Household

pytestmark = [pytest.mark.real, pytest.mark.slow]

ANNA, BELA = "anna@example.org", "bela@example.org"
LAMP = "light.ceiling_lights"
# 2024.3 knows Wyoming for speech only; 2025.4 is the oldest that was seen to converse.
FIRST_VERSION = (2025, 4)


@pytest.fixture
def new_enough(household: Household) -> None:
    version = household.server.instance(ANNA)["version"]
    if tuple(int(part) for part in version.split(".")[:2]) < FIRST_VERSION:
        pytest.skip(f"Home Assistant {version} cannot use a Wyoming server as conversation agent")


async def flow(url: str, token: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """A step of a config flow, as Home Assistant's own pages take it."""
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.post(f"{url}/api/config/config_entries/flow{path}", json=body) as response,
    ):
        assert response.status == 200, await response.text()
        step: dict[str, Any] = await response.json()
        return step


@pytest.mark.usefixtures("new_enough")
async def test_a_sentence_through_home_assistants_agent_switches_the_lamp_of_the_bound_user(
    household: Household,
) -> None:
    server = household.server
    wanted = ("--user", ANNA, "--network", "127.0.0.1/32", "--listener", "anna", "--json")
    bound = json.loads(server.run("binding", "add", "Nappali", *wanted).stdout)
    host, port = server.uri("anna").removeprefix("tcp://").split(":")
    url, token = await server.access(ANNA)
    try:
        form = await flow(url, token, "", {"handler": "wyoming"})
        created = await flow(url, token, f"/{form['flow_id']}", {"host": host, "port": int(port)})
        assert (created["type"], created["title"]) == ("create_entry", "Wyoming Central")

        async with server.home_assistant(ANNA) as socket, server.witness(BELA) as belas:
            agents = (await socket.command("conversation/agent/list", within=10))["agents"]
            (agent,) = [one["id"] for one in agents if one["name"] == "Wyoming Central"]
            untouched = await belas.state_of(LAMP)
            for sentence, state in (
                ("Kapcsold be a nappali lámpát", "on"),
                ("Kapcsold le a nappali lámpát", "off"),
            ):
                processed = await socket.command(
                    "conversation/process", within=20, text=sentence, agent_id=agent, language="hu"
                )
                assert processed["response"]["response_type"] == "action_done", processed
                assert "lámpát" in processed["response"]["speech"]["plain"]["speech"]
                states = {one["entity_id"]: one for one in await socket.command("get_states", within=10)}
                assert states[LAMP]["state"] == state
            assert await belas.state_of(LAMP) == untouched
    finally:
        server.run("binding", "remove", bound["id"], "--yes")

    (row, *_) = json.loads(server.run("audit", "tail", "--limit", "1", "--json").stdout)
    assert row["input_text"] == "Kapcsold le a nappali lámpát"
    assert ANNA in json.dumps(row) or (await user_id(household, ANNA)) in json.dumps(row)


async def user_id(household: Household, email: str) -> str:
    async with household.server.stored() as stored:
        return (await stored.users.by_email(email)).id


@pytest.mark.usefixtures("new_enough")
async def test_an_unbound_home_assistant_is_told_that_it_is_not_known(household: Household) -> None:
    server = household.server
    host, port = server.uri().removeprefix("tcp://").split(":")
    url, token = await server.access(BELA)
    form = await flow(url, token, "", {"handler": "wyoming"})
    created = await flow(url, token, f"/{form['flow_id']}", {"host": host, "port": int(port)})
    assert created["type"] == "create_entry"
    async with server.home_assistant(BELA) as socket:
        agents = (await socket.command("conversation/agent/list", within=10))["agents"]
        (agent,) = [one["id"] for one in agents if one["name"] == "Wyoming Central"]
        processed = await socket.command(
            "conversation/process",
            within=20,
            text="Kapcsold be a nappali lámpát",
            agent_id=agent,
            language="hu",
        )
    assert processed["response"]["response_type"] == "error"
    assert "Nem ismerem" in processed["response"]["speech"]["plain"]["speech"]
