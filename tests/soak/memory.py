"""How the memory of a process goes, and whether it stays flat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# Until caches, pools and the interpreter's own arenas are as full as they get.
WARM_UP_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class Sample:
    """Resident memory at a time.

    Attributes:
        seconds: Since the beginning.
        megabytes: Resident.
    """

    seconds: float
    megabytes: float


@dataclass(frozen=True, slots=True)
class Course:
    """The course of a process's memory once it was warm.

    Attributes:
        first, last: The medians of the first and of the last fifth of the samples, in megabytes.
        per_hour: Megabytes an hour, by the least squares of all of them.
    """

    first: float
    last: float
    per_hour: float

    @property
    def growth(self) -> float:
        """Megabytes from the first fifth to the last."""
        return self.last - self.first


def course_of(samples: Sequence[Sample]) -> Course:
    """The course of memory after the warm-up; at least ten samples must be left of it.

    Raises:
        ValueError: There are not.
    """
    warm = [one for one in samples if one.seconds >= samples[-1].seconds * WARM_UP_SHARE]
    if len(warm) < 10:
        raise ValueError("too few samples: soak longer")
    fifth = len(warm) // 5
    return Course(_median(warm[:fifth]), _median(warm[-fifth:]), _slope(warm) * 3600)


def _median(samples: Sequence[Sample]) -> float:
    values = sorted(one.megabytes for one in samples)
    return values[len(values) // 2]


def _slope(samples: Sequence[Sample]) -> float:
    """Megabytes a second."""
    at = sum(one.seconds for one in samples) / len(samples)
    mean = sum(one.megabytes for one in samples) / len(samples)
    above = sum((one.seconds - at) * (one.megabytes - mean) for one in samples)
    return above / sum((one.seconds - at) ** 2 for one in samples)
