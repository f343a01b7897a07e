"""What came of a set, kept in a file line by line: an evaluation that ended early goes on with it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson

from config.private_folder import make_private_folder
from wyoming_central.evaluation.errors import EvaluationError
from wyoming_central.evaluation.outcome import Outcome, outcome_from

MOST_BYTES: Final = 256 * 1024 * 1024
"""Of one file; a sentence takes about a kilobyte."""


class Record:
    """The outcomes of one set under the same conditions, one JSON object a line.

    A line that was not written to its end is dropped; one that says something else is passed over.

    Args:
        path: The file; made, with its folder, when there is something to write.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[int, Outcome]:
        """The outcomes by their sentences, the later of two; without those where the model failed.

        Raises:
            EvaluationError: The file cannot be read, or is too large.
        """
        try:
            if not self._path.exists():
                return {}
            if self._path.stat().st_size > MOST_BYTES:
                raise EvaluationError(
                    f"{self._path} has more than {MOST_BYTES} bytes", remedy="begin anew with --fresh"
                )
            lines = self._path.read_bytes().splitlines(keepends=True)
            if lines and not lines[-1].endswith(b"\n"):
                with self._path.open("r+b") as file:
                    file.truncate(sum(map(len, lines[:-1])))
                lines.pop()
        except OSError as error:
            raise self._unusable(error) from None
        known = (outcome for line in lines if (outcome := _outcome(line)) is not None)
        return {one.index: one for one in known if one.failure is None}

    def append(self, outcome: Outcome) -> None:
        """Write an outcome down, at once.

        Raises:
            EvaluationError: It cannot be written.
            SettingsError: The folder cannot be made.
        """
        make_private_folder(self._path.parent)
        try:
            with self._path.open("ab") as file:
                file.write(orjson.dumps(outcome.as_json(), option=orjson.OPT_APPEND_NEWLINE))
        except OSError as error:
            raise self._unusable(error) from None

    def forget(self) -> None:
        """Begin anew.

        Raises:
            EvaluationError: The file cannot be removed.
        """
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> EvaluationError:
        return EvaluationError(
            f"what was found cannot be kept in {self._path}: {error.strerror}",
            remedy="set CACHE_DIR to a place that this user can write to",
        )


def _outcome(line: bytes) -> Outcome | None:
    try:
        return outcome_from(orjson.loads(line))
    except (KeyError, TypeError, ValueError):
        return None
