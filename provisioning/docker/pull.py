"""Fetching the image."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from aiodocker import Docker
from aiodocker.exceptions import DockerError

from provisioning.docker.engine import is_absence
from provisioning.driver import Progress, ProgressListener
from provisioning.errors import FailureReason, InstanceError
from provisioning.home.text import clean_text

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


async def have_image(docker: Docker, reference: str, policy: PullPolicy, report: ProgressListener) -> None:
    """Have the engine have the image.

    Raises:
        InstanceError: It is missing, and may not or cannot be fetched (`image-missing`).
        DockerError: The engine does not say whether it is there.
    """
    if policy is not PullPolicy.ALWAYS and await is_there(docker, reference):
        return
    if policy is PullPolicy.NEVER:
        raise InstanceError(
            FailureReason.IMAGE_MISSING,
            f"the engine has no image {reference}",
            remedy="load it there, or let it be fetched with HA_IMAGE_PULL=missing",
        )
    layers = _Layers()
    try:
        async for line in docker.images.pull(reference, stream=True):
            layers.take(line)
            report(Progress(f"the image {reference}", layers.percent))
    except DockerError as error:
        raise InstanceError(
            FailureReason.IMAGE_MISSING,
            f"the image {reference} cannot be fetched: {clean_text(error.message, _MESSAGE_CHARACTERS)}",
            remedy="see HA_IMAGE, and whether the engine reaches its registry",
        ) from error
    report(Progress(f"the image {reference}", _ALL))


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
