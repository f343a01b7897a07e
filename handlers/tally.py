"""What happens again and again is told when it begins and once a minute, with how often; not each time."""

from __future__ import annotations

from typing import Final

from handlers.last_used import LastUsed

TELL_EVERY_SECONDS: Final = 60.0
# Of more keys than this the longest untouched is forgotten; what it did again is then told at once.
MAX_KEYS: Final = 10_000


class Tally:
    """Counts occurrences by key and says which of them are to be told.

    Args:
        every: Seconds that pass, at least, between two tellings of the same key.
    """

    def __init__(self, *, every: float = TELL_EVERY_SECONDS) -> None:
        self._every = every
        self._counted: LastUsed[str, tuple[float, int]] = LastUsed(MAX_KEYS)

    def note(self, key: str, now: float) -> int | None:
        """Count one occurrence at `now`, monotonic seconds.

        Returns:
            How many occurrences of this key have not been told, this one included, if it is time to tell
            them; None if it is not.
        """
        told_at, untold = self._counted.get(key, (float("-inf"), 0))
        untold += 1
        is_due = now - told_at >= self._every
        self._counted[key] = (now, 0) if is_due else (told_at, untold)
        return untold if is_due else None
