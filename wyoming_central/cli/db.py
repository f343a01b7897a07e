"""`wyoming-central db`: the database as a whole."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from config.settings import Settings, load_settings
from storage.migrate import backup as copy_database
from storage.migrate import upgrade as upgrade_database
from wyoming_central.cli.commands import group
from wyoming_central.cli.output import note
from wyoming_central.cli.quiet import quiet_logs

app = group("Bring the database up to date, or copy it.")


@app.command()
def upgrade() -> None:
    """Bring the tables to what this version needs.

    Makes the database if there is none. A SQLite database is copied to DATA_DIR/backups before anything in
    it is changed. A server does the same when it starts.
    """
    quiet_logs()
    settings = load_settings()
    report = asyncio.run(upgrade_database(_url(settings), backup_dir=_backups(settings)))
    if report.before == report.after:
        note(f"The database is up to date: revision {report.after}.")
        return
    if report.backup is not None:
        note(f"Copied it to {report.backup} first.")
    came_from = f"from revision {report.before}" if report.before else "from nothing"
    note(f"Brought the database {came_from} to revision {report.after}.")


@app.command()
def backup(
    *,
    target: Annotated[
        Path | None,
        typer.Argument(metavar="TARGET", help="File, or folder to put it in. Default: DATA_DIR/backups."),
    ] = None,
) -> None:
    """Copy a SQLite database, also while the server runs.

    Prints where the copy is. To be of use, a copy needs the keys that are not in it: JWT_SECRET and
    ENCRYPTION_KEY, or the folder `secrets` in the data folder.
    """
    quiet_logs()
    settings = load_settings()
    made = asyncio.run(copy_database(_url(settings), _target(settings, target)))
    sys.stdout.write(f"{made}\n")


def _target(settings: Settings, wanted: Path | None) -> Path:
    name = f"wyoming-central-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.db"
    if wanted is None:
        return _backups(settings) / name
    return wanted / name if wanted.is_dir() else wanted


def _backups(settings: Settings) -> Path:
    return settings.data_dir / "backups"


def _url(settings: Settings) -> str:
    return settings.database_url.get_secret_value()
