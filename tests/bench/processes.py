"""The processes that are measured: our server, the stock one, and programs of the bench's own.

Where there are two processors or more, servers stay on the last one and load generators on the first, so that
neither takes the other's time; the same for both servers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

import psutil

from tests.real.conftest import RunningServer

# What one load generator on one address would trip over; the limits stay switched on and counted.
UNLIMITED: Final[Mapping[str, str]] = {
    "MAX_CONNECTIONS": "100000",
    "MAX_CONNECTIONS_PER_ADDRESS": "100000",
    "MAX_CONNECTIONS_PER_DEVICE": "100000",
    "UNAUTHENTICATED_SECONDS": "86400",
    # Its name before it became the whole life of a connection without a credential.
    "FIRST_EVENT_SECONDS": "86400",
    "IDLE_SECONDS": "86400",
    "MAX_FRAMES_PER_SECOND": "1000000",
    "MAX_TURNS": "100000",
    "MAX_TURNS_PER_USER": "100000",
    "DEVICE_TURNS_PER_SECOND": "1000000",
    "DEVICE_TURNS_BURST": "1000000",
    "ADDRESS_TURNS_PER_SECOND": "1000000",
    "ADDRESS_TURNS_BURST": "1000000",
}

# Without these no program starts; everything else that is set here might be a setting of the server.
_KEPT: Final = frozenset({"PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV"})
_STOP_SECONDS: Final = 30.0
# A process is quiet when it has used less than this share of a processor for so long.
_QUIET_EVERY: Final = 0.1
_QUIET_SHARE: Final = 0.15
_QUIET_WITHIN: Final = 20.0


class ProcessError(Exception):
    """A process did not start, or did not say what it should."""


@dataclass(frozen=True, slots=True)
class Processors:
    """Which processor servers stay on, and which load generators; None where there is only one."""

    server: int | None
    load: int | None

    def __str__(self) -> str:
        if self.server is None:
            return "one processor for servers and load generator together"
        return f"servers on processor {self.server}, load generator on {self.load}"


@cache
def processors() -> Processors:
    """How the processors are divided that this process might use when it was asked first."""
    usable = sorted(os.sched_getaffinity(0))
    return Processors(usable[-1], usable[0]) if len(usable) > 1 else Processors(None, None)


class Disturbance:
    """How much of the machine others used while something was measured: on a busy one, figures mean little.

    Args:
        measured: The servers that are measured, with what they started; load generators count by themselves.
    """

    def __init__(self, *measured: ServerProcess) -> None:
        self._measured = measured
        self._began, self._busy, self._own = time.monotonic(), _machine_seconds(), self._own_seconds()

    def share(self) -> float:
        """The share of the usable processors' time that went to other programs since this was made."""
        wall = time.monotonic() - self._began
        others = _machine_seconds() - self._busy - (self._own_seconds() - self._own)
        return max(0.0, others / (wall * (psutil.cpu_count() or 1)))

    def _own_seconds(self) -> float:
        # Its own, and what its ended children had.
        own = sum(os.times()[:4])
        return own + sum(server.cpu_seconds_of_all for server in self._measured)


def _machine_seconds() -> float:
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


