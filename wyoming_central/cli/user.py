"""`wyoming-central user`: the accounts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from config.languages import DEFAULT as DEFAULT_LANGUAGE
from storage.errors import AlreadyExistsError, NotFoundError, StorageError
from storage.passwords import NO_PASSWORD, hash_password
from storage.records import DeviceRecord, InstanceRecord, UserRecord
from wyoming_central.cli.commands import examples, group
from wyoming_central.cli.confirm import confirm
from wyoming_central.cli.find import User, find_user
from wyoming_central.cli.follow import NoServerError, described, follow
from wyoming_central.cli.options import AsJson, Language, Wait, Yes
from wyoming_central.cli.output import Column, day, moment, note, or_dash, show_fields, show_json, show_table
from wyoming_central.cli.place import Country, TimeZone, country_of, local_timezone
from wyoming_central.cli.secret_input import (
    asked_password,
    first_line,
    generated_password,
    password_from_stdin,
)
from wyoming_central.cli.store import Store, open_store
from wyoming_central.cli.unserved import refuse_unserved

app = group("Users: each has a Home Assistant and any number of devices.")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What was asked for with `user add`.

    Attributes:
        driver: None for the one of the settings.
        token: For the Home Assistant at `url`; both are None unless the user runs it.
    """

    email: str
    language: str
    driver: str | None
    timezone: str
    country: str | None
    url: str | None
    token: str | None = field(repr=False)


@app.command(
    "add",
    epilog=examples(
        "wyoming-central user add anna@example.org",
        "wyoming-central user add ben@example.org -l en --driver external \\",
        "    --url http://192.168.1.5:8123 --token-file token.txt",
    ),
)
def add(
    *,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="Names the user everywhere.")],
    language: Language = DEFAULT_LANGUAGE,
    driver: Annotated[
        Literal["process", "docker", "external"] | None,
        typer.Option(
            help="process, docker: run one for the user, so; external: they have one. Default: HA_DRIVER."
        ),
    ] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where the external one is.")] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Holds an access token for it, of an administrator."),
    ] = None,
    token_stdin: Annotated[bool, typer.Option("--token-stdin", help="Read that token from stdin.")] = False,
    timezone: TimeZone = None,
    country: Country = None,
    ask_password: Annotated[
        bool,
        typer.Option("--ask-password", help="Ask for a password for later; nothing here needs one yet."),
    ] = False,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read that password from stdin.")
    ] = False,
    generate_password: Annotated[
        bool, typer.Option("--generate-password", help="Make that password; it is all that stdout gets.")
    ] = False,
    check: Annotated[bool, typer.Option(help="First see whether a Home Assistant can be had.")] = True,
    wait: Wait = None,
    as_json: AsJson = False,
) -> None:
    """Add a user, and ask for their Home Assistant.

    A running server makes it at once: in seconds, but for the first one, which needs Home Assistant to be
    installed. Without a server it is made when `wyoming-central serve` runs.
    """
    if ask_password + password_stdin + generate_password > 1 or (password_stdin and token_stdin):
        raise typer.BadParameter("a password can come from one place only, and only one thing from stdin")
    wanted = _Wanted(
        email=email,
        language=language or DEFAULT_LANGUAGE,
        driver=driver,
        timezone=timezone or local_timezone(),
        country=country or country_of(language or DEFAULT_LANGUAGE),
        url=url.rstrip("/") if url else None,
        token=first_line(token_file) if token_file or token_stdin else None,
    )
    if driver != "external" and (wanted.url or wanted.token):
        raise typer.BadParameter("--url and a token are for --driver external")
    if driver == "external" and not (wanted.url and wanted.token):
        raise typer.BadParameter("--driver external needs --url, and --token-file or --token-stdin")
    asyncio.run(_check(wanted, home=check))
    password = _password(ask=ask_password, read=password_stdin, make=generate_password)
    user, instance = asyncio.run(_add(wanted, password))
    if as_json:
        shown = {**_as_json(user, [], instance)}
        show_json({**shown, "password": password} if generate_password else shown)
    elif generate_password:
        sys.stdout.write(f"{password}\n")
        sys.stdout.flush()
    note(f"Added {user.email}.")
    asyncio.run(_tell(user, instance, wait=wait))


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """List the users, their devices and how their Home Assistant is."""
    asyncio.run(_list(as_json=as_json))


