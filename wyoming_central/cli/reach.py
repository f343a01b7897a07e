"""How a listener of this machine is reached from this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from config.listen import ListenAddress

# Where a listener on every address is found.
_LOOPBACK_OF: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to it here


def own_uri(address: ListenAddress) -> str:
    """Give the address at which this machine itself connects to a listener."""
    return replace(address, host=_LOOPBACK_OF.get(address.host, address.host)).uri


def own_server() -> str:
    """Give the address of the server that these settings start: its first listener's."""
    from config.settings import read_settings  # noqa: PLC0415 - slow to load, and a satellite has no settings

    return own_uri(read_settings().settings.listen[0])
