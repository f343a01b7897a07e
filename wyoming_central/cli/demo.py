"""`wyoming-central demo`: see it work."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer
from rich.console import Console

from config.settings import load_settings
from wyoming_central.cli.commands import single
from wyoming_central.cli.quiet import quiet_logs
from wyoming_central.demo.run import run_demo
from wyoming_central.event_loop import run

app = single()


@app.command()
def demo(
    *,
    keep: Annotated[
        bool, typer.Option("--keep", help="Leave it running until Ctrl-C, and say how to talk to it.")
    ] = False,
) -> None:
    """Watch it work, from nothing: a server, two people, a real Home Assistant for each, ten sentences.

    Everything lives in a temporary folder. The first time, Home Assistant is installed, which takes a minute
    or two. The exit status is 0 only if every sentence did in Home Assistant what it should.
    """
    quiet_logs()
    try:
        code = run(run_demo(load_settings(), keep=keep, console=Console(highlight=False)))
    except asyncio.CancelledError:
        raise typer.Abort from None
    raise typer.Exit(code)
