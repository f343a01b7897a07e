"""The database as the commands use it: opened with the settings of this machine, closed at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from config.settings import Settings, ensure_secrets, load_settings
from storage.audit import AuditLog
from storage.bindings import Bindings
from storage.database import Database
from storage.devices import Devices
from storage.errors import NotFoundError
from storage.instances import Instances
from storage.journal import Journal
from storage.lease import SERVER_LEASE, holder_of
from storage.migrate import revision, upgrade
from storage.records import LeaseHolder
from storage.secret_box import SecretBox
from storage.users import Users
from wyoming_central.cli.quiet import quiet_logs


@dataclass(frozen=True, slots=True)
class Store:
    """The settings and every repository that a command may need."""

    settings: Settings
    database: Database = field(repr=False)
    users: Users = field(repr=False)
    devices: Devices = field(repr=False)
    bindings: Bindings = field(repr=False)
    instances: Instances = field(repr=False)
    journal: Journal = field(repr=False)
    audit: AuditLog = field(repr=False)

    async def server(self) -> LeaseHolder | None:
        """The server that runs on this database, or None where there is none."""
        return await holder_of(self.database, SERVER_LEASE)


@asynccontextmanager
async def open_store(*, create: bool = False) -> AsyncIterator[Store]:
    """Open the database that the settings name.

    Where there is none it is made only if that is asked for: rather than a new one, a listing of nothing
    may mean the wrong DATA_DIR. One of an older version is left alone: changing it is a decision
    (`db upgrade`), which a server makes when it starts.

    Args:
        create: Whether a database that is not there yet is made.

    Raises:
        SettingsError: The settings cannot be used.
        NotFoundError: There is no database, and none was to be made.
        RevisionError: The database is older or newer than this program.
        StorageError: It cannot be used.
    """
    quiet_logs()
    settings = load_settings()
    url = settings.database_url.get_secret_value()
    if await revision(url) is None:
        if not create:
            raise NotFoundError(
                f"there is no database yet in {settings.data_dir}",
                remedy="`wyoming-central user add` makes it, or set DATA_DIR to where it is",
            )
        await upgrade(url, backup_dir=None)
    settings = ensure_secrets(settings)
    async with store_on(settings) as store:
        yield store


@asynccontextmanager
async def store_on(settings: Settings) -> AsyncIterator[Store]:
    """Open the database of settings that have their secrets; its tables have to be there.

    Raises:
        StorageError: It cannot be used.
    """
    database = Database(settings.database_url.get_secret_value())
    box = SecretBox(settings.encryption_keys)
    try:
        yield Store(
            settings=settings,
            database=database,
            users=Users(database, box),
            devices=Devices(database),
            bindings=Bindings(database),
            instances=Instances(database, box),
            journal=Journal(database),
            audit=AuditLog(database),
        )
    finally:
        await database.close()
