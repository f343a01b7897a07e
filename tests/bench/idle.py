"""`idle [N]`: what N connections cost that say nothing, beside the stock server with as many.

A thousand connect at a time, the next as soon as one was answered: more at once than the stock server's
queue takes, and fewer than overflow ours, which no system makes longer than its `net.core.somaxconn`. Each
sends one `ping` as soon as it is connected, and gets its `pong` before it falls silent: `answered` counts
those. `open_seconds` is from the first attempt to the last answer. A connection's memory is the growth of the
server's resident memory divided by N, looked at when the server has become quiet. Then one further connection
pings while N are idle.

With `--authenticated` each connection is also a device (100 tokens, each used by N/100 connections) that has
shown its token. Then there is no peer: the stock server knows no devices.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final

from wyoming.ping import Ping, Pong
from wyoming.user_event import UserEvent

from tests.bench.figures import Figure, Listing, Results
from tests.bench.load import AnswerSizes, LoadError, LoadJob, LoadResult, Speaker, raise_open_files, run_load
from tests.bench.options import Options, Steps
from tests.bench.processes import ServerProcess, homes_server, our_server, processors, stock_server
from wyoming_central.client import AUTHENTICATE
from wyoming_central.frame import encode

DEVICES: Final = 100
PING_SECONDS: Final = 2.0
# Connections that are not answered yet, at any time.
UNDER_WAY: Final = 1000
# A peer whose queue of 100 overflows needs this long for thousands.
OPENING_SECONDS: Final = 180.0
STOCK: Final = "stock wyoming server"

FIGURES: Final = (
    Figure("bytes_per_connection", "B", STOCK, "≤ 3,500"),
    Figure("open_seconds", "s", STOCK, "≤ 3"),
    Figure("answered", "connections", STOCK),
    Figure("idle_ping_p99_ms", "ms", STOCK),
)


@dataclass(frozen=True, slots=True)
class OpeningJob:
    """Connections to open and keep: all at once, each asking once.

    Attributes:
        opening: Frames, one for each connection in turn; asked first where there are any.
    """

    host: str
    port: int
    connections: int
    openings: tuple[str, ...]
    seconds: float
    cpu: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of it: how many connections were answered, and how long that took."""

    answered: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """One server with its idle connections."""

    name: str
    connections: int
    opened: Opened
    resident_bytes: int
    private_bytes: int
    before: LoadResult
    ping: LoadResult


def measure(options: Options, steps: Steps) -> Results:
    """Measure our server and, where devices show no tokens, the stock one."""
    count = options.connections
    raise_open_files(count + 500)
    steps.expect(1 if options.authenticated else 2)
    measured = []
    with _our_server(authenticated=options.authenticated) as (server, openings):
        steps.begin(f"{count:,} connections to our server")
        measured.append(_measure("ours", server, count, openings, options))
        steps.done()
    if not options.authenticated:
        with stock_server(cpu=processors().server) as server:
            steps.begin(f"{count:,} connections to the stock server")
            measured.append(_measure("stock", server, count, (), options))
            steps.done()
    return _results(measured, authenticated=options.authenticated)


