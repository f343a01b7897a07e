"""`wyoming-central reconcile`: what the server would do about the instances, and what is left over."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import typer

from config.settings import Settings
from provisioning.docker.engine import Engine
from provisioning.docker.labels import Deployment
from provisioning.docker.strays import Kind, Stray, Whose, find_strays, remove_orphan
from provisioning.driver import Driver
from provisioning.errors import InstanceError
from provisioning.plan import Action, planned
from provisioning.spec import spec_of
from storage.records import InstanceRecord, UserRecord
from wyoming_central.application import drivers_of, provisioner_options
from wyoming_central.cli.commands import single
from wyoming_central.cli.confirm import confirm
from wyoming_central.cli.find import owner_of
from wyoming_central.cli.options import AsJson, Yes
from wyoming_central.cli.output import Column, note, show_json, show_table
from wyoming_central.cli.quiet import quiet_logs
from wyoming_central.cli.store import Store, open_store
from wyoming_central.discovery import server_id

app = single()

_UNSEEN: Final = "unseen"


@dataclass(frozen=True, slots=True)
class _Planned:
    """What there is to do about one instance: an `Action`, or `unseen` with why."""

    user: str
    name: str
    action: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be done, and what nobody owns."""

    instances: tuple[_Planned, ...]
    strays: tuple[Stray, ...]

    @property
    def orphans(self) -> tuple[Stray, ...]:
        """What may be removed."""
        return tuple(stray for stray in self.strays if stray.whose is Whose.ORPHAN)


@app.command()
def reconcile(
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Show only; what happens without --prune too.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove what removed instances left, volumes with all data too.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Show what the server would do about the instances, and what is left over on the Docker engine.

    The server does the first by itself, within a second or two. It never removes what is left over, which may
    hold data; --prune does, after a question. What is somebody else's is shown where it is in the way, and
    never touched.
    """
    if plan and prune:
        raise typer.BadParameter("--plan shows, --prune removes: say one of them")
    quiet_logs()
    asyncio.run(_reconcile(prune=prune, yes=yes, as_json=as_json))


async def _reconcile(*, prune: bool, yes: bool, as_json: bool) -> None:
    async with open_store() as store:
        settings = store.settings
        records = await store.instances.list()
        users = {user.id: user for user in await store.users.list()}
        drivers = await asyncio.to_thread(drivers_of, settings, store.users)
        try:
            found = _Plan(await _planned(records, drivers, users, settings), await _strays(settings, store))
        finally:
            for driver in drivers.values():
                await driver.close()
    if as_json:
        _show_json(found)
    else:
        _show(found)
    if prune:
        await _prune(found.orphans, settings, yes=yes)


async def _planned(
    records: Sequence[InstanceRecord],
    drivers: Mapping[str, Driver],
    users: Mapping[str, UserRecord],
    settings: Settings,
) -> tuple[_Planned, ...]:
    options = provisioner_options(settings)
    plans = []
    for record in records:
        owner = owner_of(record, users.get(record.user_id))
        driver = drivers.get(record.driver)
        if driver is None or not driver.onboards:
            reason = "its user runs it" if driver else f"no server here has the driver {record.driver}"
            plans.append(_Planned(owner, record.container_name, _UNSEEN, reason))
            continue
        try:
            seen = (await driver.observe([record.container_name]))[record.container_name]
        except InstanceError as error:
            plans.append(_Planned(owner, record.container_name, _UNSEEN, error.message))
            continue
        action = planned(record.desired, spec_of(record, options), seen, limited=driver.enforces_limits)
        plans.append(_Planned(owner, record.container_name, action.value, seen.ended or ""))
    return tuple(plans)


async def _strays(settings: Settings, store: Store) -> tuple[Stray, ...]:
    async def instance_ids() -> set[str]:
        return {record.id for record in await store.instances.list()}

    if not settings.serves_docker:
        return ()
    engine = Engine(settings.docker_host)
    try:
        deployment = Deployment(await asyncio.to_thread(server_id, settings.data_dir))
        return await find_strays(engine, deployment, instance_ids, settings.ha_port_range)
    finally:
        await engine.close()


def _show(plan: _Plan) -> None:
    show_table(
        (Column("USER"), Column("INSTANCE"), Column("TO DO", whole=True), Column("")),
        ((one.user, one.name, one.action, one.reason) for one in plan.instances),
    )
    if plan.strays:
        show_table(
            (Column("LEFT OVER"), Column("NAME"), Column("WHOSE", whole=True), Column("")),
            ((one.kind.value, one.name, one.whose.value, one.reason) for one in plan.strays),
        )
    to_do = sum(one.action not in {Action.NOTHING, _UNSEEN} for one in plan.instances)
    note(f"To do: {to_do} of {len(plan.instances)} instances.")
    if plan.orphans:
        note(f"{len(plan.orphans)} things are left over: `wyoming-central reconcile --prune` removes them.")


def _show_json(plan: _Plan) -> None:
    show_json(
        {
            "instances": [
                {"user": one.user, "name": one.name, "action": one.action, "reason": one.reason or None}
                for one in plan.instances
            ],
            "strays": [
                {"kind": one.kind, "name": one.name, "whose": one.whose, "reason": one.reason}
                for one in plan.strays
            ],
        }
    )


async def _prune(orphans: Sequence[Stray], settings: Settings, *, yes: bool) -> None:
    if not orphans:
        note("Nothing is left over.")
        return
    volumes = sum(one.kind is Kind.VOLUME for one in orphans)
    lost = f", {volumes} of them volumes with all their data" if volumes else ""
    confirm(f"Remove {len(orphans)} things for good{lost}?", yes=yes)
    engine = Engine(settings.docker_host)
    try:
        for orphan in orphans:
            await remove_orphan(engine, orphan)
            note(f"Removed the {orphan.kind} {orphan.name}.")
    finally:
        await engine.close()
