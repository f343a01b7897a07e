"""From what a person typed to the user or device that is meant; and its completion in a shell."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final, TypeAlias

import typer

from config.errors import WyomingCentralError
from storage.errors import NotFoundError
from storage.records import AuditRow, BindingRecord, DeviceRecord, InstanceRecord, UserRecord
from wyoming_central.cli.store import Store, open_store

# Shorter beginnings of an id are rather typing errors.
_SHORTEST_PREFIX: Final = 4
# How far back the beginning of a request's id is looked for.
_SEARCHED_ROWS: Final = 5000


class AmbiguousError(WyomingCentralError):
    """What was typed fits more than one."""


async def find_user(store: Store, wanted: str) -> UserRecord:
    """Give the user with this address, or with an id that begins so.

    Raises:
        NotFoundError: There is none.
        AmbiguousError: Several ids begin so.
    """
    users = await store.users.list()
    by_address = [user for user in users if user.email == wanted.strip().lower()]
    found = by_address or [user for user in users if _begins(user.id, wanted)]
    if not found:
        raise NotFoundError(f"there is no user {wanted!r}", remedy="see `wyoming-central user list`")
    if len(found) > 1:
        raise AmbiguousError(f"{len(found)} users fit {wanted!r}", remedy="give more of it")
    return found[0]


async def find_turn(store: Store, wanted: str) -> AuditRow:
    """Give the turn with this request id, or with one that begins so among the newest.

    Raises:
        NotFoundError: There is none.
        AmbiguousError: Several ids begin so.
    """
    try:
        return await store.audit.get(wanted)
    except NotFoundError:
        found = [row for row in await store.audit.tail(_SEARCHED_ROWS) if row.request_id.startswith(wanted)]
    if not found:
        raise NotFoundError(f"there is no turn {wanted!r}", remedy="see `wyoming-central audit tail`")
    if len(found) > 1:
        raise AmbiguousError(f"{len(found)} turns fit {wanted!r}", remedy="give more of it")
    return found[0]


async def find_device(store: Store, wanted: str, *, of_user: str | None = None) -> DeviceRecord:
    """Give the device of this name, or with an id that begins so; a revoked one only by its id.

    Args:
        store: Where to look.
        wanted: What was typed.
        of_user: Whose it is, as `find_user` takes it; None for anybody's.

    Raises:
        NotFoundError: There is none.
        AmbiguousError: Several fit.
    """
    user = await find_user(store, of_user) if of_user is not None else None
    devices = await store.devices.list(user.id if user else None)
    named = [device for device in devices if device.name == wanted and device.revoked_at is None]
    found = named or [device for device in devices if _begins(device.id, wanted)]
    if not found:
        raise NotFoundError(f"there is no device {wanted!r}", remedy="see `wyoming-central device list`")
    if len(found) > 1:
        raise AmbiguousError(f"{len(found)} devices fit {wanted!r}", remedy=await _tell_apart(store, found))
    return found[0]


async def find_binding(store: Store, wanted: str) -> BindingRecord:
    """Give the binding with an id that begins so.

    Raises:
        NotFoundError: There is none.
        AmbiguousError: Several ids begin so.
    """
    found = [binding for binding in await store.bindings.list() if _begins(binding.id, wanted)]
    if not found:
        raise NotFoundError(f"there is no binding {wanted!r}", remedy="see `wyoming-central binding list`")
    if len(found) > 1:
        raise AmbiguousError(f"{len(found)} bindings fit {wanted!r}", remedy="give more of it")
    return found[0]


def complete_user(incomplete: str) -> list[str]:
    """Complete the address of a user."""
    return _completions(_addresses, incomplete)


def complete_device(incomplete: str) -> list[str]:
    """Complete the name of a device."""
    return _completions(_device_names, incomplete)


User: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="USER", help="E-mail address, or the beginning of an id.", autocompletion=complete_user
    ),
]

OfUser: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--user", "-u", metavar="USER", help="Only of this user: address or id.", autocompletion=complete_user
    ),
]

Device: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="DEVICE", help="Name, or the beginning of an id.", autocompletion=complete_device),
]


def _begins(identifier: str, wanted: str) -> bool:
    return len(wanted) >= _SHORTEST_PREFIX and identifier.startswith(wanted.lower())


async def _tell_apart(store: Store, devices: Sequence[DeviceRecord]) -> str:
    owners = {user.id: user.email for user in await store.users.list()}
    ids = ", ".join(f"{device.id[:8]} of {owners.get(device.user_id, '?')}" for device in devices)
    return f"give an id, or --user: {ids}"


async def _addresses(store: Store) -> list[str]:
    return [user.email for user in await store.users.list()]


async def _device_names(store: Store) -> list[str]:
    return sorted({device.name for device in await store.devices.list() if device.revoked_at is None})


def _completions(look_up: Callable[[Store], Awaitable[list[str]]], incomplete: str) -> list[str]:
    async def candidates() -> list[str]:
        async with open_store() as store:
            return await look_up(store)

    try:
        found = asyncio.run(candidates())
    except WyomingCentralError:
        # A shell that completes is no place for an error.
        return []
    return [candidate for candidate in found if candidate.startswith(incomplete)]


def owner_of(instance: InstanceRecord, user: UserRecord | None) -> str:
    """Whose an instance is, also where its user was removed."""
    return user.email if user else f"removed {instance.user_id[:8]}"
