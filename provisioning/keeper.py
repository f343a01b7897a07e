"""Brings one instance to where its row says it should be, and keeps it there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from random import Random
from typing import Final

import structlog

from provisioning.driver import (
    Condition,
    Driver,
    Endpoint,
    InstanceSpec,
    Observation,
    Progress,
    ProgressListener,
)
from provisioning.errors import FailureReason, HomeError, HomeUnauthorizedError, InstanceError
from provisioning.home.live import HomeStatus, LiveHome
from provisioning.homes import Absence
from provisioning.onboarding import RENEW_BEFORE_DAYS, Onboarding
from provisioning.options import ProvisionerOptions
from provisioning.plan import Action, planned
from provisioning.spec import spec_of
from provisioning.stored_account import StoredAccount, days_left
from storage.errors import (
    NotFoundError,
    PortsExhaustedError,
    SecretError,
    StorageError,
    SubnetsExhaustedError,
)
from storage.instances import Instances
from storage.journal import Journal
from storage.records import (
    DesiredState,
    InstanceRecord,
    InstanceStatus,
    OperationKind,
    OperationOutcome,
)
from storage.users import Users

_logger = structlog.get_logger(__name__)

DEATH_SECONDS: Final = 0.25
"""So much later than its consequences the end of an instance may be noticed."""

LOOKS_UNTIL_TAKEN: Final = 3
"""Looks in a row that find the port of a starting instance in other hands, before that is believed."""

_ABSENT: Final = {
    InstanceStatus.REQUESTED: HomeStatus.STARTING,
    InstanceStatus.CREATING: HomeStatus.STARTING,
    InstanceStatus.STARTING: HomeStatus.STARTING,
    InstanceStatus.ONBOARDING: HomeStatus.STARTING,
    InstanceStatus.READY: HomeStatus.STARTING,
    InstanceStatus.STOPPED: HomeStatus.STOPPED,
    InstanceStatus.FAILED: HomeStatus.FAILED,
    InstanceStatus.REMOVING: HomeStatus.MISSING,
}


MakeHome = Callable[[str, str, str], LiveHome]
"""Makes the home of a user (id) at an address with a token, not yet running."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all keepers share.

    Attributes:
        foreign_ports: Ports of the range on which somebody else was found listening.
        foreign_subnets: Subnets of the pool that somebody else was found to have.
        starting: Held while an instance that the server runs starts.
        report: Told how the preparation of a driver advances.
    """

    drivers: Mapping[str, Driver]
    instances: Instances
    journal: Journal
    users: Users
    onboarding: Onboarding
    make_home: MakeHome
    options: ProvisionerOptions
    starting: asyncio.Semaphore
    report: ProgressListener
    random: Random = field(default_factory=Random)
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    foreign_ports: set[int] = field(default_factory=set)
    foreign_subnets: set[IPv4Network] = field(default_factory=set)


class _Bell:
    """Wakes whoever waits; `ring` between two waits is not lost to one who asked for the bell before."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        rung, self._event = self._event, asyncio.Event()
        rung.set()

    def listen(self) -> asyncio.Event:
        """What will be set at the next ring."""
        return self._event


