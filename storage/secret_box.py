"""Encryption of what must be readable again: tokens and passwords of Home Assistant."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from storage.errors import SecretError


class SecretBox:
    """Encrypts with the newest key, decrypts with any.

    Args:
        keys: Fernet keys (32 bytes, URL-safe base64), newest first.

    Raises:
        SecretError: There is no key, or one is malformed; the message does not show it.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self._fernet = MultiFernet(_fernets(keys))

    def encrypt(self, secret: str) -> str:
        """Give `secret` in the form that may be stored."""
        return self._fernet.encrypt(secret.encode()).decode("ascii")

    def decrypt(self, stored: str) -> str:
        """Give back what `encrypt` was given.

        Raises:
            SecretError: It was encrypted with a key that is not here any more, or was altered.
        """
        try:
            return self._fernet.decrypt(stored.encode()).decode()
        except (InvalidToken, UnicodeError):
            raise _unreadable() from None

    def rotate(self, stored: str) -> str:
        """Encrypt again with the newest key, so that older ones can be thrown away.

        Raises:
            SecretError: As `decrypt`.
        """
        try:
            return self._fernet.rotate(stored.encode()).decode("ascii")
        except (InvalidToken, UnicodeError):
            raise _unreadable() from None


def _fernets(keys: Sequence[str]) -> list[Fernet]:
    if not keys:
        raise SecretError(
            "there is no ENCRYPTION_KEY", remedy="set one, or let `config check` say what is wrong"
        )
    fernets = []
    for number, key in enumerate(keys, start=1):
        try:
            fernets.append(Fernet(key))
        except (ValueError, TypeError):
            # `from None`: the cause would carry the key into a traceback.
            raise SecretError(
                f"key {number} of ENCRYPTION_KEY is not 32 bytes in URL-safe base64",
                remedy="Fernet.generate_key() of the package cryptography makes one",
            ) from None
    return fernets


def _unreadable() -> SecretError:
    return SecretError(
        "a stored secret cannot be decrypted with any key at hand",
        remedy="add the key that it was encrypted with to the end of ENCRYPTION_KEY",
    )