@app.command()
def show(*, user: User, as_json: AsJson = False) -> None:
    """Show a user, with devices and Home Assistant."""
    asyncio.run(_show(user, as_json=as_json))


@app.command()
def remove(*, user: User, yes: Yes = False) -> None:
    """Remove a user, and erase what they said.

    Their devices and tokens stop working at once, and their Home Assistant is stopped. Its folder, under
    the data folder, is kept.
    """
    found, question = asyncio.run(_what_goes(user))
    confirm(question, yes=yes)
    asyncio.run(_remove(found))


def _password(*, ask: bool, read: bool, make: bool) -> str | None:
    if read:
        return password_from_stdin()
    if make:
        return generated_password()
    return asked_password() if ask else None


async def _check(wanted: _Wanted, *, home: bool) -> None:
    from wyoming_central.cli import home_check  # noqa: PLC0415 - slow to load, and no other command needs it

    async with open_store(create=True) as store:
        try:
            user = await store.users.by_email(wanted.email)
        except NotFoundError:
            pass
        else:
            raise AlreadyExistsError(f"there is a user {user.email} already", remedy="choose another address")
        if wanted.url:
            home_check.check_address(wanted.url)
        if not home:
            return
        if wanted.url and wanted.token:
            found = await home_check.check_external_home(wanted.url, wanted.token)
        elif _driver(store, wanted) == "process":
            found = await home_check.check_own_home(store.settings)
        else:
            return
    note(found)


async def _add(wanted: _Wanted, password: str | None) -> tuple[UserRecord, InstanceRecord]:
    async with open_store() as store:
        _driver(store, wanted)  # before there is half a user
        user = await store.users.add(
            email=wanted.email,
            password_hash=NO_PASSWORD if password is None else await hash_password(password),
            language=wanted.language,
        )
        try:
            instance = await _request_home(store, user, wanted)
            return await store.users.get(user.id), instance
        except StorageError:
            # Half a user would be in the way of the second try.
            await store.users.remove(user.id)
            raise


async def _request_home(store: Store, user: UserRecord, wanted: _Wanted) -> InstanceRecord:
    if wanted.url and wanted.token:
        await store.users.set_home(user.id, url=wanted.url, token=wanted.token)
        return await store.instances.request_external(
            user_id=user.id, timezone=wanted.timezone, language=wanted.language, country=wanted.country
        )
    driver = _driver(store, wanted)
    return await store.instances.request(
        user_id=user.id,
        driver=driver,
        timezone=wanted.timezone,
        language=wanted.language,
        country=wanted.country,
        port_range=store.settings.ha_port_range,
        network_pool=store.settings.ha_network_pool if driver == "docker" else None,
    )


def _driver(store: Store, wanted: _Wanted) -> str:
    driver = wanted.driver or store.settings.ha_driver
    if driver == "external" and not wanted.url:
        raise typer.BadParameter("HA_DRIVER is external: --url is needed, and --token-file or --token-stdin")
    refuse_unserved(driver, store.settings)
    return driver


async def _tell(user: UserRecord, instance: InstanceRecord, *, wait: bool | None) -> None:
    async with open_store() as store:
        if await store.server() is None:
            if wait:
                raise NoServerError
            note(
                "No server is running: the Home Assistant is made when `wyoming-central serve` runs.",
                style="yellow",
            )
        elif wait or (wait is None and sys.stderr.isatty()):
            ready = await follow(store, instance)
            note(f"Home Assistant {or_dash(ready.version)} is ready.", style="green")
        else:
            note("The Home Assistant is being made: `wyoming-central instance list` shows how far it is.")
    note(f"Next: wyoming-central device add {user.email} NAME --area AREA")
    if instance.driver != "external":
        # A new home has nothing in it, and whoever speaks to it is told that no lamp was found.
        note(f"To add lamps and rooms: wyoming-central instance login {user.email}")


