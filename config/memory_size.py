"""Amounts of memory as container engines write them: `512m`."""

from __future__ import annotations

import re

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_SIZE = re.compile(r"([0-9]{1,15})\s*([bkmg]?)(?:(?<=[kmg])i?b)?", re.IGNORECASE)


def parse_memory_size(text: str) -> int:
    """Give the bytes that `512m`, `1g`, `65536k` or a bare number of bytes mean.

    The units are powers of 1024, as Docker has them; `MB` and `MiB` mean the same as `m`.

    Raises:
        ValueError: If the text is no amount of memory.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("is no amount of memory: a number, then b, k, m or g")
    return int(match[1]) * _UNITS[match[2].lower()]


def format_memory_size(size: int) -> str:
    """Give the shortest text that `parse_memory_size` turns back into `size` bytes."""
    for unit in ("g", "m", "k"):
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)
