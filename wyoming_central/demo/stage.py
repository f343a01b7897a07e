"""What is shown while the homes of the demo come up."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from provisioning.driver import Progress as Installing


class Stage:
    """What is shown while the homes come up."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._installation: TaskID | None = None

    def installing(self, advance: Installing) -> None:
        """Show how the installation of Home Assistant advances, if there is one."""
        if self._installation is None:
            self._installation = self._progress.add_task("Home Assistant", total=100)
        done = advance.percent is not None and advance.percent >= 100
        text = "Home Assistant is installed" if done else f"Installing {advance.phase}"
        self._progress.update(self._installation, description=text, completed=advance.percent or 0)

    @asynccontextmanager
    async def line(self, text: str) -> AsyncIterator[Callable[[str], None]]:
        """A line of its own for as long as the block lasts; what it gives changes the text."""
        task = self._progress.add_task(text, total=None)
        yield lambda changed: self._progress.update(task, description=changed)
        self._progress.update(task, total=1, completed=1)


def progress_on(console: Console) -> Progress:
    """The bars of a stage."""
    return Progress(
        SpinnerColumn(finished_text="[green]✓[/green]"),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        console=console,
    )
