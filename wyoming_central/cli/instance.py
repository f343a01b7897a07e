"""`wyoming-central instance`: the users' Home Assistants."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterable
from typing import Annotated, Any, Literal

import typer

from config.errors import WyomingCentralError
from config.memory_size import format_memory_size
from config.settings import Settings
from provisioning.onboarding import USERNAME
from storage.records import DesiredState, InstanceRecord, InstanceStatus, UserRecord
from wyoming_central.cli import instance_history, instance_limits, instance_log
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


for _command in (instance_history.history, instance_log.logs, instance_limits.stats):
    app.command()(_command)
app.command("set")(instance_limits.set_)


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
