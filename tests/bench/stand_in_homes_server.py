"""Our whole server, but for the Home Assistants: their homes stand in this process, one for each user.

    python -m tests.bench.stand_in_homes_server [--users N] [--devices M] [--live-home USER URL TOKEN]

Everything else is real: settings from the environment, listener, codec, tokens, database, sessions, audit,
log. It makes users with M devices each, and says on stdout where it listens and which devices there are:

    {"host": …, "port": …, "folder": …, "devices": [{"user": 0, "token": "…"}, …]}

With `--live-home` the home of that user is a real `LiveHome` on whatever answers at the URL.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime

from config.settings import ensure_secrets, load_settings
from provisioning.home.live import LiveHome
from tests.bench.stand_in_homes import Homes, StandInHome
from wyoming_central.application import Application, running
from wyoming_central.background import background
from wyoming_central.event_loop import run
from wyoming_central.logs import configure_logs

_AREAS = ("Nappali", "Konyha", "Office")
_TOKEN_SECONDS = 86_400.0
_LIVE_WITHIN = 20.0


async def serve(arguments: argparse.Namespace) -> None:
    """Serve until SIGTERM."""
    settings = ensure_secrets(load_settings())
    configure_logs(
        level=settings.log_level,
        log_format=settings.log_format,
        utterances=settings.log_utterances,
        stream=sys.stderr,
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    homes = Homes()
    async with running(settings, homes=homes) as server, AsyncExitStack() as stack:
        devices = []
        for number in range(arguments.users):
            user_id = await _add_user(server, number)
            if arguments.live_home and int(arguments.live_home[0]) == number:
                home = await _live_home(server, stack, user_id, *arguments.live_home[1:])
                homes.put(user_id, home)
            else:
                homes.put(user_id, StandInHome(user_id))
            devices += [
                {"user": number, "token": await _add_device(server, user_id, one)}
                for one in range(arguments.devices)
            ]
        (listening,) = server.listening
        said = {
            "host": listening.host,
            "port": listening.port,
            "folder": str(settings.data_dir),
            "devices": devices,
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        await stop.wait()


async def _add_user(server: Application, number: int) -> str:
    user = await server.repositories.users.add(
        email=f"user{number}@example.org", password_hash="none", language="en"
    )
    return user.id


async def _add_device(server: Application, user_id: str, number: int) -> str:
    device = await server.repositories.devices.add(
        user_id=user_id, name=f"Satellite {number}", area=_AREAS[number % len(_AREAS)], language=None
    )
    token = server.keys.mint(device.id, now=time.time(), lifetime_seconds=_TOKEN_SECONDS)
    await server.repositories.devices.set_token(
        device.id, token_id=token.token_id, expires_at=datetime.fromtimestamp(token.expires_at, UTC)
    )
    return token.text


async def _live_home(
    server: Application, stack: AsyncExitStack, user_id: str, url: str, token: str
) -> LiveHome:
    home = LiveHome(user_id=user_id, url=url, token=token, http=server.http)
    await stack.enter_async_context(background(home=home.run))
    await home.wait_ready(_LIVE_WITHIN)
    return home


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--users", type=int, default=5)
    parser.add_argument("--devices", type=int, default=10, help="of each user")
    parser.add_argument("--live-home", nargs=3, metavar=("USER", "URL", "TOKEN"))
    run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
