"""The deadline of a turn: so many seconds after it began it is cut off, wherever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any, TypeVar

from handlers.errors import TurnDeadlineError

_Outcome = TypeVar("_Outcome")


@dataclass(slots=True, eq=False)
class _Deadline:
    """When something has to be done, and the task that does it."""

    at: float
    task: asyncio.Task[Any]
    is_past: bool = False


class Deadlines:
    """Watches over all turns with one timer.

    All have the same time, so the one that began first is due first, and the timer need know of no other.
    `asyncio.timeout` does the same with a timer for each, which costs more than to understand a sentence that
    was said before.

    Args:
        seconds: From the beginning of each turn.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # In the order in which they are due.
        self._running: dict[_Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def keep(self, turn: Awaitable[_Outcome]) -> _Outcome:
        """Take a turn, in this task.

        Raises:
            TurnDeadlineError: It took too long, and was cancelled.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("only what runs in a task can be cut off")
        loop = asyncio.get_running_loop()
        cancellations = task.cancelling()
        deadline = _Deadline(loop.time() + self._seconds, task)
        self._running[deadline] = None
        if self._timer is None:
            self._timer = loop.call_at(deadline.at, self._cut_off_what_is_due)
        try:
            return await turn
        except asyncio.CancelledError:
            # Where somebody else cancelled it too, that comes first.
            if deadline.is_past and task.cancelling() == cancellations + 1:
                raise TurnDeadlineError(f"took over {self._seconds:g} s") from None
            raise
        finally:
            if deadline.is_past:
                task.uncancel()
            else:
                del self._running[deadline]

    def _cut_off_what_is_due(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        now = loop.time()
        for deadline in tuple(self._running):
            if deadline.at > now:
                self._timer = loop.call_at(deadline.at, self._cut_off_what_is_due)
                return
            del self._running[deadline]
            deadline.is_past = True
            deadline.task.cancel()
