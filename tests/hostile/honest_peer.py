"""A peer that means no harm, in a process of its own: what others notice of hostile ones.

    python -m tests.hostile.honest_peer HOST PORT [--every SECONDS] [--each FILE] < token

It authenticates with the token that is the first line of its stdin, prints an empty line, and then pings on
this one connection every 5 ms, whether or not the answer to the ping before has come: a server that is held
up is asked on, so no ping is left out that would have been slow. When stdin ends it waits for the last
answers and prints one JSON object: `count` of the pings, `p50`, `p99`, `max` of the times until their answers
in milliseconds, and how many were `lost`. With `--each` the file gets a line for each ping: when it was sent,
by the monotonic clock of the machine in seconds, and the milliseconds until its answer.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from wyoming.event import Event
from wyoming.ping import Ping
from wyoming.user_event import UserEvent

from wyoming_central.frame import FrameDecoder, encode

EVERY: Final = 0.005
_ANSWER_WITHIN: Final = 60.0
_PING: Final = encode(Ping().event())


@dataclass(frozen=True, slots=True)
class Pings:
    """How pings were answered; times in milliseconds."""

    count: int
    p50: float
    p99: float
    max: float
    lost: int


class _Line:
    """The connection: what was sent and not answered yet, and how long the answers took."""

    def __init__(self, to: tuple[str, int]) -> None:
        self._socket = socket.create_connection(to, timeout=_ANSWER_WITHIN)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._decoder = FrameDecoder()
        self._sent: deque[float] = deque()
        self.answered: list[tuple[float, float]] = []
        self.stands = True

    @property
    def waits(self) -> bool:
        """Whether an answer is still to come."""
        return bool(self._sent) and self.stands

    def authenticate(self, token: str) -> None:
        self._socket.sendall(encode(UserEvent(name="authenticate", data={"token": token}).event()))
        while (event := self._decoder.next_event()) is None:
            self._receive()
        if event.data.get("name") != "authenticated":
            raise SystemExit(f"the server does not let the honest peer in: {event.type} {event.data}")

    def ping(self) -> None:
        try:
            self._socket.sendall(_PING)
        except OSError:
            self.stands = False
            return
        self._sent.append(time.monotonic())

    def listen(self, seconds: float) -> bool:
        """Take the answers that come within this time; whether stdin has ended."""
        readable, _, _ = select.select([self._socket, sys.stdin], [], [], max(0.0, seconds))
        if self._socket in readable:
            self._receive()
            now = time.monotonic()
            while (event := self._decoder.next_event()) is not None:
                self._note(event, now)
        return sys.stdin in readable

    def _note(self, event: Event, now: float) -> None:
        if event.type == "pong" and self._sent:
            sent = self._sent.popleft()
            self.answered.append((sent, (now - sent) * 1000))

    def _receive(self) -> None:
        try:
            data = self._socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            self.stands = False
        self._decoder.feed(data)

    def figures(self) -> Pings:
        times = [time for _, time in self.answered]
        return Pings(
            count=len(times) + len(self._sent),
            p50=share(times, 0.5),
            p99=share(times, 0.99),
            max=share(times, 1.0),
            lost=len(self._sent),
        )


def ping_until_told(to: tuple[str, int], token: str, *, every: float, each: Path | None) -> Pings:
    """Ping a server until stdin ends."""
    line = _Line(to)
    line.authenticate(token)
    sys.stdout.write("\n")
    sys.stdout.flush()
    due = time.monotonic()
    while line.stands:
        now = time.monotonic()
        if now >= due:
            line.ping()
            # A process that was held up itself does not make up for it.
            due = max(due + every, now)
        if line.listen(due - time.monotonic()):
            break
    end = time.monotonic() + _ANSWER_WITHIN
    while line.waits and time.monotonic() < end:
        line.listen(0.1)
    if each is not None:
        each.write_text("".join(f"{sent} {time}\n" for sent, time in line.answered))
    return line.figures()


def share(times: Sequence[float], part: float) -> float:
    """The time that this part of all times does not exceed: 0.5 for the median; 0 if there are none."""
    if not times:
        return 0.0
    ordered = sorted(times)
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], 3)


def main() -> None:
    """Ping until stdin ends, and print how it was answered."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--every", type=float, default=EVERY)
    parser.add_argument("--each", type=Path)
    said = parser.parse_args()
    token = sys.stdin.readline().strip()
    figures = ping_until_told((said.host, said.port), token, every=said.every, each=said.each)
    sys.stdout.write(json.dumps(asdict(figures)) + "\n")


if __name__ == "__main__":
    main()
