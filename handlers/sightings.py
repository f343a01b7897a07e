"""When each device was heard last; written every few seconds, because no turn should wait for it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Final

import structlog

from config.errors import WyomingCentralError
from storage.devices import Devices

_log = structlog.get_logger(__name__)

# `device list` tells people "3 minutes ago", not more exactly.
WRITE_EVERY_SECONDS: Final = 10.0


class Sightings:
    """Notes which devices were heard, and writes it to `devices.last_seen_at`.

    Args:
        devices: The table.
        every_seconds: How often it is written.
    """

    def __init__(self, devices: Devices, *, every_seconds: float = WRITE_EVERY_SECONDS) -> None:
        self._devices = devices
        self._every = every_seconds
        self._heard: dict[str, float] = {}

    def note(self, device_id: str, at: float) -> None:
        """A device was heard at `at`, seconds since the epoch."""
        self._heard[device_id] = at

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await asyncio.sleep(self._every)
            await self.flush()

    async def flush(self) -> None:
        """Write what was noted; what cannot be written now is dropped, for the next time says it better."""
        heard, self._heard = self._heard, {}
        try:
            await self._devices.touch(
                {device_id: datetime.fromtimestamp(at, UTC) for device_id, at in heard.items()}
            )
        except WyomingCentralError as error:
            _log.warning("it could not be noted which devices were heard", error=error.message)
