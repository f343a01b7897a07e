"""Log files that other processes write and that must not grow for ever."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from provisioning.home.text import clean_text

MAX_BYTES: Final = 2 * 1024 * 1024
"""A log file that has grown beyond this is cut down to its last quarter."""

MAX_TAIL_BYTES: Final = 256 * 1024
"""No more than this is read of the end of a file, however many lines are asked for."""

MAX_LINE_CHARACTERS: Final = 500


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a file, cleaned; empty where there is no file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - MAX_TAIL_BYTES))
            text = file.read(MAX_TAIL_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return []
    cleaned = (clean_text(line, MAX_LINE_CHARACTERS) for line in text.splitlines())
    return [line for line in cleaned if line][-lines:] if lines > 0 else []


def trim(path: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Cut a file that has grown too long down to its last quarter, while others append to it.

    It is cut in place, because its writer keeps it open; a line written in that very moment may be lost.
    """
    try:
        with path.open("r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if size <= max_bytes:
                return
            file.seek(size - max_bytes // 4)
            file.readline()  # begin with a whole line
            kept = file.read(max_bytes // 4)
            file.seek(0)
            file.truncate()
            file.write(kept)
    except OSError:
        return