@dataclass(frozen=True, slots=True)
class ServerProcess:
    """A server that runs in a process of its own.

    Attributes:
        said: What else it said when it was ready.
        stdout: What it says after that; None for our own server, which says nothing there.
    """

    host: str
    port: int
    pid: int
    said: Mapping[str, Any]
    stdout: IO[bytes] | None = None

    @property
    def uri(self) -> str:
        """Its address."""
        return f"tcp://{self.host}:{self.port}"

    @property
    def cpu_seconds(self) -> float:
        """Processor time used so far, in all its threads."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def next_line(self) -> dict[str, Any]:
        """The next thing it says, in JSON."""
        line = self.stdout.readline() if self.stdout else b""
        if not line:
            raise ProcessError("the process said nothing more")
        said: dict[str, Any] = json.loads(line)
        return said

    def until_quiet(self) -> None:
        """Wait until it has done what it still had to do, such as writing audit rows."""
        end = time.monotonic() + _QUIET_WITHIN
        used = -1.0
        while time.monotonic() < end and self.cpu_seconds - used > _QUIET_SHARE * _QUIET_EVERY:
            used = self.cpu_seconds
            time.sleep(_QUIET_EVERY)

    @property
    def cpu_seconds_of_all(self) -> float:
        """The same of it and of everything that it started."""
        process = psutil.Process(self.pid)
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))

    @property
    def resident_bytes(self) -> int:
        """Its resident memory."""
        return int(psutil.Process(self.pid).memory_info().rss)

    @property
    def private_bytes(self) -> int:
        """Its unique memory: what would be freed if it ended."""
        return int(psutil.Process(self.pid).memory_full_info().uss)


@contextmanager
def placed(cpu: int | None) -> Iterator[None]:
    """Have the processes that are started in the block stay on a processor."""
    before = os.sched_getaffinity(0)
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def our_server(settings: Mapping[str, str] = UNLIMITED, *, cpu: int | None) -> Iterator[ServerProcess]:
    """`wyoming-central serve` on a data folder of its own, as an administrator would run it."""
    with running_server(settings, cpu=cpu) as server:
        if server.process is None:
            raise ProcessError("the server did not start")
        host, _, port = server.uri().removeprefix("tcp://").rpartition(":")
        yield ServerProcess(host, int(port), server.process.pid, {})


@contextmanager
def running_server(
    settings: Mapping[str, str] = UNLIMITED, *, cpu: int | None = None
) -> Iterator[RunningServer]:
    """The same with its data folder and its commands."""
    with tempfile.TemporaryDirectory(prefix="wyoming-central-bench-") as folder:
        server = RunningServer(Path(folder) / "data", settings)
        with placed(cpu):
            server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def stock_server(*, cpu: int | None) -> Iterator[ServerProcess]:
    """The `wyoming` package's own server."""
    with program("tests.bench.stock_server", cpu=cpu) as server:
        yield server


@contextmanager
def homes_server(
    *arguments: str, settings: Mapping[str, str] = UNLIMITED, cpu: int | None
) -> Iterator[ServerProcess]:
    """Our server with stand-in homes; `said["devices"]` are the devices that it made, with their tokens.

    `said["folder"]` is its data folder.
    """
    with tempfile.TemporaryDirectory(prefix="wyoming-central-bench-") as folder:
        environment = {"DATA_DIR": folder, "LISTEN": "tcp://127.0.0.1:0", "ZEROCONF": "off", **settings}
        with program(
            "tests.bench.stand_in_homes_server", *arguments, environment=environment, cpu=cpu
        ) as server:
            yield server


@contextmanager
def program(
    module: str,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    cpu: int | None = None,
    gives_way: bool = False,
) -> Iterator[ServerProcess]:
    """A program of the bench's own, which says in one line of JSON on stdout where it listens.

    What it writes to stderr is shown only where it did not start. One that `gives_way` uses only the
    processor time that nobody else wants.

    Raises:
        ProcessError: It did not say so.
    """
    kept = {name: value for name, value in os.environ.items() if name in _KEPT}
    with tempfile.TemporaryFile() as errors:
        with placed(cpu):
            process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                env=kept | {"OLLAMA_URLS": "off"} | dict(environment or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
        try:
            if gives_way:
                psutil.Process(process.pid).nice(19)
            said = _first_line(process, errors)
            yield ServerProcess(str(said["host"]), int(said["port"]), process.pid, said, process.stdout)
        finally:
            _end(process)


def _first_line(process: subprocess.Popen[bytes], errors: Any) -> dict[str, Any]:
    if process.stdout is None:
        raise ProcessError("no stdout")
    line = process.stdout.readline()
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        process.wait(_STOP_SECONDS)
        errors.seek(0)
        raise ProcessError(errors.read().decode(errors="replace")[-2000:] or "it said nothing") from None
    return said


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
