"""The things of an enumeration: "milk, some eggs and bread" are three of them."""

from __future__ import annotations

import re
from typing import Final

from handlers.hungarian import nominative

_BETWEEN: Final = {
    "en": re.compile(r"\s*,\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE),
    "hu": re.compile(r"\s*,\s*(?:(?:és|meg|valamint)\s+)?|\s+(?:és|meg|valamint)\s+", re.IGNORECASE),
}
_ARTICLE: Final = {
    "en": re.compile(r"^(?:some|the)\s+", re.IGNORECASE),
    "hu": re.compile(r"^az?\s+", re.IGNORECASE),
}


def items_of(text: str, language: str, *, inflected: bool = False) -> tuple[str, ...]:
    """Split an enumeration into its things, without their articles.

    Args:
        text: What was said of the things.
        language: `hu` or `en`.
        inflected: The things are objects of a Hungarian sentence: `tejet` is written down as `tej`.

    Returns:
        At least one text; the whole text where it is no enumeration.
    """
    parts = [_ARTICLE[language].sub("", part) for part in _BETWEEN[language].split(text.strip())]
    if not all(parts):
        parts = [text.strip()]
    return tuple(nominative(part) for part in parts) if inflected else tuple(parts)
