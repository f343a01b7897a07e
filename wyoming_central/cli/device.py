"""`wyoming-central device`: the satellites and their tokens."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from handlers.device_token import DeviceToken, TokenKeys
from storage.records import DeviceRecord, UserRecord
from wyoming_central.cli.commands import examples, group
from wyoming_central.cli.confirm import confirm
from wyoming_central.cli.find import Device, OfUser, User, find_device, find_user
from wyoming_central.cli.options import AsJson, Language, Yes
from wyoming_central.cli.output import Column, ago, day, moment, note, or_dash, show_json, show_table
from wyoming_central.cli.store import Store, open_store

_SECONDS_A_DAY: Final = 86_400

app = group("Devices: the satellites of a user, and their tokens.")


@app.command(
    "add",
    epilog=examples(
        "wyoming-central device add anna@example.org kitchen --area Konyha",
        "TOKEN=$(wyoming-central device add anna@example.org kitchen)",
    ),
)
def add(
    *,
    user: User,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the user calls it.")],
    area: Annotated[
        str | None, typer.Option("--area", "-a", help="The area where it stands, as Home Assistant calls it.")
    ] = None,
    language: Language = None,
    token: Annotated[bool, typer.Option(help="Make a token; not needed where a binding lets it in.")] = True,
    as_json: AsJson = False,
) -> None:
    """Add a device, and print its token: once, alone on stdout.

    Whoever has the token can speak as this device. It is not stored: where it is lost, `device rotate`
    makes another. Without --language the device speaks its user's.
    """
    asyncio.run(_add(user, name, area, language, with_token=token, as_json=as_json))


@app.command("list")
def list_(
    *,
    user: OfUser = None,
    all_: Annotated[bool, typer.Option("--all", help="The revoked ones, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the devices."""
    asyncio.run(_list(user, everything=all_, as_json=as_json))


@app.command()
def revoke(*, device: Device, user: OfUser = None, yes: Yes = False) -> None:
    """Take a device's token and bindings away, for good.

    Its connections are closed within a second.
    """
    found, question = asyncio.run(_what_is_revoked(device, user))
    confirm(question, yes=yes)
    asyncio.run(_revoke(found))


@app.command()
def rotate(*, device: Device, user: OfUser = None, as_json: AsJson = False) -> None:
    """Give a device a new token, and print it: once, alone on stdout.

    The one it had stops working.
    """
    asyncio.run(_rotate(device, user, as_json=as_json))


async def _add(
    wanted: str, name: str, area: str | None, language: str | None, *, with_token: bool, as_json: bool
) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        device = await store.devices.add(user_id=user.id, name=name, area=area, language=language)
        token = None
        if with_token:
            device, token = await _new_token(store, device)
    note(f"Added {device.name} of {user.email} ({device.id[:8]}).")
    _show_token(device, user, token, as_json=as_json)
    if token is None:
        note(f"Next: wyoming-central binding add {device.id[:8]} --network ADDRESS")


async def _rotate(wanted: str, of_user: str | None, *, as_json: bool) -> None:
    async with open_store() as store:
        device = await find_device(store, wanted, of_user=of_user)
        user = await store.users.get(device.user_id)
        device, token = await _new_token(store, device)
    note(f"{device.name} of {user.email} has a new token; the one before stopped working.")
    _show_token(device, user, token, as_json=as_json)


async def _new_token(store: Store, device: DeviceRecord) -> tuple[DeviceRecord, DeviceToken]:
    now = datetime.now(UTC)
    token = TokenKeys(store.settings.jwt_secrets).mint(
        device.id,
        now=now.timestamp(),
        lifetime_seconds=store.settings.device_token_days * _SECONDS_A_DAY,
    )
    expires_at = datetime.fromtimestamp(token.expires_at, UTC)
    stored = await store.devices.set_token(device.id, token_id=token.token_id, expires_at=expires_at)
    return stored, token


def _show_token(device: DeviceRecord, user: UserRecord, token: DeviceToken | None, *, as_json: bool) -> None:
    """The one place where a token is printed."""
    if as_json:
        show_json({**_as_json(device, user), "token": token.text if token else None})
        return
    if token is None:
        return
    note(f"Its token, valid until {moment(device.token_expires_at)}; it is shown this once:")
    sys.stdout.write(f"{token.text}\n")


async def _list(of_user: str | None, *, everything: bool, as_json: bool) -> None:
    async with open_store() as store:
        user = await find_user(store, of_user) if of_user is not None else None
        devices = [
            device
            for device in await store.devices.list(user.id if user else None)
            if everything or device.revoked_at is None
        ]
        users = {one.id: one for one in await store.users.list()}
    if as_json:
        show_json([_as_json(device, users[device.user_id]) for device in devices])
    elif devices:
        _show_list(devices, users)
    else:
        note("There are no devices yet: wyoming-central device add USER NAME")


def _show_list(devices: list[DeviceRecord], users: Mapping[str, UserRecord]) -> None:
    now = datetime.now(UTC)
    show_table(
        (
            Column("NAME"),
            Column("USER"),
            Column("AREA"),
            Column("LANGUAGE"),
            Column("TOKEN UNTIL"),
            Column("LAST SEEN"),
            Column("ID", whole=True),
        ),
        (
            (
                device.name,
                users[device.user_id].email,
                or_dash(device.area),
                device.language or users[device.user_id].language,
                _token_state(device, now),
                ago(device.last_seen_at, now=now),
                device.id[:8],
            )
            for device in devices
        ),
    )


async def _what_is_revoked(wanted: str, of_user: str | None) -> tuple[DeviceRecord, str]:
    async with open_store() as store:
        device = await find_device(store, wanted, of_user=of_user)
        user = await store.users.get(device.user_id)
    return device, f"Revoke {device.name} of {user.email}, for good?"


async def _revoke(device: DeviceRecord) -> None:
    async with open_store() as store:
        await store.devices.revoke(device.id)
    note(f"Revoked {device.name}.")


def _token_state(device: DeviceRecord, now: datetime) -> str:
    if device.revoked_at is not None:
        return "revoked"
    if device.token_expires_at is None:
        return "none"
    if device.token_expires_at <= now:
        return "expired"
    return day(device.token_expires_at)


def _as_json(device: DeviceRecord, user: UserRecord) -> dict[str, Any]:
    return {
        "id": device.id,
        "name": device.name,
        "user_id": device.user_id,
        "user": user.email,
        "area": device.area,
        "language": device.language,
        "has_token": device.token_id is not None,
        "token_expires_at": device.token_expires_at,
        "created_at": device.created_at,
        "last_seen_at": device.last_seen_at,
        "revoked_at": device.revoked_at,
    }
