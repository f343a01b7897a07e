"""A SQLite database that was brought to the present tables once, copied for every test that wants one."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from storage.engine import parse_url, sqlite_file
from storage.migrate import upgrade


def put_migrated(url: str) -> None:
    """Have the database at a URL of SQLite, with all tables, empty; 40 ms sooner than `upgrade`."""
    file = sqlite_file(parse_url(url))
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_made())


@cache
def _made() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "made.db"
        # In a thread of its own: the one that asks may have a loop already.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(_make, f"sqlite+aiosqlite:///{file}").result()
        return file.read_bytes()


def _make(url: str) -> None:
    asyncio.run(upgrade(url, backup_dir=None))
