"""`wyoming-central serve`: the server, in the foreground."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO, cast

import structlog
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from config.settings import Settings, ensure_secrets, read_settings
from provisioning.driver import Progress as Advance
from provisioning.driver import ProgressListener
from wyoming_central.application import serve as serve_until_stopped
from wyoming_central.cli.commands import single
from wyoming_central.cli.output import note, plain, stderr
from wyoming_central.event_loop import run
from wyoming_central.logs import configure_logs

app = single()

_log = structlog.get_logger(__name__)


@app.command()
def serve() -> None:
    """Run the server until Ctrl-C or SIGTERM, in the foreground.

    It listens where LISTEN says (tcp://127.0.0.1:10500), brings the database up to date, and looks after the
    users' Home Assistants. The log goes to stderr: text in a terminal, else one JSON object a line.
    """
    reading = read_settings()
    settings = ensure_secrets(reading.usable())
    configure_logs(
        level=settings.log_level,
        log_format=settings.log_format,
        utterances=settings.log_utterances,
        stream=cast("TextIO", _CurrentStderr()),
    )
    for warning in reading.warnings:
        _log.warning(warning.message, setting=warning.name, remedy=warning.remedy)
    if not sys.stderr.isatty():
        run(serve_until_stopped(settings))
        return
    _welcome(settings)
    with _shown_progress() as report:
        run(serve_until_stopped(settings, report=report))


def _welcome(settings: Settings) -> None:
    listen = ", ".join(map(str, settings.listen))
    note(f"Wyoming Central on {listen}; data in {settings.data_dir}. Ctrl-C stops it.", style="bold")


@contextmanager
def _shown_progress() -> Iterator[ProgressListener]:
    """A bar for Home Assistant or the language model, below what is logged, for as long as one comes."""
    columns = (
        SpinnerColumn(),
        TextColumn("Installing {task.description}", markup=False),
        BarColumn(bar_width=20),
        TimeElapsedColumn(),
    )
    progress = Progress(*columns, console=stderr(), transient=True)
    task = progress.add_task("", total=100, visible=False)

    def report(advance: Advance) -> None:
        done = advance.percent is not None and advance.percent >= 100
        progress.update(task, description=plain(advance.phase), completed=advance.percent, visible=not done)
        if done:
            progress.stop()
        else:
            progress.start()

    try:
        yield report
    finally:
        progress.stop()


class _CurrentStderr(io.TextIOBase):
    """Writes to what is stderr at the time: a bar that is shown puts itself in its place."""

    def write(self, text: str) -> int:
        """Write `text`."""
        return sys.stderr.write(text)

    def flush(self) -> None:
        """Hand on what is buffered."""
        sys.stderr.flush()

    def isatty(self) -> bool:
        """Whether a person looks on."""
        return sys.stderr.isatty()
