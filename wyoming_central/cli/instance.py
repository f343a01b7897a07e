"""`wyoming-central instance`: the users' Home Assistants."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any, Final, Literal

import typer

from config.errors import WyomingCentralError
from config.memory_size import format_memory_size, parse_memory_size
from config.settings import Settings
from provisioning.driver import Driver
from provisioning.errors import InstanceError
from provisioning.onboarding import USERNAME
from provisioning.process.driver import ProcessDriver
from provisioning.process.installation import Installer
from storage.records import DesiredState, InstanceRecord, InstanceStatus, UserRecord
from wyoming_central.application import docker_driver
from wyoming_central.cli.commands import group
from wyoming_central.cli.confirm import confirm
from wyoming_central.cli.find import User, find_user, owner_of
from wyoming_central.cli.follow import NoServerError, described, follow
from wyoming_central.cli.options import AsJson, Wait, Yes
from wyoming_central.cli.output import (
    Column,
    ago,
    moment,
    note,
    or_dash,
    show_fields,
    show_json,
    show_line,
    show_table,
)
from wyoming_central.cli.place import Country, TimeZone, country_of, local_timezone
from wyoming_central.cli.remedies import remedy_of
from wyoming_central.cli.store import Store, open_store
from wyoming_central.cli.unserved import refuse_unserved
from wyoming_central.discovery import server_id

_POLL_SECONDS: Final = 0.5
# What `logs --follow` looks at each time; more than an instance writes in between.
_FOLLOWED_LINES: Final = 500
_LEAST_MEMORY: Final = 64 << 20
_MOST_MEMORY: Final = 1 << 40
_MOST_CPUS: Final = 1024

app = group("Instances: the users' Home Assistants. The server makes, watches and repairs them.")


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the instances, with what is wrong and what to do about it."""
    asyncio.run(_list(as_json=as_json))


@app.command()
def show(*, user: User, as_json: AsJson = False) -> None:
    """Show a user's instance."""
    asyncio.run(_show(user, as_json=as_json))


@app.command()
def create(
    *,
    user: User,
    driver: Annotated[
        Literal["process", "docker"] | None, typer.Option(help="What is to run it. Default: HA_DRIVER.")
    ] = None,
    timezone: TimeZone = None,
    country: Country = None,
    wait: Wait = None,
) -> None:
    """Ask for an instance for a user who has none.

    That is one whose instance was removed: `user add` asks for one by itself.
    """
    asyncio.run(_create(user, driver, timezone or local_timezone(), country, wait=wait))


