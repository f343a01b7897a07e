"""Where the server listens: the value of `LISTEN`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

DEFAULT_NAME = "default"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
# A host name as RFC 1123 has it; addresses are recognised before this is asked.
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9-]{1,63})*")
_LATER = frozenset({"tls", "wss", "ws", "http", "https"})


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """One address that the server listens on.

    Attributes:
        name: What bindings call the listener; several addresses may share it.
        scheme: `tcp`, the only one so far.
        host: An IP address (IPv6 without brackets) or a host name.
        port: 0 to 65535; 0 lets the system choose a free one.
    """

    name: str
    scheme: str
    host: str
    port: int

    @property
    def uri(self) -> str:
        """The address as `tcp://HOST:PORT`, an IPv6 host in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it; a host name other than `localhost` counts as not."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def overlaps(self, other: ListenAddress) -> bool:
        """Whether both cannot be bound at the same time.

        IPv4 and IPv6 never collide: asyncio binds IPv6 sockets for IPv6 alone.
        """
        if not self.port or self.port != other.port:
            return False
        mine, theirs = _families(self.host), _families(other.host)
        return any(
            a == b or (a.version == b.version and (a.is_unspecified or b.is_unspecified))
            for a in mine
            for b in theirs
        ) or (not mine and self.host == other.host)

    def __str__(self) -> str:
        return self.uri if self.name == DEFAULT_NAME else f"{self.name}={self.uri}"


def parse_listen(text: str) -> tuple[ListenAddress, ...]:
    """Read a comma-separated list of `[NAME=]tcp://HOST:PORT`.

    Raises:
        ValueError: If there is none, or one of them is malformed; the message names it.
    """
    addresses = tuple(_parse_one(part) for raw in text.split(",") if (part := raw.strip()))
    if not addresses:
        raise ValueError("names no address to listen on")
    return addresses


def _parse_one(text: str) -> ListenAddress:
    name, separator, uri = (
        text.partition("=") if "=" in text.partition("://")[0] else (DEFAULT_NAME, "", text)
    )
    if separator and not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a listener: a-z, 0-9, - and _, at most 32, are")
    try:
        parts = urlsplit(uri)
        port = parts.port
        host = parts.hostname
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}") from None
    if parts.scheme in _LATER:
        raise ValueError(f"{text!r}: {parts.scheme} is not served yet, only tcp is")
    if parts.scheme != "tcp":
        raise ValueError(f"{text!r} does not have the form [NAME=]tcp://HOST:PORT")
    if not host or port is None:
        raise ValueError(f"{text!r} lacks its {'port' if host else 'host'}")
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        raise ValueError(f"{text!r} has more than a host and a port")
    return ListenAddress(name=name, scheme=parts.scheme, host=_checked_host(host), port=port)


def _checked_host(host: str) -> str:
    address, _, _scope = host.partition("%")
    try:
        ip_address(address)
    except ValueError:
        # Digits and dots alone are a mistyped address, which would otherwise go to the resolver.
        if not _HOST_NAME.fullmatch(host) or re.fullmatch(r"[0-9.]+", host):
            raise ValueError(f"{host!r} is neither an address nor a host name") from None
    return host


def _families(host: str) -> tuple[IPv4Address | IPv6Address, ...]:
    if host == "localhost":
        return (ip_address("127.0.0.1"), ip_address("::1"))
    try:
        return (ip_address(host.partition("%")[0]),)
    except ValueError:
        return ()
