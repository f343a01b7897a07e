"""Carrying out what was resolved, on the one home it was resolved against, and telling what came of it.

Success is Home Assistant's result of the service call. Two things make that less than the truth, and are
looked after here: Home Assistant passes over entities that are unavailable without a word, so they are left
out and named; and a lock, a cover or a valve that was told to move may not, so its state is awaited, briefly.

No call is ever sent twice: one whose result did not come may have been carried out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from handlers.expected import MAY_NOT_MOVE, Accept, expected
from handlers.results import Failure, Result, error_line, failed, what_to_say, worst
from handlers.status import Status
from handlers.understanding import Execution, Resolution, ServiceCall
from provisioning.errors import (
    EntityGoneError,
    HomeError,
    HomeStartingError,
    HomeTimeoutError,
    HomeUnauthorizedError,
    HomeUnreachableError,
    ServiceCallError,
)
from provisioning.home.live import HomeStatus
from provisioning.home.registry import HomePicture, Registry

CONFIRM_SECONDS: Final = 3.0
"""How long a state is awaited after a call that may not have moved anything, within the turn's own deadline.

Locks on a radio need one to three seconds; a cover reports that it has begun to move within one.
"""

SORT_OUT_SECONDS: Final = 0.3
"""How long, after a call on several entities failed, each is given to show that it did what it was told."""

_UNAVAILABLE: Final = "unavailable"

_STATUS_OF_ERROR: Final[tuple[tuple[type[HomeError], Status], ...]] = (
    (HomeStartingError, Status.HOME_STARTING),
    (HomeUnauthorizedError, Status.HOME_UNAUTHORIZED),
    (HomeTimeoutError, Status.HOME_SLOW),
    (HomeUnreachableError, Status.HOME_DOWN),
    (EntityGoneError, Status.ENTITY_GONE),
    (ServiceCallError, Status.CALL_FAILED),
)


class Home(Protocol):
    """What carrying out needs of a home; `LiveHome` is one."""

    @property
    def status(self) -> HomeStatus:
        """How the home is now."""
        ...

    @property
    def picture(self) -> HomePicture | None:
        """The home as far as it is known."""
        ...

    async def call_service(
        self,
        domain: str,
        service: str,
        entity_ids: Sequence[str],
        data: Mapping[str, Any] | None = None,
        *,
        within: float,
    ) -> None:
        """Call a service and wait for its result; raises a `HomeError` where there is none."""
        ...

    async def wait_until(self, entity_id: str, accept: Accept, *, within: float) -> bool:
        """Wait so many seconds for a state; False if it did not come."""
        ...


async def execute(resolution: Resolution, home: Home, *, within: float) -> Execution:
    """Carry out all calls of a resolution and tell what came of it.

    Calls on different entities run at once; those that share one run in the order in which they were said,
    and nothing is tried on an entity on which the call before failed.

    Args:
        resolution: Its outcome is `COMMANDS`.
        home: The home it was resolved against.
        within: Seconds for everything together, awaiting of states included.

    Returns:
        `OK` with what each command says of itself, or the status of the first thing that went wrong with what
        was done all the same and what was not. Never raises for what a home does.
    """
    carrying_out = _CarryingOut(home, deadline=asyncio.get_running_loop().time() + within)
    calls = resolution.calls
    results = await carrying_out.all(calls)
    failures = [failure for result in results for failure in result.failures]
    if not failures:
        return Execution(Status.OK, tuple(command.said for command in resolution.commands), done=calls)
    return Execution(
        status=worst(failures),
        say=what_to_say(resolution.commands, results, home.picture or carrying_out.picture),
        done=tuple(result.call_as_done for result in results if result.succeeded),
        error=error_line(failures),
    )


class _CarryingOut:
    """One execution: the home, its picture as it was at the start, and the time that is left."""

    def __init__(self, home: Home, *, deadline: float) -> None:
        self._home = home
        self._deadline = deadline
        self.picture = home.picture or HomePicture(Registry(revision=""))

    @property
    def _left(self) -> float:
        return max(0.0, self._deadline - asyncio.get_running_loop().time())

    async def all(self, calls: Sequence[ServiceCall]) -> list[Result]:
        """Carry out every call, each after those before it that it shares an entity with."""
        if len(calls) == 1:
            return [await self._one(calls[0])]
        tasks: list[asyncio.Task[Result]] = []
        async with asyncio.TaskGroup() as group:
            for call in calls:
                before = [
                    task for task, earlier in zip(tasks, calls, strict=False) if _depends(call, earlier)
                ]
                tasks.append(group.create_task(self._after(before, call)))
        return [task.result() for task in tasks]

    async def _after(self, before: Sequence[asyncio.Task[Result]], call: ServiceCall) -> Result:
        """Carry out a call on those of its entities on which nothing before it failed."""
        results = [await task for task in before]
        failures = [failure for result in results for failure in result.failures]
        blocked = {one.entity_id: one.status for one in failures if one.status is not Status.NOT_CONFIRMED}
        rest = tuple(one for one in call.entity_ids if one not in blocked)
        skipped = tuple(
            Failure(one, blocked[one], "not tried: what came before it failed")
            for one in call.entity_ids
            if one in blocked
        )
        if call.entity_ids and not rest:
            return Result(call, failures=skipped)
        result = await self._one(replace(call, entity_ids=rest))
        return replace(result, failures=(*skipped, *result.failures))

    async def _one(self, call: ServiceCall) -> Result:
        """Carry out one call on those of its entities that are there."""
        present, gone = call.entity_ids, self._missing(call.entity_ids)
        if gone:
            missing = {failure.entity_id for failure in gone}
            present = tuple(one for one in present if one not in missing)
            if not present:
                return Result(call, failures=gone)
        was_live = self._home.status is HomeStatus.LIVE
        try:
            await self._home.call_service(call.domain, call.service, present, call.data, within=self._left)
        except ServiceCallError as error:
            result = await self._sort_out(call, present, error)
        except HomeError as error:
            result = failed(call, present, _status_of(error), error.message)
        else:
            result = await self._confirm(call, present, even_switches=not was_live)
        return replace(result, failures=(*gone, *result.failures)) if gone else result

    def _missing(self, entity_ids: Sequence[str]) -> tuple[Failure, ...]:
        """Why some of these entities cannot be reached now."""
        picture = self._home.picture or self.picture
        entities, states = picture.registry.entities, picture.states
        missing: list[Failure] = []
        for one in entity_ids:
            entity, state = entities.get(one), states.get(one)
            if entity is None or not entity.exposed or state is None:
                missing.append(Failure(one, self._gone_or_starting, "it is not in this home any more"))
            elif state.state == _UNAVAILABLE:
                missing.append(Failure(one, self._gone_or_starting, "Home Assistant says it is unavailable"))
        return tuple(missing)

    @property
    def _gone_or_starting(self) -> Status:
        starting = self._home.status is HomeStatus.STARTING
        return Status.HOME_STARTING if starting else Status.ENTITY_GONE

    async def _sort_out(
        self, call: ServiceCall, entity_ids: tuple[str, ...], error: ServiceCallError
    ) -> Result:
        """Find out what a failed call did: of several entities, Home Assistant names none and tries all."""
        done: tuple[str, ...] = ()
        if len(entity_ids) > 1:
            reached = await asyncio.gather(
                *(self._reaches(call, one, within=SORT_OUT_SECONDS) for one in entity_ids)
            )
            done = tuple(one for one, is_reached in zip(entity_ids, reached, strict=True) if is_reached)
        undone = tuple(one for one in entity_ids if one not in done)
        reason = f"{error.code}: {error.message}"
        if not undone:
            return failed(call, entity_ids, Status.CALL_FAILED, reason)
        return replace(failed(call, undone, Status.CALL_FAILED, reason), done=done)

    async def _confirm(
        self, call: ServiceCall, entity_ids: tuple[str, ...], *, even_switches: bool
    ) -> Result:
        """Await the states that tell whether a call that succeeded did anything."""
        in_doubt = [one for one in entity_ids if even_switches or _domain(one) in MAY_NOT_MOVE]
        if not in_doubt:
            return Result(call, done=entity_ids)
        seen = await asyncio.gather(
            *(self._reaches(call, one, within=CONFIRM_SECONDS, otherwise=True) for one in in_doubt)
        )
        return Result(
            call,
            done=entity_ids,
            failures=tuple(
                Failure(one, Status.NOT_CONFIRMED, f"Home Assistant reports {self._state_word(one)}")
                for one, is_seen in zip(in_doubt, seen, strict=True)
                if not is_seen
            ),
        )

    async def _reaches(
        self, call: ServiceCall, entity_id: str, *, within: float, otherwise: bool = False
    ) -> bool:
        """Whether an entity gets where a call sends it; `otherwise` where nothing can be said about that."""
        accept = expected(call)
        state = (self._home.picture or self.picture).state_of(entity_id)
        if accept is None or (state is not None and state.attributes.get("assumed_state") is True):
            return otherwise
        return await self._home.wait_until(entity_id, accept, within=min(within, self._left))

    def _state_word(self, entity_id: str) -> str:
        state = (self._home.picture or self.picture).state_of(entity_id)
        return state.state if state else "nothing"


def _depends(call: ServiceCall, earlier: ServiceCall) -> bool:
    """Whether two calls must keep their order; one without entities may touch anything."""
    if not call.entity_ids or not earlier.entity_ids:
        return True
    return not set(call.entity_ids).isdisjoint(earlier.entity_ids)


def _domain(entity_id: str) -> str:
    return entity_id.partition(".")[0]


def _status_of(error: HomeError) -> Status:
    for kind, status in _STATUS_OF_ERROR:
        if isinstance(error, kind):
            return status
    return Status.CALL_FAILED
