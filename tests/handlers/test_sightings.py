"""When a device was heard last is written now and then, and never at the cost of a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from handlers.sightings import Sightings
from storage.errors import StorageError


class StandInDevices:
    def __init__(self) -> None:
        self.touched: asyncio.Queue[Mapping[str, datetime]] = asyncio.Queue()
        self.failing = False

    async def touch(self, heard: Mapping[str, datetime]) -> None:
        if self.failing:
            raise StorageError("locked")
        self.touched.put_nowait(heard)


async def test_only_the_last_time_of_each_device_is_written() -> None:
    devices = StandInDevices()
    sightings = Sightings(devices, every_seconds=0.001)  # type: ignore[arg-type]
    for second in range(5):
        sightings.note("a1", 1000.0 + second)
    running = asyncio.create_task(sightings.run())
    written = await asyncio.wait_for(devices.touched.get(), 5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert written == {"a1": datetime.fromtimestamp(1004.0, UTC)}
    assert not any(devices.touched.get_nowait() for _ in range(devices.touched.qsize()))


async def test_a_locked_database_costs_nothing_but_the_note() -> None:
    devices = StandInDevices()
    devices.failing = True
    sightings = Sightings(devices)  # type: ignore[arg-type]
    sightings.note("a1", 1000.0)
    await sightings.flush()
    devices.failing = False
    sightings.note("a1", 1001.0)
    await sightings.flush()
    assert devices.touched.get_nowait() == {"a1": datetime.fromtimestamp(1001.0, UTC)}