@contextmanager
def _our_server(*, authenticated: bool) -> Iterator[tuple[ServerProcess, tuple[str, ...]]]:
    with ExitStack() as stack:
        cpu = processors().server
        if not authenticated:
            yield stack.enter_context(our_server(cpu=cpu)), ()
            return
        server = stack.enter_context(homes_server("--users", "10", "--devices", str(DEVICES // 10), cpu=cpu))
        tokens = [one["token"] for one in server.said["devices"]]
        events = [UserEvent(name=AUTHENTICATE, data={"token": token}).event() for token in tokens]
        yield server, tuple(encode(event).decode() for event in events)


def _measure(
    name: str, server: ServerProcess, count: int, openings: tuple[str, ...], options: Options
) -> Measured:
    before = _ping(server, options)
    server.until_quiet()
    resident, private = server.resident_bytes, server.private_bytes
    job = OpeningJob(server.host, server.port, count, openings, OPENING_SECONDS, processors().load)
    with _opened(job) as opened:
        server.until_quiet()
        resident, private = server.resident_bytes - resident, server.private_bytes - private
        ping = _ping(server, options)
    return Measured(name, count, opened, resident, private, before, ping)


def _ping(server: ServerProcess, options: Options) -> LoadResult:
    """One connection that pings."""
    speaker = Speaker((encode(Ping().event()).decode(),))
    seconds = options.seconds or PING_SECONDS
    cpu = processors().load
    return run_load(LoadJob(server.host, server.port, (speaker,), Pong().event().type, seconds, cpu=cpu))


@contextmanager
def _opened(job: OpeningJob) -> Iterator[Opened]:
    """The connections of a job, held open by a process of their own for as long as the block lasts."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.idle"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise LoadError("no pipes")
    try:
        process.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise LoadError("the connections could not be opened; see above")
        yield Opened(**json.loads(line))
    finally:
        # It ends when nobody can tell it anything any more.
        process.stdin.close()
        process.wait()
        process.stdout.close()


def _results(measured: Sequence[Measured], *, authenticated: bool) -> Results:
    ours, *peers = measured
    values = {
        "bytes_per_connection": ours.resident_bytes / ours.connections,
        "open_seconds": ours.opened.seconds,
        "answered": ours.opened.answered,
        "idle_ping_p99_ms": ours.ping.p99_ms,
    }
    beside = dict.fromkeys(values, "no peer: the stock server knows no devices") if authenticated else {}
    for stock in peers:
        beside = {
            "bytes_per_connection": f"{STOCK}: {stock.resident_bytes / stock.connections:,.0f}",
            "open_seconds": f"{STOCK}: {stock.opened.seconds:.2f}",
            "answered": f"{STOCK}: {stock.opened.answered:,}; all would be {stock.connections:,}",
            "idle_ping_p99_ms": f"{STOCK}: {stock.ping.p99_ms:.3g}",
        }
    rows = [
        (
            one.name,
            f"{one.connections:,}",
            f"{one.opened.answered:,}",
            f"{one.opened.seconds:.2f}",
            f"{one.resident_bytes / one.connections:,.0f}",
            f"{one.private_bytes / one.connections:,.0f}",
            f"{one.before.p50_ms:.3f} / {one.before.p99_ms:.3f}",
            f"{one.ping.p50_ms:.3f} / {one.ping.p99_ms:.3f}",
        )
        for one in measured
    ]
    columns = (
        "server",
        "connections",
        "answered",
        "opened in s",
        "resident B each",
        "private B each",
        "ping alone p50/p99 ms",
        "ping beside them",
    )
    title = "idle connections, every one a device" if authenticated else "idle connections"
    return Results(
        values, (Listing(title, columns, rows, f"{processors()}; the stock server on asyncio"),), beside
    )


# --- the process that holds the connections -------------------------------------------------------------


class _Opening:
    """Connects everywhere at once, asks once on each connection, and keeps them all."""

    def __init__(self, job: OpeningJob) -> None:
        self._job = job
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._questions: dict[int, list[bytes]] = {}
        self._sizes = AnswerSizes(Pong().event().type)
        self._received: dict[int, bytes] = {}

    def run(self) -> Opened:
        """Open all; gives up on what is not answered in time."""
        began = last = time.perf_counter()
        started = answered = 0
        while answered < self._job.connections and last < began + self._job.seconds:
            while started < min(self._job.connections, answered + UNDER_WAY):
                self._start(started)
                started += 1
            ready = self._poll.poll(1.0)
            answered += sum(self._advance(fd, event) for fd, event in ready)
            last = time.perf_counter()
        return Opened(answered, last - began)

    def _start(self, index: int) -> None:
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((self._job.host, self._job.port))
        fd = sock.fileno()
        self._sockets[fd] = sock
        # Asked from the last to the first.
        ping, openings = encode(Ping().event()), self._job.openings
        self._questions[fd] = [ping, openings[index % len(openings)].encode()] if openings else [ping]
        self._poll.register(fd, select.EPOLLOUT)

    def _advance(self, fd: int, event: int) -> bool:
        """Go one step further on a connection; True if that was its last."""
        if event & (select.EPOLLERR | select.EPOLLHUP):
            self._poll.unregister(fd)
            return False
        if event & select.EPOLLOUT:
            self._poll.modify(fd, select.EPOLLIN)
            self._sockets[fd].send(self._questions[fd].pop())
            return False
        received = self._received.pop(fd, b"") + self._sockets[fd].recv(4096)
        if not self._sizes.is_whole(received):
            self._received[fd] = received
            return False
        if self._questions[fd]:
            self._sockets[fd].send(self._questions[fd].pop())
            return False
        return True


def _main() -> None:
    data: dict[str, Any] = json.loads(sys.stdin.readline())
    job = OpeningJob(**data | {"openings": tuple(data["openings"])})
    if job.cpu is not None:
        os.sched_setaffinity(0, {job.cpu})
    raise_open_files(job.connections + 100)
    opening = _Opening(job)
    sys.stdout.write(json.dumps(asdict(opening.run())) + "\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    _main()
