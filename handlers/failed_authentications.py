"""Who shows one wrong token after another is answered later and later.

Guessing a token is hopeless anyway; what this saves is the log, and the time that verifying takes. A valid
token is never held up: a neighbour behind the same address must not suffer for a broken device.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from handlers.last_used import LastUsed

FORGIVEN_AFTER_SECONDS: Final = 60.0
FIRST_DELAY_SECONDS: Final = 0.25
# Of more origins than this the longest untouched is forgotten.
MAX_ORIGINS: Final = 10_000


@dataclass(slots=True)
class FailedAuthentications:
    """Counts refused credentials by where they came from.

    Attributes:
        free: How many in a row are answered at once.
        longest: Seconds that an answer is held back at most. The first that is held back waits a quarter of a
            second, each further one twice as long.
    """

    free: int
    longest: float
    _failures: LastUsed[str, tuple[float, int]] = field(
        default_factory=lambda: LastUsed(MAX_ORIGINS), repr=False
    )

    def note(self, origin: str, now: float) -> float:
        """Count a failure at `now`, monotonic seconds; gives for how many seconds to hold its answer back."""
        at, count = self._failures.get(origin, (now, 0))
        count = 1 if now - at >= FORGIVEN_AFTER_SECONDS else count + 1
        self._failures[origin] = (now, count)
        beyond = count - self.free
        if beyond <= 0:
            return 0.0
        # The exponent is bounded: a device that fails for a week must not overflow a float.
        return min(self.longest, FIRST_DELAY_SECONDS * 2.0 ** min(beyond - 1, 32))
