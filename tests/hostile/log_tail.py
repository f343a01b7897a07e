"""The log of a server that runs, read from where one has come to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


class LogTail:
    """Reads what was written to a log since it was asked last; a line that is half written waits.

    Args:
        path: The file; what it holds already is passed over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = path.stat().st_size

    def read(self) -> list[str]:
        """The new lines."""
        with self._path.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text.rfind(b"\n") + 1
        self._offset += whole
        return text[:whole].decode(errors="replace").splitlines()


def entry_of(line: str) -> dict[str, Any] | None:
    """A line of the log as the object that it should be; None if it is not: a traceback, a library's cry."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def is_uncaught(line: str) -> bool:
    """Whether a line tells of something that nobody had foreseen."""
    entry = entry_of(line)
    return (
        entry is None
        or entry.get("level") in {"error", "critical"}
        or "exception" in entry
        or "never retrieved" in line
        or "Traceback" in line
    )
