"""`script/soak [MINUTES]`: an hour of a busy server in ten minutes, and whether its memory stays flat.

Sixty satellites of twenty users speak, Home Assistants call, strangers mean harm, homes change their names
and devices come and go. The log of the server must hold no error and its memory must not grow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

import psutil
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from tests.soak.memory import Course, Sample, course_of
from tests.soak.traffic import Traffic
from wyoming_central.event_loop import run

MINUTES: Final = 10.0
MOST_GROWTH_MB: Final = 5.0
_SAMPLE_SECONDS: Final = 1.0
_GRAVE: Final = frozenset({"error", "critical"})


@dataclass(frozen=True, slots=True)
class Log:
    """What the server's log says of its time."""

    lines: int
    grave: tuple[str, ...]
    longest_lag: float
    held_up_by: tuple[str, ...]


def main() -> int:
    """Soak; 0 if all was well, else 1."""
    parser = argparse.ArgumentParser(prog="script/soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=MINUTES)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory(prefix="wyoming-central-soak-") as folder, _server(Path(folder)) as said:
        traffic = Traffic(said["host"], said["port"], said["tokens"], Random(1))
        samples = run(_soak(traffic, said["pid"], minutes * 60))
        log = _read_log(Path(folder) / "server.log")
    return _report(traffic, course_of(samples), log, minutes)


async def _soak(traffic: Traffic, pid: int, seconds: float) -> list[Sample]:
    """Bring the traffic for so long, and look at the server's memory all the while."""
    server, started = psutil.Process(pid), time.monotonic()
    samples: list[Sample] = []
    running = asyncio.create_task(traffic.run())
    try:
        with _progress() as progress:
            bar = progress.add_task("soaking", total=seconds)
            while (passed := time.monotonic() - started) < seconds and not running.done():
                samples.append(Sample(passed, server.memory_info().rss / 1e6))
                progress.update(
                    bar, completed=passed, description=f"soaking, {samples[-1].megabytes:.1f} MB resident"
                )
                await asyncio.sleep(_SAMPLE_SECONDS)
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.wait({running})
    return samples


@contextmanager
def _server(folder: Path) -> Iterator[dict[str, Any]]:
    environment = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG"}}
    environment |= {
        "DATA_DIR": str(folder),
        "LISTEN": "tcp://127.0.0.1:0",
        "ZEROCONF": "off",
        "OLLAMA_URLS": "off",
    }
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.server"], env=environment, stdout=subprocess.PIPE, stderr=log
        )
    try:
        if process.stdout is None:
            raise RuntimeError("no stdout")
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(60)


def _read_log(path: Path) -> Log:
    grave: list[str] = []
    held_up_by: Counter[str] = Counter()
    lines, longest = 0, 0.0
    with path.open("rb") as log:
        for raw in log:
            lines += 1
            line = json.loads(raw) if raw.startswith(b"{") else {"level": "error", "event": raw.decode()}
            if line.get("level") in _GRAVE:
                grave.append(str(line.get("event")))
            if line.get("event") == "the event loop was held up":
                longest = max(longest, float(line["seconds"]))
            if line.get("event") == "the event loop is held up":
                held_up_by[f"{line['task']}: {line['where'][-1] if line['where'] else '?'}"] += 1
    told = tuple(f"{count} × {what}" for what, count in held_up_by.most_common(3))
    return Log(lines, tuple(grave), longest, told)


def _report(traffic: Traffic, course: Course, log: Log, minutes: float) -> int:
    table = Table(title=f"{minutes:g} minutes", show_header=False)
    for what, count in sorted(traffic.counted.items()):
        table.add_row(what, f"{count:,}")
    table.add_row("log lines", f"{log.lines:,}")
    table.add_row("errors in the log", f"{len(log.grave)}")
    table.add_row("longest lag of the event loop", f"{log.longest_lag * 1000:.0f} ms")
    for told in log.held_up_by:
        table.add_row("held up by", told)
    table.add_row("resident when warm, at the end", f"{course.first:.1f} MB, {course.last:.1f} MB")
    table.add_row("growth", f"{course.growth:+.1f} MB ({course.per_hour:+.1f} MB an hour)")
    Console().print(table)
    complaints = _complaints(traffic, course, log)
    for complaint in complaints:
        sys.stderr.write(f"script/soak: {complaint}\n")
    return 1 if complaints else 0


def _complaints(traffic: Traffic, course: Course, log: Log) -> Sequence[str]:
    complaints = []
    if course.growth > MOST_GROWTH_MB:
        complaints.append(f"memory grew by {course.growth:.1f} MB once it was warm")
    if log.grave:
        complaints.append(f"the log holds errors: {', '.join(dict.fromkeys(log.grave))}")
    if not traffic.counted["handled"]:
        complaints.append("nobody was served")
    return complaints


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn(), console=Console(stderr=True)
    )


if __name__ == "__main__":
    sys.exit(main())
