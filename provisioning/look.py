"""Looking at one instance through its driver."""

from __future__ import annotations

from provisioning.bell import Bell, rung_within
from provisioning.driver import Condition, Driver, Observation
from provisioning.errors import FailureReason, InstanceError


async def look(driver: Driver, name: str) -> Observation:
    """What the driver sees of one instance.

    Raises:
        InstanceError: It cannot be seen.
    """
    return (await driver.observe([name]))[name]


async def until_it_ends(driver: Driver, name: str, nudge: Bell, every_seconds: float) -> None:
    """Wait until it does not run; looks as often as that, and whenever there is a nudge.

    Raises:
        InstanceError: It cannot be seen.
    """
    await _until_it(driver, name, nudge, every_seconds, runs=False)


async def until_it_runs(driver: Driver, name: str, nudge: Bell, every_seconds: float) -> None:
    """Wait until it runs, in the same way.

    Raises:
        InstanceError: It cannot be seen.
    """
    await _until_it(driver, name, nudge, every_seconds, runs=True)


async def _until_it(driver: Driver, name: str, nudge: Bell, every_seconds: float, *, runs: bool) -> None:
    while True:
        nudged = nudge.listen()
        if ((await look(driver, name)).condition is Condition.RUNNING) is runs:
            return
        await rung_within(nudged, every_seconds)


def death(seen: Observation) -> InstanceError:
    """Why one that should run does not, as what is to be told of it."""
    if seen.out_of_memory:
        return InstanceError(
            FailureReason.OUT_OF_MEMORY,
            seen.ended or "Home Assistant was killed for want of memory",
            remedy="give it more with HA_MEMORY_LIMIT",
        )
    return InstanceError(
        FailureReason.DIED, seen.ended or "Home Assistant ended", remedy="look at its log: `instance logs`"
    )
