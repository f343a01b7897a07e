"""A real server in a process of its own, with real Home Assistants below it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.fernet import Fernet

from config.settings import Settings, ensure_secrets
from provisioning.home.socket import HomeAssistantSocket
from storage.database import Database
from storage.records import UserRecord
from storage.secret_box import SecretBox
from storage.users import Users
from tests.real.asked import Asked
from tests.real.docker_engine import DockerEngine, engine_or_skip, unused_network
from tests.real.killed_provisioner import Place
from tests.real.stand_in_image import make_stand_in_image
from tests.storage.migrated import put_migrated
from wyoming_central.application import Repositories, repositories_on
from wyoming_central.client import Client, connect
from wyoming_central.demo.furnish import furnish
from wyoming_central.demo.script import Script, read_script
from wyoming_central.demo.witness import Witness

PROGRAM = Path(sys.executable).with_name("wyoming-central")
# The very first run installs Home Assistant.
READY_WITHIN = 400.0


@dataclass
class RunningServer:
    """`wyoming-central serve` on a data folder of its own, as an administrator would run it."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name in _KEPT}
        return {
            **kept,
            "DATA_DIR": str(self.folder),
            "LISTEN": "tcp://127.0.0.1:0",
            "ZEROCONF": "off",
            "OLLAMA_URLS": "off",
            **self.settings,
        }

    @property
    def log_file(self) -> Path:
        return self.folder / "server.log"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        log = self.log_file.open("ab")
        self._log_begins = self.log_file.stat().st_size
        with log:
            self.process = subprocess.Popen(
                [str(PROGRAM), "serve"],
                env=self.environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.uri()

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def kill(self) -> None:
        self.stop(signal.SIGKILL)

    def log(self) -> list[dict[str, Any]]:
        """What the server logged since it was started last."""
        with self.log_file.open("rb") as file:
            file.seek(self._log_begins)
            lines = file.read().splitlines()
        return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"}")]

    def uri(self, listener: str = "default") -> str:
        """Where a listener really listens; waits until it does."""
        for _ in _until(30):
            for entry in self.log():
                if entry.get("event") == "listening" and entry.get("listener") == listener:
                    return f"tcp://{entry['address']}:{entry['port']}"
            assert self.process is not None
            assert self.process.poll() is None, self.log_file.read_text()
        raise AssertionError(f"no listener {listener}: {self.log_file.read_text()}")

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of the command line, in the same environment."""
        done = subprocess.run(
            [str(PROGRAM), *arguments],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stderr
        return done

    async def add_user(self, email: str, *, language: str = "hu", driver: str = "process") -> None:
        """Add a user whose Home Assistant begins with the demo's devices."""
        async with self.stored() as stored:
            user = await stored.users.add(email=email, password_hash="none", language=language)
            await self.ask_for_instance(stored, user, driver=driver, config_yaml=read_script().configuration)

    async def ask_for_instance(
        self, stored: Repositories, user: UserRecord, *, driver: str, config_yaml: str | None = None
    ) -> None:
        """Write what `user add` does, with the ports and the pool that this server has."""
        ports = [int(self.settings.get(f"HA_PORT_RANGE_{end}", port)) for end, port in _PORTS.items()]
        pool = IPv4Network(self.settings.get("HA_NETWORK_POOL", "10.213.0.0/16"))
        await stored.instances.request(
            user_id=user.id,
            driver=driver,
            timezone="Europe/Budapest",
            language=user.language,
            country="HU",
            config_yaml=config_yaml,
            port_range=range(ports[0], ports[1] + 1),
            network_pool=pool if driver == "docker" else None,
        )

    def add_device(self, email: str, name: str, *arguments: str) -> str:
        """The token of a new device."""
        return self.run("device", "add", email, name, *arguments).stdout.strip()

    def instance(self, email: str) -> dict[str, Any]:
        instances: list[dict[str, Any]] = json.loads(self.run("instance", "list", "--json").stdout)
        return next(instance for instance in instances if instance["user"] == email)

    def until_ready(self, *emails: str) -> None:
        for email in emails:
            for _ in _until(READY_WITHIN):
                instance = self.instance(email)
                assert instance["status"] != "failed", instance
                if instance["status"] == "ready":
                    break
            else:
                raise AssertionError(f"{email} did not become ready: {self.instance(email)}")

    @asynccontextmanager
    async def stored(self) -> AsyncIterator[Repositories]:
        """The server's database, seen from outside."""
        settings = ensure_secrets(Settings(data_dir=self.folder))
        database = Database(f"sqlite+aiosqlite:///{self.folder / 'wyoming-central.db'}")
        try:
            yield repositories_on(database, SecretBox(settings.encryption_keys))
        finally:
            await database.close()

    async def access(self, email: str) -> tuple[str, str]:
        """Address and token of a user's Home Assistant."""
        async with self.stored() as stored:
            user = await stored.users.by_email(email)
            token = await stored.users.home_token(user.id)
        assert user.ha_instance_url is not None
        assert token is not None
        return user.ha_instance_url, token

    @asynccontextmanager
    async def home_assistant(self, email: str) -> AsyncIterator[HomeAssistantSocket]:
        """A connection of one's own to a user's Home Assistant."""
        url, token = await self.access(email)
        async with (
            aiohttp.ClientSession() as http,
            HomeAssistantSocket.connect(url, token, http=http, within=10) as socket,
        ):
            yield socket

    @asynccontextmanager
    async def witness(self, email: str) -> AsyncIterator[Witness]:
        async with self.home_assistant(email) as socket:
            yield Witness(socket)

    async def furnish(self, *emails: str, written: bool = True) -> None:
        script = read_script()
        async with aiohttp.ClientSession() as http:
            for email in emails:
                await furnish(*await self.access(email), script, http=http)
        for email in emails if written else ():
            self._until_written(email, script)

    def _until_written(self, email: str, script: Script) -> None:
        """Home Assistant writes its registries ten seconds later; one that is killed before forgets them."""
        registry = self.folder / "instances" / self.instance(email)["name"] / ".storage/core.entity_registry"
        exposed = registry.with_name("homeassistant.exposed_entities")
        for _ in _until(60):
            if exposed.exists() and script.furniture[-3].name in json.dumps(
                json.loads(registry.read_text()), ensure_ascii=False
            ):
                return
        raise AssertionError(f"{registry} was not written")

    @asynccontextmanager
    async def satellite(self, token: str) -> AsyncIterator[Client]:
        async with connect(self.uri()) as client:
            await client.authenticate(token)
            yield client


