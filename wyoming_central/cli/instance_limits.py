"""`wyoming-central instance stats` and `set`: what a Home Assistant uses, and what it may."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from enum import Enum, auto
from typing import Annotated

import typer

from config.instance_limits import LEAST_CPUS, LEAST_MEMORY, MOST_CPUS, MOST_MEMORY
from config.memory_size import format_memory_size, parse_memory_size
from provisioning.errors import InstanceError
from wyoming_central.application import docker_driver
from wyoming_central.cli.find import User, find_user, owner_of
from wyoming_central.cli.options import AsJson
from wyoming_central.cli.output import Column, note, show_json, show_table
from wyoming_central.cli.store import open_store
from wyoming_central.discovery import server_id


def stats(*, as_json: AsJson = False) -> None:
    """Show what the containers use, and what they may."""
    asyncio.run(_stats(as_json=as_json))


async def _stats(*, as_json: bool) -> None:
    async with open_store() as store:
        settings = store.settings
        users = {user.id: user for user in await store.users.list()}
        instances = [one for one in await store.instances.list() if one.driver == "docker"]
    if not instances and not as_json:
        note("There are no containers: only those can be measured.")
        return
    driver = docker_driver(settings, deployment=await asyncio.to_thread(server_id, settings.data_dir))
    try:
        # The engine takes a second or two for each.
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(driver.usage(one.container_name)) for one in instances]
    except* InstanceError as errors:
        raise errors.exceptions[0] from None
    finally:
        await driver.close()
    measured = [
        (owner_of(one, users.get(one.user_id)), task.result())
        for one, task in zip(instances, asked, strict=True)
    ]
    if as_json:
        show_json([{"user": owner, **(asdict(usage) if usage else {})} for owner, usage in measured])
        return
    show_table(
        (
            Column("USER"),
            Column("MEMORY", right=True),
            Column("OF", right=True),
            Column("CPUS", right=True),
            Column("PROCESSES", right=True),
        ),
        (
            (
                owner,
                _mebibytes(usage.memory),
                _mebibytes(usage.memory_limit),
                f"{usage.cpus:.2f}",
                str(usage.processes),
            )
            if usage
            else (owner, "-", "-", "-", "-")
            for owner, usage in measured
        ),
    )


def _mebibytes(size: int) -> str:
    return f"{size / (1 << 20):,.0f} MB"


def set_(
    *,
    user: User,
    memory: Annotated[
        str | None, typer.Option(metavar="SIZE", help="Such as 768m or 1g; `default` for HA_MEMORY_LIMIT.")
    ] = None,
    cpus: Annotated[
        str | None, typer.Option(metavar="NUMBER", help="Such as 0.5 or 2; `default` for HA_CPU_LIMIT.")
    ] = None,
) -> None:
    """Give an instance limits of its own, while it runs.

    Only containers are limited; the process driver limits nobody.
    """
    if memory is None and cpus is None:
        raise typer.BadParameter("say --memory, --cpus or both")
    asyncio.run(_set_limits(user, _memory_of(memory), _cpus_of(cpus)))


class _Unsaid(Enum):
    """What an option is that nobody gave, where None means the default."""

    UNSAID = auto()


def _memory_of(text: str | None) -> int | _Unsaid | None:
    """Bytes; None for the default."""
    if text is None:
        return _Unsaid.UNSAID
    if text == "default":
        return None
    try:
        size = parse_memory_size(text)
    except ValueError as error:
        raise typer.BadParameter(f"--memory {text}: {error}") from error
    if not LEAST_MEMORY <= size <= MOST_MEMORY:
        least, most = format_memory_size(LEAST_MEMORY), format_memory_size(MOST_MEMORY)
        raise typer.BadParameter(f"--memory {text} is not between {least} and {most}")
    return size


def _cpus_of(text: str | None) -> float | _Unsaid | None:
    """Processors; None for the default."""
    if text is None:
        return _Unsaid.UNSAID
    if text == "default":
        return None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not LEAST_CPUS <= number <= MOST_CPUS:
        raise typer.BadParameter(f"--cpus {text} is no number between {LEAST_CPUS} and {MOST_CPUS}")
    return number


async def _set_limits(wanted: str, memory: int | _Unsaid | None, cpus: float | _Unsaid | None) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        before = await store.instances.get(user.id)
        now = await store.instances.set_limits(
            user.id,
            memory_limit=before.memory_limit if memory is _Unsaid.UNSAID else memory,
            cpu_limit=before.cpu_limit if cpus is _Unsaid.UNSAID else cpus,
        )
        settings = store.settings
    memory_now = format_memory_size(now.memory_limit or settings.ha_memory_limit)
    note(
        f"Limits of {user.email}: memory {memory_now}, processors {now.cpu_limit or settings.ha_cpu_limit:g}"
    )
    if now.driver != "docker":
        note(f"They are for containers; the driver {now.driver} does not limit anybody.", style="yellow")
