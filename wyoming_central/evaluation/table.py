"""The figures of an evaluation as tables: for a terminal of 80 columns, and in Markdown for a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from wyoming_central.evaluation.figures import Figures
from wyoming_central.evaluation.report import Report

_NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        heads: What stands above the columns.
        rows: The cells; those of the first column are names, all others numbers.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(report: Report, *, prompts: bool) -> tuple[Table, Table]:
    """What each stage took, and what each set came to.

    Args:
        report: The evaluation.
        prompts: Whether there are columns about the model's prompts, too.
    """
    return (
        _table("stage", "share", [(one, one.share) for one in report.stages], prompts=prompts),
        _table("data", "right %", [(one, one.right_share) for one in report.sets], prompts=prompts),
    )


def about_prompts(report: Report) -> str | None:
    """What those columns say of all sets, in a sentence; None where no prompt was answered."""
    figures = report.sets[-1]
    if figures.prompt_tokens is None:
        return None
    known = _percent(figures.prefix_hits)
    return f"Prompts: {figures.prompt_tokens} tokens read anew (median); about {known} known from before."


def markdown(report: Report) -> Iterator[str]:
    """The lines of both tables below one that says with what; nothing of them changes with the day."""
    yield f"**{report.title}**"
    for table in tables(report, prompts=report.conditions.model is not None):
        yield ""
        yield _line(table.heads)
        yield _line(["---", *["---:"] * (len(table.heads) - 1)])
        yield from map(_line, table.rows)


def _table(first: str, shared: str, rows: Sequence[tuple[Figures, float | None]], *, prompts: bool) -> Table:
    """A table with one share in each row, whatever of."""
    heads = (first, "sentences", "right", "wrong", "asked", "missed", shared, "p50 ms", "p95 ms")
    return Table(
        heads=(*heads, *(("prompt tokens", "prefix hits") if prompts else ())),
        rows=tuple(tuple(_row(figures, share, prompts=prompts)) for figures, share in rows),
    )


def _row(figures: Figures, share: float | None, *, prompts: bool) -> Iterator[str]:
    yield figures.name
    for number in (figures.sentences, figures.right, figures.wrong, figures.asked, figures.missed):
        yield str(number)
    yield _percent(share)
    yield _milliseconds(figures.p50_ms)
    yield _milliseconds(figures.p95_ms)
    if prompts:
        yield _NOTHING if figures.prompt_tokens is None else str(figures.prompt_tokens)
        yield _percent(figures.prefix_hits)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _percent(share: float | None) -> str:
    if share is None:
        return _NOTHING
    return "100 %" if share == 1 else f"{100 * share:.1f} %"


def _milliseconds(value: float | None) -> str:
    if value is None:
        return _NOTHING
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"
