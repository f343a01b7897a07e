"""The command line against a real database in a folder of its own."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar

import pytest
import structlog
from typer.testing import CliRunner, Result

from config.schema import Settings
from storage.lease import SERVER_LEASE, Lease
from tests.storage.migrated import put_migrated
from wyoming_central.cli import user as user_commands
from wyoming_central.cli.app import app
from wyoming_central.cli.store import Store, open_store

Given = TypeVar("Given")


class Cli(Protocol):
    def __call__(self, *arguments: str, typed: str | None = None, code: int = 0) -> Result: ...


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and an environment that sets nothing else."""
    for name in list(os.environ):
        if name.lower().removesuffix("_file") in Settings.model_fields or name.startswith("WYOMING_CENTRAL_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TZ", "Europe/Budapest")
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("CACHE_DIR", str(tmp_path / "cache"))
    # A real server of this machine may have the default port.
    with socket.create_server(("127.0.0.1", 0)) as free:
        monkeypatch.setenv("LISTEN", f"tcp://127.0.0.1:{free.getsockname()[1]}")
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hashed(_password: str) -> str:
        return "a hash"

    monkeypatch.setattr(user_commands, "hash_password", hashed)


@pytest.fixture(autouse=True)
def no_word_about_a_slow_loop() -> Iterator[None]:
    """What stderr gets is compared to the letter; a collection of all tests' garbage is not a command's."""
    logger = logging.getLogger("asyncio")
    before = logger.level
    logger.setLevel(logging.ERROR)
    yield
    logger.setLevel(before)


@pytest.fixture(autouse=True)
def log_is_put_back() -> Iterator[None]:
    """Commands set up the log of their process; here that is the tests' own."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def cli() -> Cli:
    """Run a command line, and see that it ends as it should."""

    def run(*arguments: str, typed: str | None = None, code: int = 0) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=typed, prog_name="wyoming-central")
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture
def rows(cli: Cli) -> Callable[..., Any]:
    """What a listing gives as JSON."""

    def run(*arguments: str) -> Any:
        return json.loads(cli(*arguments, "--json").stdout)

    return run


@pytest.fixture
def anna(cli: Cli, data_dir: Path) -> str:
    put_migrated(f"sqlite+aiosqlite:///{data_dir}/wyoming-central.db")
    cli("user", "add", "anna@example.org", "--no-check", "--password-stdin", typed="correct horse\n")
    return "anna@example.org"


@pytest.fixture
def ben(cli: Cli) -> str:
    arguments = ("--no-check", "--password-stdin", "-l", "en")
    cli("user", "add", "ben@example.org", *arguments, typed="battery staple\n")
    return "ben@example.org"


@pytest.fixture
def stored() -> Callable[[Callable[[Store], Awaitable[Any]]], Any]:
    """Do something with the database that the commands use."""

    def run(do: Callable[[Store], Awaitable[Given]]) -> Given:
        async def with_store() -> Given:
            async with open_store(create=True) as store:
                return await do(store)

        return asyncio.run(with_store())

    return run


@pytest.fixture
def server(stored: Callable[[Callable[[Store], Awaitable[Any]]], Any]) -> None:
    """A server, as far as the commands can tell."""

    async def claim(store: Store) -> bool:
        return await Lease(store.database, name=SERVER_LEASE, holder="test", ttl_seconds=60).acquire()

    assert stored(claim)
