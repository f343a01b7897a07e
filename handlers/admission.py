"""Whether a sentence is served now, or has to wait a moment because there are too many of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from handlers.peer import Identity, Peer
from handlers.status import Status
from handlers.tally import Tally
from handlers.token_buckets import TokenBuckets


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """How many sentences are served.

    Attributes:
        device_per_second, device_burst: Of one device: in the long run, and in a row after a pause.
        address_per_second, address_burst: The same of all devices at one origin, and once more of the
            strangers there. What a device was refused counts for nobody but itself, or one that floods would
            silence its neighbours.
        turns: Served at the same time, of all users.
        turns_per_user: The same of one user.
        recorded_per_second, recorded_burst: Of the sentences of one device that are refused, how many have a
            row in the audit; of more than these one a minute has.
    """

    device_per_second: float = 10.0
    device_burst: float = 200.0
    address_per_second: float = 100.0
    address_burst: float = 1_000.0
    turns: int = 256
    turns_per_user: int = 16
    recorded_per_second: float = 10.0
    recorded_burst: float = 1_000.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a sentence is not served now.

    Attributes:
        status: `ONE_MOMENT` where they came too fast, `BUSY` where too many are being served.
        reason: One line for log and audit.
        untold: How many were refused since that was told last, this one included, if it is to be told now;
            None if it is not. A flood is to leave a line a minute, not one a sentence.
        is_recorded: Whether it has a row in the audit, which a flood is not to fill the disk with.
    """

    status: Status
    reason: str
    untold: int | None
    is_recorded: bool = True


class Admission:
    """Decides which sentences are served.

    Args:
        limits: How many.
        clock: Monotonic seconds.
    """

    def __init__(self, limits: AdmissionLimits, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._devices = TokenBuckets(per_second=limits.device_per_second, burst=limits.device_burst)
        self._origins = TokenBuckets(per_second=limits.address_per_second, burst=limits.address_burst)
        self._strangers = TokenBuckets(per_second=limits.address_per_second, burst=limits.address_burst)
        self._turns_of: dict[str, int] = {}
        self._turns = 0
        self._refused = Tally()
        self._recorded = TokenBuckets(per_second=limits.recorded_per_second, burst=limits.recorded_burst)

    def of_stranger(self, peer: Peer) -> Refusal | None:
        """Ask to answer one more sentence of nobody."""
        if self._strangers.take(peer.origin, self._clock()):
            return None
        reason = f"more than {self._limits.address_per_second:g} sentences a second of strangers"
        return self._refusal(f"strangers at {peer.origin}", Status.ONE_MOMENT, reason)

    def of_device(self, identity: Identity, peer: Peer) -> Refusal | None:
        """Ask for one more turn of this device, which speaks from where the peer is."""
        limits, device, now = self._limits, identity.device_id, self._clock()
        if not self._devices.take(device, now):
            reason = f"more than {limits.device_per_second:g} sentences a second from one device"
            return self._refusal(device, Status.ONE_MOMENT, reason)
        if not self._origins.take(peer.origin, now):
            reason = f"more than {limits.address_per_second:g} sentences a second from one address"
            return self._refusal(device, Status.ONE_MOMENT, reason)
        if self._turns_of.get(identity.user_id, 0) >= limits.turns_per_user:
            reason = f"{limits.turns_per_user} sentences of this user are being served"
            return self._refusal(device, Status.BUSY, reason)
        if self._turns >= limits.turns:
            return self._refusal(device, Status.BUSY, f"{limits.turns} sentences are being served")
        return None

    @contextmanager
    def under_way(self, identity: Identity) -> Iterator[None]:
        """Count a turn as being served while the block lasts."""
        user_id = identity.user_id
        self._turns += 1
        self._turns_of[user_id] = self._turns_of.get(user_id, 0) + 1
        try:
            yield
        finally:
            self._turns -= 1
            left = self._turns_of[user_id] - 1
            if left:
                self._turns_of[user_id] = left
            else:
                del self._turns_of[user_id]

    def _refusal(self, key: str, status: Status, reason: str) -> Refusal:
        now = self._clock()
        untold = self._refused.note(key, now)
        return Refusal(status, reason, untold, self._recorded.take(key, now) or untold is not None)
