"""Brings one instance to where its row says it should be, and keeps it there."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from provisioning.bell import Bell, rung_within
from provisioning.boot import Boot
from provisioning.driver import Condition, Driver, Endpoint, InstanceSpec, Observation
from provisioning.errors import (
    FailureReason,
    HalfMadeOwnerError,
    HomeError,
    HomeUnauthorizedError,
    InstanceError,
)
from provisioning.home.live import HomeStatus, LiveHome
from provisioning.homes import Absence
from provisioning.kept_home import KeptHome
from provisioning.look import death, look, until_it_ends, until_it_runs
from provisioning.onboarding import RENEW_BEFORE_DAYS
from provisioning.operation import Operation
from provisioning.plan import Action, planned
from provisioning.result import result_of
from provisioning.spec import spec_of
from provisioning.stored_account import StoredAccount, days_left
from provisioning.surroundings import Surroundings
from provisioning.told_status import ToldStatus
from storage.errors import NotFoundError, SecretError, StorageError
from storage.records import DesiredState, InstanceRecord, InstanceStatus, OperationKind

_logger = structlog.get_logger(__name__)

DEATH_SECONDS: Final = 0.25
"""So much later than its consequences the end of an instance may be noticed."""

CLOSING_SECONDS: Final = 10.0
"""How long a removal may take to write down that it is done, when the row is gone already."""

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
        self._kick, self._nudge = Bell(), Bell()
        self._home = KeptHome(user_id, surroundings.make_home, self.nudge)
        self._log = _logger.bind(user_id=user_id)
        self._told = ToldStatus(user_id, surroundings.instances, self._log)
        self._operation = Operation(surroundings.journal, self._log)
        self._boot = Boot(
            user_id, surroundings, told=self._told, home=self._home, nudge=self._nudge, log=self._log
        )
        self._given_before: tuple[str | None, str | None] = (None, None)
        self._tasks: asyncio.TaskGroup | None = None
        self._attempts = 0

    @property
    def home(self) -> LiveHome | Absence:
        """The home if it can be used or will be in a moment, else why not."""
        home, status, reason = self._home.live, self._told.status, self._told.reason
        if home is not None and (status is InstanceStatus.READY or home.status is HomeStatus.LIVE):
            return home
        if reason == FailureReason.UNAUTHORIZED:
            return Absence(HomeStatus.UNAUTHORIZED, reason)
        return Absence(_ABSENT[status], reason)

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
                await self._home.drop()

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
                await rung_within(self._kick.listen(), self._all.options.check_interval_seconds)

    async def _pursue(self, record: InstanceRecord) -> None:
        """Work towards what the row says, until it says something else."""
        self._attempts = 0
        async with asyncio.TaskGroup() as group:
            work = group.create_task(self._work(record))
            change = group.create_task(self._changed(record))
            await asyncio.wait({work, change}, return_when=asyncio.FIRST_COMPLETED)
            if record.desired is DesiredState.REMOVED and change.done() and change.result() is None:
                # What it noticed is its own deed, and only that it is done has still to be written down.
                await asyncio.wait({work}, timeout=CLOSING_SECONDS)
            work.cancel()
            change.cancel()
        await self._operation.supersede()

    async def _changed(self, before: InstanceRecord) -> InstanceRecord | None:
        """Wait until the row wants something else than it did; gives it, None where it is gone."""
        while True:
            kicked = self._kick.listen()
            record = await self._row()
            if record is None or _intent(record) != _intent(before):
                return record
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
            again = await self._row()
            if again is None:
                return
            record = again

    async def _bring_about(self, record: InstanceRecord) -> bool:
        """Bring the instance to where the row says; True when it is there for good."""
        driver = self._driver(record)
        match record.desired:
            case DesiredState.RUNNING:
                await self._bring_up(driver, record)
                await self._watch(driver, record)
                return False
            case DesiredState.STOPPED:
                await self._keep_stopped(driver, record)
            case DesiredState.REMOVED:
                async with self._operation.under_way(record, OperationKind.REMOVE):
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

    # Not up.

    async def _keep_stopped(self, driver: Driver, record: InstanceRecord) -> None:
        """Have it not run, whoever starts it; never returns."""
        while True:
            await self._stop(driver, record)
            await until_it_runs(
                driver, record.container_name, self._nudge, self._all.options.check_interval_seconds
            )

    async def _stop(self, driver: Driver, record: InstanceRecord) -> None:
        runs = (await look(driver, record.container_name)).condition is Condition.RUNNING
        async with self._operation.under_way(
            record, OperationKind.STOP if runs and driver.onboards else None
        ):
            await self._boot.stop(driver, record.container_name)
            # One that never came up has nothing that could be missed at its next start.
            generation = record.generation if record.observed_generation > 0 else None
            await self._told.tell(InstanceStatus.STOPPED, generation=generation)

    async def _remove(self, driver: Driver, record: InstanceRecord) -> None:
        await self._home.drop()
        await self._told.tell(InstanceStatus.REMOVING)
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
        seen = await look(driver, spec.name)
        action = planned(record.desired, spec, seen, limited=driver.enforces_limits)
        async with self._operation.under_way(record, _operation(record, action) if driver.onboards else None):
            await self._bring_up_by(action, driver, record, spec, seen)

    async def _bring_up_by(
        self, action: Action, driver: Driver, record: InstanceRecord, spec: InstanceSpec, seen: Observation
    ) -> None:
        """The same by what is planned, from what is seen of it."""
        if seen.endpoint is not None and action in {Action.NOTHING, Action.ADJUST}:
            if action is Action.ADJUST:
                await driver.adjust(spec)
            await self._boot.until_it_answers(driver, spec, seen.endpoint)
            endpoint = seen.endpoint
        else:
            if not driver.onboards:
                self._given_before = await self._given()
            endpoint, spec = await self._boot.start(driver, record)
        try:
            await self._enter_while_it_runs(driver, record, endpoint)
        except HalfMadeOwnerError:
            await self._forget_half_made_owner(driver, record)
            raise
        except InstanceError as error:
            if error.reason is FailureReason.ONBOARDING and not error.transient:
                await self._stop_what_is_not_ours(driver, spec.name)
            raise
        seen = await look(driver, spec.name)
        await self._told.tell(
            InstanceStatus.READY,
            generation=spec.generation,
            container_id=seen.container_id,
            version=(self._home.live.version if self._home.live else None) or seen.version,
        )

    async def _stop_what_is_not_ours(self, driver: Driver, name: str) -> None:
        """Stop a Home Assistant in which somebody else was faster to make the owner account.

        It would run on, as theirs, under the account of the server. One that was ours and whose password its
        owner changed is theirs by right, and runs on.
        """
        if driver.onboards and await self._account.password() is None:
            self._log.error("instance_taken_by_somebody_else")
            await self._boot.stop(driver, name)

    async def _forget_half_made_owner(self, driver: Driver, record: InstanceRecord) -> None:
        """Have an instance be as if its owner's account had not been begun."""
        await self._boot.stop(driver, record.container_name)
        if record.observed_generation == 0:
            # Nobody was in it yet. In one that was up before, what it has not saved is forgotten: all that
            # can be done without touching its data.
            await driver.remove(record.container_name, keep_data=False)
        self._log.warning("instance_begins_anew", instance=record.container_name)

    async def _enter_while_it_runs(self, driver: Driver, record: InstanceRecord, endpoint: Endpoint) -> None:
        """Enter, or notice that there is nothing to enter any more.

        Raises:
            InstanceError: It ended meanwhile, or could not be entered.
        """
        async with asyncio.TaskGroup() as group:
            entering = group.create_task(result_of(self._enter(driver, record, endpoint)))
            ending = group.create_task(
                result_of(
                    until_it_ends(
                        driver,
                        record.container_name,
                        self._nudge,
                        self._all.options.check_interval_seconds,
                    )
                )
            )
            await asyncio.wait({entering, ending}, return_when=asyncio.FIRST_COMPLETED)
            if entering.done() and entering.result() is not None:
                # A connection breaks some milliseconds before its process is known to have ended.
                await asyncio.wait({ending}, timeout=DEATH_SECONDS)
            entering.cancel()
            ending.cancel()
        seen = await look(driver, record.container_name)
        if seen.condition is not Condition.RUNNING and driver.onboards:
            await self._home.drop()
            raise death(seen)
        for task in (entering, ending):
            if not task.cancelled() and (error := task.result()) is not None:
                raise error

    async def _enter(self, driver: Driver, record: InstanceRecord, endpoint: Endpoint) -> None:
        """Have a token that works and a home that is mirrored with it."""
        token = await self._token(driver, endpoint)
        if token is None:
            if not driver.onboards:
                raise _unauthorized()
            token = await self._onboard(record, endpoint)
        try:
            await self._connect(driver, endpoint, token)
        except HomeUnauthorizedError:
            await self._home.drop()
            if not driver.onboards:
                # Asking again and again with a token that is refused gets an address banned.
                await self._boot.stop(driver, record.container_name)
                raise _unauthorized() from None
            self._log.warning("home_token_refused")
            try:
                await self._connect(driver, endpoint, await self._onboard(record, endpoint))
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
        await self._told.tell(InstanceStatus.ONBOARDING)
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

    async def _connect(self, driver: Driver, endpoint: Endpoint, token: str) -> None:
        """Have the home mirrored.

        Raises:
            HomeUnauthorizedError: The token is refused.
            InstanceError: The home does not come to be live in time.
        """
        if self._tasks is None:
            raise AssertionError("homes run inside `run`")
        home = self._home.connect(self._tasks, endpoint, token)
        try:
            await home.wait_ready(self._all.options.ready_timeout_seconds)
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
        spec = spec_of(record, options)
        since = last_live = self._all.clock()
        limits_at_first: tuple[int | None, float | None] | None = None
        while True:
            nudged = self._nudge.listen()
            seen = await look(driver, record.container_name)
            limits_at_first = limits_at_first or (seen.memory_limit, seen.cpu_limit)
            if seen.condition is not Condition.RUNNING:
                # Who listens on its port now may be anybody: the token goes nowhere until that is known.
                await self._home.drop()
                if seen.restart_wanted:
                    return
                raise death(seen)
            action = planned(record.desired, spec, seen, limited=driver.enforces_limits)
            if action is Action.REPLACE or (
                # An engine that cannot put limits in force is not asked to again and again.
                action is Action.ADJUST and limits_at_first != (seen.memory_limit, seen.cpu_limit)
            ):
                # Somebody changed it behind our back.
                return
            now = self._all.clock()
            if now - since >= options.stable_after_seconds:
                self._attempts = 0
            if self._home.live is None or self._home.live.status is HomeStatus.UNAUTHORIZED:
                return
            if self._home.live.status is HomeStatus.LIVE:
                last_live = now
            elif now - last_live >= options.unresponsive_timeout_seconds:
                await self._boot.stop(driver, record.container_name)
                raise InstanceError(
                    FailureReason.UNREACHABLE,
                    f"Home Assistant did not answer for {options.unresponsive_timeout_seconds:g} s",
                )
            if await self._credentials_changed(driver):
                return
            await rung_within(nudged, options.check_interval_seconds)

    async def _credentials_changed(self, driver: Driver) -> bool:
        """Whether address or token are not those in use any more, or the token is to be renewed."""
        if driver.onboards:
            return days_left(self._home.token, now=self._all.now()) < RENEW_BEFORE_DAYS
        if await self._given() == self._given_before:
            return False
        await driver.stop(self.name, within=self._all.options.stop_timeout_seconds)
        return True

    async def _given(self) -> tuple[str | None, str | None]:
        """Address and token of the home, as they are stored."""
        user = await self._all.users.get(self.user_id)
        return user.ha_instance_url, await self._all.users.home_token(self.user_id)

    # Failing.

    async def _back_off(self, error: InstanceError, kicked: asyncio.Event) -> None:
        """Write down what went wrong, and wait before it is tried again; a kick ends the waiting."""
        options = self._all.options
        self._attempts += 1
        self._log.warning(
            "instance_failed", reason=error.reason, detail=error.message, attempt=self._attempts
        )
        try:
            mends_itself = error.reason is FailureReason.DIED or isinstance(error, HalfMadeOwnerError)
            if mends_itself and self._attempts < options.crash_limit:
                await self._told.tell(InstanceStatus.STARTING, phase="starting again")
            else:
                await self._told.tell(InstanceStatus.FAILED, reason=error.reason, detail=str(error))
        except StorageError as storage_error:
            self._log.warning("instance_status_not_written", reason=storage_error.message)
        if not error.transient:
            await kicked.wait()
            return
        longest = min(
            options.longest_retry_seconds, options.first_retry_seconds * 2 ** min(self._attempts - 1, 16)
        )
        await rung_within(kicked, longest * self._all.random.uniform(0.5, 1.0))


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
        record.remove_data,
    )


def _unauthorized() -> InstanceError:
    return InstanceError(
        FailureReason.UNAUTHORIZED,
        "Home Assistant refuses the token",
        remedy="make a long-lived access token in the profile in Home Assistant, and give that",
        transient=False,
    )
