"""From a sentence to its tokens: words, numbers and the signs between them."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

# "20,5" and "20.5" are one number; "it's" is one word, "30%-ra" is three tokens.
_TOKEN: Final = re.compile(
    r"(?P<number>(?:(?<!\S)-)?\d+(?:[.,]\d+)?)|(?P<word>[^\W\d_]+(?:'[^\W\d_]+)*)|(?P<sign>[%°&,;:?!.])"
)
# A comma that only spelling wants: `szeretném, ha`, `írd fel, hogy`; the text stays as long as it was.
_COMMA_WITHIN: Final = re.compile(r",(?= (?:ha|hogy) )")
_APOSTROPHES: Final = str.maketrans("’‘`´−", "''''-")

MOST_DIGITS: Final = 12
"""Longer numbers are none that anything is set to."""

MAX_TOKENS: Final = 60
"""Longer sentences are no commands, and what is done here grows with their length."""


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or a sign.

    Attributes:
        text: Folded: composed (NFC) and without case.
        start, end: Where it stands in the folded sentence.
        number: Its value, where it is a number in digits.
        glued: Whether nothing but a hyphen stands between it and the token before, as in "30%-ra".
    """

    text: str
    start: int
    end: int
    number: float | None = None
    glued: bool = False


def folded(text: str) -> str:
    """A sentence as it is compared: composed, without case, with one kind of apostrophe."""
    return unicodedata.normalize("NFC", text).casefold().translate(_APOSTROPHES)


def tokens_of(text: str) -> list[Token]:
    """The tokens of a folded sentence, in order; what is no token separates them."""
    tokens: list[Token] = []
    end = -1
    text = _COMMA_WITHIN.sub(" ", text)
    for match in _TOKEN.finditer(text):
        start = match.start()
        said = match.group()
        is_number = match.lastgroup == "number" and len(said) <= MOST_DIGITS
        number = float(said.replace(",", ".")) if is_number else None
        glued = start == end or (start == end + 1 and text[end] == "-")
        tokens.append(Token(said, start, match.end(), number, glued))
        end = match.end()
    return tokens


def said_at(text: str, start: int, end: int) -> str:
    """What was said at a place of a folded sentence; folded where it has another length so, as with "ß"."""
    other = folded(text)
    return (text if len(text) == len(other) else other)[start:end]


def words_of(text: str) -> tuple[str, ...]:
    """The words and numbers of a name or phrase, folded, without signs."""
    return tuple(
        match.group() for match in _TOKEN.finditer(folded(text)) if match.lastgroup in {"word", "number"}
    )


def plain(word: str) -> str:
    """A word without its accents: `tükörfény` → `tukorfeny`."""
    if word.isascii():
        return word
    return "".join(one for one in unicodedata.normalize("NFD", word) if not unicodedata.combining(one))