@app.command()
def remove(
    *,
    user: User,
    with_data: Annotated[
        bool, typer.Option("--with-data", help="Destroy all that its owner made in it, for good.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Take an instance down; its user and devices stay.

    Its data is kept, out of the way of a new instance, unless --with-data is said.
    """
    kept = "with ALL its data, for good" if with_data else "keeping its data"
    confirm(f"Take down the Home Assistant of {user}, {kept}?", yes=yes)
    asyncio.run(_remove(user, with_data=with_data))


@app.command()
def start(*, user: User, wait: Wait = None) -> None:
    """Have an instance running."""
    asyncio.run(_change(user, DesiredState.RUNNING, wait=wait))


@app.command()
def stop(*, user: User, wait: Wait = None) -> None:
    """Have an instance stopped, until it is started again.

    Its data is kept.
    """
    asyncio.run(_change(user, DesiredState.STOPPED, wait=wait))


@app.command()
def restart(*, user: User, wait: Wait = None) -> None:
    """Stop an instance and start it again, also one that failed."""
    asyncio.run(_restart(user, wait=wait))


@app.command()
def login(*, user: User) -> None:
    """Tell how to sign in to an instance as its owner.

    The password stands alone on stdout. The server made the account when it set the Home Assistant up. The
    address is on this machine only; from another one, reach it through a tunnel:
    ssh -L 8200:127.0.0.1:8200 THIS-MACHINE.
    """
    asyncio.run(_login(user))


@app.command()
def logs(
    *,
    user: User,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, max=10_000, help="How many.")] = 50,
    follow_: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Show the end of what an instance has written."""
    asyncio.run(_logs(user, lines, follow=follow_))


@app.command()
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


@app.command("set")
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


_KEEP: Final = -1


def _memory_of(text: str | None) -> int | None:
    """Bytes; None for the default, `_KEEP` where nothing was said."""
    if text is None or text == "default":
        return _KEEP if text is None else None
    try:
        size = parse_memory_size(text)
    except ValueError as error:
        raise typer.BadParameter(f"--memory {text}: {error}") from error
    if not _LEAST_MEMORY <= size <= _MOST_MEMORY:
        raise typer.BadParameter(f"--memory {text} is not between 64m and 1024g")
    return size


def _cpus_of(text: str | None) -> float | None:
    """Processors; None for the default, `_KEEP` where nothing was said."""
    if text is None or text == "default":
        return _KEEP if text is None else None
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.01 <= number <= _MOST_CPUS:
        raise typer.BadParameter(f"--cpus {text} is no number between 0.01 and {_MOST_CPUS}")
    return number


async def _set_limits(wanted: str, memory: int | None, cpus: float | None) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        before = await store.instances.get(user.id)
        now = await store.instances.set_limits(
            user.id,
            memory_limit=before.memory_limit if memory == _KEEP else memory,
            cpu_limit=before.cpu_limit if cpus == _KEEP else cpus,
        )
        settings = store.settings
    memory_now = format_memory_size(now.memory_limit or settings.ha_memory_limit)
    note(
        f"Limits of {user.email}: memory {memory_now}, processors {now.cpu_limit or settings.ha_cpu_limit:g}"
    )
    if now.driver != "docker":
        note(f"They are for containers; the driver {now.driver} does not limit anybody.", style="yellow")


async def _list(*, as_json: bool) -> None:
    async with open_store() as store:
        instances = await store.instances.list()
        users = {user.id: user for user in await store.users.list()}
    if as_json:
        show_json([_as_json(one, users.get(one.user_id)) for one in instances])
        return
    if not instances:
        note("There are no instances yet: wyoming-central user add EMAIL")
        return
    show_table(
        (
            Column("USER"),
            Column("DRIVER"),
            Column("STATUS"),
            Column("PORT", right=True),
            Column("VERSION"),
            Column("SINCE", whole=True),
            Column("REASON"),
        ),
        (
            (
                owner_of(one, users.get(one.user_id)),
                one.driver,
                _status(one),
                or_dash(one.host_port),
                or_dash(one.version),
                ago(one.updated_at),
                or_dash(one.failure_reason),
            )
            for one in instances
        ),
    )
    _tell_remedies(instances, users)


def _tell_remedies(instances: Iterable[InstanceRecord], users: dict[str, UserRecord]) -> None:
    for one in instances:
        if one.failure_reason:
            owner = owner_of(one, users.get(one.user_id))
            detail = (
                f"{one.failure_reason}: {one.failure_detail}" if one.failure_detail else one.failure_reason
            )
            show_line(f"{owner}: {detail} — {or_dash(remedy_of(one))}")


async def _show(wanted: str, *, as_json: bool) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        instance = await store.instances.get(user.id)
        settings = store.settings
    if as_json:
        show_json(_as_json(instance, user))
        return
    show_fields(
        (
            ("User", user.email),
            ("Driver", instance.driver),
            ("Status", _status(instance)),
            ("Wanted", instance.desired.value),
            ("Address", or_dash(user.ha_instance_url)),
            ("Version", or_dash(instance.version)),
            ("Name", instance.container_name),
            ("Runs as", or_dash(instance.container_id)),
            ("Language", instance.language),
            ("Country", or_dash(instance.country)),
            ("Time zone", instance.timezone),
            *_container(instance, settings),
            ("Added", moment(instance.created_at)),
            ("Since", moment(instance.updated_at)),
            *_failure(instance),
        )
    )


async def _login(wanted: str) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        password = await store.instances.owner_password(user.id)
    if password is None or user.ha_instance_url is None:
        raise WyomingCentralError(
            f"the server has made no account in a Home Assistant of {user.email}",
            remedy="see `instance show`: it may not be ready yet, or be one that its user runs",
        )
    note(f"Sign in at {user.ha_instance_url} as {USERNAME} with the password:")
    sys.stdout.write(f"{password}\n")


async def _create(
    wanted: str, driver: str | None, timezone: str, country: str | None, *, wait: bool | None
) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        settings = store.settings
        chosen = driver or settings.ha_driver
        if chosen == "external":
            raise typer.BadParameter("HA_DRIVER is external: say --driver process or docker")
        refuse_unserved(chosen, settings)
        asked = await store.instances.request(
            user_id=user.id,
            driver=chosen,
            timezone=timezone,
            language=user.language,
            country=country or country_of(user.language),
            port_range=settings.ha_port_range,
            network_pool=settings.ha_network_pool if chosen == "docker" else None,
        )
        await _see_done(store, asked, user, wait=wait)


async def _remove(wanted: str, *, with_data: bool) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        await store.instances.ask_removal(user.id, with_data=with_data)
        served = await store.server() is not None
    if served:
        note(f"The Home Assistant of {user.email} is being taken down.")
    else:
        note(f"It is taken down when `wyoming-central serve` runs: {user.email}", style="yellow")


async def _change(wanted: str, desired: DesiredState, *, wait: bool | None) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        asked = await store.instances.set_desired(user.id, desired)
        await _see_done(store, asked, user, wait=wait)


async def _restart(wanted: str, *, wait: bool | None) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        asked = await store.instances.restart(user.id)
        if asked.desired is not DesiredState.RUNNING:
            asked = await store.instances.set_desired(user.id, DesiredState.RUNNING)
        await _see_done(store, asked, user, wait=wait)


async def _see_done(store: Store, asked: InstanceRecord, user: UserRecord, *, wait: bool | None) -> None:
    if await store.server() is None:
        if wait:
            raise NoServerError
        no_server = NoServerError()
        note(f"{no_server.message}: {no_server.remedy}", style="yellow")
    elif wait or (wait is None and sys.stderr.isatty()):
        now = await follow(store, asked)
        note(f"The Home Assistant of {user.email} is {now.status.value}.", style="green")
    else:
        note(f"Asked for it: `wyoming-central instance show {user.email}` shows how far it is.")


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
    python = str(settings.ha_python) if settings.ha_python else None
    return ProcessDriver(
        data_dir=settings.data_dir,
        installer=Installer(folder=settings.cache_dir / "home-assistant", python=python),
    )


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


def _container(instance: InstanceRecord, settings: Settings) -> list[tuple[str, str]]:
    if instance.driver != "docker":
        return []
    return [
        ("Network", or_dash(instance.network_subnet)),
        ("Memory", format_memory_size(instance.memory_limit or settings.ha_memory_limit)),
        ("Processors", f"{instance.cpu_limit or settings.ha_cpu_limit:g}"),
    ]


def _failure(instance: InstanceRecord) -> list[tuple[str, str]]:
    if instance.failure_reason is None:
        return []
    return [
        ("Reason", instance.failure_reason),
        ("Detail", or_dash(instance.failure_detail)),
        ("Remedy", or_dash(remedy_of(instance))),
    ]


def _status(instance: InstanceRecord) -> str:
    wanted = {
        DesiredState.RUNNING: InstanceStatus.READY,
        DesiredState.STOPPED: InstanceStatus.STOPPED,
        DesiredState.REMOVED: InstanceStatus.REMOVING,
    }[instance.desired]
    settled = instance.status in {wanted, InstanceStatus.FAILED} or instance.desired is DesiredState.RUNNING
    return described(instance) if settled else f"{described(instance)} (to be {instance.desired.value})"


def _as_json(instance: InstanceRecord, user: UserRecord | None) -> dict[str, Any]:
    return {
        "user_id": instance.user_id,
        "user": user.email if user else None,
        "driver": instance.driver,
        "status": instance.status,
        "phase": instance.phase,
        "desired": instance.desired,
        "url": user.ha_instance_url if user else None,
        "port": instance.host_port,
        "version": instance.version,
        "name": instance.container_name,
        "container_id": instance.container_id,
        "generation": instance.generation,
        "observed_generation": instance.observed_generation,
        "language": instance.language,
        "country": instance.country,
        "timezone": instance.timezone,
        "network_subnet": instance.network_subnet,
        "memory_limit": instance.memory_limit,
        "cpu_limit": instance.cpu_limit,
        "failure_reason": instance.failure_reason,
        "failure_detail": instance.failure_detail,
        "remedy": remedy_of(instance),
        "created_at": instance.created_at,
        "updated_at": instance.updated_at,
    }