_PORTS = {"START": 8200, "END": 8300}

_KEPT = frozenset(
    name
    for name in os.environ
    if name in {"PATH", "HOME", "LANG", "CACHE_DIR", "HA_PYTHON", "TMPDIR", "PYENV_ROOT"}
    or name.startswith(("XDG_CACHE", "SSL_", "PIP_", "UV_"))
)


def _until(seconds: float) -> Iterator[None]:
    """Look again, a few times a second, until the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(0.2)


ANNA, BELA = "anna@example.org", "bela@example.org"


@dataclass(frozen=True)
class Household:
    """A server with two users, each with a furnished Home Assistant and a satellite in the living room."""

    server: RunningServer
    annas_token: str
    belas_token: str


@pytest.fixture(scope="session")
def household(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Household]:
    server = RunningServer(
        tmp_path_factory.mktemp("household"),
        {"LISTEN": "tcp://127.0.0.1:0,anna=tcp://127.0.0.1:0", "LOG_LEVEL": "debug"},
    )
    server.start()
    try:
        for email in (ANNA, BELA):
            asyncio.run(server.add_user(email))
        tokens = [server.add_device(email, "Nappali", "--area", "Nappali") for email in (ANNA, BELA)]
        server.until_ready(ANNA, BELA)
        asyncio.run(server.furnish(ANNA, BELA))
        yield Household(server, *tokens)
    finally:
        server.stop()


@pytest.fixture(scope="session")
def a_server() -> type[RunningServer]:
    """Makes servers, on a data folder and with settings."""
    return RunningServer


@pytest.fixture(scope="session")
def engine_with_stand_ins() -> Iterator[DockerEngine]:
    """A Docker engine of the tests' own with the image of the stand-in; skips where there is none."""
    with engine_or_skip() as engine:
        make_stand_in_image(engine)
        yield engine


@pytest.fixture(scope="session")
def _pairs_of_ports() -> Iterator[int]:
    return iter(range(8700, 9700, 2))


@pytest.fixture
async def asked(
    tmp_path: Path, engine_with_stand_ins: DockerEngine, _pairs_of_ports: Iterator[int]
) -> AsyncIterator[Asked]:
    """A user who has asked for nothing yet, on the engine with stand-ins."""
    url, key = f"sqlite+aiosqlite:///{tmp_path}/wyoming-central.db", Fernet.generate_key().decode()
    put_migrated(url)
    database = Database(url)
    users = Users(database, SecretBox([key]))
    user = await users.add(email="anna@example.org", password_hash="-", language="hu")
    await database.close()
    deployment, pool = f"asked-{user.id[:8]}", str(unused_network())
    engine = engine_with_stand_ins
    asked = Asked(engine, Place(url, key, engine.url, deployment, next(_pairs_of_ports), pool), user.id)
    yield asked
    asked.clear()


@pytest.fixture
def new_server(tmp_path: Path) -> RunningServer:
    """A server that was not started yet, on a data folder of its own."""
    return RunningServer(tmp_path / "data")
