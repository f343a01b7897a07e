"""The load generator: a closed loop over many connections, in a process of its own.

Each connection sends one request, waits for the whole answer, and sends its next. A closed loop cannot
outrun a server; whether this process is itself what limits the rate, `LoadResult.busy` tells: it is the share
of the time in which it used its processor. Near 1.0 it had no time left, and the server could have done more.

Plain sockets and epoll: nothing of the code under test is used here, and what is done for each request is as
little as can be (one recv, one look at the answer's header line, one clock reading, one send).

As a program it reads one `LoadJob` as JSON from stdin and writes one `LoadResult` as JSON to stdout.
"""

from __future__ import annotations

import json
import os
import resource
import select
import socket
import struct
import subprocess
import sys
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

# A server that says nothing for so long has failed the run.
SILENCE_SECONDS: Final = 20.0
# How long a load may take to get all its connections opened and let in.
OPENING_SECONDS: Final = 300.0
# A small buffer costs a third of a large one to make, and holds every answer there is here; a longer answer
# would come in pieces.
_CHUNK: Final = 448
# Closing resets the connection: thousands of them would else sit in TIME_WAIT and keep their ports.
_RESET: Final = struct.pack("ii", 1, 0)


class LoadError(Exception):
    """The load could not be brought, or was not answered as it must be."""


@dataclass(frozen=True)
class Speaker:
    """What one connection sends, as frames.

    Attributes:
        opening: Sent once before anything is measured, and answered by one event of the type `opened`;
            empty where nothing has to be said first.
        requests: Sent one after another, round and round.
        first: The index of the request to begin with.
    """

    requests: tuple[str, ...]
    opening: str = ""
    first: int = 0


@dataclass(frozen=True)
class LoadJob:
    """What a load generator is to do.

    Attributes:
        speakers: One for each connection.
        answer: The event type that answers every request.
        opened: The event type that answers every opening.
        seconds: How long is measured.
        warm_seconds: How long the same is done before, unmeasured.
        cpu: The processor to stay on, or None for any.
    """

    host: str
    port: int
    speakers: tuple[Speaker, ...]
    answer: str
    seconds: float
    warm_seconds: float = 0.2
    opened: str = "user-event"
    cpu: int | None = None


@dataclass(frozen=True)
class LoadResult:
    """What came of it.

    Attributes:
        answers: Answers within the measured time.
        all_answers: Those, and the ones of the time before that was not measured.
        seconds: How long was measured.
        p50_ms, p95_ms, p99_ms: From the sending of a request to the last byte of its answer.
        busy: The share of the measured time in which the generator used its processor.
        wrong: Answers of another type than the right one, by type; empty in a run that counts.
    """

    answers: int
    all_answers: int
    seconds: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    busy: float
    wrong: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return self.answers / self.seconds


def run_load(job: LoadJob) -> LoadResult:
    """Bring a load from a process of its own.

    Raises:
        LoadError: It failed, or something was answered otherwise than with `job.answer`.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.load"],
        input=json.dumps(asdict(job)).encode(),
        capture_output=True,
        check=False,
        timeout=OPENING_SECONDS + job.seconds + job.warm_seconds + SILENCE_SECONDS,
    )
    if done.returncode:
        raise LoadError(done.stderr.decode().strip().splitlines()[-1])
    result = LoadResult(**json.loads(done.stdout))
    if result.wrong:
        raise LoadError(f"answers that were not `{job.answer}`: {result.wrong}")
    return result


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` of the ordered values lie; nan where there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


def raise_open_files(wanted: int) -> None:
    """Let this process, and those that it starts, have so many files open.

    Raises:
        LoadError: The system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
    except (ValueError, OSError) as error:
        raise LoadError(f"{wanted} open files are needed, and this system allows {hard}: {error}") from None


class AnswerSizes:
    """Knows how long an answer is from its header line, and which answers are right.

    Args:
        right: The event type of a right answer.
    """

    def __init__(self, right: str) -> None:
        self._type = right
        self.right: dict[bytes, int] = {}
        self.wrong: dict[str, int] = {}

    def data_length(self, header: bytes) -> int:
        """The bytes that follow a header line; parsed once for each distinct right one."""
        length = self.right.get(header)
        if length is None:
            fields = json.loads(header)
            length = int(fields.get("data_length") or 0) + int(fields.get("payload_length") or 0)
            if fields["type"] == self._type:
                self.right[header] = length
            else:
                self.wrong[fields["type"]] = self.wrong.get(fields["type"], 0) + 1
        return length

    def is_whole(self, received: bytes) -> bool:
        """Whether one whole answer, and no more, has come."""
        header, newline, data = received.partition(b"\n")
        return bool(newline) and len(data) == self.data_length(header)


