"""Which networks this machine reaches already, so that no instance's subnet hides one of them."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

_TABLE: Final = Path("/proc/net/route")


def routed_networks(table: Path = _TABLE) -> tuple[IPv4Network, ...]:
    """The networks of this machine's routes but the default one; none where the table cannot be read."""
    try:
        lines = table.read_text(encoding="ascii").splitlines()[1:]
    except (OSError, UnicodeError):
        return ()
    return tuple(_networks(lines))


def _networks(lines: list[str]) -> Iterator[IPv4Network]:
    for line in lines:
        fields = line.split()
        try:
            address, mask = (_dotted(fields[column]) for column in (1, 7))
            network = ipaddress.IPv4Network(f"{address}/{mask}")
        except (ValueError, IndexError, struct.error):
            continue
        if network.prefixlen:
            yield network


def _dotted(number: str) -> str:
    # The kernel writes addresses as numbers of the machine's own byte order.
    return socket.inet_ntoa(struct.pack("=I", int(number, 16)))
