"""The Docker engine: every request bounded in time, and what goes wrong with it told in our own words."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from aiodocker import Docker
from aiodocker.exceptions import DockerError

from provisioning.errors import FailureReason, InstanceError
from provisioning.home.text import clean_text

REQUEST_SECONDS: Final = 30.0
"""What a request may take; making a container takes 0.7 s, and a busy engine some seconds."""

USUAL: Final = "unix:///var/run/docker.sock"
"""Where engines are."""

_NAME_AND_PASSWORD: Final = re.compile(r"//[^/@]*@")
_MESSAGE_CHARACTERS: Final = 300

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_UNREACHABLE: Final = 900  # aiodocker's own number

# What the engine says, in pieces that its versions 20 to 28 have in common.
_PORT_TAKEN: Final = ("port is already allocated", "address already in use", "ports are not available")
_SUBNET_TAKEN: Final = ("pool overlaps", "overlaps with other one", "no available network", "conflicts with")
_DISK_FULL: Final = ("no space left on device", "disk quota exceeded")
_NO_IMAGE: Final = ("no such image", "manifest unknown", "pull access denied", "repository does not exist")


class Engine:
    """An engine at an address.

    Args:
        url: Such as `unix:///var/run/docker.sock`; None for where engines usually are.
        within: Seconds for each request.
    """

    def __init__(self, url: str | None = None, *, within: float = REQUEST_SECONDS) -> None:
        self._url = url or USUAL
        self._within = within
        self._docker: Docker | None = None

    @asynccontextmanager
    async def asked(self, *, within: float | None = None) -> AsyncIterator[Docker]:
        """The engine's client, for requests that together take no longer than `within` seconds.

        Raises:
            InstanceError: The engine is down, or refused.
        """
        seconds = self._within if within is None else within
        try:
            async with asyncio.timeout(seconds):
                yield self._client()
        except DockerError as error:
            raise told(error, self._url) from error
        except TimeoutError:
            raise _down(f"it did not answer within {seconds:g} s", self._url) from None
        except (aiohttp.ClientError, OSError) as error:
            reason = clean_text(str(error), _MESSAGE_CHARACTERS) or type(error).__name__
            raise _down(reason, self._url) from error

    async def close(self) -> None:
        """Let go of the connection; the next request makes another one."""
        docker, self._docker = self._docker, None
        if docker is not None:
            await docker.close()

    def _client(self) -> Docker:
        if self._docker is None:
            try:
                self._docker = Docker(url=self._url)
            except ValueError as error:
                raise _down(str(error), self._url) from error
        return self._docker


def is_absence(error: DockerError) -> bool:
    """Whether the engine says that something is not there."""
    return bool(error.status == _NOT_FOUND)


def is_conflict(error: DockerError) -> bool:
    """Whether the engine says that something is there already, or in use."""
    return bool(error.status == _CONFLICT)


def told(error: DockerError, url: str) -> InstanceError:
    """What an error of the engine at an address means for an instance."""
    message = clean_text(error.message, _MESSAGE_CHARACTERS) or "no reason given"
    lowered = message.casefold()
    if error.status == _UNREACHABLE:
        return _down(_root_of(message), url)
    if any(piece in lowered for piece in _NO_IMAGE):
        return InstanceError(
            FailureReason.IMAGE_MISSING,
            f"the image cannot be had: {message}",
            remedy="see HA_IMAGE and HA_IMAGE_PULL, and whether the engine reaches its registry",
        )
    if any(piece in lowered for piece in _PORT_TAKEN):
        return InstanceError(
            FailureReason.PORT_TAKEN,
            f"another program uses the port: {message}",
            remedy="stop it, or give instances other ports with HA_PORT_RANGE_START and _END",
        )
    if any(piece in lowered for piece in _SUBNET_TAKEN):
        return InstanceError(
            FailureReason.SUBNET_TAKEN,
            f"another network has the subnet: {message}",
            remedy="remove it, or give instances another HA_NETWORK_POOL",
        )
    if any(piece in lowered for piece in _DISK_FULL):
        return InstanceError(
            FailureReason.DISK_FULL, f"the engine's disk is full: {message}", remedy="make room on it"
        )
    return InstanceError(
        FailureReason.ENGINE, f"the Docker engine refused: {message}", remedy="see the log of the engine"
    )


def _root_of(message: str) -> str:
    """What the operating system said, which the client library wraps in brackets of its own, twice."""
    found = re.search(r"\[([^\[\]]+)\]+$", message)
    return found[1] if found else message


def _down(reason: str, url: str) -> InstanceError:
    return InstanceError(
        FailureReason.ENGINE_DOWN,
        f"the Docker engine at {_NAME_AND_PASSWORD.sub('//', url)} cannot be reached: {reason}",
        remedy="start it, and see whether DOCKER_HOST is right and this account may use it",
    )
