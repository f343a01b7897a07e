"""What a benchmark is told, and what it tells on the way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn


@dataclass(frozen=True, slots=True)
class Options:
    """The options of a run; None leaves it to the benchmark.

    Attributes:
        seconds: Of one round.
        rounds: How many.
        connections: For `idle`: how many.
        authenticated: For `idle`: whether each connection is a device that has shown its token.
        rate: For `flood`: how many sentences a second the measured speaker says.
    """

    seconds: float | None = None
    rounds: int | None = None
    connections: int = 10_000
    authenticated: bool = False
    rate: float = 1.0


class Steps:
    """Shows on stderr how far a benchmark is; nothing of it goes to stdout."""

    def __init__(self, progress: Progress, name: str) -> None:
        self._progress = progress
        self._task: TaskID = progress.add_task(name, total=None)
        self._name = name

    def expect(self, steps: int) -> None:
        """There are so many steps in all."""
        self._progress.update(self._task, total=steps)

    def begin(self, what: str) -> None:
        """A step begins."""
        self._progress.update(self._task, description=f"{self._name}: {what}")

    def done(self, steps: int = 1) -> None:
        """So many steps are done."""
        self._progress.update(self._task, advance=steps)


@contextmanager
def shown_steps(name: str) -> Iterator[Steps]:
    """A bar on stderr for as long as a benchmark runs."""
    progress = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with progress:
        yield Steps(progress, name)
