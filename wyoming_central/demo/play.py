"""The play of the demo: what is said, what is answered, and what Home Assistant shows of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.markup import escape
from wyoming.event import Event
from wyoming.handle import Handled

from provisioning.home.registry import EntityState
from provisioning.home.socket import HomeAssistantSocket
from storage.errors import NotFoundError
from storage.records import AuditRow
from wyoming_central.application import Application
from wyoming_central.client import Client, connect
from wyoming_central.demo.people import DemoError, Person, access
from wyoming_central.demo.script import Line, Script
from wyoming_central.demo.witness import Witness

SEEN_WITHIN_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What came of one line."""

    answer: str
    before: str
    after: str
    ok: bool
    row: AuditRow


async def play(server: Application, script: Script, anna: Person, ben: Person, console: Console) -> int:
    """Say everything; how many things were not as they should have been."""
    failures = 0
    async with AsyncExitStack() as stack:
        annas = await stack.enter_async_context(_witness(anna, server))
        bens = await stack.enter_async_context(_witness(ben, server))
        console.print("\n[bold]Anna's satellite speaks[/bold]")
        satellite = await stack.enter_async_context(_satellite(anna, server))
        for number, line in enumerate(script.lines, start=1):
            seen = await _say(satellite, line, annas, server)
            _show(console, number, line, seen)
            failures += not seen.ok
        console.print("\n[bold]Ben's satellite says what Anna's said first[/bold]")
        satellite = await stack.enter_async_context(_satellite(ben, server))
        line = script.lines[0]
        untouched = await annas.state_of(line.entity_id or "")
        seen = await _say(satellite, line, bens, server)
        _show(console, len(script.lines) + 1, line, seen)
        left_alone = await annas.state_of(line.entity_id or "") == untouched
        console.print(f"     Anna's {line.entity_id} is still {untouched.state}  {_mark(ok=left_alone)}")
        failures += (not seen.ok) + (not left_alone)
    console.print(
        f"\n[red]{failures} of it did not come true.[/red]"
        if failures
        else "\n[green]All of it was seen in Home Assistant.[/green]"
    )
    return failures


@asynccontextmanager
async def _witness(person: Person, server: Application) -> AsyncIterator[Witness]:
    url, token = await access(person.user_id, server)
    async with HomeAssistantSocket.connect(url, token, http=server.http, within=10) as socket:
        yield Witness(socket)


@asynccontextmanager
async def _satellite(person: Person, server: Application) -> AsyncIterator[Client]:
    (listening,) = server.listening
    async with connect(f"tcp://{listening.host}:{listening.port}") as client:
        await client.authenticate(person.token)
        yield client


async def _say(satellite: Client, line: Line, witness: Witness, server: Application) -> _Seen:
    was_already, before = await witness.sees(line, within=0) if line.entity_id else (False, None)
    answer = (await satellite.say(line.text, language=line.language))[-1]
    text = str(answer.data.get("text", ""))
    # What was so before anything was said would prove nothing.
    ok, after = Handled.is_type(answer.type) and not was_already, None
    if line.entity_id:
        came_true, after = await witness.sees(line, within=SEEN_WITHIN_SECONDS)
        ok = ok and came_true
    if line.answer is not None:
        ok = ok and line.answer in text
    row = await _audit_row(answer, server)
    return _Seen(text, _state_text(before, line), _state_text(after, line), ok, row)


async def _audit_row(answer: Event, server: Application) -> AuditRow:
    """The turn's row in the audit; it is written a moment after the answer has left."""
    request_id = str((answer.data.get("context") or {}).get("request_id"))
    for _ in range(100):
        with suppress(NotFoundError):
            return await server.repositories.audit.get(request_id)
        await asyncio.sleep(0.02)
    raise DemoError("the audit log has no row of this turn")


def _state_text(state: EntityState | None, line: Line) -> str:
    if state is None:
        return ""
    attributes = "".join(f", {name} {state.attributes.get(name)}" for name in line.attributes)
    return f"{state.state}{attributes}"


def _show(console: Console, number: int, line: Line, seen: _Seen) -> None:
    console.print(f" {number:>2}  [bold]{escape(line.text)}[/bold]  {_mark(ok=seen.ok)}")
    console.print(f"     {escape(seen.answer)}")
    if line.entity_id:
        console.print(f"     {line.entity_id}: {seen.before} → {seen.after}", highlight=False)
    console.print(f"     [dim]{_times(seen.row)}[/dim]", highlight=False)


def _mark(*, ok: bool) -> str:
    return "[green]✓[/green]" if ok else "[red]✗[/red]"


def _times(row: AuditRow) -> str:
    """Who understood it, and how many milliseconds each step took."""
    steps = (row.ha_response or {}).get("steps_ms", {})
    told = [f"{name} {milliseconds:.1f}" for name, milliseconds in steps.items()]
    parser = (row.intent or {}).get("parser")
    return f"{parser}: {' · '.join(told)} · in all {row.latency_ms:.1f} ms"
