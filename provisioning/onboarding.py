"""From a Home Assistant that nobody owns to a token that works, without a browser.

Whoever comes first to a new Home Assistant owns it. So the owner account is made at once, and its password
is stored *before* it is used: a crash after any step is mended by running this again, which then logs in
with that password instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, Protocol

import aiohttp
import orjson

from provisioning.driver import Endpoint
from provisioning.errors import (
    FailureReason,
    HalfMadeOwnerError,
    HomeError,
    HomeUnauthorizedError,
    InstanceError,
)
from provisioning.home.socket import HomeAssistantSocket
from provisioning.home.text import clean_text

USERNAME: Final = "wyoming-central"
"""Of the owner account; its password is shown to its owner by the command line."""

DISPLAY_NAME: Final = "Wyoming Central"

TOKEN_DAYS: Final = 365
"""How long a long-lived token lives; it is renewed when a third of that is left (`RENEW_BEFORE_DAYS`)."""

RENEW_BEFORE_DAYS: Final = TOKEN_DAYS // 3

REQUEST_SECONDS: Final = 15.0
"""A single request; making the account takes Home Assistant about 0.3 s, on a loaded machine several."""

MAX_ANSWER_BYTES: Final = 64 * 1024
"""No answer of these endpoints is longer than a kilobyte or two."""

_CLIENT_PREFIX: Final = "Wyoming Central "
"""Long-lived tokens of ours begin so in Home Assistant's list."""


class Step(StrEnum):
    """What was just done; `Onboarding` names each to its checkpoint."""

    PASSWORD_STORED = "password-stored"  # noqa: S105 - a word, no password
    OWNER_CREATED = "owner-created"
    LOGGED_IN = "logged-in"
    ACCESS_GRANTED = "access-granted"
    FINISHED = "finished"
    TOKEN_MADE = "token-made"  # noqa: S105 - the same
    TOKEN_STORED = "token-stored"  # noqa: S105 - the same
    TIDIED = "tidied"


Checkpoint = Callable[[Step], Awaitable[None]]


class OwnerAccount(Protocol):
    """Where the secrets of one instance are kept, encrypted."""

    async def password(self) -> str | None:
        """The password of the owner account, or None while none was made."""

    async def set_password(self, password: str) -> None:
        """Store it; it is used only after this returned."""

    async def set_token(self, url: str, token: str) -> None:
        """Store the address of the home and the token that every call to it uses."""


@dataclass(frozen=True, slots=True)
class _Access:
    """What a login gives: good for half an hour, and given back when done."""

    token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)


async def _no_checkpoint(step: Step) -> None:
    del step


