"""`wyoming-central config`: the settings as they are, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from config.describe import Description, describe_settings
from config.problem import Problem
from config.schema import Settings, environment_name
from config.settings import read_settings
from wyoming_central.cli.commands import examples, group
from wyoming_central.cli.options import AsJson
from wyoming_central.cli.output import Column, fail, note, show_fields, show_json, show_table

app = group("Show and check the settings, which come from the environment and from `.env`.")


def _complete_name(incomplete: str) -> list[str]:
    names = map(environment_name, Settings.model_fields)
    return [name for name in names if name.startswith(incomplete.upper())]


@app.command(
    epilog=examples(
        "wyoming-central config show", "wyoming-central config show LISTEN HA_BOOT_TIMEOUT_SECONDS"
    )
)
def show(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME", help="Show only these, and what they are for.", autocompletion=_complete_name
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every setting with where its value came from.

    Of secrets only that they are set.
    """
    reading = read_settings()
    settings = describe_settings(reading.settings)
    if names:
        settings = _only(settings, names)
    if as_json:
        show_json(
            [
                {"name": one.name, "value": one.value, "origin": one.origin, "description": one.text}
                for one in settings
            ]
        )
    elif names:
        for one in settings:
            show_fields(
                (
                    (one.name, _for_people(one.value)),
                    ("", f"{one.origin.value}; {one.text[0].lower()}{one.text[1:]}"),
                )
            )
    else:
        show_table(
            (Column("NAME", whole=True), Column("VALUE"), Column("FROM", whole=True)),
            ((one.name, _for_people(one.value), one.origin.value) for one in settings),
        )
    if reading.problems:
        note(f"{len(reading.problems)} problems: `wyoming-central config check` tells them.", style="yellow")


@app.command()
def check(*, as_json: AsJson = False) -> None:
    """Name every problem with the settings at once. The exit status is 1 where there is one."""
    reading = read_settings()
    if as_json:
        show_json(
            {
                "problems": [_problem(one) for one in reading.problems],
                "warnings": [_problem(one) for one in reading.warnings],
            }
        )
    else:
        for problem in reading.problems:
            fail(f"{problem.name}: {problem.message}", remedy=problem.remedy)
        for warning in reading.warnings:
            note(f"warning: {warning.name}: {warning.message} — {warning.remedy}", style="yellow")
        if not reading.problems:
            note(f"The settings can be used ({reading.settings.environment}).", style="green")
    if reading.problems:
        raise typer.Exit(1)


def _only(settings: Iterable[Description], names: Iterable[str]) -> list[Description]:
    known = {one.name: one for one in settings}
    unknown = [name for name in names if name.upper() not in known]
    if unknown:
        raise typer.BadParameter(f"there is no setting {unknown[0]!r}", param_hint="NAME")
    return [known[name.upper()] for name in names]


def _for_people(value: Any) -> str:
    match value:
        case None:
            return "–"
        case bool():
            return "true" if value else "false"
        case list():
            return ", ".join(map(str, value)) or "–"
        case _:
            return str(value)


def _problem(problem: Problem) -> dict[str, str]:
    return {"name": problem.name, "message": problem.message, "remedy": problem.remedy}
