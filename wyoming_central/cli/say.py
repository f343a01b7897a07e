"""`wyoming-central say`: a satellite on the command line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled

from wyoming_central.cli.commands import examples, single
from wyoming_central.cli.options import AsJson, Language, Uri
from wyoming_central.cli.output import Column, note, show_json, show_table
from wyoming_central.cli.reach import own_server
from wyoming_central.cli.secret_input import first_line
from wyoming_central.client import connect
from wyoming_central.errors import RefusedError

_HANDLED: Final = Handled().event().type
_ERROR: Final = Error(text="").event().type

app = single()


@dataclass(frozen=True, slots=True)
class _Step:
    """Something that came back, and after how many milliseconds since it was asked for."""

    event: Event = field(repr=False)
    ms: float


@app.command(
    epilog=examples(
        "TOKEN=$(wyoming-central device add anna@example.org shell --area konyha)",
        'WYOMING_CENTRAL_TOKEN=$TOKEN wyoming-central say "kapcsold fel a lámpát"',
    )
)
def say(
    *,
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="What is said.")],
    uri: Uri = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the device's token in its first line.")
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            envvar="WYOMING_CENTRAL_TOKEN",
            show_default=False,
            help="The device's token. As an option, other users of this machine can see it.",
        ),
    ] = None,
    language: Language = None,
    within: Annotated[float, typer.Option(metavar="SECONDS", min=0.1, help="For the answer.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Say a sentence to a server as a device, and show what comes back.

    Without a token the server has to know this machine by a binding. The exit status is 1 where the
    sentence was not handled.
    """
    credential = first_line(token_file) if token_file else token
    steps = asyncio.run(_converse(uri or own_server(), credential, sentence, language, within))
    if as_json:
        show_json([{"type": step.event.type, "ms": step.ms, "data": step.event.data} for step in steps])
    else:
        show_table(
            (Column("EVENT", whole=True), Column("MS", right=True, whole=True), Column("TEXT")),
            ((step.event.type, f"{step.ms:.1f}", _text(step.event)) for step in steps),
        )
    if steps[-1].event.type != _HANDLED:
        if credential is None:
            note("No token was given: is there a binding for this machine, or is --token-file missing?")
        elif steps[0].event.type == _ERROR:
            note("The token was refused: `wyoming-central device rotate` makes a new one.")
        raise typer.Exit(1)


async def _converse(
    uri: str, token: str | None, sentence: str, language: str | None, within: float
) -> list[_Step]:
    """Connect, say who we are, say the sentence; the last step is the answer."""
    steps: list[_Step] = []
    async with connect(uri) as client:
        if token is not None:
            started = time.perf_counter()
            try:
                steps.append(_Step(await client.authenticate(token), _ms_since(started)))
            except RefusedError as error:
                refusal = Error(text=error.message, code=error.code).event()
                return [_Step(refusal, _ms_since(started))]
        started = time.perf_counter()
        events = await client.say(sentence, language=language, within=within)
        steps += [_Step(event, _ms_since(started)) for event in events]
    return steps


def _ms_since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _text(event: Event) -> str:
    """What an event says, for people."""
    data: Mapping[str, Any] = event.data or {}
    if event.type == _ERROR:
        code = data.get("code")
        return f"{data.get('text')} ({code})" if code else str(data.get("text"))
    inner = data.get("data")
    if isinstance(inner, dict):
        return ", ".join([str(data.get("name", "")), *(f"{name} {value}" for name, value in inner.items())])
    return str(data.get("text", ""))
