"""`wyoming-central binding`: devices that are known by their address."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from config.listen import DEFAULT_NAME
from storage.records import BindingRecord, DeviceRecord, UserRecord
from wyoming_central.cli.commands import examples, group
from wyoming_central.cli.confirm import confirm
from wyoming_central.cli.find import Device, OfUser, find_binding, find_device, find_user
from wyoming_central.cli.options import AsJson, Yes
from wyoming_central.cli.output import Column, day, note, show_json, show_table
from wyoming_central.cli.store import open_store

app = group(
    "Bindings: let a device in by its address, without a token. For peers that cannot send one, such as Home "
    "Assistant and stock satellites; only in networks where nobody else can take that address."
)


@app.command(
    "add",
    epilog=examples(
        "wyoming-central binding add kitchen --network 192.168.1.20",
        "wyoming-central binding add kitchen --network 192.168.1.20 --write-only",
    ),
)
def add(
    *,
    device: Device,
    network: Annotated[
        str, typer.Option("--network", "-n", metavar="NETWORK", help="Address, or network as 192.168.1.0/24.")
    ],
    listener: Annotated[
        str, typer.Option(metavar="NAME", help="The listener it connects to, as LISTEN names it.")
    ] = DEFAULT_NAME,
    write_only: Annotated[
        bool,
        typer.Option(
            "--write-only", help="It never reads (a satellite's --event-uri), so nothing is answered."
        ),
    ] = False,
    user: OfUser = None,
    as_json: AsJson = False,
) -> None:
    """Let whoever connects from a network be a device. The narrowest binding that fits decides."""
    asyncio.run(_add(device, user, network, listener, write_only=write_only, as_json=as_json))


@app.command("list")
def list_(*, user: OfUser = None, as_json: AsJson = False) -> None:
    """List the bindings."""
    asyncio.run(_list(user, as_json=as_json))


@app.command()
def remove(
    *,
    binding: Annotated[str, typer.Argument(metavar="BINDING", help="The beginning of its id.")],
    yes: Yes = False,
) -> None:
    """Remove a binding.

    Connections that it let in are closed within a second.
    """
    found = asyncio.run(_find(binding))
    confirm(f"Remove the binding of {found.network} on {found.listener}?", yes=yes)
    asyncio.run(_remove(found))


async def _add(
    wanted: str, of_user: str | None, network: str, listener: str, *, write_only: bool, as_json: bool
) -> None:
    async with open_store() as store:
        device = await find_device(store, wanted, of_user=of_user)
        binding = await store.bindings.add(
            device_id=device.id, listener=listener, network=network, write_only=write_only
        )
        owner = await store.users.get(device.user_id)
        listeners = sorted({address.name for address in store.settings.listen})
    if as_json:
        show_json(_as_json(binding, device, owner))
    note(
        f"Whoever connects to {binding.listener} from {binding.network} is {device.name} ({binding.id[:8]})."
    )
    if listener not in listeners:
        note(f"LISTEN names no listener {listener}, only: {', '.join(listeners)}.", style="yellow")


async def _list(of_user: str | None, *, as_json: bool) -> None:
    async with open_store() as store:
        user = await find_user(store, of_user) if of_user is not None else None
        bindings = await store.bindings.list(user.id if user else None)
        devices = {device.id: device for device in await store.devices.list()}
        users = {one.id: one for one in await store.users.list()}
    if as_json:
        show_json([_as_json(one, devices[one.device_id], users[one.user_id]) for one in bindings])
        return
    if not bindings:
        note("There are no bindings yet: wyoming-central binding add DEVICE --network ADDRESS")
        return
    show_table(
        (
            Column("NETWORK", whole=True),
            Column("LISTENER"),
            Column("DEVICE"),
            Column("USER"),
            Column("ANSWERED"),
            Column("ADDED", whole=True),
            Column("ID", whole=True),
        ),
        (
            (
                one.network,
                one.listener,
                devices[one.device_id].name,
                users[one.user_id].email,
                "no" if one.write_only else "yes",
                day(one.created_at),
                one.id[:8],
            )
            for one in bindings
        ),
    )


async def _find(wanted: str) -> BindingRecord:
    async with open_store() as store:
        return await find_binding(store, wanted)


async def _remove(binding: BindingRecord) -> None:
    async with open_store() as store:
        await store.bindings.remove(binding.id)
    note(f"Removed the binding of {binding.network}.")


def _as_json(binding: BindingRecord, device: DeviceRecord, user: UserRecord) -> dict[str, Any]:
    return {
        "id": binding.id,
        "network": binding.network,
        "listener": binding.listener,
        "device_id": binding.device_id,
        "device": device.name,
        "user_id": binding.user_id,
        "user": user.email,
        "write_only": binding.write_only,
        "created_at": binding.created_at,
    }
