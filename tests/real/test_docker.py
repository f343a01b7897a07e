"""A real Home Assistant in a container of a real Docker engine, from a new user to a spoken lamp."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from provisioning.docker.image import ASK_HOME_ASSISTANT
from tests.real.docker_engine import DockerEngine, engine_or_skip, settings_for
from tests.real.home_assistant_image import IMAGE, make_image
from tests.real.provisioned import installer
from tests.real.until import until

if TYPE_CHECKING:
    from conftest import RunningServer

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(900)]

EMAIL = "dora@example.org"
LAMP = "light.ceiling_lights"
NOTICED_SECONDS = 2.0


@dataclass(frozen=True)
class House:
    """A server whose user has a furnished Home Assistant in a container, and a satellite."""

    engine: DockerEngine
    server: RunningServer
    token: str

    @property
    def container(self) -> dict[str, Any]:
        """What the engine says of the user's container."""
        (described,) = json.loads(self.engine.docker("inspect", self.server.instance(EMAIL)["name"]))
        assert isinstance(described, dict)
        return described

    async def lamp(self) -> str:
        """How the lamp is, in Home Assistant's own words."""
        async with self.server.home_assistant(EMAIL) as socket:
            states = await socket.command("get_states", within=10)
        return next(str(one["state"]) for one in states if one["entity_id"] == LAMP)

    async def say(self, sentence: str) -> str:
        """What is answered to a sentence: the type of the event."""
        async with self.server.satellite(self.token) as satellite:
            return str((await satellite.say(sentence))[-1].type)


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, a_server: Callable[..., RunningServer]
) -> Iterator[House]:
    with engine_or_skip() as engine:
        installation = asyncio.run(installer().install(lambda _: None))
        make_image(engine, installation)
        command = " ".join(installation.command(Path("/config")))
        server = a_server(
            tmp_path_factory.mktemp("docker"),
            {
                **settings_for(engine, IMAGE, command),
                "HA_IMAGE_HEALTH": shlex.join([str(installation.python), *ASK_HOME_ASSISTANT[1:]]),
            },
        )
        server.start()
        try:
            asyncio.run(server.add_user(EMAIL, driver="docker"))
            token = server.add_device(EMAIL, "Nappali", "--area", "Nappali")
            server.until_ready(EMAIL)
            asyncio.run(server.furnish(EMAIL, written=False))
            house = House(engine, server, token)
            # The mirror learns of the new names a moment later.
            until(lambda: asyncio.run(house.say("Kapcsold le a nappali lámpát")) == "handled")
            yield house
        finally:
            server.stop()


async def test_a_spoken_sentence_changes_the_lamp_in_the_container(house: House) -> None:
    assert await house.say("Kapcsold le a nappali lámpát") == "handled"
    assert await house.lamp() == "off"
    assert await house.say("Kapcsold be a nappali lámpát") == "handled"
    assert await house.lamp() == "on"


def test_the_container_has_the_limits_of_the_settings_and_is_published_here_only(house: House) -> None:
    host, network = house.container["HostConfig"], house.container["NetworkSettings"]
    assert (host["Memory"], host["NanoCpus"]) == (512 << 20, 500_000_000)
    assert [published["HostIp"] for published in network["Ports"]["8123/tcp"]] == ["127.0.0.1"]
    assert list(network["Networks"]) == [house.server.instance(EMAIL)["name"]]


def test_what_the_engine_asks_it_says_that_it_is_well(house: House) -> None:
    command = house.container["Config"]["Healthcheck"]["Test"][1:]
    house.engine.docker("exec", house.container["Id"], *command)
    with pytest.raises(RuntimeError):
        house.engine.docker("exec", house.container["Id"], *command[:-1], command[-1].replace("8123", "8124"))


