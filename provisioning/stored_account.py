"""Where the secrets of an instance are kept, and how long its token lives."""

from __future__ import annotations

import base64
import binascii

import orjson

from storage.instances import Instances
from storage.users import Users


class StoredAccount:
    """The secrets of one instance, in the tables; an `onboarding.OwnerAccount`."""

    def __init__(self, user_id: str, users: Users, instances: Instances) -> None:
        self._user_id = user_id
        self._users = users
        self._instances = instances

    async def password(self) -> str | None:
        """The password of the owner account, or None while none was made."""
        return await self._instances.owner_password(self._user_id)

    async def set_password(self, password: str) -> None:
        """Store it, encrypted."""
        await self._instances.set_owner_password(self._user_id, password)

    async def set_token(self, url: str, token: str) -> None:
        """Store where the home is and the token that every call to it uses, encrypted."""
        await self._users.set_home(self._user_id, url=url, token=token)


def days_left(token: str, *, now: float) -> float:
    """How long a token of Home Assistant lives still; for ever where it does not say.

    It is not verified: it came from Home Assistant itself, and a wrong date costs a renewal at worst.
    """
    parts = token.split(".")
    try:
        body = orjson.loads(base64.urlsafe_b64decode(parts[1] + "=="))
        return (float(body["exp"]) - now) / 86_400
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return float("inf")