def connect(host: str, port: int) -> socket.socket:
    """A blocking connection without delays of its own."""
    sock = socket.create_connection((host, port), timeout=SILENCE_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    return sock


def ask(sock: socket.socket, frame: str, sizes: AnswerSizes) -> None:
    """Send one frame on a blocking connection and wait for its whole answer."""
    sock.sendall(frame.encode())
    received = b""
    while not received or not sizes.is_whole(received):
        chunk = sock.recv(_CHUNK)
        if not chunk:
            raise LoadError(f"the server closed the connection: {received[:200]!r}")
        received += chunk


def _open(job: LoadJob) -> list[socket.socket]:
    sizes = AnswerSizes(job.opened)
    opened = []
    for speaker in job.speakers:
        sock = connect(job.host, job.port)
        if speaker.opening:
            ask(sock, speaker.opening, sizes)
        opened.append(sock)
    if sizes.wrong:
        raise LoadError(f"openings that were not answered by `{job.opened}`: {sizes.wrong}")
    return opened


class _Loop:
    """The closed loop over all connections."""

    def __init__(self, job: LoadJob) -> None:
        self._sizes = AnswerSizes(job.answer)
        self._sockets = _open(job)
        self._poll = select.epoll()
        top = max(sock.fileno() for sock in self._sockets) + 1
        self._recv: list[Any] = [None] * top
        self._send: list[Any] = [None] * top
        self._next: list[Any] = [None] * top
        self._sent_at = [0] * top
        self._held: dict[int, bytes] = {}
        self._fds = []
        for sock, speaker in zip(self._sockets, job.speakers, strict=True):
            fd = sock.fileno()
            sock.setblocking(False)
            self._recv[fd], self._send[fd] = sock.recv, sock.send
            self._next[fd] = _round_and_round(speaker)
            self._poll.register(fd, select.EPOLLIN)
            self._fds.append(fd)

    def run(self, job: LoadJob) -> LoadResult:
        """Warm up, measure, and give what was measured."""
        for fd in self._fds:
            self._ask(fd)
        warming, latencies = array("Q"), array("Q")
        self._until(time.perf_counter_ns() + int(job.warm_seconds * 1e9), warming)
        began, used = time.perf_counter_ns(), time.process_time_ns()
        self._until(began + int(job.seconds * 1e9), latencies)
        wall, used = time.perf_counter_ns() - began, time.process_time_ns() - used
        ordered = sorted(latencies)
        return LoadResult(
            answers=len(ordered),
            all_answers=len(warming) + len(ordered),
            seconds=wall / 1e9,
            p50_ms=percentile(ordered, 0.5) / 1e6,
            p95_ms=percentile(ordered, 0.95) / 1e6,
            p99_ms=percentile(ordered, 0.99) / 1e6,
            busy=used / wall,
            wrong=self._sizes.wrong,
        )

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()
        self._poll.close()

    def _ask(self, fd: int) -> None:
        self._sent_at[fd] = time.perf_counter_ns()
        self._send[fd](self._next[fd]())

    def _until(self, end: int, latencies: array[int]) -> None:
        # Everything that the loop touches is a local name: it runs a hundred thousand times a second.
        poll, clock = self._poll.poll, time.perf_counter_ns
        receive, send, following, sent_at = self._recv, self._send, self._next, self._sent_at
        held, data_length, note = self._held, self._sizes.data_length, latencies.append
        right, last = self._sizes.right, b""
        now = clock()
        while now < end:
            ready = poll(SILENCE_SECONDS)
            if not ready:
                raise LoadError(f"no answer for {SILENCE_SECONDS:g} s")
            for fd, _ in ready:
                received = receive[fd](_CHUNK)
                now = clock()
                if held and fd in held:
                    received = held.pop(fd) + received
                # The same bytes as the last right answer need no second look.
                if received != last:
                    header, newline, data = received.partition(b"\n")
                    if not newline or len(data) != data_length(header):
                        self._hold(fd, received)
                        continue
                    last = received if header in right else b""
                note(now - sent_at[fd])
                sent_at[fd] = now
                send[fd](following[fd]())

    def _hold(self, fd: int, received: bytes) -> None:
        if not received:
            raise LoadError("the server closed a connection")
        self._held[fd] = received


def _round_and_round(speaker: Speaker) -> Callable[[], bytes]:
    """A function that gives the speaker's next request; a plain loop over one would cost more."""
    first = speaker.first % len(speaker.requests)
    frames = [frame.encode() for frame in speaker.requests[first:] + speaker.requests[:first]]
    if len(frames) == 1:
        [only] = frames
        return lambda: only
    # `cycle` keeps its own copy and is implemented in C.
    from itertools import cycle  # noqa: PLC0415

    return cycle(frames).__next__


def _job_from(data: dict[str, Any]) -> LoadJob:
    speakers = tuple(
        Speaker(tuple(one["requests"]), one["opening"], one["first"]) for one in data.pop("speakers")
    )
    return LoadJob(speakers=speakers, **data)


def main() -> None:
    """Do the job on stdin."""
    job = _job_from(json.load(sys.stdin))
    if job.cpu is not None:
        os.sched_setaffinity(0, {job.cpu})
    raise_open_files(len(job.speakers) + 100)
    loop = _Loop(job)
    try:
        result = loop.run(job)
    finally:
        loop.close()
    json.dump(asdict(result), sys.stdout)


if __name__ == "__main__":
    try:
        main()
    except (LoadError, OSError) as failure:
        sys.exit(f"{type(failure).__name__}: {failure}")
