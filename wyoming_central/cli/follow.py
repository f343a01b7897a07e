"""Following an instance on its way to where it was asked to be, as the server writes it down."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from config.errors import WyomingCentralError
from storage.records import DesiredState, InstanceRecord, InstanceStatus
from wyoming_central.cli.output import note, plain, stderr
from wyoming_central.cli.remedies import remedy_of
from wyoming_central.cli.store import Store

_STEPS: Final = (
    InstanceStatus.REQUESTED,
    InstanceStatus.CREATING,
    InstanceStatus.STARTING,
    InstanceStatus.ONBOARDING,
    InstanceStatus.READY,
)

# As `provisioning.driver.Progress` writes it.
_PERCENT: Final = re.compile(r"\((\d{1,3}) %\)")

# As often as the server looks for changes itself.
_POLL_SECONDS: Final = 0.2
# Every how many looks the lease is looked at too.
_LOOKS_PER_LEASE: Final = 10
# An earlier failure counts as today's only if the server has not touched the row for this many looks.
_LOOKS_AT_OLD_FAILURE: Final = 50


class NoServerError(WyomingCentralError):
    """There is no server that would do what was asked."""

    def __init__(self) -> None:
        super().__init__(
            "no server is running",
            remedy="start it with `wyoming-central serve`; the change is stored and takes effect then",
        )


class InstanceFailedError(WyomingCentralError):
    """An instance did not get to where it was asked to be."""


async def follow(store: Store, asked: InstanceRecord) -> InstanceRecord:
    """Show how an instance gets to where it was asked to be, until it is there.

    Args:
        store: Where the server writes it down.
        asked: The instance as it was written when it was asked for.

    Raises:
        NoServerError: No server is running, or it stopped meanwhile.
        InstanceFailedError: It failed.
        NotFoundError: It was removed meanwhile.
    """
    with _display() as display:
        looks = 0
        while True:
            now = await store.instances.get(asked.user_id)
            display.show(now)
            if _arrived(now, asked):
                return now
            if _failed(now, asked, looks):
                raise InstanceFailedError(_why(now), remedy=remedy_of(now))
            if looks % _LOOKS_PER_LEASE == 0 and await store.server() is None:
                raise NoServerError
            looks += 1
            await asyncio.sleep(_POLL_SECONDS)


def described(instance: InstanceRecord) -> str:
    """Give the status of an instance, with how far it has come within it."""
    return f"{instance.status.value}: {instance.phase}" if instance.phase else instance.status.value


def _arrived(now: InstanceRecord, asked: InstanceRecord) -> bool:
    if now.desired is DesiredState.STOPPED:
        return now.status is InstanceStatus.STOPPED
    return now.status is InstanceStatus.READY and now.observed_generation >= asked.generation


def _failed(now: InstanceRecord, asked: InstanceRecord, looks: int) -> bool:
    if now.status is not InstanceStatus.FAILED:
        return False
    return now.updated_at > asked.updated_at or looks >= _LOOKS_AT_OLD_FAILURE


def _why(instance: InstanceRecord) -> str:
    reason = instance.failure_reason or "unknown reason"
    detail = f": {instance.failure_detail}" if instance.failure_detail else ""
    return f"Home Assistant failed: {reason}{detail}"


class _Display(Protocol):
    def show(self, instance: InstanceRecord) -> None: ...


class _Bar:
    """A bar for a terminal; it goes away when it is done."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=len(_STEPS))

    def show(self, instance: InstanceRecord) -> None:
        self._progress.update(
            self._task, completed=_steps_done(instance), description=plain(described(instance))
        )


def _steps_done(instance: InstanceRecord) -> float:
    """How many steps, with the part of the present one that its phase tells in per cent."""
    if instance.status not in _STEPS:
        return 0
    percent = _PERCENT.search(instance.phase or "")
    part = int(percent[1]) / 100 if percent else 0
    return _STEPS.index(instance.status) + (1 if instance.status is InstanceStatus.READY else part)


class _Lines:
    """A line for every step, for whatever is no terminal."""

    def __init__(self) -> None:
        self._last = ""

    def show(self, instance: InstanceRecord) -> None:
        line = described(instance)
        if line != self._last:
            note(line)
            self._last = line


@contextmanager
def _display() -> Iterator[_Display]:
    console = stderr()
    if not console.is_terminal:
        yield _Lines()
        return
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=20),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress)
