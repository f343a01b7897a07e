"""The server that is stopped under load: one user's stand-in home, whose calls take as long as it is told.

    python -m tests.wyoming_central.drained SECONDS_A_CALL

Everything else is real. It says on stdout where it listens and its satellites' tokens, and at its end how
many service calls its home carried out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from config.settings import ensure_secrets, load_settings
from tests.bench.stand_in_homes import Homes, StandInHome
from wyoming_central import application
from wyoming_central.application import Application, running
from wyoming_central.event_loop import run
from wyoming_central.logs import configure_logs

SATELLITES = 20
_DAY = 86_400.0


class StandInSlowHome(StandInHome):
    """A home that takes its time."""

    def __init__(self, owner: str, seconds: float) -> None:
        super().__init__(owner)
        self._seconds = seconds

    async def call_service(
        self,
        domain: str,
        service: str,
        entity_ids: Sequence[str],
        data: Mapping[str, Any] | None = None,
        *,
        within: float,
    ) -> None:
        await asyncio.sleep(self._seconds)
        await super().call_service(domain, service, entity_ids, data, within=within)


async def serve(seconds: float) -> None:
    settings = ensure_secrets(load_settings())
    configure_logs(level="info", log_format="json", stream=sys.stderr)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in application._STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    homes = Homes()
    async with running(settings, homes=homes) as server:
        user = await server.repositories.users.add(
            email="anna@example.org", password_hash="none", language="en"
        )
        home = StandInSlowHome(user.id, seconds)
        homes.put(user.id, home)
        tokens = [await _token(server, user.id, number) for number in range(SATELLITES)]
        (listening,) = server.listening
        _say({"uri": f"tcp://{listening.host}:{listening.port}", "tokens": tokens})
        await stop.wait()
    _say({"calls": home.calls})


async def _token(server: Application, user_id: str, number: int) -> str:
    device = await server.repositories.devices.add(
        user_id=user_id, name=f"Satellite {number}", area=None, language=None
    )
    token = server.keys.mint(device.id, now=time.time(), lifetime_seconds=_DAY)
    await server.repositories.devices.set_token(
        device.id, token_id=token.token_id, expires_at=datetime.fromtimestamp(token.expires_at, UTC)
    )
    return token.text


def _say(what: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(serve(float(sys.argv[1])))
