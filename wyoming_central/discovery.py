"""How satellites and Home Assistant find the server: `_wyoming._tcp` by multicast DNS.

Every name and port that is listened on is one service, announced with the addresses at which it can
really be reached. Home Assistant tells servers apart by the service's name, so that has to stay the
same: it is made of `SERVER_NAME` and of an identifier that the data folder keeps, not of the host's name.
If another server has the name already (a copied data folder), ours gets a number at its end, for as long
as that lasts, and a warning says so.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, TypeAlias

import psutil
import structlog
from zeroconf import Error, NonUniqueNameException
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from config.errors import SettingsError
from config.listen import DEFAULT_NAME, ListenAddress
from config.made_once import read_or_make

Mode: TypeAlias = Literal["auto", "on", "off"]
Address: TypeAlias = IPv4Address | IPv6Address

SERVICE_TYPE: Final = "_wyoming._tcp.local."

# DNS: a label has at most 63 bytes.
_MAX_LABEL_BYTES = 63
# More servers of one name than this are no accident that a number could mend.
_MAX_NUMBER = 9
# Probing for the name takes a second, saying goodbye half of one.
_REGISTER_SECONDS = 15.0
_CLOSE_SECONDS = 5.0
# The bridges and cables of container engines and virtual machines: nobody outside reaches us there, and
# a server with many instances has one for each.
_INTERNAL = re.compile(
    r"docker\d+|br-[0-9a-f]{12}|veth.*|virbr\d+.*|cni\d+|cali.*|flannel.*|podman\d+|hassio"
)

_IDENTIFIER = re.compile(r"[0-9a-f]{8}")
_FAMILIES = (socket.AF_INET, socket.AF_INET6)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface that is up, with its addresses."""

    name: str
    addresses: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class Service:
    """What is announced for one name and port.

    Attributes:
        label: The service's name, without its type.
        addresses: Where it can be reached, the most useful first.
        listener: The listener's name, which goes into the TXT record.
    """

    label: str
    port: int
    addresses: tuple[Address, ...]
    listener: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is announced, and the addresses whose interfaces carry the announcements."""

    services: tuple[Service, ...] = ()
    carriers: tuple[Address, ...] = ()


def server_id(data_dir: Path) -> str:
    """Give the identifier of this server: 8 hexadecimal digits, made once and kept in its data folder.

    Blocks for a few file operations.

    Raises:
        SettingsError: If the file cannot be read or written, or holds something else.
    """
    path = data_dir / "server-id"
    identifier = read_or_make(path, lambda: secrets.token_hex(4))
    if not _IDENTIFIER.fullmatch(identifier):
        raise SettingsError(f"{path} holds no identifier", remedy="remove it: then it is made anew")
    return identifier


def interfaces_up() -> list[Interface]:
    """Give the interfaces of this machine that are up, loopback among them."""
    states = psutil.net_if_stats()
    return [
        Interface(name, tuple(_addresses_of(entry.address for entry in entries if entry.family in _FAMILIES)))
        for name, entries in psutil.net_if_addrs().items()
        if name in states and states[name].isup
    ]


def _addresses_of(texts: Iterable[str]) -> Iterable[Address]:
    for text in texts:
        with suppress(ValueError):
            yield ip_address(text.partition("%")[0])


def plan(
    listeners: Sequence[ListenAddress],
    interfaces: Sequence[Interface],
    *,
    mode: Mode,
    chosen: Collection[str] = (),
    name: str,
    identifier: str,
) -> Plan:
    """Decide what to announce, and on which interfaces; empty if nothing.

    Args:
        listeners: As they are bound: with the real port, and the address instead of a host name.
        interfaces: Those that are up.
        mode: `auto` leaves out loopback, `on` announces it, too, `off` everything.
        chosen: Names of interfaces, and addresses, to keep to; empty means all but internal bridges.
        name: What the server calls itself.
        identifier: What tells it from another of that name.
    """
    if mode == "off":
        return Plan()
    usable = _chosen(interfaces, chosen)
    reachable: dict[tuple[str, int], list[Address]] = {}
    for listener in listeners:
        addresses = _reachable(listener, usable, loopback=mode == "on")
        reachable.setdefault((listener.name, listener.port), []).extend(addresses)
    services = tuple(
        Service(
            _label(name, identifier, listener), port, tuple(sorted(set(addresses), key=_usefulness)), listener
        )
        for (listener, port), addresses in reachable.items()
        if addresses
    )
    announced = {address for service in services for address in service.addresses}
    return Plan(_with_unique_labels(services), _carriers(usable, announced))


def _chosen(interfaces: Sequence[Interface], chosen: Collection[str]) -> list[Interface]:
    if not chosen:
        return [interface for interface in interfaces if not _INTERNAL.fullmatch(interface.name)]
    return [
        interface
        if interface.name in chosen
        else replace(interface, addresses=tuple(a for a in interface.addresses if str(a) in chosen))
        for interface in interfaces
    ]


def _reachable(listener: ListenAddress, interfaces: Sequence[Interface], *, loopback: bool) -> list[Address]:
    try:
        bound = ip_address(listener.host.partition("%")[0])
    except ValueError:
        return []
    addresses = [address for interface in interfaces for address in interface.addresses]
    if not bound.is_unspecified:
        return [bound] if bound in addresses and (loopback or not bound.is_loopback) else []
    of_family = [
        address for address in addresses if address.version == bound.version and not _needs_scope(address)
    ]
    outside = [address for address in of_family if not address.is_loopback]
    # Loopback beside an address that others can reach would only send them to themselves.
    return outside or (of_family if loopback else [])


def _needs_scope(address: Address) -> bool:
    # A peer cannot use fe80::1 without knowing the interface, which DNS does not tell.
    return address.version == 6 and address.is_link_local


def _usefulness(address: Address) -> tuple[bool, int, Address]:
    return (address.is_link_local, address.version, address)


def _carriers(interfaces: Sequence[Interface], announced: Collection[Address]) -> tuple[Address, ...]:
    """Give one address of each family of every interface over which something announced is reached."""
    carriers: list[Address] = []
    for interface in interfaces:
        if not any(address in announced for address in interface.addresses):
            continue
        for version in (4, 6):
            of_version = [address for address in interface.addresses if address.version == version]
            # Loopback has no IPv6 multicast.
            if of_version and not (version == 6 and of_version[0].is_loopback):
                carriers.append(of_version[0])
    return tuple(sorted(carriers, key=_usefulness))


def _label(name: str, identifier: str, listener: str) -> str:
    suffix = f" {identifier}" if listener == DEFAULT_NAME else f" {identifier} {listener}"
    # A dot would begin another label.
    clean = " ".join("".join(c if c.isprintable() and c != "." else " " for c in name).split())
    return _shortened(clean, _MAX_LABEL_BYTES - 3 - len(suffix.encode())) + suffix


def _shortened(text: str, limit: int) -> str:
    return text.encode()[:limit].decode(errors="ignore").rstrip()


def _with_unique_labels(services: tuple[Service, ...]) -> tuple[Service, ...]:
    """Give services of which two that share a listener's name differ by their port."""
    labels = [service.label for service in services]
    return tuple(
        replace(service, label=f"{_shortened(service.label, _MAX_LABEL_BYTES - 9)} {service.port}")
        if labels.index(service.label) < position
        else service
        for position, service in enumerate(services)
    )


