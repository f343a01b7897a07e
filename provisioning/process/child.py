"""One process that outlives its parent: started, found again, watched, stopped.

Instances run in sessions of their own, so that nothing that happens to the server's terminal or process group
reaches them, and a killed server finds them again. They are marked in their environment, which arrives
together with the process: there is no moment at which one runs and cannot be told.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

POLL_SECONDS: Final = 0.5
"""How often a process is looked at where the kernel cannot tell of its end (no pidfd: Linux before 5.3)."""

KILL_SECONDS: Final = 5.0
"""A killed process that is still there after so long hangs in the kernel, and is given up."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a process ended.

    Attributes:
        status: Its exit status, negative for the number of the signal that killed it, or None where only its
            parent (an earlier server) could have known.
    """

    status: int | None


class Child:
    """A process with its end awaited; made on the event loop by `spawn` or `adopt`.

    Attributes:
        pid: Its process id, also the id of its session and group.
        marks: What it was marked with in its environment.
    """

    def __init__(self, process: psutil.Process, *, marks: Mapping[str, str], reap: bool) -> None:
        self._process = process
        self._reap = reap
        self._listeners: list[Callable[[Ended], None]] = []
        self._listens_on: set[int] = set()
        self._loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[Ended] = self._loop.create_future()
        self._poll: asyncio.TimerHandle | None = None
        self.pid = process.pid
        self.marks = marks
        self._pidfd = self._watch()

    @property
    def ended(self) -> Ended | None:
        """How it ended, or None while it runs."""
        return self._ended.result() if self._ended.done() else None

    def on_end(self, listener: Callable[[Ended], None]) -> None:
        """Have `listener` called once, on the event loop, when the process has ended."""
        self._listeners.append(listener)

    async def listens_on(self, port: int) -> bool:
        """Whether it is this process that listens on 127.0.0.1 at `port`."""
        if port not in self._listens_on and await asyncio.to_thread(_listens, self._process, port):
            self._listens_on.add(port)
        return port in self._listens_on and not self._ended.done()

    async def stop(self, *, within: float) -> bool:
        """Ask it to end; after `within` seconds kill it with all that it started.

        Returns:
            Whether it has ended.
        """
        self._signal(signal.SIGTERM)
        if await self._gone(within):
            return True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._signal(signal.SIGKILL)
        return await self._gone(KILL_SECONDS)

    def release(self) -> None:
        """Stop watching; the process is left as it is."""
        self._unwatch()
        self._listeners.clear()

    async def _gone(self, within: float) -> bool:
        done, _ = await asyncio.wait([self._ended], timeout=within)
        return bool(done)

    def _signal(self, number: signal.Signals) -> None:
        if self._ended.done():
            return
        with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
            if self._pidfd is None:
                self._process.send_signal(number)  # psutil checks that the pid was not given to another
            else:
                signal.pidfd_send_signal(self._pidfd, number)

    def _watch(self) -> int | None:
        try:
            pidfd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self._loop.call_soon(self._has_ended)
            return None
        except OSError:
            self._poll = self._loop.call_later(POLL_SECONDS, self._look)
            return None
        self._loop.add_reader(pidfd, self._has_ended)
        return pidfd

    def _unwatch(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._pidfd is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = None

    def _look(self) -> None:
        if _alive(self._process):
            self._poll = self._loop.call_later(POLL_SECONDS, self._look)
        else:
            self._has_ended()

    def _has_ended(self) -> None:
        self._unwatch()
        if self._ended.done():
            return
        ended = Ended(self._collect())
        self._ended.set_result(ended)
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            listener(ended)

    def _collect(self) -> int | None:
        """The exit status of a process of our own, which is gone for good with that."""
        if not self._reap:
            return None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # What it started and left behind goes too; its id is nobody else's before it is collected.
            os.killpg(self.pid, signal.SIGKILL)
        try:
            _, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return None
        return os.waitstatus_to_exitcode(status)


# The first descriptor after the standard ones, in the started process.
_CLAIM: Final = 3


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    marks: Mapping[str, str],
    log: Path,
    claim: int,
) -> Child:
    """Start a program in a session of its own, its output appended to `log`.

    Args:
        command: The program and its arguments.
        environment: All that it gets of one.
        marks: By which a later server knows the process again; part of its environment.
        log: Where its output goes.
        claim: A descriptor that the process keeps open for as long as it lives, and nobody after it.

    Raises:
        OSError: The program or the log cannot be opened.
    """
    pid = os.posix_spawn(
        command[0],
        list(command),
        {**environment, **marks},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
            (os.POSIX_SPAWN_DUP2, claim, _CLAIM),
        ],
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE),
    )
    return Child(psutil.Process(pid), marks=marks, reap=True)


def adopt(process: psutil.Process, marks: Mapping[str, str]) -> Child:
    """Watch a process that an earlier server started."""
    return Child(process, marks=marks, reap=process.ppid() == os.getpid())


def survivors(mark: str, value: str) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    """Leaders of a session whose environment has `mark` set to `value`, among this account's processes.

    Blocks for some milliseconds; not for the event loop.
    """
    us = os.getuid()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.uids().real != us or os.getsid(process.pid) != process.pid:
                continue
            marks = process.environ()
            if marks.get(mark) == value and _alive(process):
                yield process, marks


def _alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        connections = process.net_connections(kind="tcp4")
    except psutil.Error:
        return False
    return any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in connections)
