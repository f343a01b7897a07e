"""The ids of requests: 32 hexadecimal digits, random."""

from __future__ import annotations

import os
from typing import Final

_DIGITS: Final = 32
_IDS_AT_ONCE: Final = 256


class RequestIds:
    """Makes ids.

    Randomness is asked of the system for many of them at a time: a system call in every turn is a chance for
    other threads to take the interpreter.
    """

    def __init__(self) -> None:
        self._digits = ""
        self._used = 0

    def __call__(self) -> str:
        """One more id."""
        if self._used >= len(self._digits):
            self._digits, self._used = os.urandom(_IDS_AT_ONCE * _DIGITS // 2).hex(), 0
        start = self._used
        self._used = start + _DIGITS
        return self._digits[start : start + _DIGITS]
