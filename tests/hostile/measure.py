"""What the hostile corpus costs those who mean no harm.

    python -m tests.hostile.measure [--json] [--passes N] [--quick]

Every server of the corpus is started and its cases are played: once to warm up, and then once or more while
an honest peer, a process of its own, pings every 5 ms. The warm-up is for the memory: the first pass loads
what is loaded once (templates of sentences, statements of the database, pools of the allocator), which is no
leak; what it grew by is printed beside what the later passes grew by, which would be one.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tests.hostile.corpus import Case, read_corpus
from tests.hostile.honest_neighbour import neighbour
from tests.hostile.honest_peer import share
from tests.hostile.play import Verdict, play
from tests.hostile.world import World, world

_MB: Final = 1e6


@dataclass(frozen=True, slots=True)
class HostileFigures:
    """What was found.

    Attributes:
        cases: How many different ones were played.
        wrong: How many of them were not stood as expected in some pass.
        ping_p99_ms: Of all pings of the honest peers; `ping_max_ms` likewise.
        worst_case: The case in which the honest peer fared worst, and `worst_case_p99_ms` of the pings sent
            while it was played: most cases wait more than they work, which flatters the p99 of all.
        pings: How many there were in all; `lost` of them without an answer.
        memory_growth_mb: Resident memory after the passes over that after the warm-up, of the server that
            grew most; `first_pass_growth_mb` likewise that of the warm-up itself.
        uncaught: Lines of the log that tell of something unforeseen.
        hangs: Cases in which something did not come in time.
        complaints: By case, what was wrong.
    """

    cases: int
    wrong: int
    ping_p99_ms: float
    ping_max_ms: float
    worst_case: str
    worst_case_p99_ms: float
    pings: int
    lost: int
    memory_growth_mb: float
    first_pass_growth_mb: float
    uncaught: int
    hangs: int
    complaints: Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class _Ping:
    """A ping and the case during which it was sent, if there was one."""

    case: str | None
    ms: float


@dataclass(frozen=True, slots=True)
class _OfServer:
    verdicts: tuple[Verdict, ...]
    lost: int
    pings: tuple[_Ping, ...]
    first_growth: int
    growth: int


def measure(*, passes: int = 1, quick: bool = False) -> HostileFigures:
    """Play the whole corpus; see `measured`."""
    return asyncio.run(measured(passes=passes, quick=quick))


async def measured(*, passes: int = 1, quick: bool = False) -> HostileFigures:
    """Play the whole corpus `passes` times after a warm-up, with an honest peer at work.

    Args:
        passes: At least 1.
        quick: Leave out the cases that take more than a second.
    """
    corpus = read_corpus()
    found = []
    for name, settings in corpus.servers.items():
        cases = [case for case in corpus.of(name) if not (quick and case.slow)]
        with tempfile.TemporaryDirectory() as folder:
            found.append(await _at_server(Path(folder) / "data", settings, cases, passes))
    return _figures(found)


async def _at_server(
    folder: Path, settings: Mapping[str, str], cases: Sequence[Case], passes: int
) -> _OfServer:
    async with world(folder, settings, cases, plays=1 + passes) as one:
        begun = one.resident_bytes
        verdicts = await _pass(cases, one)
        warm = one.resident_bytes
        async with neighbour(one.listener, await one.honest_token(), folder) as beside:
            for _ in range(passes):
                verdicts += await _pass(cases, one)
        growth = one.resident_bytes - warm
    assert beside.pings is not None
    return _OfServer(
        tuple(verdicts), beside.pings.lost, tuple(_by_case(beside.each, verdicts)), warm - begun, growth
    )


async def _pass(cases: Sequence[Case], one: World) -> list[Verdict]:
    return [await play(case, one) for case in cases]


def _by_case(each: Iterable[tuple[float, float]], verdicts: Sequence[Verdict]) -> Iterator[_Ping]:
    """Each ping with the case that was being played when it was sent; both come in the order of time."""
    coming = deque(verdicts)
    for sent, ms in each:
        while coming and coming[0].began + coming[0].seconds < sent:
            coming.popleft()
        within = coming and coming[0].began <= sent
        yield _Ping(coming[0].case if within else None, ms)


def _worst(pings: Iterable[_Ping]) -> tuple[str, float]:
    times: dict[str, list[float]] = {}
    for ping in pings:
        if ping.case is not None:
            times.setdefault(ping.case, []).append(ping.ms)
    return max(((case, share(of_case, 0.99)) for case, of_case in times.items()), key=itemgetter(1))


def _figures(found: Sequence[_OfServer]) -> HostileFigures:
    verdicts = [verdict for server in found for verdict in server.verdicts]
    pings = [ping for server in found for ping in server.pings]
    times = [ping.ms for ping in pings]
    worst_case, worst_case_p99 = _worst(pings)
    wrong = {verdict.case: verdict.complaints for verdict in verdicts if verdict.complaints}
    return HostileFigures(
        cases=len({verdict.case for verdict in verdicts}),
        wrong=len(wrong),
        ping_p99_ms=share(times, 0.99),
        ping_max_ms=share(times, 1.0),
        worst_case=worst_case,
        worst_case_p99_ms=worst_case_p99,
        pings=len(times),
        lost=sum(server.lost for server in found),
        memory_growth_mb=round(max(server.growth for server in found) / _MB, 1),
        first_pass_growth_mb=round(max(server.first_growth for server in found) / _MB, 1),
        uncaught=sum(verdict.uncaught for verdict in verdicts),
        hangs=len({verdict.case for verdict in verdicts if verdict.hung}),
        complaints=wrong,
    )


def _rows(figures: HostileFigures) -> Iterator[dict[str, Any]]:
    beside = f"{figures.cases} cases"
    pings = f"{figures.pings} pings, at most {figures.ping_max_ms:g} ms, {figures.lost} lost"
    for figure, value, unit, what in (
        ("hostile_ping_p99_ms", figures.ping_p99_ms, "ms", pings),
        ("hostile_worst_case_p99_ms", figures.worst_case_p99_ms, "ms", f"during: {figures.worst_case}"),
        ("hostile_memory_mb", figures.memory_growth_mb, "MB", "after a pass to warm up"),
        ("hostile_first_pass_mb", figures.first_pass_growth_mb, "MB", "the pass to warm up"),
        ("hostile_wrong_cases", figures.wrong, "cases", beside),
        ("hostile_uncaught", figures.uncaught, "lines", beside),
        ("hostile_hangs", figures.hangs, "cases", beside),
    ):
        yield {"figure": figure, "value": value, "unit": unit, "beside": what}


app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    passes: Annotated[int, typer.Option(min=1, help="After the one to warm up.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Without what takes over a second.")] = False,
) -> None:
    """Play the hostile corpus, and print what others noticed of it."""
    figures = measure(passes=passes, quick=quick)
    for case, complaints in figures.complaints.items():
        for complaint in complaints:
            sys.stderr.write(f"{case}: {complaint[:400]}\n")
    for row in _rows(figures):
        text = "{figure:26} {value:10} {unit:6} {beside}".format(**row)
        sys.stdout.write(f"{json.dumps(row) if as_json else text}\n")


if __name__ == "__main__":
    app()
