"""Sees that the event loop serves everybody, and says who kept it from doing so.

Everything here is served by one event loop, so whatever computes on it without a pause keeps everybody
waiting. A task notes the time again and again; a thread of its own looks whether that note is old, and if it
is, what the loop is doing at that moment: the task's name says whose turn it is, the place says what in it
takes so long. The log has one line while it lasts, and one that says for how long it lasted.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Final

import structlog

_log = structlog.get_logger(__name__)

# Of a stack only what is ours says anything, beside the innermost place: the last few of it.
_FRAMES_TOLD: Final = 3
_ROOT: Final = Path(__file__).parents[1]
_PACKAGES: Final = ("wyoming_central", "handlers", "provisioning", "storage", "config")


class LoopWatch:
    """Measures the lag of the event loop that `run` runs on.

    Args:
        threshold: Seconds of lag that are worth a line in the log.
        clock: Monotonic seconds.

    Attributes:
        longest: The longest lag so far, in seconds.
    """

    def __init__(self, *, threshold: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._threshold = threshold
        self._clock = clock
        self._noted_at = clock()
        self._told_of = 0.0
        self.longest = 0.0

    async def run(self) -> None:
        """Watch until cancelled."""
        loop, ending = asyncio.get_running_loop(), threading.Event()
        self._noted_at = self._clock()
        watcher = threading.Thread(
            target=self._watch,
            args=(loop, threading.get_ident(), ending),
            name="event loop watch",
            daemon=True,
        )
        watcher.start()
        try:
            while True:
                await asyncio.sleep(self._pause)
                self.note()
        finally:
            ending.set()

    def note(self) -> None:
        """On the loop: it is alive, after how long."""
        now = self._clock()
        lag = now - self._noted_at - self._pause
        self._noted_at = now
        self.longest = max(self.longest, lag)
        if lag >= self._threshold:
            _log.warning("the event loop was held up", seconds=round(lag, 3))

    def look(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        """In another thread: if the loop's last note is old, say what it is doing; once for each time."""
        noted_at = self._noted_at
        if self._clock() - noted_at - self._pause < self._threshold or noted_at == self._told_of:
            return
        self._told_of = noted_at
        frame = sys._current_frames().get(thread)  # noqa: SLF001 - the only way to another thread's stack
        task = asyncio.current_task(loop)
        _log.warning("the event loop is held up", task=task.get_name() if task else None, where=_where(frame))

    @property
    def _pause(self) -> float:
        """Between two notes: several within the threshold, but never busy with noting."""
        return max(0.01, self._threshold / 4)

    def _watch(self, loop: asyncio.AbstractEventLoop, thread: int, ending: threading.Event) -> None:
        while not ending.wait(self._pause):
            self.look(loop, thread)


def _where(frame: FrameType | None) -> list[str]:
    """Where a stack is: its innermost place, and the innermost ones in this project's own code."""
    places: list[str] = []
    own: list[str] = []
    while frame is not None and len(own) < _FRAMES_TOLD:
        path = Path(frame.f_code.co_filename)
        is_own = path.parent.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in _PACKAGES
        name = path.relative_to(_ROOT) if is_own else path.name
        place = f"{name}:{frame.f_lineno} {frame.f_code.co_name}"
        if is_own:
            own.append(place)
        elif not places and not own:
            places.append(place)
        frame = frame.f_back
    return [*places, *own]
