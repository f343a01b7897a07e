"""The words for what a sentence came to, held against what it should."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What a sentence came to."""

    RIGHT = "right"
    WRONG = "wrong"
    """Something changed that should not, or not so."""
    ASKED = "asked"
    """Nothing changed, but it was asked whether to do exactly what was expected: a "yes" would do it."""
    MISSED = "missed"
