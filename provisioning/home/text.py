"""Text that came from outside, made fit for logs, indexes and answers."""

from __future__ import annotations

import unicodedata
from typing import Any


def clean_text(value: Any, limit: int) -> str:
    """Give `value` as one line of at most `limit` characters, or an empty string if it is not text.

    Format characters (soft hyphens, those that turn the direction of writing) go; control characters, others
    that cannot be printed and runs of white space become one space; the rest is composed (NFC), so that names
    typed on different systems are equal.
    """
    if not isinstance(value, str) or not value:
        return ""
    if len(value) <= limit and " " not in value and value.isascii() and value.isprintable():
        return value
    # Composing and cleaning never look at more than could be kept: a megabyte of name costs nothing.
    text = value[: limit * 4]
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    if not text.isprintable():
        text = "".join(map(_printable, text))
    return " ".join(text.split())[:limit].rstrip()


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return "" if unicodedata.category(character) == "Cf" else " "
