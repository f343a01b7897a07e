"""One connection: what is read, what waits its turn, what is written, and how it ends.

While nothing happens a connection is one small object: no task, no queue, no buffer and no timer of its own.
Its life has four phases:

- OPEN: events are read. `ping` and the like are answered at once, all others one after another by a task
  that exists only while there is one to handle.
- ENDING: nothing more is read (the peer said so, broke a rule, or the server stops), but what came before is
  still answered.
- LINGERING: all is said, and the peer is given a moment to read it and to close its side.
- CLOSED.

A turn that is under way when its peer goes away is carried out to its end, so that it is never half done and
never without its row in the audit; its answer is dropped. Events that still waited behind it are dropped,
except where the peer only ended its own side in good order: then they are handled like any other.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, cast

import structlog
from wyoming.error import Error
from wyoming.event import Event

from handlers.log_context import belong_to
from handlers.origin import origin_of
from handlers.peer import Identity, Peer, Reply
from wyoming_central.errors import Fault, FrameError
from wyoming_central.frame import FrameDecoder, encode_all
from wyoming_central.limits import Limits

_log = structlog.get_logger(__name__)

# Phases, in order. Plain numbers: on Python 3.11 a look at an enum's member takes half as long as parsing a
# ping, and there are several for each.
_OPEN: Final = 0
_ENDING: Final = 1
_LINGERING: Final = 2
_CLOSED: Final = 3

_MAPPED_IPV4: Final = "::ffff:"

# Of the share of bytes that a known device has, a stranger has one in so many.
_STRANGERS_PART: Final = 4

_KNOWN_FRAME_BYTES: Final = 128
_KNOWN_ANSWERS_MOST: Final = 256

_TOO_LONG: Final = frozenset({Fault.HEADER_TOO_LONG, Fault.DATA_TOO_LONG, Fault.PAYLOAD_TOO_LONG})


class EventSink(Protocol):
    """Where events go: the dispatcher."""

    def immediate(self, event: Event, peer: Peer, /) -> tuple[Event, ...] | None:
        """What answers an event at once, out of turn; empty to ignore it; None if it must wait its turn.

        Depends on the event alone: not on who asks, nor when.
        """

    def arrived(self, peer: Peer, /) -> None:
        """Learn of a new peer, before its first event."""

    async def handle(self, event: Event, peer: Peer, /) -> Reply:
        """Answer an event; one at a time for each peer."""


class Host(Protocol):
    """What a connection needs of the server that accepted it."""

    sink: EventSink
    limits: Limits
    clock: Callable[[], float]
    known_answers: dict[bytes, bytes]

    def joined(self, connection: Connection, /) -> bool:
        """Learn of a connection that has begun; False if there was no room for it, and it was turned away."""

    def identified(self, connection: Connection, before: Identity | None, /) -> None:
        """Learn that the connection's peer is somebody else now than `before`, or nobody any more."""

    def left(self, connection: Connection, known_as: Identity | None, /) -> None:
        """Learn of a connection that is over, and as whom it was made known last."""

    async def hold(self, seconds: float, /) -> None:
        """Wait so long, or until the server comes to its end."""

    def spawn(self, work: Coroutine[Any, Any, None], /, *, name: str) -> asyncio.Task[None]:
        """Start a task that the server owns."""


