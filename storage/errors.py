"""What can go wrong with what is stored."""

from __future__ import annotations

from config.errors import WyomingCentralError


class StorageError(WyomingCentralError):
    """The database could not be read or written."""


class NotFoundError(StorageError):
    """There is no such row."""


class AlreadyExistsError(StorageError):
    """A row with this unique name, address or port exists already."""


class SecretError(StorageError):
    """A stored secret cannot be decrypted with any of the keys at hand."""
