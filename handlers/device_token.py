"""Device tokens: what a satellite shows to be let in.

A token is a JWT signed with HS256, and with nothing else: the algorithm is pinned here, never read from the
token. `kid` names the secret, so that a new secret can sign while an older one still verifies. A token says
which device it is for and nothing about a user; whose device that is, the database says.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import jwt

from handlers.errors import AuthenticationError

ALGORITHM: Final = "HS256"
ISSUER: Final = "wyoming-central"
AUDIENCE: Final = "wyoming-central-device"

# Ours are about 400 characters; anything much longer is not worth the time to parse.
MAX_TOKEN_LENGTH: Final = 2048

# A clock that is a little ahead must not make a token look as if it came from the future.
CLOCK_SKEW_SECONDS: Final = 60

_MOST: Final = sys.float_info.max

_REQUIRED: Final = ("iss", "aud", "sub", "exp", "iat", "jti")


@dataclass(frozen=True, slots=True)
class DeviceToken:
    """A token just made; `text` is the secret itself, for nobody but the device's owner."""

    text: str = field(repr=False)
    token_id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says: which device, which token (`jti`), until when (seconds since the epoch)."""

    device_id: str
    token_id: str
    expires_at: float


class TokenKeys:
    """Makes and verifies device tokens.

    Args:
        secrets_: The signing secrets, newest first: the first signs, all verify. At least one, each of at
            least 32 bytes (RFC 7518 section 3.2); settings see to that.
    """

    def __init__(self, secrets_: Sequence[str]) -> None:
        if not secrets_:
            message = "at least one signing secret is needed"
            raise ValueError(message)
        self._keys = {_key_id(secret): secret for secret in secrets_}
        self._newest = _key_id(secrets_[0])

    def mint(self, device_id: str, *, now: float, lifetime_seconds: float) -> DeviceToken:
        """Make a token for a device, valid from `now` (seconds since the epoch) for `lifetime_seconds`."""
        token_id = secrets.token_hex(16)
        expires_at = float(int(now + lifetime_seconds))
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": device_id,
            "jti": token_id,
            "iat": int(now),
            "exp": int(expires_at),
        }
        text = jwt.encode(
            claims, self._keys[self._newest], algorithm=ALGORITHM, headers={"kid": self._newest}
        )
        return DeviceToken(text=text, token_id=token_id, expires_at=expires_at)

    def verify(self, text: str, *, now: float) -> Claims:
        """What a token says, if it is ours and in time.

        Raises:
            AuthenticationError: It is not; the message names the fault and never the token.
        """
        secret = self._secret_for(text)
        try:
            claims = jwt.decode(
                text,
                secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                # Times are checked below, against the clock that was passed in.
                options={
                    "require": list(_REQUIRED),
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except jwt.MissingRequiredClaimError as error:
            raise AuthenticationError(f"the token lacks the claim {error.claim!r}") from None
        except jwt.InvalidAudienceError:
            raise AuthenticationError("the token is meant for another audience") from None
        except jwt.InvalidIssuerError:
            raise AuthenticationError("the token was issued by somebody else") from None
        except jwt.InvalidTokenError:
            raise AuthenticationError("the token's signature is not valid") from None
        return _checked(claims, now)

    def _secret_for(self, text: str) -> str:
        if len(text) > MAX_TOKEN_LENGTH:
            raise AuthenticationError("the token is too long to be one of ours")
        try:
            header = jwt.get_unverified_header(text)
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise AuthenticationError("the token is not a JWT") from None
        if header.get("alg") != ALGORITHM:
            raise AuthenticationError(f"the token is not signed with {ALGORITHM}")
        key_id = header.get("kid")
        secret = self._keys.get(key_id) if isinstance(key_id, str) else None
        if secret is None:
            raise AuthenticationError("the token was signed with a secret that is not ours or was retired")
        return secret


def _key_id(secret: str) -> str:
    """A name for a secret that tells nothing about it; the same in every process that knows the secret."""
    return hmac.new(secret.encode(), b"wyoming-central key id", hashlib.sha256).hexdigest()[:16]


def _checked(claims: dict[str, Any], now: float) -> Claims:
    device_id, token_id = claims["sub"], claims["jti"]
    if not (isinstance(device_id, str) and isinstance(token_id, str)):
        raise AuthenticationError("the token names no device")
    issued_at, expires_at = _seconds(claims, "iat"), _seconds(claims, "exp")
    if issued_at > now + CLOCK_SKEW_SECONDS:
        raise AuthenticationError("the token is from the future: a clock is wrong")
    if expires_at <= now:
        raise AuthenticationError("the token has expired")
    # None of ours has it; one signed with our secret may, and then says when it begins to count.
    if "nbf" in claims and _seconds(claims, "nbf") > now + CLOCK_SKEW_SECONDS:
        raise AuthenticationError("the token is not valid yet")
    return Claims(device_id=device_id, token_id=token_id, expires_at=expires_at)


def _seconds(claims: dict[str, Any], name: str) -> float:
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not _is_time(value):
        raise AuthenticationError(f"the token's claim {name!r} is not a time")
    return float(value)


def _is_time(value: float) -> bool:
    """Whether a number is one; Python's JSON reads NaN and infinity, too, and integers without end."""
    return abs(value) <= _MOST