class Connection(asyncio.Protocol):
    """One peer's connection.

    Args:
        host: The server.
        listener: The name of the listener that accepted it.
    """

    __slots__ = (
        "_began",
        "_blocked_at",
        "_decoder",
        "_eof",
        "_frame_at",
        "_frames",
        "_host",
        "_identity",
        "_last_word",
        "_paused",
        "_phase",
        "_quiet_since",
        "_second",
        "_share_is_due",
        "_transport",
        "_undecided",
        "_waiting",
        "_waiting_bytes",
        "_was_too_fast",
        "_worker",
        "peer",
    )

    def __init__(self, host: Host, *, listener: str) -> None:
        self.peer = Peer(secrets.token_hex(6), listener, "")
        self._host = host
        self._transport: asyncio.Transport = cast("asyncio.Transport", None)  # set by connection_made
        self._decoder = FrameDecoder(host.limits.unauthenticated_frame)
        self._phase = _OPEN
        self._identity: Identity | None = None
        self._waiting: deque[tuple[Event, int]] | None = None
        self._waiting_bytes = 0
        self._worker: asyncio.Task[None] | None = None
        self._last_word: Event | None = None
        self._paused = False
        self._share_is_due = False
        self._eof = False
        self._began = 0.0
        self._quiet_since = 0.0
        self._second = 0.0
        self._frames = 0
        self._was_too_fast = False
        self._undecided = False
        self._frame_at: float | None = None
        self._blocked_at: float | None = None

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._began = self._quiet_since = self._second = self._host.clock()
        self.peer.address = _address_of(transport)
        self.peer.origin = origin_of(self.peer.address)
        if self._host.joined(self):
            try:
                self._host.sink.arrived(self.peer)
                self._note_identity()
            except Exception:  # noqa: BLE001 - a bug of ours ends this connection, not the server; it is logged
                self._fail()

    def data_received(self, data: bytes) -> None:
        """Take what the peer sent."""
        if self._phase == _OPEN:
            self._quiet_since = now = self._host.clock()
            answer = self._host.known_answers.get(data)
            if answer is not None and self._may_answer_at_once(now):
                self._frames += 1
                self._transport.write(answer)
                return
            self._decoder.feed(data)
            self._take_events(data)

    def eof_received(self) -> bool:
        """Take note that the peer will send no more; it may still be reading."""
        self._eof = True
        self.peer.leave()
        if self._phase == _OPEN:
            try:
                self._decoder.end()
            except FrameError as error:
                self._refuse(error.code, error.message)
            else:
                self._end(None)
        elif self._phase == _LINGERING:
            self._transport.close()
        return True

    def pause_writing(self) -> None:
        """Take note that the peer does not read what it is sent."""
        self._blocked_at = self._host.clock()

    def resume_writing(self) -> None:
        """Go on where `pause_writing` stopped."""
        self._blocked_at = None
        if self._waiting:
            self._work_on()
        self._take_events()
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget everything but the turn under way."""
        if exc is not None:
            _log.debug("connection lost", **self._who(), reason=type(exc).__name__)
        self._phase = _CLOSED
        self.peer.leave()
        self._waiting = None
        self._decoder = FrameDecoder()
        self._host.left(self, self._identity)

    # What the server calls.

    def finish(self) -> None:
        """Read no more; close when what was read has been answered."""
        if self._phase != _OPEN:
            return
        if self._worker is None and not self._waiting:
            # Nothing is being said that closing at once could destroy.
            self._close()
        else:
            self._end(None)

    def dismiss(self, code: Fault, message: str) -> None:
        """Say why and close now; a turn under way goes on, but its answer and all that waits are dropped."""
        if self._phase <= _ENDING:
            _log.info("connection closed", **self._who(), code=code.value, reason=message)
            self._waiting = None
            self._last_word = Error(text=message, code=code.value).event()
            self._part()

    def turn_away(self, code: Fault, message: str) -> None:
        """Say why there is no room and close at once, keeping nothing of a peer that was never let in."""
        self._send((Error(text=message, code=code.value).event(),))
        self._close()

    def abort(self) -> None:
        """Close without a word, dropping what was not sent yet."""
        self._phase = _CLOSED
        self._transport.abort()

    def check_deadlines(self, now: float) -> None:
        """End what has outlived its limit at the time `now` of the server's clock."""
        limits = self._host.limits
        if self._blocked_at is not None and now - self._blocked_at >= limits.write_seconds:
            _log.warning("connection cut", **self._who(), code=Fault.NOT_READING.value)
            self.abort()
        elif self._phase == _LINGERING:
            unsent = self._transport.get_write_buffer_size() > 0
            if now - self._quiet_since >= (limits.write_seconds if unsent else limits.linger_seconds):
                self.abort()
        elif self._phase == _OPEN:
            self._check_open(now, limits)

    def _check_open(self, now: float, limits: Limits) -> None:
        if self._frame_at is not None and now - self._frame_at >= limits.half_frame_seconds:
            self._refuse(Fault.SLOW_FRAME, f"a frame must be complete within {limits.half_frame_seconds:g} s")
            return
        known = self.peer.identity is not None
        if not known and not self.peer.vouched_for:
            patience = limits.unauthenticated_seconds
            if now - self._began >= patience:
                self._see_off(Fault.UNAUTHENTICATED, f"no valid credential was shown within {patience:g} s")
        elif self._worker is None:
            patience = limits.device_idle_seconds if known else limits.idle_seconds
            if now - self._quiet_since >= patience:
                self._see_off(Fault.IDLE, f"nothing was heard for {patience:g} s")

    # Reading.

    def _learn(self, frame: bytes, answers: tuple[Event, ...]) -> None:
        """Keep the answer to a small frame, to give it without reading the same bytes again.

        Every peer sends the same `ping` and the same `describe`, down to the byte, and reading and writing
        JSON costs more than all the rest of answering them.
        """
        known = self._host.known_answers
        if len(frame) <= _KNOWN_FRAME_BYTES:
            if len(known) >= _KNOWN_ANSWERS_MOST:
                known.clear()
            known[frame] = encode_all(answers)

    def _may_answer_at_once(self, now: float) -> bool:
        """Whether bytes that are one whole known event may be answered without being read again."""
        self._begin_second(now)
        return (
            not self._decoder.pending
            and not self._waiting
            and self._blocked_at is None
            and not self._share_is_due
            and not self.peer.write_only
            and self._frames < self._host.limits.frames_per_second
        )

    def _take_events(self, chunk: bytes = b"") -> None:
        """Answer or queue the events that have come, as far as this peer's share and the bounds go."""
        try:
            self._take_share(chunk)
        except Exception:  # noqa: BLE001 - a bug of ours ends this connection, not the server; it is logged
            self._fail()

    def _take_share(self, chunk: bytes) -> None:
        sink, peer, decoder = self._host.sink, self.peer, self._decoder
        may_take = self._may_take()
        share = left = self._share() if may_take else 0
        room = self._host.limits.bytes_at_once // (1 if peer.identity is not None else _STRANGERS_PART)
        answers: tuple[Event, ...] = ()
        error: FrameError | None = None
        try:
            while left and room > 0 and (event := decoder.next_event()) is not None:
                left -= 1
                room -= decoder.taken_bytes
                answer = sink.immediate(event, peer)
                if answer is None:
                    self._queue(event, decoder.taken_bytes)
                    if not self._may_take():
                        break
                else:
                    answers = answers + answer if answers else answer
        except FrameError as fault:
            error = fault
        taken = share - left
        self._frames += taken
        if taken == 1 and answers and len(chunk) == decoder.taken_bytes and not decoder.pending:
            self._learn(chunk, answers)
        self._send(answers)
        if error is not None and not self._may_be_let_in(error):
            self._refuse_frame(error)
            return
        if may_take and not (left and room > 0) and not self._undecided:
            self._share_is_due = True
            self._call_for_next_share()
        self._pace(began=left != share)

    def _may_be_let_in(self, error: FrameError) -> bool:
        """Whether a frame that is too long for a stranger waits for what the peer said before it.

        That may be who it is; then the frame is read again, by a known device's bounds.
        """
        self._undecided = self.peer.identity is None and self._worker is not None and error.code in _TOO_LONG
        return self._undecided

    def _share(self) -> int:
        """How many events may be taken now."""
        limits = self._host.limits
        self._begin_second(self._host.clock())
        return max(0, min(limits.events_at_once, limits.frames_per_second - self._frames))

    def _begin_second(self, now: float) -> None:
        """Count events anew where the second that they were counted for is over."""
        if now - self._second >= 1.0:
            self._second, self._frames = now, 0

    def _call_for_next_share(self) -> None:
        loop = asyncio.get_running_loop()
        if self._frames < self._host.limits.frames_per_second:
            loop.call_soon(self._take_next_share)
            return
        if not self._was_too_fast:
            self._was_too_fast = True
            _log.warning("peer slowed down", **self._who(), code=Fault.TOO_FAST.value)
        loop.call_later(max(0.0, self._second + 1.0 - self._host.clock()), self._take_next_share)

    def _take_next_share(self) -> None:
        self._share_is_due = False
        self._take_events()

    def _may_take(self) -> bool:
        return (
            self._phase == _OPEN
            and self._blocked_at is None
            and not self._share_is_due
            and not self._undecided
            and (not self._waiting or self._has_room())
        )

    def _has_room(self) -> bool:
        """Whether one more event may wait beside those that do."""
        limits = self._host.limits
        return (
            self._waiting is not None
            and self.peer.identity is not None
            and len(self._waiting) < limits.waiting_events
            and self._waiting_bytes < limits.waiting_bytes
        )

    def _pace(self, *, began: bool) -> None:
        """Read on, or leave the peer's bytes where they are until there is room for them."""
        held = not self._may_take()
        if held or not self._decoder.pending:
            # What is held back is not the peer's delay.
            self._frame_at = None
        elif began or self._frame_at is None:
            self._frame_at = self._host.clock()
        if held is not self._paused and self._phase == _OPEN:
            self._pause_reading(held)

    def _pause_reading(self, pause: bool) -> None:  # noqa: FBT001 - the two sides of one switch
        self._paused = pause
        if pause:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _queue(self, event: Event, size: int) -> None:
        if self._waiting is None:
            self._waiting = deque()
            self._waiting_bytes = 0
        self._waiting.append((event, size))
        self._waiting_bytes += size
        self._work_on()

    # Handling.

    def _work_on(self) -> None:
        if self._worker is None:
            self._worker = self._host.spawn(self._work(), name=f"turns of {self.peer.connection_id}")

    async def _work(self) -> None:
        """Handle what waits, in order, until nothing does or the peer stops reading."""
        belong_to(**self._where())
        try:
            while self._waiting and self._blocked_at is None:
                event, size = self._waiting.popleft()
                self._waiting_bytes -= size
                if self._paused:
                    self._take_events()
                reply = await self._host.sink.handle(event, self.peer)
                if reply.hold_seconds:
                    await self._host.hold(reply.hold_seconds)
                self._note_identity()
                self._deliver(reply)
        except Exception:  # noqa: BLE001 - a bug of ours ends this connection, not the server; it is logged
            self._worker = None
            self._fail()
            return
        finally:
            self._worker = None
        self._settle()

    def _deliver(self, reply: Reply) -> None:
        self._send(reply.events)
        if reply.after is not None:
            reply.after()
        if reply.close and self._phase <= _ENDING:
            self._waiting = None
            self._end(None)

    def _settle(self) -> None:
        """After work: rest, or part if the end was waiting for it."""
        if self._undecided and self._worker is None and not self._waiting:
            self._undecided = False
            self._take_events()
        if self._worker is not None or self._waiting:
            return
        if self._phase == _OPEN:
            self._waiting = None
            self._quiet_since = self._host.clock()
        elif self._phase == _ENDING:
            self._part()

    def _note_identity(self) -> None:
        """After whatever may have changed who the peer is: tell the server, and hold it to its bounds."""
        identity, before = self.peer.identity, self._identity
        if identity is before or self._phase == _CLOSED:
            return
        self._identity = identity
        if identity is None or before is None or identity.device_id != before.device_id:
            limits = self._host.limits
            self._decoder.bounds = limits.unauthenticated_frame if identity is None else limits.frame
            self._host.identified(self, before)

    # Writing and ending.

    def _send(self, events: list[Event] | tuple[Event, ...]) -> None:
        if events and not self.peer.write_only and self._phase <= _ENDING:
            # Within the protocol's own bounds: `limits` are for what peers send.
            self._transport.write(encode_all(events))

    def _refuse_frame(self, error: FrameError) -> None:
        stranger = self.peer.identity is None and error.code in _TOO_LONG
        self._refuse(
            error.code, f"{error.message} before the peer has authenticated" if stranger else error.message
        )

    def _refuse(self, code: Fault, message: str) -> None:
        _log.warning("peer refused", **self._who(), code=code.value, reason=message)
        self._end(Error(text=message, code=code.value).event())

    def _see_off(self, code: Fault, message: str) -> None:
        _log.info("connection closed", **self._who(), code=code.value, reason=message)
        self._end(Error(text=message, code=code.value).event())

    def _fail(self) -> None:
        _log.exception("connection failed", **self._who())
        if self._phase <= _ENDING:
            self._waiting = None
            self._end(Error(text="internal error", code=Fault.INTERNAL.value).event())

    def _end(self, last_word: Event | None) -> None:
        """Take no more events; part once those taken are answered."""
        self._phase = _ENDING
        self._last_word = last_word
        self._decoder = FrameDecoder()
        # Read on, and throw away: only a reader learns that the peer is gone.
        if self._paused:
            self._pause_reading(pause=False)
        self._settle()

    def _part(self) -> None:
        """Say the last word and see the peer off."""
        if self._last_word is not None:
            self._send((self._last_word,))
        if self._eof or not self._transport.can_write_eof():
            self._close()
            return
        self._phase = _LINGERING
        self._quiet_since = self._host.clock()
        if not self._transport.is_closing():
            self._transport.write_eof()

    def _close(self) -> None:
        # Not CLOSED yet: the transport sends what is left first, and that has a deadline too.
        self._phase = _LINGERING
        self._quiet_since = self._host.clock()
        self._transport.close()

    # Naming.

    def _where(self) -> dict[str, str]:
        peer = self.peer
        return {"connection_id": peer.connection_id, "listener": peer.listener, "address": peer.address}

    def _who(self) -> dict[str, str]:
        who = self._where()
        identity = self.peer.identity
        if identity is not None:
            who |= {"device_id": identity.device_id, "user_id": identity.user_id}
        return who


def _address_of(transport: asyncio.BaseTransport) -> str:
    """The peer's IP address: without port and zone, IPv4 as itself; empty if the peer is gone already."""
    name = transport.get_extra_info("peername")
    if not name:
        return ""
    address = str(name[0]).partition("%")[0]
    return address.removeprefix(_MAPPED_IPV4)
