"""From a user to their home, if it can be used now."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Final, Protocol

from handlers.errors import HomeAbsentError
from handlers.status import Status
from provisioning.errors import FailureReason, HomeError
from provisioning.home.live import HomeStatus, LiveHome
from provisioning.home.registry import HomePicture, Registry
from provisioning.homes import Absence

# A home that lost its connection a moment ago is usually back within this; longer, and the speaker is told.
RECONNECT_GRACE_SECONDS: Final = 1.0

_STATUS_OF_HOME: Final = {
    HomeStatus.MISSING: Status.HOME_MISSING,
    HomeStatus.STARTING: Status.HOME_STARTING,
    HomeStatus.CONNECTING: Status.HOME_STARTING,
    HomeStatus.STALE: Status.HOME_DOWN,
    HomeStatus.DOWN: Status.HOME_DOWN,
    HomeStatus.STOPPED: Status.HOME_STOPPED,
    HomeStatus.FAILED: Status.HOME_FAILED,
    HomeStatus.UNAUTHORIZED: Status.HOME_UNAUTHORIZED,
}


class HomeDirectory(Protocol):
    """Where a user's home is found; the provisioner is one."""

    def home_of(self, user_id: str) -> LiveHome | Absence:
        """The live home of a user, or why there is none."""
        ...


@dataclass(frozen=True, slots=True)
class ReadyHome:
    """A home that answers, and its picture as the turn began."""

    live: LiveHome
    picture: HomePicture


async def ready_home(homes: HomeDirectory, user_id: str) -> ReadyHome:
    """The home of a user.

    Raises:
        HomeAbsentError: It is not there, or does not answer now; says how a turn ends because of it.
    """
    home = homes.home_of(user_id)
    if isinstance(home, Absence):
        raise HomeAbsentError(_status_of_absence(home), home.reason or home.status.value)
    if home.status in {HomeStatus.STALE, HomeStatus.DOWN}:
        with contextlib.suppress(HomeError):
            await home.wait_ready(RECONNECT_GRACE_SECONDS)
    picture = home.picture
    if home.status is not HomeStatus.LIVE or picture is None:
        status = _STATUS_OF_HOME.get(home.status, Status.HOME_STARTING)
        raise HomeAbsentError(status, f"the home is {home.status.value}")
    return ReadyHome(home, picture)


def _status_of_absence(absence: Absence) -> Status:
    if absence.reason == FailureReason.UNREACHABLE:
        # One that its user runs: it is not ours to start, and it may well be running.
        return Status.HOME_DOWN
    return _STATUS_OF_HOME[absence.status]


def area_id_of(area: str | None, registry: Registry) -> str | None:
    """The id of the area that a device's owner named, by id, name or alias; None if this home has none."""
    if area is None or area in registry.areas:
        return area
    wanted = area.casefold()
    for one in registry.areas.values():
        if wanted in {one.name.casefold(), *(alias.casefold() for alias in one.aliases)}:
            return one.id
    return None
