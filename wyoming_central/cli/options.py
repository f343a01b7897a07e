"""Options that several commands have, so that they are called and explained alike everywhere."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from config.languages import SUPPORTED, normalise_language


def language_of(value: str | None) -> str | None:
    """Give the language that was asked for.

    Raises:
        typer.BadParameter: It is none that the server speaks.
    """
    if value is None:
        return None
    language = normalise_language(value)
    if language is None:
        raise typer.BadParameter(f"{value!r} is none of {', '.join(SUPPORTED)}")
    return language


def languages() -> list[str]:
    """Complete a language."""
    return list(SUPPORTED)


AsJson: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON.")]

Language: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--language",
        "-l",
        metavar="hu|en",
        help="What is spoken.",
        callback=language_of,
        autocompletion=languages,
    ),
]

Uri: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="URI",
        envvar="WYOMING_CENTRAL_URI",
        help="The server. Default: the one of LISTEN.",
    ),
]

Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]

Wait: TypeAlias = Annotated[
    bool | None,
    typer.Option(
        "--wait/--no-wait",
        help="Wait until it is done or has failed. In a terminal that is the default.",
        show_default=False,
    ),
]
