"""What the server says of itself to whoever asks: `describe` → `info`."""

from __future__ import annotations

from typing import Final

from wyoming.event import Event
from wyoming.info import Attribution, HandleModel, HandleProgram, Info

from config.languages import SUPPORTED

# Home Assistant makes its unique id of the discovered service out of this name: it must never change.
PROGRAM_NAME: Final = "Wyoming Central"

_ATTRIBUTION: Final = Attribution(name="Wyoming Central", url="")


def info_event(version: str) -> Event:
    """The `info` event: one handle program that controls homes, in every supported language.

    Only `handle` is listed: where a satellite is listed too, Home Assistant hides the conversation agent.
    """
    model = HandleModel(
        name="wyoming-central",
        attribution=_ATTRIBUTION,
        installed=True,
        description="Controls each user's own home",
        version=version,
        languages=list(SUPPORTED),
    )
    program = HandleProgram(
        name=PROGRAM_NAME,
        attribution=_ATTRIBUTION,
        installed=True,
        description="Private voice assistant over your own Home Assistant",
        version=version,
        models=[model],
        supports_home_control=True,
    )
    return Info(handle=[program]).event()
