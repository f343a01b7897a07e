"""`protocol`: requests a second and latency at 1, 50 and 500 connections, beside the stock server.

Two requests are measured, each against our server and against the `wyoming` package's own server
(`stock_server.py`), in short rounds that alternate in one run:

- `ping`, against `wyoming-central serve` itself;
- a whole authenticated turn: `transcript` in, `handled` out. Twenty different sentences are said over and
  over, so the exact cache is warm. Home Assistant is a stand-in in the server's process
  (`stand_in_homes_server.py`); token, session, resolution, audit row and log line are real. The stock server
  answers the same event with a constant.

Fifty devices of five users speak; connection i is device i mod 50. A ratio is the median, over the rounds, of
our rate divided by the stock server's in the same round.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wyoming.asr import Transcript
from wyoming.handle import Handled
from wyoming.ping import Ping, Pong
from wyoming.user_event import UserEvent

from config.schema import DATABASE_FILE
from tests.bench.figures import Figure, Listing, Results, median, number
from tests.bench.load import LoadError, LoadJob, LoadResult, Speaker, raise_open_files, run_load
from tests.bench.options import Options, Steps
from tests.bench.processes import (
    Disturbance,
    ServerProcess,
    homes_server,
    our_server,
    processors,
    stock_server,
)
from tests.bench.stand_in_homes import SENTENCES
from wyoming_central.client import AUTHENTICATE
from wyoming_central.frame import encode

CONNECTIONS: Final = (1, 50, 500)
ROUNDS: Final = 7
SECONDS: Final = 1.0
USERS: Final = 5
DEVICES_EACH: Final = 10

STOCK: Final = "stock wyoming server"
_WANTED: Final = {"ping_ratio_50": "≥ 3", "turn_ratio_50": "≥ 0.3"}

FIGURES: Final = tuple(
    figure
    for kind in ("ping", "turn")
    for count in CONNECTIONS
    for figure in (
        Figure(f"{kind}_ratio_{count}", "x", STOCK, _WANTED.get(f"{kind}_ratio_{count}", "")),
        Figure(f"{kind}_cpu_ratio_{count}", "x", f"{STOCK}, processor time of one answer"),
        Figure(f"{kind}_rate_{count}", "1/s", STOCK),
        Figure(f"{kind}_p50_ms_{count}", "ms", STOCK),
        Figure(f"{kind}_p99_ms_{count}", "ms", STOCK),
    )
)


@dataclass(frozen=True, slots=True)
class Round:
    """One load on one server.

    Attributes:
        server_busy: Processor time of the server in that time, in processors.
        server_us: Processor time of the server for one answer, in microseconds, afterwork included.
    """

    load: LoadResult
    server_busy: float
    server_us: float


def measure(options: Options, steps: Steps) -> Results:
    """Measure both kinds of requests at every number of connections."""
    rounds, seconds = options.rounds or ROUNDS, options.seconds or SECONDS
    raise_open_files(max(CONNECTIONS) * 2 + 200)
    steps.expect(2 * len(CONNECTIONS) * rounds)
    values: dict[str, float] = {}
    beside: dict[str, str] = {}
    rows: list[Sequence[str]] = []
    others = []
    for kind, contest in (("ping", _pings()), ("turn", _turns())):
        with contest as (ours, stock, job):
            disturbance = Disturbance(ours, stock)
            for count in CONNECTIONS:
                pairs = []
                for index in range(rounds):
                    steps.begin(f"{kind} at {count} connections, round {index + 1} of {rounds}")
                    pairs.append(_one_round(job, ours, stock, count, seconds, ours_first=index % 2 == 0))
                    steps.done()
                rows += _rows(kind, count, pairs)
                found, said = _figures(kind, count, pairs)
                values |= found
                beside |= said
            others.append(disturbance.share())
    return Results(values, (_listing(rows, rounds, seconds, max(others)),), beside)


class _Job:
    """What the connections say, at each server."""

    def __init__(self, answer: str, requests: Sequence[str], tokens: Sequence[str] = ()) -> None:
        self._answer = answer
        self._requests = tuple(requests)
        self._openings = tuple(
            encode(UserEvent(name=AUTHENTICATE, data={"token": token}).event()).decode() for token in tokens
        )

    def at(self, server: ServerProcess, count: int, seconds: float, *, ours: bool) -> LoadJob:
        openings = self._openings if ours else ()
        speakers = tuple(
            Speaker(self._requests, openings[index % len(openings)] if openings else "", first=index)
            for index in range(count)
        )
        cpu = processors().load
        return LoadJob(server.host, server.port, speakers, self._answer, seconds, cpu=cpu)


@contextmanager
def _pings() -> Iterator[tuple[ServerProcess, ServerProcess, _Job]]:
    cpu = processors().server
    with our_server(cpu=cpu) as ours, stock_server(cpu=cpu) as stock:
        yield ours, stock, _Job(Pong().event().type, [encode(Ping().event()).decode()])


@contextmanager
def _turns() -> Iterator[tuple[ServerProcess, ServerProcess, _Job]]:
    cpu = processors().server
    arguments = ("--users", str(USERS), "--devices", str(DEVICES_EACH))
    with homes_server(*arguments, cpu=cpu) as ours, stock_server(cpu=cpu) as stock:
        job = _Job(Handled().event().type, sentence_frames(), [one["token"] for one in ours.said["devices"]])
        warm_up(job, ours)
        yield ours, stock, job
        _refuse_missing_rows(ours)


def _refuse_missing_rows(server: ServerProcess) -> None:
    """A turn without its audit row is less than a turn."""
    with closing(sqlite3.connect(Path(server.said["folder"]) / DATABASE_FILE)) as database:
        missing = database.execute("SELECT count(*) FROM audit_log WHERE status = 'audit-gap'").fetchone()[0]
    if missing:
        raise LoadError(f"the audit has {missing} gaps: turns were answered without being written down")


def sentence_frames() -> list[str]:
    """The twenty sentences as frames."""
    return [encode(Transcript(text=text, language=language).event()).decode() for language, text in SENTENCES]


def warm_up(job: _Job, server: ServerProcess) -> None:
    """Have every device say every sentence, so that each has been understood once."""
    run_load(job.at(server, USERS * DEVICES_EACH, seconds=4.0, ours=True))


def _one_round(
    job: _Job, ours: ServerProcess, stock: ServerProcess, count: int, seconds: float, *, ours_first: bool
) -> tuple[Round, Round]:
    order = [(ours, True), (stock, False)]
    if not ours_first:
        order.reverse()
    done = {is_ours: _load(job.at(server, count, seconds, ours=is_ours), server) for server, is_ours in order}
    return done[True], done[False]


def _load(job: LoadJob, server: ServerProcess) -> Round:
    before = server.cpu_seconds
    load = run_load(job)
    busy = (server.cpu_seconds - before) / (job.seconds + job.warm_seconds)
    # What a server still has to do is its own cost, and not to be done in the other's round.
    server.until_quiet()
    return Round(load, busy, (server.cpu_seconds - before) / load.all_answers * 1e6)


def _figures(
    kind: str, count: int, pairs: Sequence[tuple[Round, Round]]
) -> tuple[dict[str, float], dict[str, str]]:
    rate = f"{kind}_rate_{count}"
    p50, p99 = f"{kind}_p50_ms_{count}", f"{kind}_p99_ms_{count}"
    values = {
        f"{kind}_ratio_{count}": median(ours.load.rate / stock.load.rate for ours, stock in pairs),
        f"{kind}_cpu_ratio_{count}": median(stock.server_us / ours.server_us for ours, stock in pairs),
    }
    beside = {}
    for name, of in ((rate, "rate"), (p50, "p50_ms"), (p99, "p99_ms")):
        values[name], theirs = (
            median(getattr(pair[index].load, of) for pair in pairs) for index in range(len(pairs[0]))
        )
        beside[name] = f"{STOCK}: {number(theirs)}"
    return values, beside


def _rows(kind: str, count: int, pairs: Sequence[tuple[Round, Round]]) -> Iterator[tuple[str, ...]]:
    ratios = sorted(ours.load.rate / stock.load.rate for ours, stock in pairs)
    for index, name in enumerate(("ours", "stock")):
        rounds = [pair[index] for pair in pairs]
        yield (
            f"{kind}, {count} connections" if index == 0 else "",
            name,
            f"{median(one.load.rate for one in rounds):,.0f}",
            f"{median(one.load.p50_ms for one in rounds):.3f}",
            f"{median(one.load.p99_ms for one in rounds):.3f}",
            f"{median(one.server_us for one in rounds):.1f}",
            f"{median(one.server_busy for one in rounds):.0%}",
            f"{median(one.load.busy for one in rounds):.0%}",
            f"{median(ratios):.2f}  ({ratios[0]:.2f} – {ratios[-1]:.2f})" if index == 0 else "",
        )


def _listing(rows: Sequence[Sequence[str]], rounds: int, seconds: float, others: float) -> Listing:
    return Listing(
        "answers a second, and how long they took",
        (
            "what",
            "server",
            "answers/s",
            "p50 ms",
            "p99 ms",
            "server CPU µs/answer",
            "server busy",
            "generator busy",
            "ratio (least – most)",
        ),
        rows,
        f"medians of {rounds} rounds of {seconds:g} s each, alternating; {processors()}; the stock server on "
        "asyncio, its default. A generator that is near 100 % busy is itself what limits the rate. CPU "
        "µs/answer counts all threads of the server, "
        f"connecting included. Other programs had {others:.0%} of the processors meanwhile.",
    )
