"""Questions before something is taken away."""

from __future__ import annotations

import sys

import typer

from config.errors import WyomingCentralError
from wyoming_central.cli.output import note


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is taken away.

    Args:
        question: To be answered with yes or no.
        yes: It was answered on the command line.

    Raises:
        WyomingCentralError: There is nobody to ask.
        typer.Exit: The answer was no.
    """
    if yes:
        return
    if not _is_terminal():
        raise WyomingCentralError("this asks before it takes something away", remedy="add --yes to go ahead")
    if not typer.confirm(question, err=True):
        note("Nothing was changed.")
        raise typer.Exit(1)


def _is_terminal() -> bool:
    return sys.stdin.isatty()
