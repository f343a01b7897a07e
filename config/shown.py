"""How the value of a setting is shown to a person."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from pathlib import Path
from typing import TypeAlias

from config.listen import ListenAddress

MASK = "***"
Plain: TypeAlias = str | int | float | bool | list[str] | None

_MAX_CHARACTERS = 80
# The password of `scheme://user:password@host`; greedy, as a password may hold an @ that should be %40.
_PASSWORD = re.compile(r"(?<=://)([^:/@\s]*):\S*@")


def quoted(value: object) -> str:
    """Give a value in quotation marks, on one line, cut, without the password of an address."""
    text = without_password(str(value))
    return repr(text if len(text) <= _MAX_CHARACTERS else text[: _MAX_CHARACTERS - 1] + "…")


def without_password(address: str) -> str:
    """Give an address, such as a database's, with `***` for its password."""
    return _PASSWORD.sub(rf"\1:{MASK}@", address)


def plain(value: object) -> Plain:
    """Give a value as JSON can hold it, in the form in which the environment would give it."""
    match value:
        case None | bool() | int() | float():
            return value
        case tuple():
            return [without_password(str(member)) for member in value]
        case Path() | IPv4Network() | ListenAddress():
            return str(value)
        case _:
            return without_password(str(value))
