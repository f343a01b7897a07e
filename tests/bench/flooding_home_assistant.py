"""A stand-in Home Assistant whose states change as fast as it can tell; between SIGUSR1 and SIGUSR2.

    python -m tests.bench.flooding_home_assistant

It says on stdout where it listens and which token it takes, and after each flood how many changes it told.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from itertools import cycle

from tests.provisioning.home.stand_in_home_assistant import StandInHomeAssistant, light
from wyoming_central.event_loop import run

_LIGHTS = 50


async def main() -> None:
    """Serve until the process ends."""
    lights = [light(f"light.number_{number}", f"Lamp {number}") for number in range(_LIGHTS)]
    flooding, quiet = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, flooding.set)
    loop.add_signal_handler(signal.SIGUSR2, quiet.set)
    async with StandInHomeAssistant(entities=lights) as home:
        host, _, port = home.url.removeprefix("http://").rpartition(":")
        _say({"host": host, "port": int(port), "url": home.url, "token": home.token})
        while True:
            await flooding.wait()
            began, changes = time.monotonic(), 0
            for one in cycle(lights):
                if quiet.is_set():
                    break
                await home.set_state(one.entity_id, "on" if changes % 2 else "off", brightness=changes % 256)
                changes += 1
                if not changes % 100:
                    # Sending gives way to nobody as long as there is room.
                    await asyncio.sleep(0)
            flooding.clear()
            quiet.clear()
            _say({"changes": changes, "seconds": time.monotonic() - began})


def _say(what: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    run(main())
