"""The Wyoming server: listeners, the connections they accept, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

import structlog

from handlers.peer import Identity
from handlers.tally import Tally
from wyoming_central.address import host_and_port
from wyoming_central.connection import Connection, EventSink
from wyoming_central.connection_caps import ConnectionCaps
from wyoming_central.errors import Fault, ListenError
from wyoming_central.limits import Limits

_log = structlog.get_logger(__name__)


class Server:
    """Accepts Wyoming connections and hands their events to a sink; an async context manager.

    Every task it starts ends before the context is left. Leaving it cuts whatever is left: `drain` first.

    Args:
        sink: Where events go.
        limits: What peers are held to.
        clock: Seconds, monotonic; deadlines are measured with it.
    """

    def __init__(
        self,
        sink: EventSink,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.sink = sink
        self.limits = limits or Limits()
        self.clock = clock
        self.known_answers: dict[bytes, bytes] = {}
        self._listeners: list[asyncio.Server] = []
        self._connections: set[Connection] = set()
        self._caps: ConnectionCaps[Connection] = ConnectionCaps(self.limits)
        self._turned_away = Tally()
        self._workers: set[asyncio.Task[None]] = set()
        self._group = asyncio.TaskGroup()
        self._sweeper: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self._ending = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._sweeper = self._group.create_task(self._sweep(), name="connection deadlines")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop_listening()
        self._cut()
        if self._sweeper is not None:
            self._sweeper.cancel()
        try:
            await self._empty.wait()
        finally:
            await self._group.__aexit__(kind, error, traceback)

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def listen(self, uri: str, *, name: str) -> tuple[str, int]:
        """Accept connections at an address.

        Args:
            uri: `tcp://HOST:PORT`; an IPv6 address in brackets, and for IPv6 alone. Port 0 takes a free one.
            name: Of the listener; bindings refer to it.

        Returns:
            The IP address and port; the first ones where a host name has several.

        Raises:
            AddressError: The URI is not of this form.
            ListenError: The address cannot be had.
        """
        host, port = host_and_port(uri)
        addresses: list[tuple[str, int]] = []
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, *_, address in dict.fromkeys(found):
                # All addresses of a name share the port that the first one got.
                wanted = port or (addresses[0][1] if addresses else 0)
                sock = self._bind(family, (address[0], wanted, *address[2:]))
                addresses.append(sock.getsockname()[:2])
                await self._accept_on(sock, name)
        except OSError as error:
            raise ListenError(f"cannot listen on {uri}: {_reason(error)}", remedy=_remedy(error)) from error
        _log.info("listening", listener=name, uri=uri, address=addresses[0][0], port=addresses[0][1])
        return addresses[0]

    def close_matching(self, concerns: Callable[[Identity], bool], message: str) -> int:
        """Close every connection whose identity is concerned, saying why; how many there were.

        A turn under way goes on to its end, but its answer, and all that waited behind it, are dropped.
        """
        found = [
            connection
            for connection in self._connections
            if connection.peer.identity is not None and concerns(connection.peer.identity)
        ]
        for connection in found:
            connection.dismiss(Fault.REVOKED, message)
        return len(found)

    async def drain(self, seconds: float) -> int:
        """Come to an end in good order.

        No new connection is accepted and no new event is read. Every event that was taken is handled and
        answered, then its connection closes; those with nothing to answer close at once.

        Args:
            seconds: What is not finished by then is cut: turns are cancelled and connections aborted.

        Returns:
            How many turns were cut.
        """
        self._ending.set()
        self._stop_listening()
        for connection in tuple(self._connections):
            connection.finish()
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            cut = len(self._workers)
            _log.warning("drain cut short", turns=cut, connections=len(self._connections))
            self._cut()
            await self._empty.wait()
            return cut
        return 0

    # What a connection calls.

    def joined(self, connection: Connection) -> bool:
        """Take a new connection in; False if it had to be sent away."""
        if self._ending.is_set():
            connection.abort()
            return False
        origin = connection.peer.origin
        refusal = self._caps.refusal_for(origin)
        if refusal is not None:
            self._turn_away(connection, refusal)
            return False
        self._caps.add(connection, origin)
        self._connections.add(connection)
        self._empty.clear()
        return True

    def identified(self, connection: Connection, before: Identity | None) -> None:
        """Count a connection for the device that its peer turned out to be."""
        if before is not None:
            self._caps.remove_from_device(connection, before.device_id)
        now = connection.peer.identity
        if now is None:
            return
        oldest = self._caps.add_to_device(connection, now.device_id)
        if oldest is not None:
            self._caps.remove_from_device(oldest, now.device_id)
            oldest.dismiss(
                Fault.TOO_MANY_CONNECTIONS,
                f"the device has over {self.limits.connections_per_device} connections; this is its oldest",
            )

    def left(self, connection: Connection, known_as: Identity | None) -> None:
        """Let a connection go that is over."""
        self._connections.discard(connection)
        self._caps.remove(connection, connection.peer.origin, known_as.device_id if known_as else None)
        self._note_if_empty()

    async def hold(self, seconds: float) -> None:
        """Wait so long, or until the server comes to its end."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()

    def spawn(self, work: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """Start a connection's work."""
        task = self._group.create_task(work, name=name)
        self._workers.add(task)
        self._empty.clear()
        task.add_done_callback(self._work_done)
        return task

    def check_deadlines(self) -> None:
        """End what has outlived its limit; called by itself every `Limits.sweep_seconds`."""
        now = self.clock()
        for connection in tuple(self._connections):
            connection.check_deadlines(now)

    def _turn_away(self, connection: Connection, reason: str) -> None:
        peer = connection.peer
        connection.turn_away(Fault.TOO_MANY_CONNECTIONS, reason)
        count = self._turned_away.note(peer.origin, self.clock())
        if count is not None:
            _log.warning(
                "connections turned away",
                listener=peer.listener,
                address=peer.address,
                code=Fault.TOO_MANY_CONNECTIONS.value,
                reason=reason,
                count=count,
            )

    def _work_done(self, task: asyncio.Task[None]) -> None:
        self._workers.discard(task)
        self._note_if_empty()

    def _note_if_empty(self) -> None:
        if not self._connections and not self._workers:
            self._empty.set()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.limits.sweep_seconds)
            self.check_deadlines()

    def _bind(self, family: int, address: tuple[Any, ...]) -> socket.socket:
        sock = socket.create_server(address, family=family, backlog=self.limits.backlog)
        # Accepted connections inherit these, which spares a call for each.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            ("TCP_KEEPIDLE", self.limits.keepalive_seconds),
            ("TCP_KEEPINTVL", max(1, self.limits.keepalive_seconds // 3)),
            ("TCP_KEEPCNT", 3),
        ):
            if hasattr(socket, option):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
        return sock

    async def _accept_on(self, sock: socket.socket, name: str) -> None:
        listener = await asyncio.get_running_loop().create_server(
            lambda: Connection(self, listener=name), sock=sock, backlog=self.limits.backlog
        )
        self._listeners.append(listener)

    def _stop_listening(self) -> None:
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()

    def _cut(self) -> None:
        self._ending.set()
        for connection in tuple(self._connections):
            connection.abort()
        for task in tuple(self._workers):
            task.cancel()


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)


def _remedy(error: OSError) -> str | None:
    if error.errno == errno.EADDRINUSE:
        return "another program listens there: stop it, or set LISTEN to another port"
    if error.errno == errno.EACCES:
        return "choose a port above 1023"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return "set LISTEN to an address of this machine"
    return None
