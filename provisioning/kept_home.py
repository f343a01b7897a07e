"""The connection to a user's home, for as long as there is something to be connected to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from provisioning.driver import Endpoint
from provisioning.home.live import LiveHome

MakeHome = Callable[[str, str, str], LiveHome]
"""Makes the home of a user (id) at an address with a token, not yet running."""


class KeptHome:
    """The home of one instance, connected or not.

    Args:
        user_id: Whose home.
        make: Makes it.
        on_unauthorized: Called when Home Assistant refuses its token.
    """

    def __init__(self, user_id: str, make: MakeHome, on_unauthorized: Callable[[], None]) -> None:
        self._user_id = user_id
        self._make = make
        self._on_unauthorized = on_unauthorized
        self._run: asyncio.Task[None] | None = None
        self._url, self._token = "", ""
        self.live: LiveHome | None = None

    @property
    def token(self) -> str:
        """The token in use; empty while there is no connection."""
        return self._token

    def connect(self, tasks: asyncio.TaskGroup, endpoint: Endpoint, token: str) -> LiveHome:
        """Have the home run, in these tasks, with this address and token."""
        if self.live is None:
            self.live = self._make(self._user_id, endpoint.url, token)
            self.live.on_unauthorized(self._on_unauthorized)
            self._run = tasks.create_task(self.live.run(), name=f"home-{self._user_id[:8]}")
        elif (self._url, self._token) != (endpoint.url, token):
            self.live.use(url=endpoint.url, token=token)
        self._url, self._token = endpoint.url, token
        return self.live

    async def drop(self) -> None:
        """Let go of the home: from here on its token goes nowhere."""
        run, self._run, self.live = self._run, None, None
        self._url, self._token = "", ""
        if run is not None:
            run.cancel()
            await asyncio.wait({run})
