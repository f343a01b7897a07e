"""The image and the compose files of `docker/`, used as its README says, on an engine of the tests' own."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info

from config.schema import SECRETS, Settings
from tests.real.docker_engine import (
    IDLE_IMAGE,
    DockerEngine,
    engine_or_skip,
    unused_network,
)
from tests.real.python_image import BASE_IMAGE, download_wheels, make_python_image
from tests.real.until import until

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

ROOT: Final = Path(__file__).parents[2]
ALONE: Final = ("compose.yaml",)
WITH_GPU: Final = ("compose.yaml", "compose.gpu.yaml")
PROFILES: Final = ("setup", "llm")
USER: Final = "10001:10001"
EMAIL: Final = "anna@example.org"
# What the tests alone want: an answer to whether it is healthy without half a minute's wait.
IMPATIENT: Final = {"services": {"server": {"healthcheck": {"interval": "1s"}}}}


@pytest.fixture(scope="module")
def compose() -> tuple[str, ...]:
    """The command of Compose: the plugin of today's clients, or the program that Debian has."""
    for command in (("docker", "compose"), ("docker-compose",)):
        if (
            shutil.which(command[0])
            and subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0
        ):
            return command
    pytest.skip("there is neither `docker compose` nor docker-compose")


@dataclass(frozen=True)
class Project:
    """A copy of the compose files in a folder of its own, with its `.env` and its secrets."""

    folder: Path
    compose: tuple[str, ...]
    files: tuple[str, ...] = ALONE
    engine: DockerEngine | None = None

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Have Compose do something."""
        # No setting of whoever runs the tests gets in.
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        if self.engine is not None:
            environment["DOCKER_HOST"] = self.engine.url
        done = subprocess.run(
            [*self.compose, *(f"--file={name}" for name in self.files), *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done

    def rendered(self) -> dict[str, Any]:
        """Every service, as Compose understands the files."""
        profiles = [f"--profile={profile}" for profile in PROFILES]
        services = yaml.safe_load(self.run(*profiles, "config").stdout)["services"]
        assert isinstance(services, dict)
        return services

    def admin(self, *arguments: str, code: int | None = 0) -> str:
        """What a command of the command line says in the server's container."""
        return self.run("exec", "-T", "server", "wyoming-central", *arguments, code=code).stdout


