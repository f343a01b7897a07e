"""Passwords of accounts: argon2id, never on the event loop.

One hash takes about a quarter of a second and 64 MiB on purpose, so only a few are computed at a time.
"""

from __future__ import annotations

import asyncio
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storage.errors import InvalidValueError

# Bytes: far more than anybody types, far less than what would keep a thread busy.
MAX_PASSWORD_BYTES = 1024

# argon2-cffi's defaults: the low-memory parameters of RFC 9106.
_HASHER = PasswordHasher()
# argon2 releases the interpreter's lock, so two use two cores; two are also 128 MiB.
_WORKERS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


async def hash_password(password: str, *, hasher: PasswordHasher = _HASHER) -> str:
    """Give what may be stored of a password.

    Args:
        password: In whatever Unicode normal form a keyboard gave it.
        hasher: Its cost; cheaper in tests.

    Raises:
        InvalidValueError: It is empty or longer than `MAX_PASSWORD_BYTES`.
    """
    encoded = _encode(password)
    if not encoded:
        raise InvalidValueError("the password is empty")
    if len(encoded) > MAX_PASSWORD_BYTES:
        raise InvalidValueError(f"the password is longer than {MAX_PASSWORD_BYTES} bytes")
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, hasher.hash, encoded)


NO_PASSWORD: Final = "!"  # noqa: S105 - the absence of one
"""Stands for the hash where an account has no password: none matches it."""


async def verify_password(stored_hash: str, password: str, *, hasher: PasswordHasher = _HASHER) -> bool:
    """Whether `password` is the one that `stored_hash` was made of; False also for a malformed hash."""
    encoded = _encode(password)
    if len(encoded) > MAX_PASSWORD_BYTES:
        return False
    return await asyncio.get_running_loop().run_in_executor(_WORKERS, _verify, hasher, stored_hash, encoded)


def _verify(hasher: PasswordHasher, stored_hash: str, encoded: bytes) -> bool:
    try:
        return hasher.verify(stored_hash, encoded)
    except (VerificationError, InvalidHashError, UnicodeError):
        return False


def _encode(password: str) -> bytes:
    # The same letters typed on another machine may come in another normal form (é as one or two characters).
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
