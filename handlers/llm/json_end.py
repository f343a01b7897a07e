"""Where a JSON object ends in a text that is still coming."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from handlers.llm.errors import Failure, ModelError

_BLANKS: Final = " \t\r\n"


@dataclass(slots=True)
class JsonObjectEnd:
    """Finds the brace that closes the first object of a text, piece by piece.

    It only counts: whether the object is JSON is seen when it is read.
    """

    _depth: int = 0
    _in_text: bool = False
    _escaped: bool = False

    def find(self, piece: str) -> int | None:
        """How many characters of the next piece belong to the object, once it is closed in this piece.

        Returns:
            None while it is not closed.

        Raises:
            ModelError: The text does not begin with an object.
        """
        for at, character in enumerate(piece):
            if self._in_text:
                self._step_in_text(character)
            elif character == '"' and self._depth:
                self._in_text = True
            elif character in "{[":
                if not self._depth and character != "{":
                    raise ModelError(Failure.NO_OBJECT)
                self._depth += 1
            elif not self._depth:
                if character not in _BLANKS:
                    raise ModelError(Failure.NO_OBJECT)
            elif character in "}]":
                self._depth -= 1
                if not self._depth:
                    return at + 1
        return None

    def _step_in_text(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif character == "\\":
            self._escaped = True
        elif character == '"':
            self._in_text = False
