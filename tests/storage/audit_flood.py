"""Writes audit rows until it is killed; prints, after each commit, how many rows are committed."""

from __future__ import annotations

import asyncio
import sys

from storage.audit import AuditWriter
from storage.clock import utc_now
from storage.database import Database
from storage.records import AuditRow


async def _flood(url: str) -> None:
    writer = AuditWriter(Database(url))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(writer.run())
        number = 0
        while True:
            for _ in range(20):
                writer.record(
                    AuditRow(f"r{number:08}", utc_now(), None, None, "said", {"x": 1}, None, "ok", 1.0)
                )
                number += 1
            while writer.queued:
                await asyncio.sleep(0)
            sys.stdout.write(f"{writer.counters.written}\n")
            sys.stdout.flush()


asyncio.run(_flood(sys.argv[1]))
