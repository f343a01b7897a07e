"""The Home Assistant of each user: what a person wants of it, and what the server saw of it last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager
from ipaddress import IPv4Network
from typing import Any

from sqlalchemy import Row, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.changes import changing
from storage.clock import Clock, utc_now
from storage.database import Database, rows_affected
from storage.errors import (
    AlreadyExistsError,
    NotFoundError,
    PortsExhaustedError,
    SubnetsExhaustedError,
)
from storage.records import ChangeKind, DesiredState, InstanceRecord, InstanceStatus, new_id
from storage.schema import ha_instances, users
from storage.secret_box import SecretBox

# Characters of `failure_detail`: it may quote what a process or Home Assistant said.
_DETAIL_LENGTH = 1000
# The width of the column `phase`.
_PHASE_LENGTH = 100
# Characters of the user's id in a container's name: enough to differ, short enough to read.
_NAME_ID_LENGTH = 12
# What every instance with a network gets: 13 addresses beside the gateway, of which it needs one.
SUBNET_PREFIX = 28


class Instances:
    """The instances, one for each user that has asked for it.

    A port is chosen and stored in one transaction, and these run one after the other
    (`storage.changes`), so no two instances ever have the same port; the table's constraint says so again.

    Args:
        database: Where they are.
        box: What the passwords of their owner accounts are encrypted with.
        clock: For the times in the rows.
    """

    def __init__(self, database: Database, box: SecretBox, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._box = box
        self._clock = clock

    async def request(
        self,
        *,
        user_id: str,
        driver: str,
        timezone: str,
        language: str,
        country: str | None,
        config_yaml: str | None = None,
        port_range: range,
        network_pool: IPv4Network | None = None,
    ) -> InstanceRecord:
        """Ask for an instance that the server runs, with the lowest free port of the range.

        Args:
            user_id: Whose it is to be.
            driver: What is to run it.
            timezone: IANA name.
            language: Two letters.
            country: ISO 3166, or None.
            config_yaml: What it is seeded with instead of the template.
            port_range: The ports to choose from.
            network_pool: The network of which it gets the lowest free subnet; None where it needs none.

        Raises:
            NotFoundError: There is no such user.
            AlreadyExistsError: The user has an instance already.
            PortsExhaustedError: Every port of the range is another instance's.
            SubnetsExhaustedError: Every subnet of the pool is another instance's.
        """
        async with self._changing(user_id) as session:
            await _require_user(session, user_id)
            await _require_no_instance(session, user_id)
            port = await _free_port(session, port_range, taken=frozenset())
            subnet = None if network_pool is None else await _free_subnet(session, network_pool, taken=())
            return await self._insert(
                session,
                user_id=user_id,
                driver=driver,
                timezone=timezone,
                language=language,
                country=country,
                config_yaml=config_yaml,
                host_port=port,
                network_subnet=subnet,
            )

    async def request_external(
        self, *, user_id: str, timezone: str, language: str, country: str | None = None
    ) -> InstanceRecord:
        """Ask for an instance that the user runs; where it is and its token is `Users.set_home`'s.

        Raises:
            NotFoundError: There is no such user.
            AlreadyExistsError: The user has an instance already.
        """
        async with self._changing(user_id) as session:
            await _require_user(session, user_id)
            await _require_no_instance(session, user_id)
            return await self._insert(
                session,
                user_id=user_id,
                driver="external",
                timezone=timezone,
                language=language,
                country=country,
            )

    async def get(self, user_id: str) -> InstanceRecord:
        """The user's instance.

        Raises:
            NotFoundError: There is none.
        """
        async with self._database.read() as session:
            return await _get(session, user_id)

    async def list(self) -> tuple[InstanceRecord, ...]:
        """All instances, oldest first; also those of removed users that are still to be taken down."""
        wanted = select(ha_instances).order_by(ha_instances.c.created_at, ha_instances.c.id)
        async with self._database.read() as session:
            rows = (await session.execute(wanted)).all()
        return tuple(_record(row) for row in rows)

    async def set_desired(self, user_id: str, desired: DesiredState) -> InstanceRecord:
        """Say where the instance should be; the server brings it there.

        Raises:
            NotFoundError: There is none, or its user was removed and it is to be started or stopped.
        """
        return await self._change(
            user_id,
            revive=desired is not DesiredState.REMOVED,
            desired=desired.value,
            # Who is glad to have it running again did not mean what was said before.
            remove_data=False,
        )

    async def ask_removal(self, user_id: str, *, with_data: bool) -> InstanceRecord:
        """Have the instance taken down; the row goes when that is done.

        Args:
            user_id: Whose instance.
            with_data: Whether what its owner made is destroyed with it; else it is kept.

        Raises:
            NotFoundError: There is none.
        """
        return await self._change(
            user_id, revive=False, desired=DesiredState.REMOVED.value, remove_data=with_data
        )

    async def restart(self, user_id: str) -> InstanceRecord:
        """Ask for the instance to be stopped and started again (a new generation of it).

        Raises:
            NotFoundError: There is none, or its user was removed.
        """
        return await self._change(user_id, revive=True, generation=ha_instances.c.generation + 1)

    async def observed(
        self,
        user_id: str,
        *,
        status: InstanceStatus,
        phase: str | None = None,
        failure_reason: str | None = None,
        failure_detail: str | None = None,
        observed_generation: int | None = None,
        container_id: str | None = None,
        version: str | None = None,
    ) -> None:
        """Write down what the server sees; nobody is told, for it is the server who would be.

        Args:
            user_id: Whose instance.
            status: Where it is now.
            phase: How far within that, cut to 100 characters, None clears it.
            failure_reason: Why it failed, None clears it.
            failure_detail: One line beside it, cut to 1000 characters, None clears it.
            observed_generation: What was brought up, None leaves it.
            container_id: What the driver knows it by, None leaves it.
            version: Of Home Assistant, None leaves it.

        Raises:
            NotFoundError: There is none.
        """
        values: dict[str, Any] = {
            "status": status.value,
            "phase": None if phase is None else phase[:_PHASE_LENGTH],
            "failure_reason": failure_reason,
            "failure_detail": None if failure_detail is None else failure_detail[:_DETAIL_LENGTH],
        }
        learned = {
            "observed_generation": observed_generation,
            "container_id": container_id,
            "version": version,
        }
        values |= {name: value for name, value in learned.items() if value is not None}
        await self._write(user_id, **values)

    async def set_owner_password(self, user_id: str, password: str) -> None:
        """Store, encrypted, the password of the owner account that the server makes in this instance.

        Raises:
            NotFoundError: There is no instance.
        """
        await self._write(user_id, internal_api_token=self._box.encrypt(password))

    async def owner_password(self, user_id: str) -> str | None:
        """The password of the owner account, in clear text, or None while there is none.

        Raises:
            NotFoundError: There is no instance.
            SecretError: The key that it was encrypted with is missing.
        """
        wanted = select(ha_instances.c.internal_api_token).where(ha_instances.c.user_id == user_id)
        async with self._database.read() as session:
            row = (await session.execute(wanted)).one_or_none()
        if row is None:
            raise _no_instance(user_id)
        return None if row.internal_api_token is None else self._box.decrypt(row.internal_api_token)

    async def move_port(self, user_id: str, port_range: range, taken: AbstractSet[int]) -> InstanceRecord:
        """Give the instance another port than the one it has, which turned out to be somebody else's.

        Args:
            user_id: Whose instance.
            port_range: The ports to choose from, the lowest free one first.
            taken: Ports of the range that others on this host listen on.

        Raises:
            NotFoundError: There is no instance.
            PortsExhaustedError: No other port is free.
        """
        async with self._changing(user_id) as session:
            # Its present port is its own and so not free either.
            port = await _free_port(session, port_range, taken=taken)
            await session.execute(
                update(ha_instances)
                .where(ha_instances.c.user_id == user_id)
                .values(host_port=port, updated_at=self._clock())
            )
            return await _get(session, user_id)

    async def move_subnet(
        self, user_id: str, pool: IPv4Network, taken: Iterable[IPv4Network]
    ) -> InstanceRecord:
        """Give the instance another subnet than the one it has, which turned out to be somebody else's.

        Args:
            user_id: Whose instance.
            pool: The network to choose from, the lowest free subnet first.
            taken: Networks that others on this host have.

        Raises:
            NotFoundError: There is no instance.
            SubnetsExhaustedError: No other subnet is free.
        """
        async with self._changing(user_id) as session:
            subnet = await _free_subnet(session, pool, taken=tuple(taken))
            await session.execute(
                update(ha_instances)
                .where(ha_instances.c.user_id == user_id)
                .values(network_subnet=subnet, updated_at=self._clock())
            )
            return await _get(session, user_id)

    async def set_limits(
        self, user_id: str, *, memory_limit: int | None, cpu_limit: float | None
    ) -> InstanceRecord:
        """Give the instance limits of its own; None for what is set for all.

        Raises:
            NotFoundError: There is none, or its user was removed.
        """
        return await self._change(user_id, revive=True, memory_limit=memory_limit, cpu_limit=cpu_limit)

    async def remove(self, user_id: str) -> None:
        """Forget the instance and free its port; whatever still runs must have been taken down before.

        Raises:
            NotFoundError: There is none.
        """
        async with self._changing(user_id) as session:
            gone = await session.execute(delete(ha_instances).where(ha_instances.c.user_id == user_id))
            if not rows_affected(gone):
                raise _no_instance(user_id)

    async def _change(self, user_id: str, *, revive: bool, **values: Any) -> InstanceRecord:
        async with self._changing(user_id) as session:
            if revive:
                await _require_user(session, user_id)
            await session.execute(
                update(ha_instances)
                .where(ha_instances.c.user_id == user_id)
                .values(updated_at=self._clock(), **values)
            )
            return await _get(session, user_id)

    async def _write(self, user_id: str, **values: Any) -> None:
        async with self._database.write() as session:
            written = await session.execute(
                update(ha_instances)
                .where(ha_instances.c.user_id == user_id)
                .values(updated_at=self._clock(), **values)
            )
            if not rows_affected(written):
                raise _no_instance(user_id)

    async def _insert(self, session: AsyncSession, **values: Any) -> InstanceRecord:
        user_id = values["user_id"]
        now = self._clock()
        await session.execute(
            insert(ha_instances).values(
                id=new_id(),
                container_name=container_name(user_id),
                status=InstanceStatus.REQUESTED.value,
                desired=DesiredState.RUNNING.value,
                generation=1,
                observed_generation=0,
                created_at=now,
                updated_at=now,
                **values,
            )
        )
        return await _get(session, user_id)

    def _changing(self, user_id: str) -> AbstractAsyncContextManager[AsyncSession]:
        return changing(self._database, ChangeKind.INSTANCE, user_id, clock=self._clock)


def container_name(user_id: str) -> str:
    """The name of the user's container, the same on every call: what a later start finds it by."""
    return f"wyoming-central-{user_id[:_NAME_ID_LENGTH]}"


