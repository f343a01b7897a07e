"""`wyoming-central instance history`: what the server did with a Home Assistant, and what came of it."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from storage.journal import KEPT
from storage.records import OperationRecord
from wyoming_central.cli.find import User, find_user
from wyoming_central.cli.options import AsJson
from wyoming_central.cli.output import Column, moment, note, or_dash, show_json, show_table
from wyoming_central.cli.store import open_store


def history(
    *,
    user: User,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=KEPT, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show what was done with a user's instances, the newest last.

    The newest 200 are kept. Interrupted is what a server had not done when it ended: the next one did what
    was wanted then.
    """
    asyncio.run(_history(user, limit, as_json=as_json))


async def _history(wanted: str, limit: int, *, as_json: bool) -> None:
    async with open_store() as store:
        user = await find_user(store, wanted)
        done = (await store.journal.of(user.id, limit=limit))[::-1]
    if as_json:
        show_json([_as_json(one) for one in done])
        return
    if not done:
        note(f"The journal has nothing that was done for {user.email}.")
        return
    show_table(
        (
            Column("BEGAN", whole=True),
            Column("WHAT"),
            Column("GEN", right=True),
            Column("TOOK", right=True),
            Column("OUTCOME"),
            Column("DETAIL"),
        ),
        (
            (
                moment(one.began_at),
                one.kind.value,
                str(one.generation),
                _took(one),
                "under way" if one.outcome is None else one.outcome.value,
                or_dash(one.detail),
            )
            for one in done
        ),
    )


def _took(operation: OperationRecord) -> str:
    if operation.ended_at is None:
        return "–"
    return f"{(operation.ended_at - operation.began_at).total_seconds():.1f} s"


def _as_json(operation: OperationRecord) -> dict[str, Any]:
    return {
        "operation": operation.kind,
        "instance_id": operation.instance_id,
        "generation": operation.generation,
        "began_at": operation.began_at,
        "ended_at": operation.ended_at,
        "outcome": operation.outcome,
        "detail": operation.detail,
    }
