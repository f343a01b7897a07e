"""Prepares recognition for a home before anybody speaks in it, and again whenever the home changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from handlers.names import index_names, keep_names
from handlers.recognize import Recognizer
from provisioning.home.registry import HomePicture

_log = structlog.get_logger(__name__)


class WarmUp:
    """Warms one home after another, the newest picture of each only.

    Args:
        recognizer: What is warmed.
        languages: In which people may speak.
        when_warm: Called once the languages are warm.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        languages: Sequence[str],
        *,
        when_warm: Callable[[], None] = lambda: None,
    ) -> None:
        self._recognizer = recognizer
        self._languages = tuple(languages)
        self._when_warm = when_warm
        self._changed: dict[str, HomePicture] = {}
        self._wake = asyncio.Event()

    def changed(self, user_id: str, picture: HomePicture) -> None:
        """The home of a user is as `picture` says now."""
        self._changed[user_id] = picture
        self._wake.set()

    async def run(self) -> None:
        """Warm the languages themselves, then homes as they change, until cancelled."""
        await self._warm(None)
        self._when_warm()
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._changed:
                user_id = next(iter(self._changed))
                await self._warm(self._changed.pop(user_id))

    async def _warm(self, picture: HomePicture | None) -> None:
        try:
            if picture is not None:
                keep_names(picture.registry, await asyncio.to_thread(index_names, picture.registry))
            await self._recognizer.warm(self._languages, picture)
        except Exception:  # noqa: BLE001 - a slow first sentence is no reason for there to be no server
            _log.exception("recognition could not be warmed")
