"""The languages that the server understands and speaks."""

from __future__ import annotations

from typing import Final

SUPPORTED: Final = ("hu", "en")
DEFAULT: Final = "hu"


def normalise_language(tag: str | None) -> str | None:
    """Give the supported language that a BCP 47 tag or a POSIX locale names.

    Args:
        tag: Such as `hu`, `hu-HU`, `EN_us`, `en_GB.UTF-8`.

    Returns:
        A member of `SUPPORTED`, or None for no tag and for every other language.
    """
    if tag is None or tag in SUPPORTED:
        return tag
    primary = tag.strip().replace("_", "-").partition("-")[0].partition(".")[0].lower()
    return primary if primary in SUPPORTED else None
