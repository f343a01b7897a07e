"""A stand-in for Home Assistant to run in a container: its onboarding and its WebSocket, and nothing else.

    python -m tests.real.stand_in_container FOLDER

listens on port 8123 of every address, as Home Assistant in a container does. Its home has fifty entities.
What it was told in its onboarding it keeps in FOLDER, so that it is owned still when it is started again.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from tests.provisioning.home.stand_in_home_assistant import Line, StandInEntity, StandInHomeAssistant
from tests.provisioning.stand_in_onboarding import StandInOnboardingServer

PORT: Final = 8123

ROOMS: Final = (
    ("living", "Nappali"),
    ("kitchen", "Konyha"),
    ("bedroom", "Hálószoba"),
    ("nursery", "Gyerekszoba"),
    ("bathroom", "Fürdőszoba"),
    ("study", "Dolgozószoba"),
    ("hall", "Előszoba"),
    ("pantry", "Kamra"),
    ("garage", "Garázs"),
    ("terrace", "Terasz"),
)

_KEPT: Final = ("done", "passwords", "language", "long_lived")


def things() -> list[StandInEntity]:
    """Fifty entities, five in each room."""
    made = []
    for key, room in ROOMS:
        temperature = {"device_class": "temperature", "unit_of_measurement": "°C"}
        dimmable = {"supported_color_modes": ["brightness"], "color_mode": "brightness"}
        made += [
            StandInEntity(f"light.{key}", f"{room} lámpa", "off", dimmable, area_id=key),
            StandInEntity(f"light.{key}_reading", f"{room} olvasólámpa", "off", dimmable, area_id=key),
            StandInEntity(f"switch.{key}", f"{room} konnektor", "off", area_id=key),
            StandInEntity(f"cover.{key}", f"{room} redőny", "open", {"device_class": "shutter"}, area_id=key),
            StandInEntity(f"sensor.{key}", f"{room} hőmérséklet", "21.5", temperature, area_id=key),
        ]
    return made


class StandInInAContainer(StandInHomeAssistant):
    """A home with an onboarding before it.

    Args:
        folder: Where it keeps who owns it.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(
            entities=things(),
            areas=[{"area_id": key, "name": room, "aliases": [], "floor_id": None} for key, room in ROOMS],
            language="hu",
        )
        self._kept = folder / "stand_in.json"
        self._accounts = StandInOnboardingServer(done=())
        if self._kept.exists():
            vars(self._accounts).update(json.loads(self._kept.read_text()))

    @property
    def routes(self) -> list[web.RouteDef]:
        """The onboarding's and the home's."""

        def keeping(route: web.RouteDef) -> web.RouteDef:
            async def handle(request: web.Request) -> web.StreamResponse:
                answer: web.StreamResponse = await route.handler(request)  # type: ignore[operator, misc]
                self._keep()
                return answer

            return web.RouteDef(route.method, route.path, handle, route.kwargs)

        return [*map(keeping, self._accounts.routes), *super().routes]

    def knows(self, token: str) -> bool:
        """Whether it gave this token away."""
        return self._accounts.knows(token)

    async def answer_other(self, line: Line, message: dict[str, Any]) -> None:
        """Answer what is about tokens."""
        if str(message["type"]).startswith("auth/"):
            result = self._accounts.command(message, line.token)
            self._keep()
            await line.result(message["id"], result)
        else:
            await super().answer_other(line, message)

    def _keep(self) -> None:
        kept = json.dumps({name: getattr(self._accounts, name) for name in _KEPT})
        if self._kept.exists() and self._kept.read_text() == kept:
            return
        new = self._kept.with_suffix(".new")
        new.write_text(kept)
        new.replace(self._kept)


async def main(folder: Path) -> None:
    """Serve until SIGTERM, where what Home Assistant is seeded with is there."""
    if not (folder / "configuration.yaml").exists():
        raise SystemExit("there is no configuration.yaml")
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    home = StandInInAContainer(folder)
    await home.start("0.0.0.0", PORT)  # noqa: S104 - of a container
    sys.stdout.write("stand-in started\n")
    sys.stdout.flush()
    await stopped.wait()
    await home.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
