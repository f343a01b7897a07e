"""What a benchmark found, for people (tables) and for programs (one JSON object a line)."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table

from wyoming_central import event_loop


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that a benchmark gives.

    Attributes:
        figure: Its name; programs look for it.
        unit: Of the value.
        beside: What it was measured beside, or under which circumstances.
        wanted: What it has to be, for people: `≥ 3`; empty where nothing is demanded.
        value: None if it could not be measured.
        note: Why not.
    """

    figure: str
    unit: str
    beside: str
    wanted: str = ""
    value: float | None = None
    note: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        line: dict[str, Any] = {
            "figure": self.figure,
            "value": None if self.value is None else significant(self.value),
            "unit": self.unit,
            "beside": self.beside,
        }
        return line | ({"note": self.note or "not measured"} if self.value is None else {})

    @property
    def is_met(self) -> bool | None:
        """Whether it is as wanted; None where nothing is wanted or nothing was measured."""
        if not self.wanted or self.value is None:
            return None
        sign, bound = self.wanted.split()
        limit = float(bound.replace(",", ""))
        return self.value >= limit if sign == "≥" else self.value <= limit


@dataclass(frozen=True, slots=True)
class Listing:
    """A table for people: what was measured, line by line."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Results:
    """What one benchmark found; figures that are declared and missing here could not be measured."""

    values: Mapping[str, float] = field(default_factory=dict)
    listings: Sequence[Listing] = ()
    beside: Mapping[str, str] = field(default_factory=dict)


def filled(declared: Iterable[Figure], results: Results, *, note: str | None = None) -> list[Figure]:
    """The declared figures with the values that were found; `note` says why the others are missing.

    Raises:
        KeyError: A value was found that nobody declared.
    """
    figures = {one.figure: one for one in declared}
    if undeclared := results.values.keys() - figures.keys():
        raise KeyError(f"undeclared figures: {sorted(undeclared)}")
    return [
        Figure(
            one.figure,
            one.unit,
            results.beside.get(one.figure, one.beside),
            one.wanted,
            results.values.get(one.figure),
            note,
        )
        for one in figures.values()
    ]


def print_json(figures: Iterable[Figure], out: TextIO) -> None:
    """One object a line."""
    out.writelines(json.dumps(figure.as_json(), ensure_ascii=False) + "\n" for figure in figures)
    out.flush()


def print_tables(name: str, figures: Sequence[Figure], listings: Iterable[Listing], console: Console) -> None:
    """On what machine, what was measured, and the figures."""
    console.print(f"[bold]{name}[/bold] on {machine()}", highlight=False, soft_wrap=True)
    for listing in listings:
        table = Table(title=listing.title, title_justify="left")
        for index, column in enumerate(listing.columns):
            table.add_column(column, justify="left" if index == 0 else "right")
        for row in listing.rows:
            table.add_row(*row)
        console.print(table)
        if listing.caption:
            console.print(listing.caption, style="dim", highlight=False, soft_wrap=True)
    table = Table(title=f"figures of {name}", title_justify="left")
    for column in ("figure", "value", "unit", "wanted", "beside"):
        table.add_column(column, justify="right" if column == "value" else "left", overflow="fold")
    for figure in figures:
        value = "–" if figure.value is None else f"{significant(figure.value):,}"
        mark = {True: " ✓", False: " ✗", None: ""}[figure.is_met]
        beside = figure.beside if figure.value is not None else (figure.note or "not measured")
        table.add_row(figure.figure, value, figure.unit, figure.wanted + mark, beside)
    console.print(table)


def machine() -> str:
    """What this runs on: processors, interpreter, event loop."""
    usable = len(os.sched_getaffinity(0))
    return (
        f"{os.cpu_count()} processors, {usable} usable; {platform.system()} {platform.release()}; "
        f"{platform.python_implementation()} {platform.python_version()}; our server on {_loop()}"
    )


def _loop() -> str:
    """The event loop that `wyoming_central.event_loop` runs things on."""

    async def kind() -> str:
        return type(asyncio.get_running_loop()).__module__.partition(".")[0]

    return event_loop.run(kind())


def significant(value: float) -> float | int:
    """Four digits at least, no more behind the point than tell anything."""
    if abs(value) >= 1000:
        return round(value)
    return round(value, 4 - len(str(int(abs(value))))) if abs(value) >= 1 else float(f"{value:.3g}")


def number(value: float) -> str:
    """A number as tables show it."""
    return f"{significant(value):,}"


def median(values: Iterable[float]) -> float:
    """The median; nan of nothing."""
    found = list(values)
    return statistics.median(found) if found else float("nan")
