"""`wyoming-central doctor`: what is missing, and what to do about it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

import typer
from rich.text import Text

from wyoming_central.cli.commands import single
from wyoming_central.cli.examination import Finding, Grade, examine
from wyoming_central.cli.options import AsJson
from wyoming_central.cli.output import Column, note, show_json, show_table
from wyoming_central.cli.quiet import quiet_logs

_STYLES: Final = {Grade.OK: "green", Grade.WARNING: "yellow", Grade.PROBLEM: "bold red"}

app = single()


@app.command()
def doctor(*, as_json: AsJson = False) -> None:
    """Look at everything a server needs, change nothing, and say what is missing and what to do about it.

    The exit status is 1 where there is a problem; warnings are worth knowing.
    """
    quiet_logs()
    findings = asyncio.run(examine())
    if as_json:
        show_json(
            [
                {"subject": one.subject, "grade": one.grade, "message": one.message, "remedy": one.remedy}
                for one in findings
            ]
        )
    else:
        show_table(
            (Column("", whole=True), Column("SUBJECT"), Column("FINDING")),
            ((Text(one.grade.value, style=_STYLES[one.grade]), one.subject, _told(one)) for one in findings),
        )
    grades = Counter(one.grade for one in findings)
    note(f"{_counted(grades[Grade.PROBLEM], 'problem')}, {_counted(grades[Grade.WARNING], 'warning')}.")
    if grades[Grade.PROBLEM]:
        raise typer.Exit(1)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _told(finding: Finding) -> str:
    return f"{finding.message} — {finding.remedy}" if finding.remedy else finding.message
