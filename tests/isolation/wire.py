"""A line to the server, and what was asked on it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, cast

from wyoming.event import Event

from wyoming_central.frame import FrameDecoder, encode

# Errors that are no answer to what was asked, but the end of the line.
_LAST_WORDS: Final = frozenset({"revoked", "too-many-connections", "idle", "internal", "cut-frame"})
_ENDS: Final = {
    "authenticate": frozenset({"user-event", "error"}),
    "transcript": frozenset({"handled", "not-handled", "error"}),
    "intent": frozenset({"handled", "not-handled", "error"}),
    "recognize": frozenset({"intent", "intents-stop", "not-recognized", "error"}),
    "ping": frozenset({"pong"}),
    "describe": frozenset({"info"}),
}


@dataclass(eq=False)
class Asked:
    """One event that was sent, and what came back.

    Attributes:
        kind: What was asked: the key of `_ENDS`.
        wire: Where.
        text: The sentence, or for an intent the name in it; for an authentication, nothing.
        token: The token that went along, if one did.
        known_as: The token that was shown last on this line, if one was.
        sent, answered: When, by the clock of the story; not answered where the line ended before.
        language: In which it was said, if anything was.
        conversation_id: What has to come back with the answer.
        events: What came back.
    """

    kind: str
    wire: Wire
    text: str
    token: str | None
    known_as: str | None
    sent: int
    language: str | None = None
    conversation_id: str | None = None
    answered: int | None = None
    events: list[Event] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def context(self) -> dict[str, Any]:
        """The context of the answer; empty where no turn was taken."""
        return (self.events[-1].data.get("context") if self.events else None) or {}

    @property
    def request_id(self) -> str | None:
        """The turn that it became."""
        return self.context.get("request_id")

    @property
    def is_turn(self) -> bool:
        """Whether it asks for something to be understood or done."""
        return self.kind in {"transcript", "intent", "recognize"}


class Wire(asyncio.Protocol):
    """One TCP connection, from the peer's side.

    Args:
        listener, address: Where it goes and comes from.
        clock: Gives the next moment of the story.

    Attributes:
        opened: When.
        asked: All that was asked on it, in order.
        known_as: The token that was shown last.
        unasked: What came without having been asked for.
        hung_up: Whether this side ended it.
        ended: When it was over.
        may_be_mute: Whether nothing may be answered at all.
    """

    def __init__(self, listener: str, address: str, clock: Callable[[], int]) -> None:
        self.listener = listener
        self.address = address
        self.asked: list[Asked] = []
        self.known_as: str | None = None
        self.unasked: list[Event] = []
        self.hung_up = False
        self.may_be_mute = False
        self.opened = clock()
        self.ended: int | None = None
        self.over = asyncio.Event()
        self._clock = clock
        self._decoder = FrameDecoder()
        self._transport = cast("asyncio.Transport", None)
        self._in_turn: deque[Asked] = deque()
        self._at_once: dict[str, deque[Asked]] = {"pong": deque(), "info": deque()}

    def ask(self, event: Event, asked: Asked) -> None:
        """Send an event; what comes back will be found in `asked`."""
        self.asked.append(asked)
        if self.ended is not None:
            asked.over.set()
            return
        self._waiting_for(asked.kind).append(asked)
        self._transport.write(encode(event))

    @property
    def unanswered(self) -> list[Asked]:
        """What is to be answered in turn, in order, and was not yet."""
        return list(self._in_turn)

    def hang_up(self, *, politely: bool) -> None:
        """End it: after all was answered, or at once and with a reset."""
        if self.ended is not None or (self.hung_up and politely):
            return
        self.hung_up = True
        if politely:
            if self._transport.can_write_eof() and not self._transport.is_closing():
                self._transport.write_eof()
            return
        own = self._transport.get_extra_info("socket")
        if own is not None:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._decoder.feed(data)
        while (event := self._decoder.next_event()) is not None:
            self._take(event)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended = self._clock()
        self.over.set()
        for waiting in (self._in_turn, *self._at_once.values()):
            for asked in waiting:
                asked.over.set()
            waiting.clear()

    def _waiting_for(self, kind: str) -> deque[Asked]:
        for answer, waiting in self._at_once.items():
            if answer in _ENDS[kind]:
                return waiting
        return self._in_turn

    def _take(self, event: Event) -> None:
        waiting = self._at_once.get(event.type, self._in_turn)
        if not waiting or (event.type == "error" and event.data.get("code") in _LAST_WORDS):
            self.unasked.append(event)
            return
        asked = waiting[0]
        asked.events.append(event)
        if event.type in _ENDS[asked.kind] and not self._is_one_of_several(asked, event):
            waiting.popleft()
            asked.answered = self._clock()
            asked.over.set()

    @staticmethod
    def _is_one_of_several(asked: Asked, event: Event) -> bool:
        return event.type == "intent" and asked.events[0].type == "intents-start"