def a_project(
    folder: Path, compose: tuple[str, ...], variables: Mapping[str, str], *, files: tuple[str, ...] = ALONE
) -> Project:
    folder.mkdir(exist_ok=True)
    for file in WITH_GPU:
        shutil.copy(ROOT / "docker" / file, folder)
    (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
    return Project(folder, compose, files)


# --- the files --------------------------------------------------------------------------------------------


@pytest.fixture(params=[ALONE, WITH_GPU], ids=" ".join)
def project(request: pytest.FixtureRequest, tmp_path: Path, compose: tuple[str, ...]) -> Project:
    return a_project(tmp_path / "docker", compose, {"DOCKER_GID": "998"}, files=request.param)


def test_compose_takes_the_files_and_finds_everything_that_was_designed(project: Project) -> None:
    assert set(project.rendered()) == {"server", "secrets", "ollama", "model"}


def test_the_server_has_no_more_rights_than_it_needs(project: Project) -> None:
    server = project.rendered()["server"]
    assert server["read_only"] is True
    assert server["cap_drop"] == ["ALL"]
    assert server["security_opt"] == ["no-new-privileges:true"]
    assert server["group_add"] == ["998"]
    assert not {"privileged", "cap_add", "user", "pid", "ipc", "devices"} & set(server)


def test_the_server_is_on_the_network_of_the_host_and_waits_for_nobody(project: Project) -> None:
    server = project.rendered()["server"]
    assert server["network_mode"] == "host"
    assert "depends_on" not in server


def test_its_secrets_are_files_and_everything_else_it_is_told_is_a_setting(project: Project) -> None:
    given = project.rendered()["server"]["environment"]
    assert {f"{name}_FILE".upper() for name in ("jwt_secret", "encryption_key")} <= set(given)
    assert not {name.upper() for name in SECRETS} & set(given)
    known = {*Settings.model_fields, *(f"{name}_file" for name in SECRETS)}
    assert {name.lower() for name in given} - known == {"docker_gid"}


def test_what_is_published_is_published_on_this_machine_only(project: Project) -> None:
    services = project.rendered()
    published = [_host_of(port) for service in services.values() for port in service.get("ports", ())]
    assert published == ["127.0.0.1"]


def test_the_model_is_fetched_once_and_only_when_ollama_answers(project: Project) -> None:
    services = project.rendered()
    model = services["model"]
    assert model["restart"] == "no"
    assert model["depends_on"]["ollama"]["condition"] == "service_healthy"
    assert "healthcheck" in services["ollama"]
    assert [*model["entrypoint"], *model["command"]] == ["ollama", "pull", _default("ollama_model")]


def test_only_what_is_asked_for_by_a_profile_is_started_beside_the_server(project: Project) -> None:
    services = project.rendered()
    assert {name: service.get("profiles") for name, service in services.items()} == {
        "server": None,
        "secrets": ["setup"],
        "ollama": ["llm"],
        "model": ["llm"],
    }


def test_the_graphics_card_goes_to_ollama_alone(project: Project) -> None:
    asked = {
        name: service["deploy"]["resources"]["reservations"]["devices"]
        for name, service in project.rendered().items()
        if service.get("deploy")
    }
    if project.files == ALONE:
        assert asked == {}
        return
    [device] = asked.pop("ollama")
    assert not asked
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


def test_a_missing_group_of_the_socket_is_told_with_the_way_out(
    tmp_path: Path, compose: tuple[str, ...]
) -> None:
    project = a_project(tmp_path / "docker", compose, {})
    said = project.run("config", code=None)
    assert said.returncode != 0
    assert "DOCKER_GID" in said.stderr
    assert "README.md" in said.stderr


def _host_of(port: Any) -> str:
    """The address of a published port, however a version of Compose writes it down."""
    return str(port["host_ip"]) if isinstance(port, dict) else str(port).partition(":")[0]


def _default(field: str) -> Any:
    return Settings.model_fields[field].default


# --- the image, deployed ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deployed:
    """A server in its container, as the README has it started, and the engine that it provisions on."""

    engine: DockerEngine
    project: Project
    port: int

    @property
    def container(self) -> dict[str, Any]:
        """What the engine says of the server's container."""
        name = self.project.run("ps", "--quiet", "server").stdout.strip()
        return self.inspected(name)

    def inspected(self, name: str) -> dict[str, Any]:
        """What the engine says of something that has this name."""
        (described,) = json.loads(self.engine.docker("inspect", name))
        assert isinstance(described, dict)
        return described

    @property
    def instance(self) -> dict[str, Any]:
        """The user's instance, as the command line lists it."""
        (instance,) = json.loads(self.project.admin("instance", "list", "--json"))
        assert isinstance(instance, dict)
        return instance

    def log(self) -> str:
        """What the server's container wrote."""
        return self.project.run("logs", "--no-color", "server").stdout

    def until_healthy(self) -> None:
        """Wait for the engine's own word."""
        identifier = self.container["Id"]
        until(
            lambda: self.inspected(identifier)["State"]["Health"]["Status"] == "healthy",
            within=30,
            told=self.log,
        )

    def in_container(self, command: str, *, code: int = 0) -> str:
        """What a line of shell prints in the server's container."""
        return self.project.run("exec", "-T", "server", "/bin/sh", "-c", command, code=code).stdout


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory, compose: tuple[str, ...]) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployment")
    with engine_or_skip() as engine:
        (folder / "wheels").mkdir()
        download_wheels(folder / "wheels")
        make_python_image(engine, folder / "wheels")
        _build(engine)
        yield from _deployed(engine, folder / "docker", compose)


