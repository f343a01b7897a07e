"""Fetching the image."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from aiodocker import Docker
from aiodocker.exceptions import DockerError

from provisioning.docker.engine import Engine, is_absence
from provisioning.driver import Progress, ProgressListener
from provisioning.errors import FailureReason, InstanceError
from provisioning.home.text import clean_text

PULL_MARGIN_SECONDS: Final = 5.0
"""So much longer the engine may be asked: what is late is the image then, and not the engine."""

_ALL: Final = 100.0
_MESSAGE_CHARACTERS: Final = 300


class PullPolicy(StrEnum):
    """When the image is fetched."""

    MISSING = "missing"
    """Where the engine has it not."""
    ALWAYS = "always"
    """At every start of the server, as it may have changed."""
    NEVER = "never"
    """By whoever runs the engine, not by us."""


class ImageSource:
    """Has the engine have the image: fetched once for all who need it at the same time.

    Args:
        engine: The engine.
        reference: What the image is called.
        policy: When it is fetched.
        seconds: What one fetching may take.
    """

    def __init__(self, engine: Engine, reference: str, *, policy: PullPolicy, seconds: float) -> None:
        self._engine = engine
        self._reference = reference
        self._policy = policy
        self._seconds = seconds
        self._fetching = asyncio.Lock()
        self._listeners: list[ProgressListener] = []
        self._ended = 0
        self._failure: InstanceError | None = None

    async def have(self, report: ProgressListener) -> None:
        """Have the image; who comes while it is fetched waits for that, and shares what comes of it.

        Raises:
            InstanceError: It is missing, and may not or cannot be fetched, or not in time (`image-missing`);
                the engine is away.
        """
        ended = self._ended
        self._listeners.append(report)
        try:
            async with self._fetching:
                if self._ended == ended:
                    await self._try()
                elif self._failure is not None:
                    raise _once_more(self._failure)
        finally:
            self._listeners.remove(report)

    async def _try(self) -> None:
        """Fetch it. A try that is cancelled is none, and the next who waits makes one."""
        try:
            async with self._engine.asked(within=self._seconds + PULL_MARGIN_SECONDS) as docker:
                await self._have_in_time(docker)
        except InstanceError as error:
            self._ended, self._failure = self._ended + 1, error
            raise
        self._ended, self._failure = self._ended + 1, None
        if self._policy is PullPolicy.ALWAYS:
            # Asked before every start of an instance; what is to be fetched always is fetched once.
            self._policy = PullPolicy.MISSING

    async def _have_in_time(self, docker: Docker) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                await self._have(docker)
        except TimeoutError:
            raise InstanceError(
                FailureReason.IMAGE_MISSING,
                f"the image {self._reference} was not fetched within {self._seconds:g} s",
                remedy="what has come of it is kept; a slow line needs a longer HA_IMAGE_PULL_SECONDS",
            ) from None

    async def _have(self, docker: Docker) -> None:
        if self._policy is not PullPolicy.ALWAYS and await is_there(docker, self._reference):
            return
        if self._policy is PullPolicy.NEVER:
            raise InstanceError(
                FailureReason.IMAGE_MISSING,
                f"the engine has no image {self._reference}",
                remedy="load it there, or let it be fetched with HA_IMAGE_PULL=missing",
            )
        layers = _Layers()
        try:
            async for line in docker.images.pull(self._reference, stream=True):
                layers.take(line)
                self._report(layers.percent)
        except DockerError as error:
            said = clean_text(error.message, _MESSAGE_CHARACTERS)
            raise InstanceError(
                FailureReason.IMAGE_MISSING,
                f"the image {self._reference} cannot be fetched: {said}",
                remedy="see HA_IMAGE, and whether the engine reaches its registry",
            ) from error
        self._report(_ALL)

    def _report(self, percent: float | None) -> None:
        for listener in self._listeners:
            listener(Progress(f"the image {self._reference}", percent))


def _once_more(error: InstanceError) -> InstanceError:
    return InstanceError(error.reason, error.message, remedy=error.remedy, transient=error.transient)


class _Layers:
    """How much of each layer of an image has come."""

    def __init__(self) -> None:
        self._come: dict[str, tuple[int, int]] = {}

    def take(self, line: Mapping[str, Any]) -> None:
        """Note a line of the engine's progress."""
        layer, detail = line.get("id"), line.get("progressDetail") or {}
        current, total = detail.get("current"), detail.get("total")
        if line.get("status") == "Downloading" and isinstance(layer, str) and current and total:
            self._come[layer] = int(current), int(total)
        elif layer in self._come and line.get("status") in {"Download complete", "Pull complete"}:
            total = self._come[layer][1]
            self._come[layer] = total, total

    @property
    def percent(self) -> float | None:
        """0 to 100 of what is known to come, or None while nothing is."""
        total = sum(total for _, total in self._come.values())
        return _ALL * sum(current for current, _ in self._come.values()) / total if total else None


async def is_there(docker: Docker, reference: str) -> bool:
    """Whether the engine has an image.

    Raises:
        DockerError: It does not say.
    """
    try:
        await docker.images.inspect(reference)
    except DockerError as error:
        if is_absence(error):
            return False
        raise
    return True
