"""What can go wrong with an evaluation."""

from __future__ import annotations

from pathlib import Path

from config.errors import WyomingCentralError


class EvaluationError(WyomingCentralError):
    """An evaluation cannot begin, or cannot go on."""


class SentenceDataError(EvaluationError):
    """A file of homes or sentences is not what it has to be.

    Args:
        path: The file.
        place: Where in it; empty for the whole.
        message: What is wrong there.
        remedy: What to do about it.
    """

    def __init__(
        self, path: Path, place: str, message: str, *, remedy: str = "correct the file at that place"
    ) -> None:
        where = f"{path}: {place}" if place else f"{path}"
        super().__init__(f"{where}: {message}", remedy=remedy)
