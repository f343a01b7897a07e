"""Bringing a database to the present tables, and copying it aside first."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.engine import URL

from storage.clock import Clock, utc_now
from storage.engine import WRITES, create_engine, is_sqlite, parse_url, sqlite_file, storage_errors
from storage.errors import AlreadyExistsError, StorageError, StorageUnavailableError
from storage.revision import CURRENT, read_revision, refuse_newer

# Seconds to wait for another process that is upgrading the same database, and between two looks.
_LOCK_SECONDS = 60.0
_LOCK_POLL_SECONDS = 0.05
# How many backups made before an upgrade stay.
_KEPT_BACKUPS = 5
_UNFINISHED = ".{name}.unfinished"
# Any number, as long as every server that shares a PostgreSQL database uses the same.
_POSTGRESQL_LOCK = 0x57594F4D


@dataclass(frozen=True, slots=True)
class UpgradeReport:
    """What an upgrade did.

    Attributes:
        before: The revision found, or None where there was no database.
        after: The revision now.
        backup: The copy of the database as it was before, or None where none was needed or possible.
    """

    before: str | None
    after: str
    backup: Path | None


async def upgrade(
    url: str,
    *,
    backup_dir: Path | None,
    keep: int = _KEPT_BACKUPS,
    clock: Clock = utc_now,
    lock_seconds: float = _LOCK_SECONDS,
) -> UpgradeReport:
    """Bring the database to the present tables, making it if there is none; all steps or none of them.

    Two processes may do this at once: the second waits, and finds nothing left to do.

    Args:
        url: `DATABASE_URL`.
        backup_dir: Where a SQLite database with something in it is copied to before it is changed; None: it
            is not copied. A PostgreSQL database is its operator's to back up.
        keep: How many of these copies stay, the newest ones.
        clock: For the name of the copy.
        lock_seconds: How long to wait for another process that is at it.

    Raises:
        RevisionError: The database is newer than this program; nothing was touched.
        StorageUnavailableError: Locked, unreachable or full; nothing was changed.
        StorageError: It is no database of ours or damaged; nothing was changed.
    """
    parsed = parse_url(url)
    if not is_sqlite(parsed):
        return await _upgrade(parsed, backup=None)
    file = sqlite_file(parsed)
    await asyncio.to_thread(_make_private_folder, file.parent)
    async with _file_lock(file.with_name(f"{file.name}.lock"), within=lock_seconds):
        before = await revision(url)
        refuse_newer(before)
        if before == CURRENT:
            return UpgradeReport(before, CURRENT, None)
        copy = None
        if before is not None and backup_dir is not None:
            copy = await backup(url, backup_dir / _backup_name(file, before, clock))
        await asyncio.to_thread(_make_private_file, file)
        report = await _upgrade(parsed, backup=copy)
        if backup_dir is not None:
            await asyncio.to_thread(_forget_old_backups, file, backup_dir, keep)
        return report


async def revision(url: str) -> str | None:
    """The revision of the database's tables, or None where there is no database or none of ours in it.

    Raises:
        StorageUnavailableError: Locked or unreachable.
        StorageError: The file is no database, or damaged.
    """
    parsed = parse_url(url)
    if is_sqlite(parsed) and not sqlite_file(parsed).exists():
        return None
    engine = create_engine(parsed)
    try:
        with storage_errors():
            async with engine.connect() as connection:
                return await read_revision(connection)
    finally:
        await engine.dispose()


async def backup(url: str, target: Path) -> Path:
    """Copy a SQLite database, also while a server writes to it; the copy is whole or not there.

    Args:
        url: `DATABASE_URL`.
        target: The file to make, readable for this user only; its folder is made if need be.

    Returns:
        `target`.

    Raises:
        AlreadyExistsError: `target` is there already.
        StorageError: There is no database, it is not SQLite, or the copy failed.
    """
    parsed = parse_url(url)
    if not is_sqlite(parsed):
        raise StorageError("only a SQLite database can be copied from here", remedy="use pg_dump")
    source = sqlite_file(parsed)
    if not source.exists():
        raise StorageError(f"there is no database at {source}", remedy="see DATABASE_URL and DATA_DIR")
    await asyncio.to_thread(_copy, source, target)
    return target


async def _upgrade(url: URL, *, backup: Path | None) -> UpgradeReport:
    engine = create_engine(url)
    try:
        with storage_errors():
            async with engine.execution_options(**WRITES).begin() as connection:
                if not is_sqlite(url):
                    await connection.execute(
                        text("SELECT pg_advisory_xact_lock(:number)"), {"number": _POSTGRESQL_LOCK}
                    )
                before = await read_revision(connection)
                refuse_newer(before)
                await connection.run_sync(_run_steps)
    except CommandError as error:
        raise StorageError(f"the database could not be upgraded: {error}") from error
    finally:
        await engine.dispose()
    return UpgradeReport(before, CURRENT, backup)


def _run_steps(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, CURRENT)


@asynccontextmanager
async def _file_lock(path: Path, *, within: float) -> AsyncIterator[None]:
    """Hold a lock that the kernel takes back when this process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            async with asyncio.timeout(within):
                while not _try_lock(descriptor):  # noqa: ASYNC110 - no event tells when another process is done
                    await asyncio.sleep(_LOCK_POLL_SECONDS)
        except TimeoutError:
            raise StorageUnavailableError(
                f"another process has been upgrading the database for {within:.0f} s",
                remedy=f"wait for it, or end it; it holds {path}",
            ) from None
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_private_folder(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be made: {error.strerror}", remedy="see DATA_DIR and DATABASE_URL"
        ) from error


def _make_private_file(file: Path) -> None:
    # SQLite would make it readable for everybody, and its -wal and -shm files as the file is.
    try:
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StorageError(
            f"{file} cannot be written: {error.strerror}", remedy="see DATA_DIR and DATABASE_URL"
        ) from error


def _copy(source: Path, target: Path) -> None:
    if target.exists():
        raise AlreadyExistsError(f"{target} is there already", remedy="choose another name")
    _make_private_folder(target.parent)
    unfinished = target.with_name(_UNFINISHED.format(name=target.name))
    try:
        unfinished.unlink(missing_ok=True)
        _make_private_file(unfinished)
        with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(unfinished)) as there:
            here.backup(there)
        _to_disk(unfinished)
        unfinished.rename(target)
        _to_disk(target.parent)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
        raise StorageError(
            f"the database could not be copied to {target}: {error}",
            remedy="see whether there is room for it",
        ) from error


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _backup_name(file: Path, found: str, clock: Clock) -> str:
    return f"{file.stem}-{clock():%Y%m%dT%H%M%S%f}Z-{found}{file.suffix}"


def _forget_old_backups(file: Path, backup_dir: Path, keep: int) -> None:
    digits = "[0-9]" * 8 + "T" + "[0-9]" * 12
    name = f"{escape(file.stem)}-{digits}Z-[0-9][0-9][0-9][0-9]{escape(file.suffix)}"
    # The time in the names sorts them.
    copies = sorted(backup_dir.glob(name))
    # What a killed process began; nobody else makes such copies while this one holds the lock.
    begun = backup_dir.glob(_UNFINISHED.format(name=name))
    for old in (*copies[: max(0, len(copies) - keep)], *begun):
        with suppress(OSError):
            old.unlink()
