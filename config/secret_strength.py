"""Whether a secret is one: long, varied, and not out of a manual."""

from __future__ import annotations

import base64
import binascii

# HS256 wants a key as long as its hash (RFC 7518, 3.2).
MIN_BYTES = 32
# Of 32 random hexadecimal digits fewer than 8 different ones come up once in 28 million.
_MIN_DIFFERENT_CHARACTERS = 8
# Of 32 random bytes fewer than 20 different ones come up once in 7 billion.
_MIN_DIFFERENT_BYTES = 20
_FERNET_KEY_BYTES = 32
# Long enough not to turn up in random Base64 by chance.
_PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "changethis",
    "change-this",
    "change_this",
    "default",
    "development",
    "dummy-",
    "example",
    "insecure",
    "jwt-secret",
    "jwt_secret",
    "jwtsecret",
    "password",
    "placeholder",
    "qwerty",
    "replace-",
    "replace_",
    "secret",
    "your-",
    "your_",
)


def weakness_of_secret(secret: str) -> str | None:
    """Say in a clause what is wrong with a signing secret, or give None; the secret is not in it."""
    if len(secret.encode()) < MIN_BYTES:
        return f"is shorter than {MIN_BYTES} bytes"
    if any(word in secret.lower() for word in _PLACEHOLDERS):
        return "is a placeholder"
    if len(set(secret)) < _MIN_DIFFERENT_CHARACTERS:
        return "has too few different characters"
    if secret in (secret + secret)[1:-1]:
        return "repeats itself"
    return None


def fault_of_fernet_key(key: str) -> str | None:
    """Say in a clause why a key cannot be used at all, or give None; the key is not in it."""
    try:
        usable = len(base64.urlsafe_b64decode(key)) == _FERNET_KEY_BYTES
    except (ValueError, binascii.Error):
        usable = False
    return None if usable else "is no Fernet key (32 bytes in URL-safe Base64, 44 characters)"


def weakness_of_fernet_key(key: str) -> str | None:
    """Say in a clause what is wrong with a usable Fernet key, or give None; the key is not in it."""
    if len(set(base64.urlsafe_b64decode(key))) < _MIN_DIFFERENT_BYTES:
        return "is not random"
    return None
