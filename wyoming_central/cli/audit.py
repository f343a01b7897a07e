"""`wyoming-central audit`: what was said, understood, done and answered."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from storage.records import AuditRow
from wyoming_central.cli.commands import group
from wyoming_central.cli.find import OfUser, find_turn, find_user
from wyoming_central.cli.options import AsJson
from wyoming_central.cli.output import (
    Column,
    moment,
    note,
    or_dash,
    several,
    show_fields,
    show_json,
    show_json_line,
    show_line,
    show_table,
)
from wyoming_central.cli.stage_shares import StageShare, stage_shares
from wyoming_central.cli.stage_shares import as_json as share_as_json
from wyoming_central.cli.store import Store, open_store
from wyoming_central.cli.turn_data import objects, stage_lines

_POLL_SECONDS: Final = 0.5
_ROWS_A_POLL: Final = 200

app = group("The audit log: what was said, understood and done.")


@dataclass(frozen=True, slots=True)
class _Names:
    """What users and devices are called, by id."""

    users: Mapping[str, str]
    devices: Mapping[str, str]

    def user(self, row: AuditRow) -> str | None:
        """The address of the row's user; None where there is none any more."""
        return self.users.get(row.user_id or "")

    def device(self, row: AuditRow) -> str | None:
        """The name of the row's device; None where there is none any more."""
        return self.devices.get(row.device_id or "")


@app.command()
def tail(
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, max=10_000, help="How many.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    user: OfUser = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest turns, the newest last.

    With --follow and --json it is one JSON object a line.
    """
    asyncio.run(_tail(limit, user, follow=follow, as_json=as_json))


@app.command()
def show(
    *,
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Id of the turn, or its beginning.")],
    as_json: AsJson = False,
) -> None:
    """Show all that is known of one turn."""
    asyncio.run(_show(request, as_json=as_json))


@app.command()
def stages(
    *,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=10_000, help="Of so many newest turns.")
    ] = 1000,
    user: OfUser = None,
    as_json: AsJson = False,
) -> None:
    """Show how many turns each stage understood, and how long it took."""
    asyncio.run(_stages(limit, user, as_json=as_json))


async def _stages(limit: int, of_user: str | None, *, as_json: bool) -> None:
    async with open_store() as store:
        user_id = (await find_user(store, of_user)).id if of_user is not None else None
        shares = stage_shares(await store.audit.tail(limit, user_id=user_id))
    if as_json:
        show_json([share_as_json(one) for one in shares])
    elif shares:
        show_table(_SHARE_COLUMNS, [_share_row(one) for one in shares])
    else:
        note("Nothing was said yet.")


_SHARE_COLUMNS: Final = (
    Column("STAGE"),
    Column("ASKED", right=True),
    Column("TOOK", right=True),
    Column("SHARE", right=True),
    Column("P50 MS", right=True),
    Column("P95 MS", right=True),
)


def _share_row(share: StageShare) -> tuple[str, ...]:
    times = ("–" if ms is None else f"{ms:.2f}" for ms in (share.p50_ms, share.p95_ms))
    return (share.stage, str(share.asked), str(share.taken), f"{100 * share.share:.1f} %", *times)


async def _tail(limit: int, of_user: str | None, *, follow: bool, as_json: bool) -> None:
    async with open_store() as store:
        user_id = (await find_user(store, of_user)).id if of_user is not None else None
        rows = await store.audit.tail(limit, user_id=user_id) if limit else ()
        names = await _names(store)
        if follow:
            await _follow(store, rows, names, user_id, as_json=as_json)
        elif as_json:
            show_json([_as_json(row, names) for row in rows])
        elif rows:
            for row in rows:
                _show_turn(row, names)
        else:
            note("Nothing was said yet.")


async def _follow(
    store: Store, rows: Sequence[AuditRow], names: _Names, user_id: str | None, *, as_json: bool
) -> None:
    newest = await store.audit.tail(1)
    last_id = newest[-1].id if newest else 0
    while True:
        for row in rows:
            if as_json:
                show_json_line(_as_json(row, names))
            else:
                _show_turn(row, names)
        await asyncio.sleep(_POLL_SECONDS)
        rows = await store.audit.tail(_ROWS_A_POLL, user_id=user_id, after_id=last_id)
        if rows:
            last_id = rows[-1].id
            names = await _names(store)


async def _show(wanted: str, *, as_json: bool) -> None:
    async with open_store() as store:
        row = await find_turn(store, wanted)
        names = await _names(store)
    if as_json:
        show_json(_as_json(row, names))
        return
    show_fields(
        (
            ("Request", row.request_id),
            ("Time", moment(row.timestamp)),
            ("User", or_dash(names.user(row) or row.user_id)),
            ("Device", or_dash(names.device(row) or row.device_id)),
            ("Language", or_dash(row.language)),
            ("Said", or_dash(row.input_text)),
            *several("Understood", _understood(row.intent)),
            *several("Done", _done(row.ha_response)),
            ("Answered", or_dash(_speech(row))),
            ("Status", row.status),
            ("Error", or_dash(row.error_message)),
            ("Took", f"{row.latency_ms:.1f} ms"),
            *several("Stages", stage_lines(row.stages)),
        )
    )


async def _names(store: Store) -> _Names:
    return _Names(
        users={user.id: user.email for user in await store.users.list()},
        devices={device.id: device.name for device in await store.devices.list()},
    )


def _show_turn(row: AuditRow, names: _Names) -> None:
    """Two lines: when and who; then how it ended, what was said and answered."""
    user = names.user(row)
    who = f"{or_dash(names.device(row))} of {user}" if user else "a removed user"
    how = f"{or_dash(_parser(row))}, {row.latency_ms:.1f} ms"
    show_line(f"{moment(row.timestamp)}  {row.request_id[:8]}  {who}  ({how})")
    said = "(erased)" if row.input_text is None else f"{row.input_text} → {or_dash(_speech(row))}"
    show_line(f"    {row.status}: {said}")


def _speech(row: AuditRow) -> str | None:
    speech = (row.ha_response or {}).get("speech")
    return speech if isinstance(speech, str) else None


def _parser(row: AuditRow) -> str | None:
    parser = (row.intent or {}).get("parser")
    return parser if isinstance(parser, str) else None


def _understood(intent: Mapping[str, Any] | None) -> list[str]:
    return [f"{one.get('name')}  {_pairs(one.get('slots'))}" for one in objects(intent, "intents")]


def _done(response: Mapping[str, Any] | None) -> list[str]:
    return [
        f"{one.get('domain')}.{one.get('service')}  {', '.join(map(str, one.get('entity_id') or ()))}  "
        f"{_pairs(one.get('data'))}"
        for one in objects(response, "calls")
    ]


def _pairs(values: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items()) if isinstance(values, dict) else ""


def _as_json(row: AuditRow, names: _Names) -> dict[str, Any]:
    return {
        "request_id": row.request_id,
        "timestamp": row.timestamp,
        "user_id": row.user_id,
        "user": names.user(row),
        "device_id": row.device_id,
        "device": names.device(row),
        "language": row.language,
        "input_text": row.input_text,
        "status": row.status,
        "intent": row.intent,
        "ha_response": row.ha_response,
        "stages": row.stages,
        "latency_ms": row.latency_ms,
        "llm_tokens": row.llm_tokens,
        "error_message": row.error_message,
    }
