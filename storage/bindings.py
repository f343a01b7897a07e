"""Which peers are a device by where they connect from, because they can send no token."""

from __future__ import annotations

import ipaddress
from typing import Any, TypeAlias

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.changes import changing
from storage.clock import Clock, utc_now
from storage.database import Database, rows_affected
from storage.errors import AlreadyExistsError, InvalidValueError, NotFoundError
from storage.records import BindingRecord, ChangeKind, new_id
from storage.schema import bindings, devices

_Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_LISTENER_LENGTH = 64
# Bits before the IPv4 address in an IPv4-mapped IPv6 address, ::ffff:0:0/96.
_MAPPED_BITS = 96


class Bindings:
    """The bindings of a listener and a network to a device.

    Args:
        database: Where they are.
        clock: For the times in the rows.
    """

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def add(self, *, device_id: str, listener: str, network: str, write_only: bool) -> BindingRecord:
        """Bind whoever connects to `listener` from `network` to the device.

        Args:
            device_id: A device that is not revoked.
            listener: The name of a listener.
            network: An address or a network in CIDR notation; stored in its canonical form, IPv4 where it
                is IPv4 in IPv6's clothes. Networks of one user may contain one another: the narrowest
                counts. Those of two users may not, or the end of one's binding would make their satellite
                the other's.
            write_only: The peer never reads.

        Raises:
            NotFoundError: There is no such device, or it is revoked.
            AlreadyExistsError: This very network is bound on this listener, or another user has one there
                that shares addresses with it.
            InvalidValueError: That is no network (or an address with bits after its prefix), or no name.
        """
        canonical = canonical_network(network)
        if not listener or len(listener) > _LISTENER_LENGTH or not listener.isprintable():
            raise InvalidValueError(
                "that is no name of a listener", remedy="see LISTEN; the usual one is `default`"
            )
        binding_id = new_id()
        async with changing(self._database, ChangeKind.BINDING, binding_id, clock=self._clock) as session:
            owner = await session.scalar(
                select(devices.c.user_id).where(devices.c.id == device_id, devices.c.revoked_at.is_(None))
            )
            if owner is None:
                raise NotFoundError(
                    f"there is no device {device_id[:32]}, or it is revoked", remedy="see `device list`"
                )
            await _refuse_taken(session, owner, listener, canonical)
            record = BindingRecord(
                binding_id, device_id, owner, listener, canonical, write_only, self._clock()
            )
            await session.execute(
                insert(bindings).values(
                    id=record.id,
                    device_id=record.device_id,
                    user_id=record.user_id,
                    listener=record.listener,
                    network=record.network,
                    write_only=record.write_only,
                    created_at=record.created_at,
                )
            )
            return record

    async def list(self, user_id: str | None = None) -> tuple[BindingRecord, ...]:
        """The bindings of one user, or of all, by listener and network."""
        wanted = select(bindings).order_by(bindings.c.listener, bindings.c.network)
        if user_id is not None:
            wanted = wanted.where(bindings.c.user_id == user_id)
        async with self._database.read() as session:
            rows = (await session.execute(wanted)).all()
        return tuple(_record(row) for row in rows)

    async def remove(self, binding_id: str) -> None:
        """Remove a binding.

        Raises:
            NotFoundError: There is none with this id.
        """
        async with changing(self._database, ChangeKind.BINDING, binding_id, clock=self._clock) as session:
            gone = await session.execute(delete(bindings).where(bindings.c.id == binding_id))
            if not rows_affected(gone):
                raise NotFoundError(f"there is no binding {binding_id[:32]}", remedy="see `binding list`")


def canonical_network(network: str) -> str:
    """The one way to write a network: `10.0.0.7/32` for `10.0.0.7`, `10.0.0.0/8` for `::ffff:10.0.0.0/104`.

    Raises:
        InvalidValueError: It is no address and no network, or has bits set after its prefix.
    """
    try:
        parsed = ipaddress.ip_network(network.strip())
    except ValueError:
        raise InvalidValueError(
            f"{network[:64]!r} is no address and no network", remedy=_way_out(network)
        ) from None
    if isinstance(parsed, ipaddress.IPv6Network) and parsed.prefixlen >= _MAPPED_BITS:
        mapped = parsed.network_address.ipv4_mapped
        if mapped is not None:
            return f"{mapped}/{parsed.prefixlen - _MAPPED_BITS}"
    return str(parsed)


def _way_out(network: str) -> str:
    try:
        meant = ipaddress.ip_interface(network.strip())
    except ValueError:
        return "such as 192.168.1.7 or 192.168.1.0/24"
    return f"write {meant.ip} for the address, or {meant.network} for the network"


def _record(row: Row[Any]) -> BindingRecord:
    return BindingRecord(
        id=row.id,
        device_id=row.device_id,
        user_id=row.user_id,
        listener=row.listener,
        network=row.network,
        write_only=row.write_only,
        created_at=row.created_at,
    )


async def _refuse_taken(session: AsyncSession, owner: str, listener: str, network: str) -> None:
    rows = await session.execute(
        select(bindings.c.user_id, bindings.c.network).where(bindings.c.listener == listener)
    )
    wanted = ipaddress.ip_network(network)
    for user_id, bound in rows:
        if bound == network:
            raise AlreadyExistsError(
                f"{network} on listener {listener} is bound already", remedy="see `binding list`"
            )
        if user_id != owner and _overlap(wanted, ipaddress.ip_network(bound)):
            raise AlreadyExistsError(
                f"{network} shares addresses with {bound} of another user on listener {listener}",
                remedy="bind a network of its own, or give the users a listener each in LISTEN",
            )


def _overlap(one: _Network, other: _Network) -> bool:
    return one.version == other.version and one.overlaps(other)
