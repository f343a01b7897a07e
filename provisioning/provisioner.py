"""A Home Assistant for every user who asked for one: a keeper for every row, and homes for the turns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from random import Random

import aiohttp
import structlog

from provisioning.driver import Driver, DriverEvent, Progress, ProgressListener
from provisioning.errors import InstanceError
from provisioning.home.live import HomeStatus, LiveHome
from provisioning.homes import Absence
from provisioning.keeper import Keeper
from provisioning.kept_home import MakeHome
from provisioning.onboarding import Onboarding
from provisioning.options import ProvisionerOptions
from provisioning.surroundings import Surroundings
from storage.errors import StorageError
from storage.instances import Instances
from storage.journal import Journal
from storage.records import InstanceRecord, InstanceStatus, OperationRecord
from storage.users import Users

__all__ = ["Provisioner", "ProvisionerOptions"]

_logger = structlog.get_logger(__name__)

STOP_CONCURRENCY = 8
"""Instances that are stopped at once when the server ends; each takes about 3 s of mostly waiting."""


class Provisioner:
    """Brings every instance to where its row says.

    Args:
        drivers: The ways to run one, by the word in `ha_instances.driver`.
        instances: The table.
        journal: Where what is done with them is written down.
        users: Where tokens are kept.
        http: Session for onboarding and homes, as `session_for_homes` gives.
        options: Limits and intervals.
        report: Told how the preparation of a driver (an installation) advances.
        onboarding: Instead of the real one.
        make_home: Instead of a `LiveHome`.
        random: Source of the jitter between attempts.
        clock: Monotonic seconds.
        now: Seconds since 1970, for the expiry of tokens.
    """

    def __init__(
        self,
        *,
        drivers: Mapping[str, Driver],
        instances: Instances,
        journal: Journal,
        users: Users,
        http: aiohttp.ClientSession,
        options: ProvisionerOptions,
        report: ProgressListener | None = None,
        onboarding: Onboarding | None = None,
        make_home: MakeHome | None = None,
        random: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        def live_home(user_id: str, url: str, token: str) -> LiveHome:
            return LiveHome(user_id=user_id, url=url, token=token, http=http)

        self._drivers = dict(drivers)
        self._instances = instances
        self._journal = journal
        self._options = options
        self._surroundings = Surroundings(
            drivers=self._drivers,
            instances=instances,
            journal=journal,
            users=users,
            onboarding=onboarding or Onboarding(http=http),
            make_home=make_home or live_home,
            options=options,
            starting=asyncio.Semaphore(options.start_concurrency),
            report=report or _to_nobody,
            random=random or Random(),
            clock=clock,
            now=now,
        )
        self._keepers: dict[str, Keeper] = {}
        self._wake = asyncio.Event()
        self._orphans: set[tuple[str, str]] = set()
        self._has_run = False

    def home_of(self, user_id: str) -> LiveHome | Absence:
        """The user's home, or why there is none."""
        keeper = self._keepers.get(user_id)
        return Absence(HomeStatus.MISSING) if keeper is None else keeper.home

    def kick(self, user_id: str | None = None) -> None:
        """Have the row of this user, or all, looked at again at once, and what failed tried again."""
        keepers = self._keepers.values() if user_id is None else filter(None, [self._keepers.get(user_id)])
        for keeper in keepers:
            keeper.kick()
        self._wake.set()

    async def run(self) -> None:
        """Provision until cancelled; instances are then left as they are (see `stop_all`).

        Only one server at a time may do so, which the lease takes care of.
        """
        self._has_run = True
        # Whatever was known may be old: another server may have provisioned since.
        await self._let_go()
        await self._take_up_what_was_interrupted()
        try:
            async with asyncio.TaskGroup() as group:
                for driver in self._drivers.values():
                    group.create_task(self._listen(driver), name=f"driver-events-{driver.kind}")
                while True:
                    self._wake.clear()
                    await self._reconcile(group)
                    await self._until_woken(self._options.reconcile_interval_seconds)
        finally:
            self._keepers.clear()

    async def _until_woken(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _take_up_what_was_interrupted(self) -> None:
        """Say what an earlier server did not get done; its keeper does what is wanted of it by now.

        Nothing is begun before that is written down: later it could not be told from what is under way.
        """
        while (interrupted := await self._close_interrupted()) is None:
            await self._until_woken(self._options.check_interval_seconds)
        for operation in interrupted:
            _logger.warning(
                "operation_interrupted",
                operation=operation.kind,
                user_id=operation.user_id,
                began_at=operation.began_at.isoformat(),
            )

    async def _close_interrupted(self) -> tuple[OperationRecord, ...] | None:
        self._wake.clear()
        try:
            return await self._journal.close_interrupted()
        except StorageError as error:
            _logger.warning("journal_unreadable", reason=error.message)
            return None

    async def stop_all(self) -> None:
        """Stop, in order, what should not run without the server; call it after `run` has ended.

        A server that never provisioned stops nothing: what runs is another one's.
        """
        if not self._has_run:
            return
        room = asyncio.Semaphore(STOP_CONCURRENCY)
        async with asyncio.TaskGroup() as group:
            for driver in self._drivers.values():
                if driver.ends_with_server:
                    for record in await self._run_by(driver):
                        group.create_task(self._stop(driver, record, room))
        await self._let_go()

    async def _let_go(self) -> None:
        for driver in self._drivers.values():
            await driver.close()

    async def _reconcile(self, group: asyncio.TaskGroup) -> None:
        """Have a keeper for every row; what has no row is reported and left alone."""
        try:
            records = await self._instances.list()
        except StorageError as error:
            _logger.warning("instances_unreadable", reason=error.message)
            return
        for record in records:
            if record.user_id not in self._keepers:
                keeper = self._keepers[record.user_id] = Keeper(
                    record.user_id, record.container_name, self._surroundings
                )
                group.create_task(self._keep(keeper), name=f"keeper-{record.user_id[:8]}")
        known = {record.user_id for record in records}
        for user_id, keeper in self._keepers.items():
            if user_id not in known:
                keeper.kick()  # it finds its row gone, and ends
        await self._report_orphans({record.container_name for record in records})

    async def _keep(self, keeper: Keeper) -> None:
        """Run a keeper; a mistake in it costs nobody else's home, and another one is made soon."""
        try:
            await keeper.run()
            self._wake.set()  # its row is gone; one that was asked for anew meanwhile needs another keeper
        except Exception:
            _logger.exception("keeper_failed", user_id=keeper.user_id)
        finally:
            if self._keepers.get(keeper.user_id) is keeper:
                del self._keepers[keeper.user_id]

    async def _listen(self, driver: Driver) -> None:
        """Nudge the keepers of those instances that the driver tells of."""
        while True:
            try:
                async for event in driver.events():
                    self._take(event)
            except Exception:  # without its events, everything still works: at the pace of the timers
                _logger.exception("driver_events_failed", driver=driver.kind)
            await asyncio.sleep(self._options.check_interval_seconds)

    def _take(self, event: DriverEvent) -> None:
        for keeper in self._keepers.values():
            if event.name in {None, keeper.name}:
                keeper.nudge()
        if event.name is None:
            self._wake.set()

    async def _report_orphans(self, known: set[str]) -> None:
        for driver in self._drivers.values():
            try:
                found = await driver.observe()
            except InstanceError as error:
                _logger.warning("driver_sees_nothing", driver=driver.kind, reason=error.message)
                continue
            orphans = {(driver.kind, name) for name in found if name not in known}
            for kind, name in sorted(orphans - self._orphans):
                _logger.warning("instance_orphaned", driver=kind, instance=name)
            self._orphans = {o for o in self._orphans if o[0] != driver.kind} | orphans

    async def _run_by(self, driver: Driver) -> list[InstanceRecord]:
        try:
            records = await self._instances.list()
        except StorageError as error:
            _logger.warning("instances_unreadable", reason=error.message)
            return []
        return [record for record in records if record.driver == driver.kind]

    async def _stop(self, driver: Driver, record: InstanceRecord, room: asyncio.Semaphore) -> None:
        try:
            async with room:
                await driver.stop(record.container_name, within=self._options.stop_timeout_seconds)
            if record.status is not InstanceStatus.FAILED:  # why it failed is worth keeping
                await self._instances.observed(record.user_id, status=InstanceStatus.STOPPED)
        except (InstanceError, StorageError) as error:
            _logger.warning("instance_not_stopped", instance=record.container_name, reason=error.message)


def _to_nobody(progress: Progress) -> None:
    del progress
