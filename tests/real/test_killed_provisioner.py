"""A server killed before and after every step of creating, onboarding, stopping and removing an instance.

The next server must bring about what was asked for, by itself. Home Assistant is a stand-in in a container
of a real engine.
"""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any, Final

import pytest

from provisioning.docker.labels import Deployment
from provisioning.docker.strays import Whose, find_strays
from provisioning.driver import Condition
from storage.records import InstanceStatus, OperationOutcome
from tests.real.killed_provisioner import STEP, Provisioned, provisioned

if TYPE_CHECKING:
    from tests.real.asked import Asked

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(300)]

NEVER: Final = "no such step"

# What each deed changes, in its order; that these are all of them is a test of its own.
STEPS: Final = {
    "create": (
        "begin",
        "observed creating",
        "observed creating, time 2",
        "POST networks/create",
        "POST volumes/create",
        "POST containers/create",
        "PUT containers/ID/archive",
        "POST containers/ID/start",
        "observed starting",
        "observed onboarding",
        "set_owner_password",
        "POST /api/onboarding/users",
        "POST /auth/token",
        "POST /api/onboarding/core_config",
        "POST /api/onboarding/analytics",
        "POST /api/onboarding/integration",
        "auth/long_lived_access_token",
        "set_home",
        "POST /auth/token, time 2",
        "observed ready",
        "end",
    ),
    "stop": ("begin", "POST containers/ID/stop", "observed stopped", "end"),
    "restart": (
        "begin",
        "observed creating",
        "observed starting",
        "POST containers/ID/stop",
        "observed creating, time 2",
        "DELETE containers/ID",
        "POST containers/create",
        "POST containers/ID/start",
        "observed starting, time 2",
        "observed ready",
        "end",
    ),
    "remove": (
        "begin",
        "observed removing",
        "POST containers/ID/stop",
        "DELETE containers/ID",
        "DELETE networks/ID",
        "clear_home_token",
        "remove",
        "end",
    ),
    "remove with data": (
        "begin",
        "observed removing",
        "POST containers/ID/stop",
        "DELETE containers/ID",
        "DELETE volumes/ID",
        "DELETE networks/ID",
        "clear_home_token",
        "remove",
        "end",
    ),
}
POINTS: Final = [
    pytest.param(deed, step, when, id=f"{deed}: {when} {step}")
    for deed, steps in STEPS.items()
    for step in steps
    for when in ("before", "after")
]


async def in_order(server: Provisioned, asked: Asked) -> None:
    """Check that the instance is up, once, and that its Home Assistant is entered with one token."""
    record = await server.until_up(asked.user_id)
    (container,) = asked.there("container")
    (network,) = asked.there("network")
    (volume,) = asked.there("volume")
    assert container["Id"].startswith(record.container_id)
    assert container["HostConfig"]["PortBindings"]["8123/tcp"][0]["HostPort"] == str(record.host_port)
    assert network["IPAM"]["Config"][0]["Subnet"] == record.network_subnet
    assert container["Mounts"][0]["Name"] == volume["Name"]
    accounts = json.loads(
        await asyncio.to_thread(
            asked.engine.docker,
            "exec",
            record.container_name,
            "/bin/busybox",
            "cat",
            "/config/stand_in.json",
        )
    )
    assert await server.users.home_token(asked.user_id) in accounts["long_lived"].values()
    assert len(accounts["long_lived"]) == 1, "what a killed server made and lost is deleted"


async def ask_and_settle(asked: Asked, deed: str) -> None:
    """Bring about, undisturbed, what a deed begins with."""
    if deed != "create":
        await asked.ask("create")
        async with provisioned(asked.place) as server:
            await server.until(asked.user_id, InstanceStatus.READY)
            await server.until_closed(asked.user_id)
    await asked.ask(deed)


@pytest.mark.parametrize(("deed", "step", "when"), POINTS)
async def test_the_next_server_brings_about_what_was_asked_for(
    asked: Asked, deed: str, step: str, when: str
) -> None:
    await ask_and_settle(asked, deed)
    died = await asyncio.to_thread(asked.until_killed, when, step)
    assert died.returncode == -signal.SIGKILL, died.stdout + died.stderr
    volumes = [one["Name"] for one in asked.there("volume")]
    asked.own_something()
    cut_off = await asked.under_way()
    assert len(cut_off) == ((when, step) not in {("before", "begin"), ("after", "end")})

    async with provisioned(asked.place) as server:
        match deed:
            case "create" | "restart":
                await in_order(server, asked)
            case "stop":
                record = await server.until(asked.user_id, InstanceStatus.STOPPED)
                seen = (await server.driver.observe([record.container_name]))[record.container_name]
                assert seen.condition is Condition.STOPPED
            case _:
                await server.until_gone()
                assert await server.users.home_token(asked.user_id) is None
        left = await find_strays(
            server.engine,
            Deployment(asked.place.deployment),
            instance_ids_of(server),
            asked.place.options.port_range,
        )
        await server.until_closed(asked.user_id)
        done = await server.journal.of(asked.user_id, limit=100)
    assert {one.outcome for one in done if one.id in cut_off} <= {OperationOutcome.INTERRUPTED}
    assert {one.outcome for one in done if one.id not in cut_off} <= {OperationOutcome.DONE}
    assert [one.kind.value for one in left if one.whose is Whose.ORPHAN] == (
        ["volume"] if deed == "remove" else []
    )
    if deed != "remove with data":
        (volume,) = asked.there("volume")
        if volumes:
            assert [volume["Name"]] == volumes
            assert asked.owns_it_still(), "what was there is there still"


def instance_ids_of(server: Provisioned) -> Any:
    async def known() -> set[str]:
        return {record.id for record in await server.instances.list()}

    return known


@pytest.mark.parametrize("deed", STEPS)
async def test_these_are_all_steps(asked: Asked, deed: str) -> None:
    await ask_and_settle(asked, deed)
    unharmed = await asyncio.to_thread(asked.until_killed, "before", NEVER)
    assert unharmed.returncode == 0, unharmed.stderr
    lines = unharmed.stderr.splitlines()
    assert [line.removeprefix(STEP) for line in lines if line.startswith(STEP)] == list(STEPS[deed])
