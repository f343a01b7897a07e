"""One thread that computes for many owners, one piece of each in turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

Result = TypeVar("Result")


class FairWorker:
    """Runs functions in a thread of its own, so that the event loop goes on meanwhile.

    Whoever has much to compute waits behind himself: each owner has a queue, and after one piece of an
    owner's comes one of the next owner's. So nobody waits for more than one piece of every other owner. Two
    threads would compute no more than one does, because they share the interpreter. All methods belong to
    the event loop.

    Args:
        name: Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._waiting: OrderedDict[str, deque[tuple[Callable[[], Any], asyncio.Future[Any]]]] = OrderedDict()
        self._is_busy = False

    async def run(self, owner: str, work: Callable[[], Result]) -> Result:
        """What `work` gives, computed in the thread when its turn has come; raises what it raises.

        A caller that is cancelled leaves the queue; a piece that is being computed is computed to its end.
        """
        result: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(owner, deque()).append((work, result))
        self._begin_next()
        return await result

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin_next(self) -> None:
        while self._waiting and not self._is_busy:
            owner, queue = self._waiting.popitem(last=False)
            work, result = queue.popleft()
            if queue:
                # Behind everybody else who waits.
                self._waiting[owner] = queue
            if not result.done():
                self._is_busy = True
                running = asyncio.get_running_loop().run_in_executor(self._thread, work)
                running.add_done_callback(partial(self._finish, result))

    def _finish(self, result: asyncio.Future[Any], running: asyncio.Future[Any]) -> None:
        self._is_busy = False
        # Looked at even where nobody waits any more: an exception in it is nobody's then.
        error = None if running.cancelled() else running.exception()
        if not result.done():
            if running.cancelled():
                result.cancel()
            elif error is not None:
                result.set_exception(error)
            else:
                result.set_result(running.result())
        self._begin_next()