def test_limits_of_ones_own_are_in_force_while_it_runs_on(house: House) -> None:
    before = house.container["Id"]
    house.server.run("instance", "set", EMAIL, "--memory", "640m", "--cpus", "0.75")
    until(lambda: house.container["HostConfig"]["Memory"] == 640 << 20)
    assert house.container["HostConfig"]["NanoCpus"] == 750_000_000
    assert house.container["Id"] == before
    house.server.run("instance", "set", EMAIL, "--memory", "default", "--cpus", "default")
    until(lambda: house.container["HostConfig"]["Memory"] == 512 << 20)


def test_what_it_uses_is_shown(house: House) -> None:
    (usage,) = json.loads(house.server.run("instance", "stats", "--json").stdout)
    assert usage["user"] == EMAIL
    assert 30 << 20 < usage["memory"] < usage["memory_limit"] == 512 << 20
    assert usage["processes"] > 5
    assert EMAIL in house.server.run("instance", "stats").stdout


def test_the_doctor_finds_the_engine_and_the_image(house: House) -> None:
    findings = {
        one["subject"]: one for one in json.loads(house.server.run("doctor", "--json", check=False).stdout)
    }
    assert findings["Docker"]["grade"] == "ok"
    assert findings["image"]["message"] == f"{IMAGE} is there"


def test_its_log_is_shown(house: House) -> None:
    assert "(MainThread)" in house.server.run("instance", "logs", EMAIL).stdout


@pytest.mark.parametrize("deed", [("kill",), ("rm", "-f")], ids=" ".join)
async def test_what_is_done_to_it_behind_our_back_is_mended(house: House, deed: tuple[str, ...]) -> None:
    name, before = house.server.instance(EMAIL)["name"], house.container["State"]["StartedAt"]
    house.engine.docker(*deed, name)
    until(lambda: house.server.instance(EMAIL)["status"] != "ready", within=NOTICED_SECONDS)
    house.server.until_ready(EMAIL)
    assert house.container["State"]["StartedAt"] != before
    assert await house.say("Kapcsold le a nappali lámpát") == "handled"
    assert await house.lamp() == "off"


async def test_a_container_outlives_its_server_and_is_adopted_by_the_next(house: House) -> None:
    before = house.container
    house.server.kill()
    house.server.start()
    house.server.until_ready(EMAIL)
    until(lambda: bool([line for line in house.server.log() if line["event"] == "instance_status"]))
    after = house.container
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])
    assert await house.say("Kapcsold be a nappali lámpát") == "handled"


def test_a_removed_user_leaves_the_volume_and_nothing_else(house: House) -> None:
    name = house.server.instance(EMAIL)["name"]
    assert json.loads(house.server.run("reconcile", "--plan", "--json").stdout)["instances"] == [
        {"user": EMAIL, "name": name, "action": "nothing", "reason": None}
    ]
    house.server.run("user", "remove", EMAIL, "--yes")
    until(lambda: name not in house.engine.docker("ps", "-a", "--format", "{{.Names}}"), within=30)
    until(lambda: name not in house.engine.docker("network", "ls"), within=10)
    assert name in house.engine.docker("volume", "ls")
    left = json.loads(house.server.run("reconcile", "--json").stdout)
    assert [(one["kind"], one["whose"]) for one in left["strays"]] == [("volume", "orphan")]
    assert house.server.run("reconcile", "--prune", check=False).returncode == 1, "nobody was asked"
    assert name in house.engine.docker("volume", "ls")
    house.server.run("reconcile", "--prune", "--yes")
    assert name not in house.engine.docker("volume", "ls")


def test_a_user_added_by_command_gets_a_container_and_it_goes_with_all_data_where_that_is_said(
    house: House,
) -> None:
    email = "emma@example.org"
    house.server.run("user", "add", email)
    house.server.until_ready(email)
    name = house.server.instance(email)["name"]
    assert name in house.engine.docker("ps")
    house.server.run("instance", "remove", email, "--with-data", "--yes")
    for what in (("ps", "-a"), ("network", "ls"), ("volume", "ls")):
        until(lambda what=what: name not in house.engine.docker(*what), within=30)  # type: ignore[misc]
    assert json.loads(house.server.run("instance", "list", "--json").stdout) == []
