"""What each stage of recognition did in some turns: how many it was asked, took, and how long it needed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from storage.records import AuditRow

NOBODY: Final = "nobody"
"""Stands for the stage of turns that no stage took."""

_PASSED_ON: Final = "pass-on"


@dataclass(frozen=True, slots=True)
class StageShare:
    """One stage in some turns.

    Attributes:
        asked: How often it was asked.
        taken: How many of the turns it took: understood, asked back, or told not to be meant for it.
        share: `taken` of all turns, from 0 to 1.
        p50_ms, p95_ms: Its own time where it was asked; None where it never was.
    """

    stage: str
    asked: int
    taken: int
    share: float
    p50_ms: float | None
    p95_ms: float | None


@dataclass(slots=True)
class _Sum:
    taken: int = 0
    times: list[float] = field(default_factory=list)


def stage_shares(rows: Iterable[AuditRow]) -> list[StageShare]:
    """Sum up turns by stage, in the order in which stages are first met; what nobody took comes last.

    Turns without a stage, such as those of a satellite that was not known, do not count.
    """
    sums: dict[str, _Sum] = {}
    turns = untaken = 0
    for row in rows:
        stages = [stage for stage in row.stages or () if isinstance(stage, dict)]
        if not stages:
            continue
        turns += 1
        for stage in stages:
            one = sums.setdefault(str(stage.get("stage")), _Sum())
            one.taken += stage.get("verdict") != _PASSED_ON
            if isinstance(ms := stage.get("ms"), int | float):
                one.times.append(float(ms))
        untaken += all(stage.get("verdict") == _PASSED_ON for stage in stages)
    shares = [_share(name, one, turns) for name, one in sums.items()]
    if turns:
        shares.append(StageShare(NOBODY, turns, untaken, untaken / turns, None, None))
    return shares


def _share(name: str, one: _Sum, turns: int) -> StageShare:
    return StageShare(
        stage=name,
        asked=len(one.times),
        taken=one.taken,
        share=one.taken / turns,
        p50_ms=statistics.median(one.times) if one.times else None,
        p95_ms=_percentile(one.times) if one.times else None,
    )


def _percentile(times: Sequence[float]) -> float:
    return sorted(times)[min(len(times) - 1, round(0.95 * (len(times) - 1)))]


def as_json(share: StageShare) -> dict[str, Any]:
    """The share as it stands in the output of `audit stages --json`."""
    return {
        "stage": share.stage,
        "asked": share.asked,
        "taken": share.taken,
        "share": round(share.share, 4),
        "p50_ms": share.p50_ms,
        "p95_ms": share.p95_ms,
    }