class Advertisement:
    """Announces the server for as long as it is entered, and takes the announcement back at the end.

    It never fails: a network that is not there (yet) is a warning, and is looked for again, as is an
    address that changes.

    Args:
        listeners: As they are bound: with the real port, and the address instead of a host name.
        name: What the server calls itself.
        identifier: From `server_id`.
        version: Goes into the TXT record.
        mode: The setting `ZEROCONF`.
        chosen: The setting `ZEROCONF_INTERFACES`.
        interfaces: How the interfaces of this machine are found; called in a thread.
        refresh_seconds: How often they are looked at.
    """

    def __init__(
        self,
        listeners: Sequence[ListenAddress],
        *,
        name: str,
        identifier: str,
        version: str,
        mode: Mode = "auto",
        chosen: Collection[str] = (),
        interfaces: Callable[[], Sequence[Interface]] = interfaces_up,
        refresh_seconds: float = 30.0,
    ) -> None:
        self._listeners = tuple(listeners)
        self._name = name
        self._identifier = identifier
        self._version = version
        self._mode = mode
        self._chosen = tuple(chosen)
        self._interfaces = interfaces
        self._refresh_seconds = refresh_seconds
        self._zeroconf: AsyncZeroconf | None = None
        self._names: tuple[str, ...] = ()
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._said: str | None = None

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def start(self) -> None:
        """Begin to announce; does not wait for it, since asking around for the name takes a second."""
        if self._mode != "off" and self._task is None:
            self._task = asyncio.create_task(self._run(), name="discovery")

    async def stop(self) -> None:
        """Take back what was announced; takes up to `_CLOSE_SECONDS`. May be called twice."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        # A task that is cancelled before its first step does not get to do it.
        self._tried.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("discovery had failed", exc_info=error)

    async def announced(self) -> tuple[str, ...]:
        """Wait for the first attempt, and give the names of the services that are announced now.

        Where nothing was started, or it was stopped, that is none.
        """
        if self._task is not None:
            await self._tried.wait()
        return self._names

    async def _run(self) -> None:
        current: Plan | None = None
        try:
            while True:
                wanted = await self._plan()
                if wanted is not None and wanted != current:
                    await self._close()
                    current = wanted if await self._announce(wanted) else None
                self._tried.set()
                await asyncio.sleep(self._refresh_seconds)
        finally:
            self._tried.set()
            await self._close()

    async def _plan(self) -> Plan | None:
        try:
            interfaces = await asyncio.to_thread(self._interfaces)
        except OSError as error:
            self._warn("the network interfaces cannot be listed", reason=str(error))
            return None
        return plan(
            self._listeners,
            interfaces,
            mode=self._mode,
            chosen=self._chosen,
            name=self._name,
            identifier=self._identifier,
        )

    async def _announce(self, wanted: Plan) -> bool:
        """Announce `wanted`; give whether it is done, rather than to be tried again."""
        if not wanted.services:
            self._say_nothing_to_announce()
            return True
        try:
            async with asyncio.timeout(_REGISTER_SECONDS):
                self._zeroconf = AsyncZeroconf(interfaces=[str(address) for address in wanted.carriers])
                # Were its start cancelled, zeroconf could not be closed any more: it would keep its sockets.
                await asyncio.shield(self._zeroconf.zeroconf.async_wait_for_start())
                self._names = await self._register(self._zeroconf, wanted.services)
        # zeroconf gives RuntimeError where an interface went away under its hands.
        except (OSError, TimeoutError, RuntimeError, Error) as error:
            self._warn("the server cannot be announced", reason=f"{type(error).__name__}: {error}")
            await self._close()
            return False
        self._said = None
        _log.info(
            "announced",
            names=self._names,
            addresses=sorted({str(a) for service in wanted.services for a in service.addresses}),
        )
        return True

    async def _register(self, zeroconf: AsyncZeroconf, services: Sequence[Service]) -> tuple[str, ...]:
        for number in range(1, _MAX_NUMBER + 1):
            infos = [self._info(service, number) for service in services]
            if not await self._register_all(zeroconf, infos):
                continue
            if number > 1:
                self._warn("another server in this network has the same name", now=infos[0].name)
            return tuple(info.name for info in infos)
        raise NonUniqueNameException

    async def _register_all(self, zeroconf: AsyncZeroconf, infos: Sequence[AsyncServiceInfo]) -> bool:
        """Register all or none; none where one of the names is another's."""
        announcing: list[Awaitable[None]] = []
        unique = True
        try:
            for info in infos:
                announcing.append(await zeroconf.async_register_service(info))  # noqa: PERF401 - kept on a failure
        except NonUniqueNameException:
            unique = False
        # Else what is still being announced would follow its own goodbye.
        await asyncio.gather(*announcing)
        if not unique:
            await zeroconf.async_unregister_all_services()
        return unique

    def _info(self, service: Service, number: int) -> AsyncServiceInfo:
        suffix = "" if number == 1 else f"-{number}"
        return AsyncServiceInfo(
            SERVICE_TYPE,
            f"{service.label}{suffix}.{SERVICE_TYPE}",
            port=service.port,
            parsed_addresses=[str(address) for address in service.addresses],
            # A host name of our own: the machine's belongs to its own mDNS responder.
            server=f"wyoming-central-{self._identifier}{suffix}.local.",
            properties={"id": self._identifier, "version": self._version, "listener": service.listener},
        )

    async def _close(self) -> None:
        zeroconf, self._zeroconf, self._names = self._zeroconf, None, ()
        if zeroconf is None:
            return
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await zeroconf.async_close()
        except (OSError, TimeoutError, RuntimeError, Error) as error:
            self._warn("the announcement could not be taken back", reason=f"{type(error).__name__}: {error}")

    def _say_nothing_to_announce(self) -> None:
        if all(listener.loopback for listener in self._listeners):
            _log.info("not announced: only this machine can connect")
        else:
            self._warn("not announced: no network interface that a listener is bound to is up")

    def _warn(self, event: str, **values: object) -> None:
        # What goes on is not told again at every look.
        said = f"{event} {values}"
        if said != self._said:
            _log.warning(event, **values)
            self._said = said
