"""`wyoming-central ping`: whether a server serves, for health checks and for people in a hurry."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Final

import typer
from wyoming.info import Info

from config.errors import WyomingCentralError
from wyoming_central.cli.commands import examples, single
from wyoming_central.cli.options import AsJson, Uri
from wyoming_central.cli.output import fail, show_json, show_line
from wyoming_central.cli.reach import own_server
from wyoming_central.client import connect
from wyoming_central.errors import AddressError, ClientError, FrameError, RefusedError, ServerTimeoutError

# A deadline of nothing would blame the answer for the time that connecting took.
_SECONDS_LEAST: Final = 0.1

app = single()


@app.command(
    epilog=examples("wyoming-central ping", "wyoming-central ping --uri tcp://192.168.1.2:10500 --within 2")
)
def ping(
    *,
    uri: Uri = None,
    within: Annotated[
        float, typer.Option(metavar="SECONDS", min=_SECONDS_LEAST, help="For connecting and the answer.")
    ] = 5.0,
    as_json: AsJson = False,
) -> None:
    """Ask a server what it can do, and say whether it answered.

    It takes no token. The exit status is 1 where no server answered in time, with the reason on stderr.
    """
    uri = uri or own_server()
    started = time.monotonic()
    try:
        info = asyncio.run(_describe(uri, within))
    except AddressError:
        raise
    except (ClientError, FrameError) as error:
        raise typer.Exit(fail(_naming(uri, error), remedy=error.remedy or _remedy(error))) from None
    ms = round((time.monotonic() - started) * 1000, 1)
    names = [(program.name, program.version) for program in info.handle]
    if as_json:
        programs = [{"name": name, "version": version} for name, version in names]
        show_json({"uri": uri, "ms": ms, "programs": programs})
    else:
        told = (
            ", ".join(f"{name} {version or ''}".rstrip() for name, version in names)
            or "it handles no sentences"
        )
        show_line(f"{uri} answers: {told} ({ms:.1f} ms)")


async def _describe(uri: str, within: float) -> Info:
    started = time.monotonic()
    async with connect(uri, within=within) as client:
        left = within - (time.monotonic() - started)
        return await client.describe(within=max(_SECONDS_LEAST, round(left, 1)))


def _naming(uri: str, error: WyomingCentralError) -> str:
    return error.message if uri in error.message else f"{uri}: {error.message}"


def _remedy(error: WyomingCentralError) -> str:
    """What to do about a server that can be reached, and all the same does not answer as one should."""
    match error:
        case ServerTimeoutError():
            return "it starts, hangs or has too much to do: its log says which"
        case RefusedError():
            return "it is there, but takes no more: its log says why"
        case _:
            return "is this a Wyoming server?"
