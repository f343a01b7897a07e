"""What can go wrong with what is stored."""

from __future__ import annotations

from config.errors import WyomingCentralError


class StorageError(WyomingCentralError):
    """The database could not be read or written."""


class StorageUnavailableError(StorageError):
    """The database cannot be used just now (locked, full, unreachable); the same may work later."""


class RevisionError(StorageError):
    """The tables in the database are not those that this version of the program works with."""


class NotFoundError(StorageError):
    """There is no such row."""


class AlreadyExistsError(StorageError):
    """A row with this unique name, address or port exists already."""


class InvalidValueError(StorageError):
    """A value cannot be stored: malformed, too long, or contradicting what is stored already."""


class PortsExhaustedError(StorageError):
    """Every port of the range is taken by another instance or by somebody else on this host."""


class SubnetsExhaustedError(StorageError):
    """Every subnet of the pool is taken by another instance or by somebody else on this host."""


class SecretError(StorageError):
    """A stored secret cannot be decrypted with any of the keys at hand, or a key is no key."""
