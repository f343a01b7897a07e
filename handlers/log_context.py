"""What the lines of the log belong to: request, connection, device and user, for as long as they are served.

One context variable holds all of it. `structlog.contextvars` has one for each key, and looks through all
variables of a context for every line, which costs a turn more than to understand what was said before.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Final

_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})
_CURRENT: Final[ContextVar[Mapping[str, str]]] = ContextVar("log_context", default=_NOTHING)


def log_context() -> Mapping[str, str]:
    """What lines that are logged now belong to."""
    return _CURRENT.get()


def belong_to(**keys: str) -> Token[Mapping[str, str]]:
    """Have lines belong to these too, until `no_longer` or the end of the task."""
    return _CURRENT.set({**_CURRENT.get(), **keys})


def no_longer(token: Token[Mapping[str, str]]) -> None:
    """Have lines belong to what they belonged to before `belong_to`."""
    _CURRENT.reset(token)