async def _require_user(session: AsyncSession, user_id: str) -> None:
    if not await session.scalar(select(exists().where(users.c.id == user_id))):
        raise NotFoundError(f"there is no user {user_id[:32]}", remedy="see `user list`")


async def _require_no_instance(session: AsyncSession, user_id: str) -> None:
    if await session.scalar(select(exists().where(ha_instances.c.user_id == user_id))):
        raise AlreadyExistsError("this user has an instance already", remedy="see `instance show`")


async def _free_port(session: AsyncSession, port_range: range, *, taken: AbstractSet[int]) -> int:
    used = set((await session.scalars(select(ha_instances.c.host_port))).all())
    free = (port for port in port_range if port not in used and port not in taken)
    port = next(free, None)
    if port is None:
        raise PortsExhaustedError(
            f"all {len(port_range)} ports from {port_range.start} to {port_range.stop - 1} are taken",
            remedy="widen HA_PORT_RANGE_START to HA_PORT_RANGE_END, or remove an instance",
        )
    return port


async def _free_subnet(session: AsyncSession, pool: IPv4Network, *, taken: Sequence[IPv4Network]) -> str:
    used = set((await session.scalars(select(ha_instances.c.network_subnet))).all())
    for subnet in pool.subnets(new_prefix=SUBNET_PREFIX):
        if str(subnet) not in used and not any(subnet.overlaps(one) for one in taken):
            return str(subnet)
    raise SubnetsExhaustedError(
        f"all /{SUBNET_PREFIX} networks of {pool} are taken",
        remedy="give HA_NETWORK_POOL a larger network, or remove an instance",
    )


async def _get(session: AsyncSession, user_id: str) -> InstanceRecord:
    row = (await session.execute(select(ha_instances).where(ha_instances.c.user_id == user_id))).one_or_none()
    if row is None:
        raise _no_instance(user_id)
    return _record(row)


def _record(row: Row[Any]) -> InstanceRecord:
    return InstanceRecord(
        id=row.id,
        user_id=row.user_id,
        driver=row.driver,
        container_id=row.container_id,
        container_name=row.container_name,
        status=InstanceStatus(row.status),
        desired=DesiredState(row.desired),
        generation=row.generation,
        observed_generation=row.observed_generation,
        spec_hash=row.spec_hash,
        host_port=row.host_port,
        docker_network=row.docker_network,
        timezone=row.timezone,
        language=row.language,
        country=row.country,
        config_yaml=row.config_yaml,
        failure_reason=row.failure_reason,
        failure_detail=row.failure_detail,
        phase=row.phase,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        network_subnet=row.network_subnet,
        memory_limit=row.memory_limit,
        cpu_limit=row.cpu_limit,
        remove_data=bool(row.remove_data),
    )


def _no_instance(user_id: str) -> NotFoundError:
    return NotFoundError(f"user {user_id[:32]} has no instance", remedy="see `instance list`")
