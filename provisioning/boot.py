"""From the row of an instance to a Home Assistant that answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv4Network
from typing import Final

from structlog.typing import FilteringBoundLogger

from provisioning.bell import Bell, rung_within
from provisioning.driver import Condition, Driver, Endpoint, InstanceSpec, Progress
from provisioning.errors import FailureReason, InstanceError
from provisioning.kept_home import KeptHome
from provisioning.look import death, look, until_it_ends
from provisioning.plan import Action, planned
from provisioning.result import result_of
from provisioning.spec import spec_of
from provisioning.surroundings import Surroundings
from provisioning.told_status import ToldStatus
from storage.errors import PortsExhaustedError, StorageError, SubnetsExhaustedError
from storage.records import InstanceRecord, InstanceStatus

LOOKS_UNTIL_TAKEN: Final = 3
"""Looks in a row that find the port of a starting instance in other hands, before that is believed."""


class Boot:
    """Starts one instance, and stops it.

    Args:
        user_id: Whose instance.
        surroundings: What all instances share.
        told: How it is, for its row.
        home: Let go of before the instance is stopped: its port may be anybody's from then on.
        nudge: Rung when the instance is to be looked at.
        log: Bound to the user.
    """

    def __init__(
        self,
        user_id: str,
        surroundings: Surroundings,
        *,
        told: ToldStatus,
        home: KeptHome,
        nudge: Bell,
        log: FilteringBoundLogger,
    ) -> None:
        self._user_id = user_id
        self._all = surroundings
        self._told = told
        self._home = home
        self._nudge = nudge
        self._log = log

    async def start(self, driver: Driver, record: InstanceRecord) -> tuple[Endpoint, InstanceSpec]:
        """Start it and wait until it answers, not more of them at once than are allowed.

        Returns:
            Where it answers, and what it is by now: its port or subnet may have had to be another one.

        Raises:
            InstanceError: It cannot be had.
            StorageError: Its row cannot be written.
        """
        await self._prepare(driver)
        async with self._turn(driver, record.container_name):
            await self._stop_what_is_out_of_date(driver, record)
            await self._told.tell(InstanceStatus.CREATING)
            endpoint, spec = await self._start_on_a_free_port(driver, record)
            await self._told.tell(InstanceStatus.STARTING, phase="waiting for Home Assistant")
            await self.until_it_answers(driver, spec, endpoint)
        return endpoint, spec

    async def stop(self, driver: Driver, name: str) -> None:
        """Let go of the home, and stop the instance.

        Raises:
            InstanceError: It cannot be stopped.
        """
        await self._home.drop()
        await driver.stop(name, within=self._all.options.stop_timeout_seconds)

    async def until_it_answers(self, driver: Driver, spec: InstanceSpec, endpoint: Endpoint) -> None:
        """Wait until Home Assistant answers, and is certainly what answers.

        Raises:
            InstanceError: It ended (`died`, `out-of-memory`), somebody else was faster to listen at its port
                (`port-taken`), or it takes too long (`boot-timeout`); the latter two are stopped.
        """
        seconds = self._all.options.boot_timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                await self._until_it_answers(driver, spec, endpoint)
        except TimeoutError:
            said = await driver.logs(spec.name, tail=1)
            await self.stop(driver, spec.name)
            raise InstanceError(
                FailureReason.BOOT_TIMEOUT,
                ": ".join([f"Home Assistant did not answer within {seconds:g} s", *said]),
                remedy="look at its log; a slow machine may need a longer HA_BOOT_TIMEOUT_SECONDS",
            ) from None

    async def _until_it_answers(self, driver: Driver, spec: InstanceSpec, endpoint: Endpoint) -> None:
        looks_taken = 0
        while True:
            nudged = self._nudge.listen()
            seen = await look(driver, spec.name)
            if seen.condition is not Condition.RUNNING:
                raise death(seen)
            if seen.listening and (not driver.onboards or await self._all.onboarding.answers(endpoint)):
                return
            looks_taken = looks_taken + 1 if seen.port_taken else 0
            if looks_taken == LOOKS_UNTIL_TAKEN:
                await self.stop(driver, spec.name)
                raise InstanceError(
                    FailureReason.PORT_TAKEN,
                    f"another program was faster to listen at {endpoint.url}",
                    remedy="another port is tried; stop that program, or widen the range of ports",
                )
            await rung_within(nudged, self._all.options.probe_interval_seconds)

    # A turn.

    @asynccontextmanager
    async def _turn(self, driver: Driver, name: str) -> AsyncIterator[None]:
        """Wait for a place among those that start at once, and have it.

        What its user runs costs this machine nothing to start: one that is away keeps nobody waiting.
        """
        await self._told.tell(InstanceStatus.CREATING, phase="waiting for its turn")
        if not driver.onboards:
            yield
            return
        watching = asyncio.create_task(self._let_go_once_it_ends(driver, name))
        try:
            async with self._all.starting:
                watching.cancel()
                yield
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _let_go_once_it_ends(self, driver: Driver, name: str) -> None:
        """One that is to be replaced is of use until its turn, unless it ends before, or cannot be seen."""
        try:
            await until_it_ends(driver, name, self._nudge, self._all.options.check_interval_seconds)
        except InstanceError as error:
            self._log.warning("instance_not_seen_while_it_waits", reason=error.message)
        await self._home.drop()

    async def _stop_what_is_out_of_date(self, driver: Driver, record: InstanceRecord) -> None:
        spec = spec_of(record, self._all.options)
        seen = await look(driver, spec.name)
        if planned(record.desired, spec, seen, limited=driver.enforces_limits) is Action.REPLACE:
            await self._told.tell(InstanceStatus.STARTING, phase="stopping")
            await self.stop(driver, spec.name)

    # What it needs.

    async def _prepare(self, driver: Driver) -> None:
        """Have the driver prepared, its progress noted in the row."""
        latest: Progress | None = None

        def report(progress: Progress) -> None:
            nonlocal latest
            latest = progress
            self._all.report(progress)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(result_of(driver.prepare(report)))
            while not task.done():
                await asyncio.wait({task}, timeout=self._all.options.progress_interval_seconds)
                if latest is not None and not task.done():
                    await self._tell_progress(latest)
        if (error := task.result()) is not None:
            raise error

    async def _tell_progress(self, progress: Progress) -> None:
        """Note it in the row; where the database is out of order, the work itself goes on."""
        try:
            await self._told.tell(InstanceStatus.CREATING, phase=f"installing {progress}")
        except StorageError as error:
            self._log.warning("instance_progress_not_written", reason=error.message)

    async def _start_on_a_free_port(
        self, driver: Driver, record: InstanceRecord
    ) -> tuple[Endpoint, InstanceSpec]:
        while True:
            spec = spec_of(record, self._all.options)
            try:
                return await driver.start(spec), spec
            except InstanceError as error:
                if error.reason is FailureReason.PORT_TAKEN and record.host_port is not None:
                    record = await self._move(record.host_port)
                elif error.reason is FailureReason.SUBNET_TAKEN and record.network_subnet is not None:
                    record = await self._move_subnet(IPv4Network(record.network_subnet))
                else:
                    raise

    async def _move(self, port: int) -> InstanceRecord:
        """Give the instance another port, because somebody else listens on this one."""
        foreign = self._all.foreign_ports
        foreign.add(port)
        try:
            record = await self._all.instances.move_port(
                self._user_id, self._all.options.port_range, set(foreign)
            )
        except PortsExhaustedError as error:
            foreign.clear()  # some may be free again when it is tried again
            raise InstanceError(FailureReason.PORTS_EXHAUSTED, error.message, remedy=error.remedy) from error
        self._log.warning("instance_port_taken", port=port, instead=record.host_port)
        return record

    async def _move_subnet(self, subnet: IPv4Network) -> InstanceRecord:
        """Give the instance another subnet, because somebody else has this one."""
        foreign = self._all.foreign_subnets
        foreign.add(subnet)
        try:
            record = await self._all.instances.move_subnet(
                self._user_id, self._all.options.network_pool, foreign
            )
        except SubnetsExhaustedError as error:
            foreign.clear()  # some may be free again when it is tried again
            raise InstanceError(
                FailureReason.SUBNETS_EXHAUSTED, error.message, remedy=error.remedy
            ) from error
        self._log.warning("instance_subnet_taken", subnet=str(subnet), instead=record.network_subnet)
        return record
