"""What counts as one place that connections and sentences come from."""

from __future__ import annotations

import ipaddress
from functools import lru_cache
from typing import Final

# The smallest network that one household or one machine is given, and may use every address of.
_IPV6_PREFIX: Final = 64


@lru_cache(maxsize=4096)
def origin_of(address: str) -> str:
    """The origin of an IP address: IPv4 as it is, IPv6 as its /64 network; what is no address, as it is."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address, _IPV6_PREFIX), strict=False))
    except ValueError:
        return address
