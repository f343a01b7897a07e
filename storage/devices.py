"""Satellites: whose they are, where they stand, and which token is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, delete, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.changes import changing, note
from storage.clock import Clock, utc_now
from storage.database import Database
from storage.errors import AlreadyExistsError, InvalidValueError, NotFoundError
from storage.records import ChangeKind, DeviceRecord, new_id
from storage.revocations import revoke_tokens_of
from storage.schema import bindings, devices, sessions, users

_NAME_LENGTH = 100
_AREA_LENGTH = 200


class Devices:
    """The satellites of all users.

    Args:
        database: Where they are.
        clock: For the times in the rows.
    """

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def add(self, *, user_id: str, name: str, area: str | None, language: str | None) -> DeviceRecord:
        """Add a device, without a token yet.

        Raises:
            NotFoundError: There is no such user.
            AlreadyExistsError: The user has a device of this name that is not revoked.
            InvalidValueError: The name is empty, or the name or the area too long.
        """
        device_id = new_id()
        checked_name = _checked(name, "name", _NAME_LENGTH)
        checked_area = None if area is None else _checked(area, "area", _AREA_LENGTH)
        async with changing(self._database, ChangeKind.DEVICE, device_id, clock=self._clock) as session:
            await _refuse_taken_name(session, user_id, checked_name)
            await session.execute(
                insert(devices).values(
                    id=device_id,
                    user_id=user_id,
                    name=checked_name,
                    area=checked_area,
                    language=language,
                    created_at=self._clock(),
                )
            )
            return await _get(session, device_id)

    async def get(self, device_id: str) -> DeviceRecord:
        """The device with this id, revoked or not.

        Raises:
            NotFoundError: There is none.
        """
        async with self._database.read() as session:
            return await _get(session, device_id)

    async def list(self, user_id: str | None = None) -> tuple[DeviceRecord, ...]:
        """The devices of one user, or of all; revoked ones too, oldest first."""
        wanted = select(devices).order_by(devices.c.created_at, devices.c.id)
        if user_id is not None:
            wanted = wanted.where(devices.c.user_id == user_id)
        async with self._database.read() as session:
            rows = (await session.execute(wanted)).all()
        return tuple(_record(row) for row in rows)

    async def set_token(self, device_id: str, *, token_id: str, expires_at: datetime) -> DeviceRecord:
        """Make this the one valid token of the device; the one before is revoked with the same commit.

        Args:
            device_id: Whose token it is.
            token_id: The `jti`, never the token itself.
            expires_at: The token's `exp`.

        Raises:
            NotFoundError: There is no such device, or it is revoked.
            AlreadyExistsError: The token is another device's, or this device has it already.
        """
        async with changing(self._database, ChangeKind.DEVICE, device_id, clock=self._clock) as session:
            device = await _get(session, device_id)
            if device.revoked_at is not None:
                raise NotFoundError(
                    f"device {device.name} is revoked", remedy="add it anew with `device add`"
                )
            if await session.scalar(select(exists().where(devices.c.token_id == token_id))):
                raise AlreadyExistsError("this token is in use already")
            await revoke_tokens_of(session, devices.c.id == device_id, at=self._clock())
            await session.execute(
                update(devices)
                .where(devices.c.id == device_id)
                .values(token_id=token_id, token_expires_at=expires_at)
            )
            return await _get(session, device_id)

    async def revoke(self, device_id: str) -> DeviceRecord:
        """Take the device's token, bindings and session away, for ever. Doing it twice changes nothing.

        Raises:
            NotFoundError: There is no such device.
        """
        async with changing(self._database, ChangeKind.DEVICE, device_id, clock=self._clock) as session:
            device = await _get(session, device_id)
            if device.revoked_at is not None:
                return device
            now = self._clock()
            bound = await session.scalars(select(bindings.c.id).where(bindings.c.device_id == device_id))
            for binding_id in bound.all():
                await note(session, ChangeKind.BINDING, binding_id, at=now)
            await revoke_tokens_of(session, devices.c.id == device_id, at=now)
            await session.execute(delete(bindings).where(bindings.c.device_id == device_id))
            await session.execute(delete(sessions).where(sessions.c.device_id == device_id))
            await session.execute(
                update(devices)
                .where(devices.c.id == device_id)
                .values(revoked_at=now, token_id=None, token_expires_at=None)
            )
            return await _get(session, device_id)

    async def touch(self, heard: Mapping[str, datetime]) -> None:
        """Note when devices were heard, by id, unless they were heard later; unknown ones are ignored."""
        if not heard:
            return
        at = bindparam("at", type_=devices.c.last_seen_at.type)
        async with self._database.write() as session:
            await session.execute(
                update(devices)
                .where(
                    devices.c.id == bindparam("device"),
                    or_(devices.c.last_seen_at.is_(None), devices.c.last_seen_at < at),
                )
                .values(last_seen_at=at)
                .execution_options(synchronize_session=None),
                [{"device": device_id, "at": moment} for device_id, moment in heard.items()],
            )


async def _refuse_taken_name(session: AsyncSession, user_id: str, name: str) -> None:
    if not await session.scalar(select(exists().where(users.c.id == user_id))):
        raise NotFoundError(f"there is no user {user_id[:32]}", remedy="see `user list`")
    taken = exists().where(
        devices.c.user_id == user_id, devices.c.name == name, devices.c.revoked_at.is_(None)
    )
    if await session.scalar(select(taken)):
        raise AlreadyExistsError(f"this user has a device named {name} already", remedy="choose another name")


async def _get(session: AsyncSession, device_id: str) -> DeviceRecord:
    row = (await session.execute(select(devices).where(devices.c.id == device_id))).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no device {device_id[:32]}", remedy="see `device list`")
    return _record(row)


def _record(row: Row[Any]) -> DeviceRecord:
    return DeviceRecord(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        area=row.area,
        language=row.language,
        token_id=row.token_id,
        token_expires_at=row.token_expires_at,
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        revoked_at=row.revoked_at,
    )


def _checked(value: str, what: str, length: int) -> str:
    stripped = value.strip()
    if not stripped or not stripped.isprintable():
        raise InvalidValueError(f"the {what} of a device is empty or has control characters in it")
    if len(stripped) > length:
        raise InvalidValueError(f"the {what} of a device is longer than {length} characters")
    return stripped
