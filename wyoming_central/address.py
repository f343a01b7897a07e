"""One Wyoming address, as people write it."""

from __future__ import annotations

from config.listen import parse_listen
from wyoming_central.errors import AddressError


def host_and_port(uri: str) -> tuple[str, int]:
    """Host and port of `tcp://HOST:PORT`; an IPv6 address stands in brackets and is given without them.

    Raises:
        AddressError: It is not of this form.
    """
    remedy = "write it as tcp://HOST:PORT, an IPv6 address in brackets"
    try:
        addresses = parse_listen(uri)
    except ValueError as error:
        raise AddressError(str(error), remedy=remedy) from None
    if len(addresses) != 1:
        raise AddressError("that is more than one address", remedy=remedy)
    return addresses[0].host, addresses[0].port
