"""What can go wrong on the wire, at a listener, and for somebody who connects to one."""

from __future__ import annotations

from enum import StrEnum

from config.errors import WyomingCentralError


class Fault(StrEnum):
    """What a peer did that the server puts up with no longer: the `code` of the `error` event that says so.

    `NOT_READING` and `TOO_FAST` are words of the log alone: the one is past being told, the other is only
    slowed down.
    """

    HEADER_TOO_LONG = "header-too-long"
    DATA_TOO_LONG = "data-too-long"
    PAYLOAD_TOO_LONG = "payload-too-long"
    BAD_JSON = "bad-json"
    BAD_HEADER = "bad-header"
    BAD_TYPE = "bad-type"
    BAD_LENGTH = "bad-length"
    BAD_DATA = "bad-data"
    TOO_DEEP = "too-deep"
    CUT_FRAME = "cut-frame"
    SLOW_FRAME = "slow-frame"
    TOO_FAST = "too-fast"
    TOO_MANY_CONNECTIONS = "too-many-connections"
    UNAUTHENTICATED = "unauthenticated"
    IDLE = "idle"
    NOT_READING = "not-reading"
    REVOKED = "revoked"
    INTERNAL = "internal"


class FrameError(WyomingCentralError):
    """Bytes are not a Wyoming frame within the bounds, or an event cannot be written as one.

    Args:
        code: Which rule was broken.
        message: One line for the peer and the log; says sizes and rules, never what was in the frame.
    """

    def __init__(self, code: Fault, message: str) -> None:
        super().__init__(message)
        self.code = code


class AddressError(WyomingCentralError):
    """A text is not an address of the form `tcp://HOST:PORT`."""


class ListenError(WyomingCentralError):
    """An address cannot be listened on."""


class ClientError(WyomingCentralError):
    """A conversation with a Wyoming server came to nothing."""


class ServerUnreachableError(ClientError):
    """Nobody answers at the address."""


class ServerTimeoutError(ClientError):
    """The server did not answer within the time given."""


class ConnectionClosedError(ClientError):
    """The server closed the connection before it had answered."""


class EndlessAnswerError(ClientError):
    """The server sends events without end, but not the one that was waited for."""


class RefusedError(ClientError):
    """The server answered with an `error` event.

    Args:
        message: Its text, as the server gave it.
        code: Its code, or None.
    """

    def __init__(self, message: str, *, code: str | None) -> None:
        super().__init__(message)
        self.code = code
