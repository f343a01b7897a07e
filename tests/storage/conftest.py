from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from storage.bindings import Bindings
from storage.database import Database
from storage.devices import Devices
from storage.instances import Instances
from storage.migrate import upgrade
from storage.records import UserRecord
from storage.secret_box import SecretBox
from storage.users import Users
from tests.storage.migrated import put_migrated


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **step: float) -> None:
        self.now += timedelta(**step)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _find_postgresql() -> Path | None:
    """The folder of `initdb` and `pg_ctl`, where Debian puts it or on the path; None if there is none."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: path.parts[-3])
    on_path = shutil.which("initdb")
    if debian:
        return debian[-1].parent
    return Path(on_path).parent if on_path else None


@contextmanager
def _running_postgresql(programs: Path) -> Iterator[str]:
    """A server in a new folder, reachable over a socket in it alone; gives a URL without a database name."""
    # Not pytest's folder: the path of a socket must be short, and the server may be another user.
    folder = Path(tempfile.mkdtemp(prefix="wyoming-central-pg-"))
    # initdb refuses to run as root; Debian's package makes this user.
    who: dict[str, Any] = {"user": "postgres", "group": "postgres"} if os.geteuid() == 0 else {}
    if who:
        shutil.chown(folder, **who)

    def call(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=folder,
            timeout=60,
            **who,
        )

    data = str(folder / "data")
    settings = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    try:
        call("initdb", "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        call("pg_ctl", "-D", data, "-l", f"{data}/log", "-o", settings, "-w", "start")
        try:
            yield f"postgresql+asyncpg://test@/{{name}}?host={folder}"
        finally:
            call("pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    pytest.importorskip("asyncpg", reason="the extra `postgres` is not installed")
    programs = _find_postgresql()
    if programs is None:
        pytest.skip("no PostgreSQL server on this machine (Debian: postgresql-15)")
    with _running_postgresql(programs) as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/data/wyoming-central.db"


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    put_migrated(sqlite_url)
    database = Database(sqlite_url)
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
async def database_url(request: pytest.FixtureRequest) -> str:
    """An empty database; each test that asks for it runs on both kinds."""
    if request.param == "sqlite":
        return str(request.getfixturevalue("sqlite_url"))
    return await _new_postgresql_database(request.getfixturevalue("postgresql_url"))


async def _new_postgresql_database(server: str) -> str:
    name = f"test_{uuid4().hex}"
    engine = create_async_engine(server.format(name="postgres"), isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(f"CREATE DATABASE {name}"))
    await engine.dispose()
    return server.format(name=name)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with all tables; each test that asks for it runs on both kinds."""
    if database_url.startswith("sqlite"):
        put_migrated(database_url)
    else:
        await upgrade(database_url, backup_dir=None)
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def postgresql_database(postgresql_url: str) -> AsyncIterator[Database]:
    url = await _new_postgresql_database(postgresql_url)
    await upgrade(url, backup_dir=None)
    database = Database(url)
    yield database
    await database.close()


@pytest.fixture
def box() -> SecretBox:
    return SecretBox([Fernet.generate_key().decode()])


@pytest.fixture
def users(database: Database, box: SecretBox, clock: Clock) -> Users:
    return Users(database, box, clock=clock)


@pytest.fixture
def devices(database: Database, clock: Clock) -> Devices:
    return Devices(database, clock=clock)


@pytest.fixture
def bindings(database: Database, clock: Clock) -> Bindings:
    return Bindings(database, clock=clock)


@pytest.fixture
def instances(database: Database, box: SecretBox, clock: Clock) -> Instances:
    return Instances(database, box, clock=clock)


@pytest.fixture
async def anna(users: Users) -> UserRecord:
    return await users.add(email="anna@example.org", password_hash="$argon2id$…", language="hu")


@pytest.fixture
async def bela(users: Users) -> UserRecord:
    return await users.add(email="bela@example.org", password_hash="$argon2id$…", language="en")
