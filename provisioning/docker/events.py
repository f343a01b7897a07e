"""What the engine tells by itself, and what its silence tells."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

import orjson
import structlog
from aiodocker import Docker
from aiodocker.exceptions import DockerError
from aiohttp import ClientError, ClientTimeout

from provisioning.docker import labels
from provisioning.docker.engine import Engine
from provisioning.docker.labels import Deployment
from provisioning.driver import DriverEvent, EventKind
from provisioning.errors import InstanceError

AWAY_SECONDS: Final = 0.5
"""Between two attempts to hear an engine that is away; one that comes back is noticed within 2 s."""

_ENDS: Final = frozenset({"die", "oom", "stop", "kill", "pause"})
_CHANGES: Final = frozenset({"start", "destroy", "unpause", "update", "disconnect", "connect", "remove"})
_ASKED: Final = {
    "type": ["container", "network", "volume"],
    "event": sorted(_ENDS | _CHANGES),
}

_logger = structlog.get_logger(__name__)


async def engine_events(engine: Engine, deployment: Deployment) -> AsyncIterator[DriverEvent]:
    """Every event about what is ours, until cancelled.

    When the engine goes away, and when it is back, all may have changed: an event without a name.
    """
    was_away = False
    while True:
        try:
            # Only to be told in our words where it is down; listening itself has no end.
            async with engine.asked() as docker:
                await docker.version()
            if was_away:
                _logger.info("engine_is_back")
                was_away = False
                yield DriverEvent(EventKind.CHANGED)
            async for event in _heard(docker):
                about = _name_of(event, deployment)
                if about is not None:
                    kind = EventKind.ENDED if event.get("Action") in _ENDS else EventKind.CHANGED
                    yield DriverEvent(kind, about)
        except InstanceError as error:
            if not was_away:
                _logger.warning("engine_is_away", reason=error.message)
        except (ClientError, DockerError, OSError, ValueError) as error:
            # It went away in the middle of its talk.
            _logger.debug("engine_events_ended", reason=type(error).__name__)
        if not was_away:
            was_away = True
            yield DriverEvent(EventKind.CHANGED)
        await asyncio.sleep(AWAY_SECONDS)


async def _heard(docker: Docker) -> AsyncIterator[Mapping[str, Any]]:
    """The engine's events as they come; ends when the engine does."""
    forever = ClientTimeout(total=None, sock_read=None)
    parameters = {"filters": orjson.dumps(_ASKED).decode()}
    async with docker._query("events", params=parameters, timeout=forever) as response:  # noqa: SLF001
        try:
            async for line in response.content:
                event = orjson.loads(line)
                if isinstance(event, dict):
                    yield event
        finally:
            response.close()


def _name_of(event: Mapping[str, Any], deployment: Deployment) -> str | None:
    """The name of the instance that an event is about, if it is one of ours."""
    actor = event.get("Actor") or {}
    attributes = actor.get("Attributes") or {}
    match event.get("Type"):
        case "container":
            return attributes.get(labels.NAME) if deployment.owns(attributes) else None
        case "network":
            # Networks are called like their instance, and their events carry no labels.
            return str(attributes.get("name") or "") or None
        case "volume":
            return str(actor.get("ID") or "").rpartition("-")[0] or None
    return None
