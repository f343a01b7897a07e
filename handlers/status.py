"""How a turn can end: the words of `audit_log.status`."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """One word for every way a turn ends; each has a sentence of its own in `config/answers/`.

    `OK`, `ANSWERED` and `ASKED` are answered with Wyoming's `handled`, all others with `not-handled`.
    """

    OK = "ok"
    ANSWERED = "answered"
    ASKED = "asked"
    NOT_UNDERSTOOD = "not-understood"
    UNSURE = "unsure"
    NOT_FOR_ME = "not-for-me"
    NOT_SERVED = "not-served"
    NO_TARGET = "no-target"
    CANNOT = "cannot"
    ENTITY_GONE = "entity-gone"
    CALL_FAILED = "call-failed"
    NOT_CONFIRMED = "not-confirmed"
    HOME_MISSING = "home-missing"
    HOME_STARTING = "home-starting"
    HOME_STOPPED = "home-stopped"
    HOME_FAILED = "home-failed"
    HOME_DOWN = "home-down"
    HOME_SLOW = "home-slow"
    HOME_UNAUTHORIZED = "home-unauthorized"
    MODEL_UNREACHABLE = "model-unreachable"
    MODEL_SLOW = "model-slow"
    MODEL_BUSY = "model-busy"
    UNAUTHENTICATED = "unauthenticated"
    ONE_MOMENT = "one-moment"
    BUSY = "busy"
    DEADLINE = "deadline"
    INTERRUPTED = "interrupted"
    INTERNAL = "internal"

    @property
    def handled(self) -> bool:
        """Whether Wyoming's `handled` answers it, rather than `not-handled`."""
        return self in _HANDLED


_HANDLED = frozenset({Status.OK, Status.ANSWERED, Status.ASKED})
