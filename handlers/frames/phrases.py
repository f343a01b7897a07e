"""The notation of phrases in the lexicon: `(a|b)`, `[maybe]`, `…`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from config.errors import DataFileError

GAP: Final = "…"
MOST_PHRASES: Final = 4000
"""That one entry may stand for; a slip in the brackets could else stand for millions."""

_PIECE: Final = re.compile(r"[()\[\]|]|[^()\[\]|]+")


def expanded(phrase: str) -> list[str]:
    """All phrases that one entry stands for, without doubles, without the empty one.

    Raises:
        DataFileError: Its brackets do not match, or it stands for too many.
    """
    pieces = _PIECE.findall(phrase)
    found, rest = _alternatives(pieces, 0, phrase)
    if rest != len(pieces):
        raise DataFileError(f"a phrase has a bracket too many: {phrase}")
    return list(dict.fromkeys(text for one in found if (text := " ".join(one.split()))))


def _alternatives(pieces: list[str], at: int, phrase: str) -> tuple[list[str], int]:
    """Everything up to the bracket that ends this level, and where that stands."""
    found: list[str] = []
    sequence = [""]
    while at < len(pieces) and pieces[at] not in {")", "]"}:
        piece = pieces[at]
        if piece == "|":
            found += sequence
            sequence = [""]
            at += 1
        elif piece in {"(", "["}:
            inner, at = _alternatives(pieces, at + 1, phrase)
            closing = ")" if piece == "(" else "]"
            if at >= len(pieces) or pieces[at] != closing:
                raise DataFileError(f"the brackets of a phrase do not match: {phrase}")
            sequence = list(_each(sequence, inner if piece == "(" else [*inner, ""]))
            at += 1
        else:
            sequence = [before + piece for before in sequence]
            at += 1
        if len(sequence) + len(found) > MOST_PHRASES:
            raise DataFileError(f"an entry stands for too many phrases: {phrase}")
    return [*found, *sequence], at


def _each(before: list[str], after: list[str]) -> Iterator[str]:
    for first in before:
        for second in after:
            yield f"{first} {second} "