def _build(engine: DockerEngine) -> None:
    base = f"--build-arg=BASE_IMAGE={BASE_IMAGE}"
    arguments = ("--tag=wyoming-central", "--file=docker/Dockerfile", base, ".")
    done = subprocess.run(
        ["docker", "-H", engine.url, "build", *arguments],
        cwd=ROOT,
        # The builder that every engine has; the client here need not have the other one.
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _deployed(engine: DockerEngine, folder: Path, compose: tuple[str, ...]) -> Iterator[Deployed]:
    socket_file = engine.url.removeprefix("unix://")
    port, home_port = _free_ports()
    variables = {
        "COMPOSE_PROJECT_NAME": "wyoming",
        "DOCKER_GID": str(Path(socket_file).stat().st_gid),
        "DOCKER_SOCKET": socket_file,
        "TZ": "Europe/Budapest",
        "LISTEN": f"tcp://127.0.0.1:{port}",
        "HA_IMAGE": IDLE_IMAGE,
        "HA_IMAGE_PULL": "never",
        # One word and a number: versions of Compose read quotation marks in `.env` differently.
        "HA_IMAGE_COMMAND": "/bin/sleep 3600",
        "HA_PORT_RANGE_START": str(home_port),
        "HA_PORT_RANGE_END": str(home_port),
        "HA_NETWORK_POOL": str(unused_network()),
        "HA_BOOT_TIMEOUT_SECONDS": "600",
    }
    project = a_project(folder, compose, variables, files=(*ALONE, "impatient.yaml"))
    (folder / "impatient.yaml").write_text(yaml.safe_dump(IMPATIENT))
    deployed = Deployed(engine, Project(folder, compose, project.files, engine), port)
    deployed.project.run("run", "--rm", "secrets")
    deployed.project.run("up", "--detach")
    try:
        yield deployed
    finally:
        deployed.project.run("down", "--volumes", code=None)


def _free_ports() -> tuple[int, int]:
    """Two that nobody has: other servers of this machine may have the usual ones."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def test_it_becomes_healthy(deployed: Deployed) -> None:
    deployed.until_healthy()


async def test_it_serves_a_stock_client_on_the_network_of_the_host(deployed: Deployed) -> None:
    async with asyncio.timeout(10), AsyncTcpClient("127.0.0.1", deployed.port) as client:
        await client.write_event(Describe().event())
        event = await client.read_event()
    assert event is not None
    assert Info.from_event(event).handle[0].name == "Wyoming Central"


def test_it_is_not_root_and_cannot_become_it(deployed: Deployed) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in deployed.in_container("cat /proc/1/status").splitlines()
        if ":\t" in line
    )
    assert set(status["Uid"].split()) == {"10001"}
    assert set(status["Gid"].split()) == {"10001"}
    assert {name: int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd")} == {
        "CapPrm": 0,
        "CapEff": 0,
        "CapBnd": 0,
    }
    assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("place", ["/", "/opt/wyoming-central", "/usr/local", "/run/secrets"])
def test_it_cannot_write_outside_its_volume_and_tmp(deployed: Deployed, place: str) -> None:
    deployed.in_container(f"touch {place}/written", code=1)


def test_nobody_can_write_its_root(deployed: Deployed) -> None:
    mounts = [line.split() for line in deployed.in_container("cat /proc/mounts").splitlines()]
    [options] = [mounted[3].split(",") for mounted in mounts if mounted[1] == "/"]
    assert "ro" in options


def test_its_data_is_for_itself_alone(deployed: Deployed) -> None:
    assert deployed.in_container("stat -c '%a %u:%g' /data").split() == ["700", USER]
    deployed.in_container("test -s /data/wyoming-central.db")


def test_the_secrets_are_its_own_files_and_stand_nowhere_else(deployed: Deployed) -> None:
    secrets = deployed.project.folder / "secrets"
    assert sorted(file.name for file in secrets.iterdir()) == ["encryption_key", "jwt_secret"]
    for file in secrets.iterdir():
        about = file.stat()
        assert (oct(about.st_mode & 0o777), f"{about.st_uid}:{about.st_gid}") == ("0o600", USER)
        secret = file.read_text()
        for shown in (json.dumps(deployed.container), deployed.log(), deployed.in_container("env")):
            assert secret not in shown
    assert (
        "production"
        in deployed.project.run("exec", "-T", "server", "wyoming-central", "config", "check").stderr
    )


def test_secrets_that_are_there_are_left_as_they_are(deployed: Deployed) -> None:
    before = {file.name: file.read_text() for file in (deployed.project.folder / "secrets").iterdir()}
    deployed.project.run("run", "--rm", "secrets")
    after = {file.name: file.read_text() for file in (deployed.project.folder / "secrets").iterdir()}
    assert after == before


def test_the_doctor_finds_the_engine_through_the_socket(deployed: Deployed) -> None:
    findings = {
        one["subject"]: one["grade"]
        for one in json.loads(deployed.project.admin("doctor", "--json", code=None))
    }
    assert (findings["Docker"], findings["image"], findings["server"]) == ("ok", "ok", "ok")
    assert "problem" not in findings.values()


def test_a_user_added_in_it_gets_a_container_a_network_and_a_volume_of_the_engine(deployed: Deployed) -> None:
    deployed.project.admin("user", "add", EMAIL, "--no-wait")
    name = deployed.instance["name"]
    until(lambda: deployed.inspected(name)["State"]["Running"], within=30, told=deployed.log)
    container = deployed.inspected(name)
    labels = container["Config"]["Labels"]
    assert labels["wyoming-central.managed-by"] == "wyoming-central"
    assert labels["wyoming-central.name"] == name
    deployment = f"label=wyoming-central.deployment={labels['wyoming-central.deployment']}"
    assert deployed.engine.docker("network", "ls", "-q", "--filter", deployment).split()
    [volume] = deployed.engine.docker("volume", "ls", "-q", "--filter", deployment).split()
    assert [mount["Name"] for mount in container["Mounts"]] == [volume]
    assert deployed.instance["timezone"] == "Europe/Budapest"


def test_nothing_of_the_deployment_itself_is_taken_for_an_instances(deployed: Deployed) -> None:
    assert json.loads(deployed.project.admin("reconcile", "--plan", "--json"))["strays"] == []


def test_restarted_it_has_its_data_and_adopts_what_runs(deployed: Deployed) -> None:
    name = deployed.instance["name"]
    before = deployed.inspected(name)
    deployed.project.run("restart", "server")
    deployed.until_healthy()
    until(lambda: deployed.log().count('"event":"leading') == 2, within=30, told=deployed.log)
    [planned] = json.loads(deployed.project.admin("reconcile", "--plan", "--json"))["instances"]
    assert planned == {"user": EMAIL, "name": name, "action": "nothing", "reason": None}
    after = deployed.inspected(name)
    assert (after["Id"], after["State"]["StartedAt"]) == (before["Id"], before["State"]["StartedAt"])


def test_asked_to_stop_it_ends_in_good_order_and_leaves_the_instances_running(deployed: Deployed) -> None:
    name, server = deployed.instance["name"], deployed.container["Id"]
    deployed.project.run("stop", "server")
    state = deployed.inspected(server)["State"]
    assert (state["Running"], state["ExitCode"]) == (False, 0)
    assert '"event":"stopped"' in deployed.log().rstrip().splitlines()[-1]
    assert deployed.inspected(name)["State"]["Running"]


def test_made_anew_from_a_newer_image_it_goes_on_where_it_was(deployed: Deployed) -> None:
    deployed.project.run("up", "--detach", "--force-recreate", "server")
    deployed.until_healthy()
    assert deployed.instance["user"] == EMAIL
    assert deployed.inspected(deployed.instance["name"])["State"]["Running"]


def test_a_backup_is_taken_while_it_runs_and_put_back_while_it_does_not(deployed: Deployed) -> None:
    copied = deployed.in_container('copy=$(wyoming-central db backup) && base64 "$copy" && rm "$copy"')
    deployed.project.admin("device", "add", EMAIL, "Konyha")
    assert json.loads(deployed.project.admin("device", "list", "--json"))
    deployed.project.run("stop", "server")
    deployed.engine.docker(
        *(
            "run",
            "--rm",
            "--interactive",
            "--volume=wyoming_data:/data",
            "--entrypoint=sh",
            "wyoming-central",
        ),
        *("-c", "rm -f /data/wyoming-central.db-* && cat > /data/wyoming-central.db"),
        given=base64.b64decode(copied),
    )
    deployed.project.run("start", "server")
    deployed.until_healthy()
    assert deployed.instance["user"] == EMAIL
    assert json.loads(deployed.project.admin("device", "list", "--json")) == []


def test_a_server_that_does_not_answer_is_told_by_the_health_check(deployed: Deployed) -> None:
    said = deployed.project.run(
        "exec", "-T", "-e", "LISTEN=tcp://127.0.0.1:9", "server", "wyoming-central", "ping", code=1
    )
    assert "cannot reach tcp://127.0.0.1:9" in said.stderr