class Keeper:
    """Owns one instance: it alone starts and stops it, and runs its home.

    Whatever goes wrong is written into the row and tried again; it never leaves `run`.

    Args:
        user_id: Whose instance.
        name: Its name with the driver.
        surroundings: What all keepers share.
    """

    def __init__(self, user_id: str, name: str, surroundings: Surroundings) -> None:
        self.user_id = user_id
        self.name = name
        self._all = surroundings
        self._account = StoredAccount(user_id, surroundings.users, surroundings.instances)
        self._kick = _Bell()
        self._nudge = _Bell()
        self._home: LiveHome | None = None
        self._home_run: asyncio.Task[None] | None = None
        self._home_credentials = ("", "")
        self._given_before: tuple[str | None, str | None] = (None, None)
        self._tasks: asyncio.TaskGroup | None = None
        self._attempts = 0
        self._told: tuple[object, ...] = ()
        self._status = InstanceStatus.REQUESTED
        self._reason: str | None = None
        self._log = _logger.bind(user_id=user_id)

    @property
    def home(self) -> LiveHome | Absence:
        """The home if it can be used or will be in a moment, else why not."""
        home = self._home
        if home is not None and (self._status is InstanceStatus.READY or home.status is HomeStatus.LIVE):
            return home
        if self._reason == FailureReason.UNAUTHORIZED:
            return Absence(HomeStatus.UNAUTHORIZED, self._reason)
        return Absence(_ABSENT[self._status], self._reason)

    def kick(self) -> None:
        """Look at the row again, and try at once what is waiting to be tried again."""
        self._kick.ring()
        self._nudge.ring()

    def nudge(self) -> None:
        """Look at the instance again, if it is believed to run."""
        self._nudge.ring()

    async def run(self) -> None:
        """Keep the instance until its row is gone, or until cancelled; then it is left as it is."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                while (record := await self._row()) is not None:
                    await self._pursue(record)
            finally:
                await self._drop_home()

    # What is wanted.

    async def _row(self) -> InstanceRecord | None:
        """The row; None if it is gone. Where the database is out of order, waits for it."""
        while True:
            try:
                return await self._all.instances.get(self.user_id)
            except NotFoundError:
                return None
            except StorageError as error:
                self._log.warning("instance_row_unreadable", reason=error.message)
                await self._wait(self._kick.listen(), self._all.options.check_interval_seconds)

    async def _pursue(self, record: InstanceRecord) -> None:
        """Work towards what the row says, until it says something else."""
        self._attempts = 0
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._work(record))
            change = group.create_task(self._changed(record))
            await asyncio.wait({work, change}, return_when=asyncio.FIRST_COMPLETED)
            work.cancel()
            change.cancel()

    async def _changed(self, before: InstanceRecord) -> None:
        """Wait until the row wants something else than it did."""
        while True:
            kicked = self._kick.listen()
            record = await self._row()
            if record is None or _intent(record) != _intent(before):
                return
            await kicked.wait()

    async def _work(self, record: InstanceRecord) -> None:
        """Do what the row wants, again and again where it fails. Returns when nothing is left to do."""
        while True:
            kicked = self._kick.listen()
            try:
                if await self._bring_about(record):
                    return
            except InstanceError as error:
                await self._back_off(error, kicked)
            except StorageError as error:
                await self._back_off(InstanceError(FailureReason.INTERNAL, error.message), kicked)
            except Exception as error:  # noqa: BLE001 - one user's trouble, foreseen or not, is nobody else's
                self._log.exception("instance_failed_unexpectedly")
                await self._back_off(
                    InstanceError(FailureReason.INTERNAL, f"unexpected {type(error).__name__}"), kicked
                )
            record = await self._row() or record

    async def _bring_about(self, record: InstanceRecord) -> bool:
        """Bring the instance to where the row says; True when it is there for good."""
        driver = self._driver(record)
        match record.desired:
            case DesiredState.RUNNING:
                await self._bring_up(driver, record)
                await self._watch(driver, record)
                return False
            case DesiredState.STOPPED:
                await self._drop_home()
                await self._stop(driver, record)
                # Kept pursued: the row may want something else tomorrow.
                await asyncio.get_running_loop().create_future()
            case DesiredState.REMOVED:
                async with self._journaled(record, OperationKind.REMOVE):
                    await self._remove(driver, record)
        return True

    def _driver(self, record: InstanceRecord) -> Driver:
        driver = self._all.drivers.get(record.driver)
        if driver is None:
            raise InstanceError(
                FailureReason.CONFIGURATION,
                f"there is no driver {record.driver}",
                remedy=f"drivers here: {', '.join(sorted(self._all.drivers))}",
                transient=False,
            )
        return driver

    @asynccontextmanager
    async def _journaled(self, record: InstanceRecord, kind: OperationKind | None) -> AsyncIterator[None]:
        """Have it in the journal that this is under way, and what comes of it; None is nothing to write down.

        Where the server ends meanwhile it is left open, for the next one to find.
        """
        if kind is None:
            yield
            return
        operation = await self._all.journal.begin(self.user_id, record.id, kind, generation=record.generation)
        try:
            yield
        except InstanceError as error:
            await self._close(operation, f"{error.reason}: {error.message}")
            raise
        except Exception as error:
            await self._close(operation, type(error).__name__)
            raise
        await self._close(operation, None)

    async def _close(self, operation: int, failure: str | None) -> None:
        """Write down that an operation ended; one that cannot be is closed as the user's next one begins."""
        outcome = OperationOutcome.DONE if failure is None else OperationOutcome.FAILED
        try:
            await self._all.journal.end(operation, outcome, detail=failure)
        except StorageError as error:
            self._log.warning("operation_not_closed", reason=error.message)

    async def _stop(self, driver: Driver, record: InstanceRecord) -> None:
        runs = (await _look(driver, record.container_name)).condition is Condition.RUNNING
        async with self._journaled(record, OperationKind.STOP if runs and driver.onboards else None):
            await driver.stop(record.container_name, within=self._all.options.stop_timeout_seconds)
            await self._tell(InstanceStatus.STOPPED, generation=record.generation)

    async def _remove(self, driver: Driver, record: InstanceRecord) -> None:
        await self._drop_home()
        await self._tell(InstanceStatus.REMOVING)
        await driver.remove(record.container_name, keep_data=not record.remove_data)
        if driver.onboards:
            try:
                await self._all.users.clear_home_token(self.user_id)
            except NotFoundError:
                self._log.debug("instance_of_removed_user")
        await self._all.instances.remove(self.user_id)
        self._log.info("instance_removed", instance=record.container_name)

    # Up.

    async def _bring_up(self, driver: Driver, record: InstanceRecord) -> None:
        """Have it run, answer, let us in, and be mirrored."""
        spec = spec_of(record, self._all.options)
        seen = await _look(driver, spec.name)
        action = planned(record.desired, spec, seen, limited=driver.enforces_limits)
        async with self._journaled(record, _operation(record, action) if driver.onboards else None):
            await self._bring_up_by(action, driver, record, spec, seen)

    async def _bring_up_by(
        self, action: Action, driver: Driver, record: InstanceRecord, spec: InstanceSpec, seen: Observation
    ) -> None:
        """The same by what is planned, from what is seen of it."""
        if seen.endpoint is not None and action in {Action.NOTHING, Action.ADJUST}:
            if action is Action.ADJUST:
                await driver.adjust(spec)
            await self._until_it_answers(driver, spec, seen.endpoint)
            endpoint = seen.endpoint
        else:
            if not driver.onboards:
                self._given_before = await self._given()
            endpoint, spec = await self._start(driver, record)
        try:
            await self._enter_while_it_runs(driver, record, endpoint)
        except InstanceError as error:
            if error.reason is FailureReason.ONBOARDING and not error.transient:
                await self._stop_what_is_not_ours(driver, spec.name)
            raise
        seen = await _look(driver, spec.name)
        await self._tell(
            InstanceStatus.READY,
            generation=spec.generation,
            container_id=seen.container_id,
            version=(self._home.version if self._home else None) or seen.version,
        )

    async def _stop_what_is_not_ours(self, driver: Driver, name: str) -> None:
        """Stop a Home Assistant in which somebody else was faster to make the owner account.

        It would run on, as theirs, under the account of the server. One that was ours and whose password its
        owner changed is theirs by right, and runs on.
        """
        if driver.onboards and await self._account.password() is None:
            self._log.error("instance_taken_by_somebody_else")
            await driver.stop(name, within=self._all.options.stop_timeout_seconds)

    async def _start(self, driver: Driver, record: InstanceRecord) -> tuple[Endpoint, InstanceSpec]:
        """Start it and wait until it answers, not more of them at once than are allowed."""
        await self._tell(InstanceStatus.CREATING, phase="waiting for its turn")
        # What its user runs costs this machine nothing to start: one that is away keeps nobody waiting.
        async with self._all.starting if driver.onboards else nullcontext():
            await self._prepare(driver)
            await self._stop_what_is_out_of_date(driver, spec_of(record, self._all.options))
            await self._tell(InstanceStatus.CREATING)
            endpoint, spec = await self._start_on_a_free_port(driver, record)
            await self._tell(InstanceStatus.STARTING, phase="waiting for Home Assistant")
            await self._until_it_answers(driver, spec, endpoint)
        return endpoint, spec

    async def _stop_what_is_out_of_date(self, driver: Driver, spec: InstanceSpec) -> None:
        """Stop one that runs as something else than it is to be; not before its turn, for it is of use."""
        seen = await _look(driver, spec.name)
        if seen.condition is Condition.RUNNING and not _is_up_to_date(seen, spec):
            await self._tell(InstanceStatus.STARTING, phase="stopping")
            await driver.stop(spec.name, within=self._all.options.stop_timeout_seconds)

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

    async def _prepare(self, driver: Driver) -> None:
        """Have the driver prepared, its progress noted in the row."""
        latest: Progress | None = None

        def report(progress: Progress) -> None:
            nonlocal latest
            latest = progress
            self._all.report(progress)

        async with asyncio.TaskGroup() as group:
            task = group.create_task(_result(driver.prepare(report)))
            while not task.done():
                await asyncio.wait({task}, timeout=self._all.options.progress_interval_seconds)
                if latest is not None and not task.done():
                    await self._tell_progress(latest)
        if (error := task.result()) is not None:
            raise error

    async def _tell_progress(self, progress: Progress) -> None:
        """Note it in the row; where the database is out of order, the work itself goes on."""
        try:
            await self._tell(InstanceStatus.CREATING, phase=f"installing {progress}")
        except StorageError as error:
            self._log.warning("instance_progress_not_written", reason=error.message)

    async def _move(self, port: int) -> InstanceRecord:
        """Give the instance another port, because somebody else listens on this one."""
        foreign = self._all.foreign_ports
        foreign.add(port)
        try:
            record = await self._all.instances.move_port(
                self.user_id, self._all.options.port_range, set(foreign)
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
                self.user_id, self._all.options.network_pool, foreign
            )
        except SubnetsExhaustedError as error:
            foreign.clear()  # some may be free again when it is tried again
            raise InstanceError(
                FailureReason.SUBNETS_EXHAUSTED, error.message, remedy=error.remedy
            ) from error
        self._log.warning("instance_subnet_taken", subnet=str(subnet), instead=record.network_subnet)
        return record

    async def _until_it_answers(self, driver: Driver, spec: InstanceSpec, endpoint: Endpoint) -> None:
        """Wait until Home Assistant answers, and is certainly what answers.

        Raises:
            InstanceError: It ended (`died`, `out-of-memory`), somebody else was faster to listen at its port
                (`port-taken`), or it takes too long (`boot-timeout`).
        """
        options = self._all.options
        looks_taken = 0
        try:
            async with asyncio.timeout(options.boot_timeout_seconds):
                while True:
                    nudged = self._nudge.listen()
                    seen = await _look(driver, spec.name)
                    if seen.condition is not Condition.RUNNING:
                        raise _death(seen)
                    if seen.listening and (
                        not driver.onboards or await self._all.onboarding.answers(endpoint)
                    ):
                        return
                    looks_taken = looks_taken + 1 if seen.port_taken else 0
                    if looks_taken == LOOKS_UNTIL_TAKEN:
                        await driver.stop(spec.name, within=options.stop_timeout_seconds)
                        raise InstanceError(
                            FailureReason.PORT_TAKEN,
                            f"another program was faster to listen at {endpoint.url}",
                            remedy="another port is tried; stop that program, or widen the range of ports",
                        )
                    await self._wait(nudged, options.probe_interval_seconds)
        except TimeoutError:
            said = await driver.logs(spec.name, tail=1)
            await driver.stop(spec.name, within=options.stop_timeout_seconds)
            raise InstanceError(
                FailureReason.BOOT_TIMEOUT,
                ": ".join(
                    [f"Home Assistant did not answer within {options.boot_timeout_seconds:g} s", *said]
                ),
                remedy="look at its log; a slow machine may need a longer HA_BOOT_TIMEOUT_SECONDS",
            ) from None

    async def _enter_while_it_runs(self, driver: Driver, record: InstanceRecord, endpoint: Endpoint) -> None:
        """Enter, or notice that there is nothing to enter any more.

        Raises:
            InstanceError: It ended meanwhile, or could not be entered.
        """
        async with asyncio.TaskGroup() as group:
            entering = group.create_task(_result(self._enter(driver, record, endpoint)))
            ending = group.create_task(_result(self._until_it_ends(driver, record.container_name)))
            await asyncio.wait({entering, ending}, return_when=asyncio.FIRST_COMPLETED)
            if entering.done() and entering.result() is not None:
                # A connection breaks some milliseconds before its process is known to have ended.
                await asyncio.wait({ending}, timeout=DEATH_SECONDS)
            entering.cancel()
            ending.cancel()
        seen = await _look(driver, record.container_name)
        if seen.condition is not Condition.RUNNING and driver.onboards:
            await self._drop_home()
            raise _death(seen)
        for task in (entering, ending):
            if not task.cancelled() and (error := task.result()) is not None:
                raise error

    async def _until_it_ends(self, driver: Driver, name: str) -> None:
        while True:
            nudged = self._nudge.listen()
            if (await _look(driver, name)).condition is not Condition.RUNNING:
                return
            await self._wait(nudged, self._all.options.check_interval_seconds)

    async def _enter(self, driver: Driver, record: InstanceRecord, endpoint: Endpoint) -> None:
        """Have a token that works and a home that is mirrored with it."""
        token = await self._token(driver, endpoint)
        if token is None:
            if not driver.onboards:
                raise _unauthorized()
            token = await self._onboard(record, endpoint)
        await self._connect(endpoint, token)
        try:
            await self._until_home_is_ready(driver)
        except HomeUnauthorizedError:
            await self._drop_home()
            if not driver.onboards:
                # Asking again and again with a token that is refused gets an address banned.
                await driver.stop(record.container_name, within=self._all.options.stop_timeout_seconds)
                raise _unauthorized() from None
            self._log.warning("home_token_refused")
            await self._connect(endpoint, await self._onboard(record, endpoint))
            try:
                await self._until_home_is_ready(driver)
            except HomeUnauthorizedError as error:
                raise InstanceError(FailureReason.UNAUTHORIZED, error.message) from error

    async def _token(self, driver: Driver, endpoint: Endpoint) -> str | None:
        """The stored token, renewed where it is time; None where there is none to be used."""
        try:
            token = await self._all.users.home_token(self.user_id)
        except SecretError:
            if not driver.onboards:
                raise
            return None
        if token is None or not driver.onboards:
            return token
        if days_left(token, now=self._all.now()) < RENEW_BEFORE_DAYS:
            try:
                return await self._all.onboarding.renew(endpoint, self._account, token)
            except InstanceError as error:
                self._log.warning("home_token_not_renewed", reason=error.message)
                return None
        if (await self._all.users.get(self.user_id)).ha_instance_url != endpoint.url:
            await self._all.users.set_home(self.user_id, url=endpoint.url, token=token)
        return token

    async def _onboard(self, record: InstanceRecord, endpoint: Endpoint) -> str:
        await self._tell(InstanceStatus.ONBOARDING)
        seconds = self._all.options.onboarding_timeout_seconds
        try:
            async with asyncio.timeout(seconds):
                return await self._all.onboarding.run(endpoint, self._account, language=record.language)
        except TimeoutError:
            raise InstanceError(
                FailureReason.ONBOARDING,
                f"the onboarding of Home Assistant did not end within {seconds:g} s",
                remedy="see how busy this machine is; it is taken up again from where it came to",
            ) from None

    async def _until_home_is_ready(self, driver: Driver) -> None:
        if self._home is None:
            raise AssertionError("the home was connected before")
        try:
            await self._home.wait_ready(self._all.options.ready_timeout_seconds)
        except HomeUnauthorizedError:
            raise
        except HomeError as error:
            reason = FailureReason.BOOT_TIMEOUT if driver.onboards else FailureReason.UNREACHABLE
            raise InstanceError(reason, error.message) from error

    # Watching.

    async def _watch(self, driver: Driver, record: InstanceRecord) -> None:
        """Return as soon as something is to be done about a ready instance.

        Raises:
            InstanceError: It ended, or does not answer any more.
        """
        options = self._all.options
        spec = spec_of(record, self._all.options)
        since = last_live = self._all.clock()
        while True:
            nudged = self._nudge.listen()
            seen = await _look(driver, record.container_name)
            if seen.condition is not Condition.RUNNING:
                # Who listens on its port now may be anybody: the token goes nowhere until that is known.
                await self._drop_home()
                if seen.restart_wanted:
                    return
                raise _death(seen)
            if not _is_up_to_date(seen, spec):
                # Somebody changed it behind our back: its network is gone, or it was made anew.
                return
            now = self._all.clock()
            if now - since >= options.stable_after_seconds:
                self._attempts = 0
            if self._home is None or self._home.status is HomeStatus.UNAUTHORIZED:
                return
            if self._home.status is HomeStatus.LIVE:
                last_live = now
            elif now - last_live >= options.unresponsive_timeout_seconds:
                await driver.stop(record.container_name, within=options.stop_timeout_seconds)
                raise InstanceError(
                    FailureReason.UNREACHABLE,
                    f"Home Assistant did not answer for {options.unresponsive_timeout_seconds:g} s",
                )
            if await self._credentials_changed(driver):
                return
            await self._wait(nudged, options.check_interval_seconds)

    async def _credentials_changed(self, driver: Driver) -> bool:
        """Whether address or token are not those in use any more, or the token is to be renewed."""
        if driver.onboards:
            return days_left(self._home_credentials[1], now=self._all.now()) < RENEW_BEFORE_DAYS
        if await self._given() == self._given_before:
            return False
        await driver.stop(self.name, within=self._all.options.stop_timeout_seconds)
        return True

    async def _given(self) -> tuple[str | None, str | None]:
        """Address and token of the home, as they are stored."""
        user = await self._all.users.get(self.user_id)
        return user.ha_instance_url, await self._all.users.home_token(self.user_id)

    # The home.

    async def _connect(self, endpoint: Endpoint, token: str) -> None:
        """Have the home run with this address and token."""
        if self._tasks is None:
            raise AssertionError("homes run inside `run`")
        if self._home is None:
            self._home = self._all.make_home(self.user_id, endpoint.url, token)
            self._home.on_unauthorized(self.nudge)
            self._home_run = self._tasks.create_task(self._home.run(), name=f"home-{self.user_id[:8]}")
        elif self._home_credentials != (endpoint.url, token):
            self._home.use(url=endpoint.url, token=token)
        self._home_credentials = (endpoint.url, token)

    async def _drop_home(self) -> None:
        run, self._home_run, self._home = self._home_run, None, None
        self._home_credentials = ("", "")
        if run is not None:
            run.cancel()
            await asyncio.wait({run})

    # Failing, waiting, telling.

    async def _back_off(self, error: InstanceError, kicked: asyncio.Event) -> None:
        """Write down what went wrong, and wait before it is tried again; a kick ends the waiting."""
        options = self._all.options
        self._attempts += 1
        self._log.warning(
            "instance_failed", reason=error.reason, detail=error.message, attempt=self._attempts
        )
        try:
            if error.reason is FailureReason.DIED and self._attempts < options.crash_limit:
                await self._tell(InstanceStatus.STARTING, phase="starting again")
            else:
                await self._tell(InstanceStatus.FAILED, reason=error.reason, detail=str(error))
        except StorageError as storage_error:
            self._log.warning("instance_status_not_written", reason=storage_error.message)
        if not error.transient:
            await kicked.wait()
            return
        longest = min(
            options.longest_retry_seconds, options.first_retry_seconds * 2 ** min(self._attempts - 1, 16)
        )
        await self._wait(kicked, longest * self._all.random.uniform(0.5, 1.0))

    async def _wait(self, bell: asyncio.Event, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            pass

    async def _tell(
        self,
        status: InstanceStatus,
        *,
        phase: str | None = None,
        reason: FailureReason | None = None,
        detail: str | None = None,
        generation: int | None = None,
        container_id: str | None = None,
        version: str | None = None,
    ) -> None:
        """Write down what is seen, if it is not what was written last."""
        self._status, self._reason = status, reason
        told = (status, phase, reason, detail, generation, container_id, version)
        if told == self._told:
            return
        # A write that fails or is cancelled may have been made all the same: until then nothing is told.
        self._told = ()
        await self._all.instances.observed(
            self.user_id,
            status=status,
            phase=phase,
            failure_reason=reason,
            failure_detail=detail,
            observed_generation=generation,
            container_id=container_id,
            version=version,
        )
        self._told = told
        self._log.info("instance_status", status=status, phase=phase, reason=reason)


async def _result(work: Awaitable[None]) -> Exception | None:
    """What goes wrong with it, as a result, so that it comes out of a group plain."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - raised again by whoever asked
        return error
    return None


async def _look(driver: Driver, name: str) -> Observation:
    return (await driver.observe([name]))[name]


def _is_up_to_date(seen: Observation, spec: InstanceSpec) -> bool:
    """Whether it runs, and as what it is to be."""
    return seen.condition is Condition.RUNNING and seen.fingerprint == spec.fingerprint()


_OPERATIONS: Final = {Action.START: OperationKind.START, Action.REPLACE: OperationKind.REPLACE}


def _operation(record: InstanceRecord, action: Action) -> OperationKind | None:
    """What it takes to have it up as it is to be; None where no more than its limits are to be changed."""
    if record.observed_generation == 0:
        return OperationKind.CREATE
    if record.observed_generation != record.generation:
        return OperationKind.REPLACE
    return _OPERATIONS.get(action)


def _intent(record: InstanceRecord) -> tuple[object, ...]:
    return (
        record.id,
        record.driver,
        record.desired,
        record.generation,
        record.memory_limit,
        record.cpu_limit,
    )


def _death(seen: Observation) -> InstanceError:
    if seen.out_of_memory:
        return InstanceError(
            FailureReason.OUT_OF_MEMORY,
            seen.ended or "Home Assistant was killed for want of memory",
            remedy="give it more with HA_MEMORY_LIMIT",
        )
    return InstanceError(
        FailureReason.DIED, seen.ended or "Home Assistant ended", remedy="look at its log: `instance logs`"
    )


def _unauthorized() -> InstanceError:
    return InstanceError(
        FailureReason.UNAUTHORIZED,
        "Home Assistant refuses the token",
        remedy="make a long-lived access token in the profile in Home Assistant, and give that",
        transient=False,
    )
