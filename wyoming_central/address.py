"""Wyoming addresses, as settings and people write them."""

from __future__ import annotations

from urllib.parse import urlsplit

from wyoming_central.errors import AddressError


def host_and_port(uri: str) -> tuple[str, int]:
    """Host and port of `tcp://HOST:PORT`; an IPv6 address stands in brackets and is given without them.

    Raises:
        AddressError: It is not of this form.
    """
    remedy = "write it as tcp://HOST:PORT, an IPv6 address in brackets"
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError:
        raise AddressError(f"not an address: {uri}", remedy=remedy) from None
    if parts.scheme != "tcp" or not parts.hostname or port is None or parts.path not in {"", "/"}:
        raise AddressError(f"not an address: {uri}", remedy=remedy)
    return parts.hostname, port
