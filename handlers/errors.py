"""What can go wrong in a turn before there is a home to blame."""

from __future__ import annotations

from config.errors import WyomingCentralError
from handlers.status import Status


class AuthenticationError(WyomingCentralError):
    """A credential is missing, malformed, expired or revoked; the message never contains it."""


class EventError(WyomingCentralError):
    """An event's data is not what its type promises.

    Args:
        code: The `code` of the Wyoming `error` event that answers it.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class HomeAbsentError(WyomingCentralError):
    """There is no home to ask right now.

    Args:
        status: How a turn ends because of it.
        message: Why, for the audit.
    """

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status = status


class RequestError(WyomingCentralError):
    """A request to interpret a sentence cannot be read; the message says which part of it is wrong."""


class TurnDeadlineError(WyomingCentralError):
    """A turn took longer than it may; whether what was sent last is carried out is not known."""
