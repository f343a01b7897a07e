"""What a server knows of its language model, written down for other processes: `doctor` reads it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import structlog

from config.shown import without_password
from handlers.llm.pool import ModelServer, Readiness

_log = structlog.get_logger(__name__)

MODEL_STATUS_FILE: Final = "language-model.json"
"""In the data folder."""

REST_SECONDS: Final = 1.0
"""Between two writings: a model that is fetched changes sixteen times a second."""

_MOST_BYTES: Final = 100_000


@dataclass(frozen=True, slots=True)
class KnownModel:
    """What was known of the model on one server.

    Attributes:
        url: The server, without a password.
        readiness: Whether it can answer.
        why: Why not.
        completed, total: Bytes of the model that were fetched, while it is.
        at: When that was so, seconds since the epoch.
    """

    url: str
    readiness: Readiness
    why: str
    completed: int
    total: int
    at: float


class ModelStatus:
    """Writes what is known of servers whenever it has changed.

    Args:
        path: The file.
        servers: Those that are written about.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, path: Path, servers: Sequence[ModelServer], *, clock: Callable[[], float] = time.time
    ) -> None:
        self._path = path
        self._servers = servers
        self._clock = clock
        self._changed = asyncio.Event()

    def changed(self, _server: ModelServer) -> None:
        """Something is known of a server that was not before."""
        self._changed.set()

    async def run(self) -> None:
        """Write what changed, until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            text = orjson.dumps([self._as_json(server) for server in self._servers])
            try:
                await asyncio.to_thread(self._write, text)
            except OSError as error:
                _log.warning("the state of the language model could not be noted", error=str(error))
            await asyncio.sleep(REST_SECONDS)

    def _write(self, text: bytes) -> None:
        new = self._path.with_suffix(".new")
        new.write_bytes(text)
        new.replace(self._path)

    def _as_json(self, server: ModelServer) -> dict[str, object]:
        return {
            "url": without_password(server.url),
            "readiness": server.readiness.value,
            "why": server.why,
            "completed": server.completed,
            "total": server.total,
            "at": self._clock(),
        }


def known_models(path: Path) -> tuple[KnownModel, ...]:
    """What the last server on this data folder knew; nothing where that cannot be read."""
    try:
        with path.open("rb") as file:
            rows = orjson.loads(file.read(_MOST_BYTES))
        return tuple(
            KnownModel(
                url=str(row["url"]),
                readiness=Readiness(row["readiness"]),
                why=str(row["why"]),
                completed=int(row["completed"]),
                total=int(row["total"]),
                at=float(row["at"]),
            )
            for row in rows
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ()