async def _list(*, as_json: bool) -> None:
    async with open_store() as store:
        users = await store.users.list()
        devices = await store.devices.list()
        instances = {instance.user_id: instance for instance in await store.instances.list()}
    of_user = {user.id: [device for device in devices if device.user_id == user.id] for user in users}
    if as_json:
        show_json([_as_json(user, of_user[user.id], instances.get(user.id)) for user in users])
        return
    if not users:
        note("There are no users yet: wyoming-central user add EMAIL")
        return
    show_table(
        (
            Column("EMAIL"),
            Column("LANGUAGE"),
            Column("DEVICES", right=True),
            Column("HOME ASSISTANT"),
            Column("ADDED", whole=True),
            Column("ID", whole=True),
        ),
        (
            (
                user.email,
                user.language,
                str(len(_in_use(of_user[user.id]))),
                _home(instances.get(user.id)),
                day(user.created_at),
                user.id[:8],
            )
            for user in users
        ),
    )


async def _show(wanted: str, *, as_json: bool) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        devices = list(await store.devices.list(user.id))
        instance = await _instance(store, user.id)
    if as_json:
        show_json(_as_json(user, devices, instance))
        return
    show_fields(
        (
            ("Email", user.email),
            ("Id", user.id),
            ("Language", user.language),
            ("Home Assistant", _home(instance)),
            ("Address", or_dash(user.ha_instance_url)),
            ("Token", "stored" if user.has_ha_token else "none yet"),
            ("Devices", ", ".join(device.name for device in _in_use(devices)) or "none"),
            ("Added", moment(user.created_at)),
        )
    )


async def _what_goes(wanted: str) -> tuple[UserRecord, str]:
    """Who is to be removed, and a question that says what goes with them."""
    async with open_store() as store:
        user = await find_user(store, wanted)
        devices = _in_use(await store.devices.list(user.id))
        bindings = await store.bindings.list(user.id)
        instance = await _instance(store, user.id)
    note(f"With {user.email} go:")
    names = ", ".join(device.name for device in devices)
    note(f"  devices    {f'{names}; {len(bindings)} bindings' if names else 'none'}")
    note("  sentences  all that was said; of the audit log bare rows stay")
    if instance is None:
        note("  home       none")
    elif instance.driver == "external":
        note("  home       the token; their Home Assistant is left alone")
    else:
        where = "volume" if instance.driver == "docker" else "folder"
        note(f"  home       it is stopped; its {where} with all data is kept")
    return user, f"Remove {user.email}?"


async def _remove(user: UserRecord) -> None:
    async with open_store() as store:
        await store.users.remove(user.id)
        served = await store.server() is not None
    note(f"Removed {user.email}.")
    if not served:
        note("No server is running: the home is cleared away when `wyoming-central serve` runs.")


async def _instance(store: Store, user_id: str) -> InstanceRecord | None:
    try:
        return await store.instances.get(user_id)
    except NotFoundError:
        return None


def _in_use(devices: Sequence[DeviceRecord]) -> list[DeviceRecord]:
    return [device for device in devices if device.revoked_at is None]


def _home(instance: InstanceRecord | None) -> str:
    return "none" if instance is None else described(instance)


def _as_json(
    user: UserRecord, devices: Sequence[DeviceRecord], instance: InstanceRecord | None
) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "language": user.language,
        "role": user.role,
        "home": {
            "driver": instance.driver,
            "status": instance.status,
            "url": user.ha_instance_url,
            "has_token": user.has_ha_token,
        }
        if instance
        else None,
        "devices": [{"id": device.id, "name": device.name} for device in _in_use(devices)],
        "created_at": user.created_at,
        "updated_at": user.updated_at,
    }
