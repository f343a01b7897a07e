"""A Home Assistant that the user runs and only tells us about: nothing here starts or stops it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlsplit, urlunsplit

import niquests
from homeassistant_api import AsyncClient
from homeassistant_api.errors import HomeassistantAPIError, UnauthorizedError

from provisioning.driver import (
    Condition,
    DriverEvent,
    Endpoint,
    EventKind,
    InstanceSpec,
    Observation,
    ProgressListener,
)
from provisioning.errors import FailureReason, InstanceError
from provisioning.home.text import clean_text
from storage.records import UserRecord

VALIDATE_SECONDS: Final = 10.0
"""A Home Assistant that has not said its version by then counts as unreachable."""


_FAILURES: Final = (
    HomeassistantAPIError,
    niquests.RequestException,
    OSError,
    TimeoutError,
    ValueError,
    TypeError,
)


class Credentials(Protocol):
    """Where a user's address and token are stored; `storage.users.Users` is the real one."""

    async def get(self, user_id: str) -> UserRecord:
        """The account, with the address of its home."""

    async def home_token(self, user_id: str) -> str | None:
        """Its token in clear text, or None."""


class ExternalDriver:
    """The user's own Home Assistant, at the user's own address, with the user's own token.

    Args:
        credentials: Where address and token are stored.
        within: Seconds that a validation may take.
    """

    kind = "external"
    onboards = False
    ends_with_server = False
    enforces_limits = False

    def __init__(self, *, credentials: Credentials, within: float = VALIDATE_SECONDS) -> None:
        self._credentials = credentials
        self._within = within
        # By name: what was found valid, so that `observe` need not ask again.
        self._found: dict[str, Observation] = {}

    async def prepare(self, report: ProgressListener) -> None:
        """Nothing is shared."""

    async def observe(self, names: Sequence[str] | None = None) -> Mapping[str, Observation]:
        """What was found when the instance was started last; how the home is now, its connection tells."""
        if names is None:
            return dict(self._found)
        return {name: self._found.get(name, Observation(name, Condition.ABSENT)) for name in names}

    async def start(self, spec: InstanceSpec) -> Endpoint:
        """See that the address answers and takes the token.

        Raises:
            InstanceError: It does not (`unreachable`), or refuses the token (`unauthorized`).
        """
        url = (await self._credentials.get(spec.user_id)).ha_instance_url
        token = await self._credentials.home_token(spec.user_id)
        if url is None or token is None:
            raise InstanceError(
                FailureReason.UNAUTHORIZED,
                "the address or the token of this user's Home Assistant is not known",
                remedy="give both: a long-lived access token is made in the profile in Home Assistant",
                transient=False,
            )
        endpoint = Endpoint(base_address(url))
        version = await validate(endpoint.url, token, within=self._within)
        self._found[spec.name] = Observation(
            spec.name,
            Condition.RUNNING,
            endpoint=endpoint,
            listening=True,
            fingerprint=spec.fingerprint(),
            version=version,
        )
        return endpoint

    async def adjust(self, spec: InstanceSpec) -> None:
        """Nothing: what its user runs is theirs to limit."""

    async def stop(self, name: str, *, within: float) -> None:
        """Let go of it; it runs on."""
        del within
        self._found.pop(name, None)

    async def remove(self, name: str, *, keep_data: bool) -> None:
        """Forget it; it runs on, and its data is not ours to touch."""
        del keep_data
        self._found.pop(name, None)

    async def events(self) -> AsyncIterator[DriverEvent]:
        """None ever: what happens to it, its connection tells."""
        await asyncio.get_running_loop().create_future()
        yield DriverEvent(EventKind.CHANGED)

    async def logs(self, name: str, *, tail: int) -> list[str]:
        """Its log is its owner's."""
        del name, tail
        return []

    async def close(self) -> None:
        """Forget what was found."""
        self._found.clear()


def base_address(url: str) -> str:
    """Give the address as every caller uses it, without a last slash.

    Raises:
        InstanceError: It is no http or https address of a host, or says more than an address should.
    """
    parts = urlsplit(url.strip())
    try:
        fine = parts.scheme in {"http", "https"} and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:  # a port that is no number
        fine = False
    if not fine or parts.username or parts.password or parts.query or parts.fragment:
        raise InstanceError(
            FailureReason.UNREACHABLE,
            "that is no address of a Home Assistant",
            remedy="such as http://homeassistant.local:8123, without user name, query or fragment",
            transient=False,
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


async def validate(url: str, token: str, *, within: float) -> str:
    """See that a Home Assistant answers at this address and takes the token; gives its version.

    Raises:
        InstanceError: `unreachable` or `unauthorized`.
    """
    # A redirect is refused, because it would carry the token to wherever it points.
    limits: dict[str, Any] = {"timeout": within, "allow_redirects": False}
    try:
        async with asyncio.timeout(within):
            client = AsyncClient(f"{url}/api/", token, global_request_kwargs=limits)
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(client.__aexit__, None, None, None)
                config = await client.get_config()
    except UnauthorizedError:
        raise InstanceError(
            FailureReason.UNAUTHORIZED,
            "this Home Assistant refuses the token",
            remedy="make a long-lived access token in the profile in Home Assistant, and give that",
            transient=False,
        ) from None
    except _FAILURES as error:
        raise _unreachable(type(error).__name__) from None
    version = clean_text(config.get("version"), 32)
    if not version:
        raise _unreachable("what answers is no Home Assistant")
    return version


def _unreachable(why: str) -> InstanceError:
    return InstanceError(
        FailureReason.UNREACHABLE,
        f"no Home Assistant answers at this address: {why}",
        remedy="see that it runs and that this machine may reach it",
    )
