"""Token buckets: so many a second in the long run, and so many more in a row after a pause."""

from __future__ import annotations

from typing import Final

from handlers.last_used import LastUsed

# Of more keys than this the longest untouched is forgotten, which is the one most likely to be full again.
MAX_KEYS: Final = 10_000


class TokenBuckets:
    """One bucket for each key; a bucket that was never asked is full.

    Args:
        per_second: Tokens that come back in a second.
        burst: Tokens that a full bucket holds; at least one.
    """

    def __init__(self, *, per_second: float, burst: float) -> None:
        if per_second <= 0 or burst < 1:
            raise ValueError("a bucket gets tokens and holds at least one")
        self.per_second = per_second
        self.burst = burst
        self._buckets: LastUsed[str, tuple[float, float]] = LastUsed(MAX_KEYS)

    def take(self, key: str, now: float) -> bool:
        """Take a token from the bucket of `key` at `now`, monotonic seconds; False if it is empty."""
        left, at = self._buckets.get(key, (self.burst, now))
        left = min(self.burst, left + (now - at) * self.per_second)
        has_one = left >= 1
        self._buckets[key] = (left - 1 if has_one else left, now)
        return has_one
