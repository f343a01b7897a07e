"""Every bound that a connection lives under, in one place, with safe defaults."""

from __future__ import annotations

from dataclasses import dataclass, field

from wyoming_central.frame import FrameBounds

UNAUTHENTICATED_BYTES = 8 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server puts up with, and what happens where it ends.

    Unless said otherwise the end is: the peer gets one `error` event whose `code` is named here, the log gets
    one line, and the connection closes as soon as the turns that came before have been answered. Times are in
    seconds and are looked at a few times within each, at least once a second.

    Attributes:
        frame: How large a frame may be; a larger one, or one that is malformed, ends the connection.
        unauthenticated_frame: The same for a peer that no credential and no binding has made a known device:
            small, so that hundreds of strangers hold no more than a few megabytes.
        connections: How many there may be in all. One more is told so (`too-many-connections`) and closed;
            the log gets a line for the first, then one a minute with how many there were.
        connections_per_address: The same for one origin: an IPv4 address, or a /64 network of IPv6.
        connections_per_device: With one more, the oldest connection of that device is told so
            (`too-many-connections`) and closed.
        unauthenticated_seconds: How long a connection lives that has shown no valid credential, whatever it
            says meanwhile (`unauthenticated`). One whose credential ended is such a connection again.
        idle_seconds: How long a peer may say nothing whose sentences bring their token along (`idle`).
        device_idle_seconds: The same for known devices. Long, because a satellite loses the sentence that
            it writes into a connection which was closed meanwhile; one that is gone is found by
            `keepalive_seconds`.
        half_frame_seconds: How long a frame may take from its first byte to its last (`slow-frame`).
        write_seconds: How long a peer may leave more than 64 KiB of answers unread. Then the connection is
            cut without a word, for a word would not be read either (`not-reading`, in the log only).
        linger_seconds: How long a closing connection waits, after the last answer was sent, for the peer to
            close its side. What it sends meanwhile is thrown away; closing at once could destroy the answer
            on its way.
        waiting_events: How many events of one connection may wait for their turn; one, of a peer that is not
            a known device. More are not refused: they are left unread, which slows the peer down, until one
            of those waiting has been answered. While that is so, `ping` is not seen either.
        waiting_bytes: How many bytes those events may have together, the last of them not counted; the same
            happens.
        frames_per_second: How many events are taken from one connection in a second. The rest is left unread
            until the second is over; the log gets a line the first time (`too-fast`).
        events_at_once: How many events are taken from one connection before the others get their share.
        bytes_at_once: How many bytes they may have, the last of them not counted; of a stranger's a quarter.
            Thirty frames of 256 KiB of empty lists, read at once, held up everybody for half a second.
        backlog: How many connections may wait to be accepted; the system cuts it to its own bound
            (`net.core.somaxconn`). Beyond it, new peers are kept waiting by their own system.
        keepalive_seconds: After this silence the system asks a peer's system whether it is still there, three
            times, a third of this apart; where there is no answer the connection is lost.
    """

    frame: FrameBounds = field(default_factory=FrameBounds)
    unauthenticated_frame: FrameBounds = field(
        default_factory=lambda: FrameBounds().narrowed(UNAUTHENTICATED_BYTES)
    )
    connections: int = 10_000
    connections_per_address: int = 1_000
    connections_per_device: int = 64
    unauthenticated_seconds: float = 10.0
    idle_seconds: float = 600.0
    device_idle_seconds: float = 7 * 86_400.0
    half_frame_seconds: float = 10.0
    write_seconds: float = 10.0
    linger_seconds: float = 2.0
    waiting_events: int = 16
    waiting_bytes: int = 256 * 1024
    frames_per_second: int = 2_000
    events_at_once: int = 64
    bytes_at_once: int = 64 * 1024
    backlog: int = 4096
    keepalive_seconds: int = 60

    @property
    def sweep_seconds(self) -> float:
        """How often the times are looked at: four times within the shortest, at least once a second."""
        shortest = min(
            self.unauthenticated_seconds,
            self.idle_seconds,
            self.device_idle_seconds,
            self.half_frame_seconds,
            self.write_seconds,
            self.linger_seconds,
        )
        return min(1.0, shortest / 4)
