"""`wyoming-central instance logs`: what a Home Assistant has written."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

import typer

from config.errors import WyomingCentralError
from config.settings import Settings
from provisioning.driver import Driver
from storage.records import InstanceRecord, UserRecord
from wyoming_central.application import docker_driver, process_driver
from wyoming_central.cli.find import User, find_user
from wyoming_central.cli.output import note, show_line
from wyoming_central.cli.store import open_store
from wyoming_central.discovery import server_id

_POLL_SECONDS: Final = 0.5
# What `--follow` looks at each time; more than an instance writes in between.
_FOLLOWED_LINES: Final = 500


def logs(
    *,
    user: User,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=10_000, help="How many.")] = 50,
    follow_: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Show the end of what an instance has written."""
    asyncio.run(_logs(user, lines, follow=follow_))


async def _logs(wanted: str, lines: int, *, follow: bool) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        instance = await store.instances.get(user.id)
        settings = store.settings
    driver = await asyncio.to_thread(_driver_with_logs, instance, settings)
    try:
        await _tell_logs(driver, user, instance, lines, follow=follow)
    finally:
        await driver.close()


def _driver_with_logs(instance: InstanceRecord, settings: Settings) -> Driver:
    if instance.driver == "docker":
        return docker_driver(settings, deployment=server_id(settings.data_dir))
    if instance.driver != "process":
        raise WyomingCentralError(
            f"the driver {instance.driver} keeps no log here",
            remedy="look into that Home Assistant's own log",
        )
    return process_driver(settings)


async def _tell_logs(
    driver: Driver, user: UserRecord, instance: InstanceRecord, lines: int, *, follow: bool
) -> None:
    tail = max(lines, _FOLLOWED_LINES)
    known = await driver.logs(instance.container_name, tail=tail)
    if not known:
        note(f"The Home Assistant of {user.email} has not written anything yet.")
    for line in known[-lines:]:
        show_line(line)
    while follow:
        await asyncio.sleep(_POLL_SECONDS)
        now = await driver.logs(instance.container_name, tail=tail)
        for line in _new_lines(known, now):
            show_line(line)
        known = now


def _new_lines(before: list[str], now: list[str]) -> list[str]:
    """What came after `before`, where both are ends of the same file at different times."""
    for count in range(len(now)):
        kept = now[: len(now) - count]
        if before[-len(kept) :] == kept:
            return now[len(kept) :]
    return now
