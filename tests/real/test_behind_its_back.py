"""What is done to a user's container, network, volume or engine behind the server's back.

Each is noticed within two seconds, and mended or told as what nobody here can mend. Home Assistant is a
stand-in in a container of a real engine, and the provisioner is the server's own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final

import pytest
import structlog

from provisioning.home.live import HomeStatus
from storage.records import InstanceRecord, InstanceStatus
from tests.real.killed_provisioner import Provisioned, provisioned

if TYPE_CHECKING:
    from tests.real.asked import Asked

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(120)]

NOTICED_SECONDS: Final = 2.0


@pytest.fixture
async def server(asked: Asked) -> AsyncIterator[Provisioned]:
    """A provisioner whose user's instance is up, with a file of its owner in the volume."""
    await asked.ask("create")
    async with provisioned(asked.place) as server:
        await server.until_up(asked.user_id)
        asked.own_something()
        yield server


async def noticed(server: Provisioned, asked: Asked, before: InstanceRecord) -> None:
    """Wait until the server shows that something is not as it was; in time."""
    async with asyncio.timeout(NOTICED_SECONDS):
        while True:
            record = await server.instances.get(asked.user_id)
            home = server.provisioner.home_of(asked.user_id)
            if record.status is not InstanceStatus.READY or home.status is not HomeStatus.LIVE:
                return
            if record.container_id != before.container_id or record.updated_at > before.updated_at:
                return  # it is mended already
            await asyncio.sleep(0.01)


async def do(asked: Asked, *words: str) -> None:
    await asyncio.to_thread(asked.engine.docker, *words)


@pytest.mark.parametrize(
    "deed", [("rm", "--force"), ("kill",), ("stop", "--time", "1")], ids=["rm -f", "kill", "stop"]
)
async def test_a_container_that_is_taken_away_or_ended_is_brought_back_on_its_volume(
    server: Provisioned, asked: Asked, deed: tuple[str, ...]
) -> None:
    before = await server.instances.get(asked.user_id)
    await do(asked, *deed, before.container_name)
    await noticed(server, asked, before)
    await server.until_up(asked.user_id)
    (container,) = asked.there("container")
    assert container["State"]["Running"]
    assert asked.owns_it_still()


async def test_limits_that_are_changed_are_put_back_and_its_home_does_not_notice(
    server: Provisioned, asked: Asked
) -> None:
    (before,) = asked.there("container")
    memory = "--memory=128m", "--memory-swap=128m"
    async with asyncio.timeout(NOTICED_SECONDS):
        await do(asked, "update", *memory, before["Name"].removeprefix("/"))
        while (container := asked.there("container")[0])["HostConfig"]["Memory"] == 128 << 20:
            await asyncio.sleep(0.02)
    assert container["HostConfig"]["Memory"] == before["HostConfig"]["Memory"]
    assert container["State"]["StartedAt"] == before["State"]["StartedAt"]
    await server.until_up(asked.user_id)


async def test_a_stopped_one_that_is_started_is_stopped_again(server: Provisioned, asked: Asked) -> None:
    await asked.ask("stop")
    server.provisioner.kick(asked.user_id)
    record = await server.until(asked.user_id, InstanceStatus.STOPPED)
    await do(asked, "start", record.container_name)
    async with asyncio.timeout(NOTICED_SECONDS + asked.place.options.stop_timeout_seconds):
        while asked.there("container")[0]["State"]["Running"]:
            await asyncio.sleep(0.02)
    assert asked.owns_it_still()


async def test_a_network_that_is_taken_away_is_made_anew(server: Provisioned, asked: Asked) -> None:
    before = await server.instances.get(asked.user_id)
    name = before.container_name
    await do(asked, "network", "disconnect", "--force", name, name)
    await noticed(server, asked, before)
    try:
        await do(asked, "network", "rm", name)
    except RuntimeError:
        assert asked.there("network"), "it is mended already"
    await server.until_up(asked.user_id)
    (container,), (network,) = asked.there("container"), asked.there("network")
    assert list(container["NetworkSettings"]["Networks"]) == [network["Name"]]
    assert asked.owns_it_still()


async def test_a_volume_that_is_taken_away_is_told_as_lost_and_the_home_begins_anew(
    server: Provisioned, asked: Asked
) -> None:
    before = await server.instances.get(asked.user_id)
    (volume,) = asked.there("volume")

    def take_away() -> None:
        # At once: it is brought back between two.
        asked.engine.docker("rm", "--force", before.container_name)
        asked.engine.docker("volume", "rm", volume["Name"])

    with structlog.testing.capture_logs() as lines:
        await asyncio.to_thread(take_away)
        await noticed(server, asked, before)
        await server.until_up(asked.user_id)
    assert not asked.owns_it_still()
    (lost,) = [line for line in lines if line["event"] == "instance_data_lost"]
    assert (lost["log_level"], lost["volume"]) == ("error", volume["Name"])


async def test_an_engine_that_is_restarted_is_noticed_and_all_comes_back(
    server: Provisioned, asked: Asked
) -> None:
    before = await server.instances.get(asked.user_id)
    await asyncio.to_thread(asked.engine.stop)
    await noticed(server, asked, before)
    await asyncio.to_thread(asked.engine.start_again)
    await server.until_up(asked.user_id)
    (container,) = asked.there("container")
    assert container["State"]["Running"]
    assert asked.owns_it_still()
