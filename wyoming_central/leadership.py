"""Of all servers on one database, exactly one works on the instances: the one that holds the lease."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import structlog

from config.errors import WyomingCentralError
from storage.lease import Lease

_log = structlog.get_logger(__name__)

# How often it is looked whether the claim still stands; asking that costs nothing.
_LOOKS_PER_RENEWAL: Final = 4


class Leadership:
    """Claims the lease, works while it holds, and steps back the moment it may have been lost.

    Args:
        lease: The claim.
        work: What only the leader does; runs until cancelled.
        renew_seconds: How often the claim is renewed, or tried for; a third of its time to live.
    """

    def __init__(
        self, lease: Lease, work: Callable[[], Coroutine[Any, Any, None]], *, renew_seconds: float
    ) -> None:
        self._lease = lease
        self._work = work
        self._renew_seconds = renew_seconds

    @property
    def leads(self) -> bool:
        """Whether the lease is held now, as far as can be said without asking the database."""
        return self._lease.held

    async def run(self) -> None:
        """Lead whenever possible, until cancelled. The lease is not given up here: `resign` does that."""
        while True:
            if await self._claimed():
                _log.info("leading: this server looks after the instances")
                await self._lead()
                _log.warning("no longer leading")
            await asyncio.sleep(self._renew_seconds)

    async def keep(self) -> None:
        """Hold on to the lease, if it is held, until cancelled: for what is still to be done after `run`."""
        while self._lease.held:
            await asyncio.sleep(self._renew_seconds)
            await self._renew()

    async def resign(self) -> None:
        """Give the lease up at a clean stop, so that a successor need not wait for it to lapse."""
        try:
            await self._lease.release()
        except WyomingCentralError as error:
            _log.warning("the lease could not be given up; it lapses by itself", error=error.message)

    async def _claimed(self) -> bool:
        try:
            return await self._lease.acquire()
        except WyomingCentralError as error:
            _log.warning("the lease could not be claimed", error=error.message)
            return False

    async def _lead(self) -> None:
        work = asyncio.create_task(self._work(), name="leader's work")
        # Beside it, and not waited for: a database that hangs must not hide that the claim has lapsed.
        renewals = asyncio.create_task(self.keep(), name="lease renewals")
        try:
            while self._lease.held and not (work.done() or renewals.done()):
                await asyncio.wait(
                    {work, renewals},
                    timeout=self._renew_seconds / _LOOKS_PER_RENEWAL,
                    return_when=asyncio.FIRST_COMPLETED,
                )
        finally:
            work.cancel()
            renewals.cancel()
            ends = await asyncio.gather(work, renewals, return_exceptions=True)
        for failure in ends:
            if isinstance(failure, Exception):
                _log.error("looking after the instances failed; it begins anew", exc_info=failure)

    async def _renew(self) -> None:
        try:
            await self._lease.renew()
        except WyomingCentralError as error:
            # The claim stands until its time; `held` turns false by itself when that is over.
            _log.warning("the lease could not be renewed", error=error.message)