class Onboarding:
    """Makes the owner account of an instance and a long-lived token, from wherever an earlier run came to.

    Args:
        http: Session to ask with; it must not keep cookies of one instance for another.
        new_password: Makes a password.
        checkpoint: Awaited after every step, so that tests can stop there.
    """

    def __init__(
        self,
        *,
        http: aiohttp.ClientSession,
        new_password: Callable[[], str] = lambda: secrets.token_urlsafe(24),
        checkpoint: Checkpoint = _no_checkpoint,
    ) -> None:
        self._http = http
        self._new_password = new_password
        self._checkpoint = checkpoint

    async def answers(self, endpoint: Endpoint) -> bool:
        """Whether Home Assistant serves requests there.

        It is asked for its onboarding, which needs no token: asking with none for anything else would be
        logged as an attempt to break in.
        """
        try:
            await self._open_steps(endpoint)
        except (InstanceError, HomeError):
            return False
        return True

    async def run(self, endpoint: Endpoint, account: OwnerAccount, *, language: str) -> str:
        """Give a new long-lived token, stored; safe to repeat after a crash anywhere.

        Args:
            endpoint: Where the instance answers, and nobody else.
            account: Where password and token are kept.
            language: Two letters; the owner's, and that of the first areas.

        Raises:
            HalfMadeOwnerError: An earlier run was cut off in Home Assistant's making of the account.
            InstanceError: It did not work (`onboarding`); transient unless somebody else owns the instance or
                has changed the password.
        """
        try:
            access = await self._enter(endpoint, account, language=language)
            await self._checkpoint(Step.ACCESS_GRANTED)
            await self._finish(endpoint, access)
            await self._checkpoint(Step.FINISHED)
            token = await self._exchange(endpoint, access, account)
        except HomeError as error:
            raise _failed(error.message) from error
        await self._give_back(endpoint, access)
        await self._checkpoint(Step.TIDIED)
        return token

    async def renew(self, endpoint: Endpoint, account: OwnerAccount, token: str) -> str:
        """Give a new long-lived token for one that works still.

        Raises:
            InstanceError: It did not work (`onboarding`); the old token is as good as before.
        """
        try:
            return await self._exchange(endpoint, _Access(token, None), account)
        except HomeUnauthorizedError as error:
            raise _failed("Home Assistant refuses the token") from error
        except HomeError as error:
            raise _failed(error.message) from error

    async def _enter(self, endpoint: Endpoint, account: OwnerAccount, *, language: str) -> _Access:
        """Create the owner, or log in as the one whom an earlier run created."""
        password = await account.password()
        if "user" in await self._open_steps(endpoint):
            if password is None:
                password = self._new_password()
                await account.set_password(password)
            await self._checkpoint(Step.PASSWORD_STORED)
            code = await self._create_owner(endpoint, password, language=language)
            await self._checkpoint(Step.OWNER_CREATED)
        elif password is None:
            raise _failed(
                "this Home Assistant has an owner that the server did not make",
                remedy="use it as an external one, with its address and a token",
                transient=False,
            )
        else:
            code = await self._log_in(endpoint, password)
            await self._checkpoint(Step.LOGGED_IN)
        return await self._grant(endpoint, code)

    async def _open_steps(self, endpoint: Endpoint) -> set[str]:
        """The onboarding steps that are not done; none when Home Assistant says that it is past all that."""
        async with self._request(endpoint, "GET", "/api/onboarding") as (status, answer):
            if status == HTTPStatus.NOT_FOUND:
                return set()
            if status != HTTPStatus.OK or not isinstance(answer, list):
                raise _unexpected("its onboarding", status)
            return {
                str(step.get("step"))
                for step in answer
                if isinstance(step, dict) and step.get("done") is not True
            }

    async def _create_owner(self, endpoint: Endpoint, password: str, *, language: str) -> str:
        owner = {
            "client_id": _client_id(endpoint),
            "name": DISPLAY_NAME,
            "username": USERNAME,
            "password": password,
            "language": language,
        }
        async with self._request(endpoint, "POST", "/api/onboarding/users", json=owner) as (status, answer):
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                raise HalfMadeOwnerError(f"Home Assistant fails ({status}) to make the owner's account")
            if status != HTTPStatus.OK:
                raise _unexpected("making the owner's account", status)
            return _text_of(answer, "auth_code")

    async def _log_in(self, endpoint: Endpoint, password: str) -> str:
        client_id = _client_id(endpoint)
        flow = {"client_id": client_id, "handler": ["homeassistant", None], "redirect_uri": client_id}
        async with self._request(endpoint, "POST", "/auth/login_flow", json=flow) as (status, answer):
            if status != HTTPStatus.OK:
                raise _unexpected("a login", status)
            flow_id = _text_of(answer, "flow_id")
        if not flow_id.isalnum():
            raise _unexpected("a login", status)
        login = {"client_id": client_id, "username": USERNAME, "password": password}
        path = f"/auth/login_flow/{flow_id}"
        async with self._request(endpoint, "POST", path, json=login) as (status, answer):
            if status == HTTPStatus.OK and isinstance(answer, dict) and answer.get("type") == "create_entry":
                return _text_of(answer, "result")
        raise _failed(
            "Home Assistant refuses the password of the account that the server made",
            remedy="if it was changed there, use this Home Assistant as an external one",
            transient=False,
        )

    async def _grant(self, endpoint: Endpoint, code: str) -> _Access:
        form = {"grant_type": "authorization_code", "code": code, "client_id": _client_id(endpoint)}
        async with self._request(endpoint, "POST", "/auth/token", data=form) as (status, answer):
            if status != HTTPStatus.OK:
                raise _unexpected("giving access", status)
            return _Access(_text_of(answer, "access_token"), _text_of(answer, "refresh_token"))

    async def _finish(self, endpoint: Endpoint, access: _Access) -> None:
        """Do what is left of the onboarding, so that Home Assistant does not ask its owner for it."""
        client_id = _client_id(endpoint)
        todo = await self._open_steps(endpoint)
        bodies = {
            "core_config": {},
            "analytics": {},
            "integration": {"client_id": client_id, "redirect_uri": client_id},
        }
        for step, body in bodies.items():
            if step not in todo:
                continue
            path = f"/api/onboarding/{step}"
            async with self._request(endpoint, "POST", path, json=body, bearer=access) as (status, _):
                # 403: it was done in the meantime.
                if status not in {HTTPStatus.OK, HTTPStatus.FORBIDDEN}:
                    raise _unexpected(f"the onboarding step {step}", status)

    async def _exchange(self, endpoint: Endpoint, access: _Access, account: OwnerAccount) -> str:
        """Make a long-lived token, store it, and only then delete those that it replaces."""
        async with HomeAssistantSocket.connect(
            endpoint.url, access.token, http=self._http, within=REQUEST_SECONDS
        ) as socket:
            name = f"{_CLIENT_PREFIX}{secrets.token_hex(4)}"  # Home Assistant refuses a name it knows
            token = await socket.command(
                "auth/long_lived_access_token", client_name=name, lifespan=TOKEN_DAYS, within=REQUEST_SECONDS
            )
            if not isinstance(token, str) or not token:
                raise _failed("Home Assistant gave no token")
            await self._checkpoint(Step.TOKEN_MADE)
            await account.set_token(endpoint.url, token)
            await self._checkpoint(Step.TOKEN_STORED)
            # The token works and is stored: a crumb that cannot be swept away fails nothing.
            with contextlib.suppress(HomeError):
                await _delete_replaced(socket, keep=name)
        return token

    async def _give_back(self, endpoint: Endpoint, access: _Access) -> None:
        """Log out. Where that fails, Home Assistant forgets an unused login by itself."""
        form = {"action": "revoke", "token": access.refresh_token or ""}
        with contextlib.suppress(InstanceError):
            async with self._request(endpoint, "POST", "/auth/token", data=form):
                pass

    @asynccontextmanager
    async def _request(
        self, endpoint: Endpoint, method: str, path: str, *, bearer: _Access | None = None, **body: Any
    ) -> AsyncIterator[tuple[int, Any]]:
        """Ask, and give the status and the JSON of the answer, None where it is none.

        Raises:
            InstanceError: No answer, or too long a one.
        """
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer.token}"}
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS),
                self._http.request(
                    method, f"{endpoint.url}{path}", headers=headers, allow_redirects=False, **body
                ) as response,
            ):
                content = await _read_bounded(response)
        except TimeoutError:
            raise _failed(f"Home Assistant did not answer within {REQUEST_SECONDS:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise _failed(f"Home Assistant cannot be reached: {type(error).__name__}") from None
        yield response.status, _json(content)


async def _read_bounded(response: aiohttp.ClientResponse) -> bytes:
    content = bytearray()
    async for part in response.content.iter_chunked(16 * 1024):
        content += part
        if len(content) > MAX_ANSWER_BYTES:
            raise _failed("Home Assistant answers with more than it should")
    return bytes(content)


def _json(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


async def _delete_replaced(socket: HomeAssistantSocket, *, keep: str) -> None:
    """Delete the tokens that this one replaces, those of a run that crashed before storing it too."""
    known = await socket.command("auth/refresh_tokens", within=REQUEST_SECONDS)
    for entry in known if isinstance(known, list) else ():
        if not isinstance(entry, Mapping) or entry.get("type") != "long_lived_access_token":
            continue
        name = entry.get("client_name")
        # The current one is what this very connection uses; the next renewal deletes it.
        if isinstance(name, str) and name.startswith(_CLIENT_PREFIX) and name != keep:
            if entry.get("is_current") is True:
                continue
            await socket.command(
                "auth/delete_refresh_token", refresh_token_id=entry.get("id"), within=REQUEST_SECONDS
            )


def _client_id(endpoint: Endpoint) -> str:
    """Home Assistant knows clients by their address; one on its own address needs no further proof."""
    return f"{endpoint.url}/"


def _text_of(answer: Any, name: str) -> str:
    value = answer.get(name) if isinstance(answer, Mapping) else None
    if not isinstance(value, str) or not value or len(value) > 4096:
        raise _failed(f"Home Assistant's answer lacks {clean_text(name, 32)}")
    return value


def _unexpected(what: str, status: int) -> InstanceError:
    return _failed(f"Home Assistant answers {what} with status {status}")


def _failed(message: str, *, remedy: str | None = None, transient: bool = True) -> InstanceError:
    return InstanceError(FailureReason.ONBOARDING, message, remedy=remedy, transient=transient)
