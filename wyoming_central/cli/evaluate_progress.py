"""How far an evaluation is: a bar on stderr in a terminal, and elsewhere nothing but what was taken over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from wyoming_central.cli.output import note, stderr
from wyoming_central.evaluation.outcome import Outcome
from wyoming_central.evaluation.run import Part
from wyoming_central.evaluation.verdict import Verdict


class Shown:
    """Counts the sentences of an evaluation, and shows how many there are.

    Attributes:
        done: The sentences whose outcome is known.
        total: All that are to be said.
        right, wrong: How many of those that are done came to that.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.done = self.total = self.right = self.wrong = 0

    def begin(self, parts: Sequence[Part]) -> None:
        """These are to be said; some of them may be known from before."""
        self.total = sum(len(part.chosen) for part in parts)
        for outcome in (outcome for part in parts for outcome in part.taken_over):
            self._count(outcome)
        if self.done:
            note(f"{self.done} of {self.total} sentences are known from before; --fresh begins anew.")
        if self._progress is not None:
            self._progress.add_task(
                "", total=self.total, completed=self.done, right=self.right, wrong=self.wrong
            )
            self._progress.start()

    def advance(self, outcome: Outcome) -> None:
        """A sentence was said."""
        self._count(outcome)
        if self._progress is not None:
            [task] = self._progress.task_ids
            self._progress.update(task, completed=self.done, right=self.right, wrong=self.wrong)

    def stop(self) -> None:
        """Make room for what is said about the end."""
        if self._progress is not None:
            self._progress.stop()

    def _count(self, outcome: Outcome) -> None:
        self.done += 1
        self.right += outcome.verdict is Verdict.RIGHT
        self.wrong += outcome.verdict is Verdict.WRONG


@contextmanager
def shown_progress() -> Iterator[Shown]:
    """A count that is shown for as long as the block lasts, and goes away then."""
    console = stderr()
    if not console.is_terminal:
        yield Shown(None)
        return
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=20),
        TextColumn("{task.completed:.0f}/{task.total:.0f}", markup=False),
        TextColumn("{task.fields[right]} right, {task.fields[wrong]} wrong", markup=False),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=console, transient=True)
    try:
        yield Shown(progress)
    finally:
        progress.stop()
