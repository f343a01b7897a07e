"""Accounts, and the address and token of each one's home."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit_values import erase_what_was_said
from storage.changes import changing, note
from storage.clock import Clock, utc_now
from storage.database import Database, rows_affected
from storage.errors import AlreadyExistsError, InvalidValueError, NotFoundError
from storage.records import ChangeKind, DesiredState, UserRecord, new_id
from storage.revocations import revoke_tokens_of
from storage.schema import bindings, devices, ha_instances, users
from storage.secret_box import SecretBox

# Characters in an address: RFC 5321, 4.5.3.1.3 (without the angle brackets).
_EMAIL_LENGTH = 254


class Users:
    """The accounts.

    Args:
        database: Where they are.
        box: What the tokens of their homes are encrypted with.
        clock: For the times in the rows.
    """

    def __init__(self, database: Database, box: SecretBox, *, clock: Clock = utc_now) -> None:
        self._database = database
        self._box = box
        self._clock = clock

    async def add(self, *, email: str, password_hash: str, language: str) -> UserRecord:
        """Add an account; `password_hash` is of `storage.passwords`.

        Raises:
            AlreadyExistsError: The address has an account, in whatever upper or lower case.
            InvalidValueError: That is no address.
        """
        user_id = new_id()
        now = self._clock()
        address = _normalised(email)
        async with changing(self._database, ChangeKind.USER, user_id, clock=self._clock) as session:
            if await session.scalar(select(exists().where(users.c.email == address))):
                raise AlreadyExistsError(f"{address} has an account already", remedy="see `user list`")
            await session.execute(
                insert(users).values(
                    id=user_id,
                    email=address,
                    password_hash=password_hash,
                    role="user",
                    language=language,
                    created_at=now,
                    updated_at=now,
                )
            )
            return await _get(session, user_id)

    async def get(self, user_id: str) -> UserRecord:
        """The account with this id.

        Raises:
            NotFoundError: There is none.
        """
        async with self._database.read() as session:
            return await _get(session, user_id)

    async def by_email(self, email: str) -> UserRecord:
        """The account with this address, in whatever upper or lower case.

        Raises:
            NotFoundError: There is none.
        """
        address = _normalised(email)
        async with self._database.read() as session:
            row = (await session.execute(select(users).where(users.c.email == address))).one_or_none()
        if row is None:
            raise NotFoundError(f"no user has the address {address}", remedy="see `user list`")
        return _record(row)

    async def list(self) -> tuple[UserRecord, ...]:
        """All accounts, by address."""
        async with self._database.read() as session:
            rows = (await session.execute(select(users).order_by(users.c.email))).all()
        return tuple(_record(row) for row in rows)

    async def password_hash(self, user_id: str) -> str:
        """What `storage.passwords.verify_password` compares with.

        Raises:
            NotFoundError: There is no such account.
        """
        async with self._database.read() as session:
            found = await session.scalar(select(users.c.password_hash).where(users.c.id == user_id))
        if found is None:
            raise _no_user(user_id)
        return str(found)

    async def remove(self, user_id: str) -> None:
        """Remove the account with its devices, bindings and sessions; its tokens are revoked.

        What was said is erased from the audit log, where only the bare rows stay. The instance is
        marked to be removed: its row stays until the server has taken it down.

        Raises:
            NotFoundError: There is no such account.
        """
        now = self._clock()
        async with changing(self._database, ChangeKind.USER, user_id, clock=self._clock) as session:
            await _note_what_goes(session, user_id, at=now)
            await revoke_tokens_of(session, devices.c.user_id == user_id, at=now)
            # Before the audit log: the audit writer holds on to the users it is writing rows of, so this
            # waits for those rows, which the next statement then sees.
            gone = await session.execute(delete(users).where(users.c.id == user_id))
            if not rows_affected(gone):
                raise _no_user(user_id)
            await erase_what_was_said(session, user_id)
            await session.execute(
                update(ha_instances)
                .where(ha_instances.c.user_id == user_id)
                .values(desired=DesiredState.REMOVED.value, remove_data=False, updated_at=now)
            )

    async def set_home(self, user_id: str, *, url: str, token: str) -> None:
        """Store where the user's Home Assistant is and the token that every call to it uses.

        Raises:
            NotFoundError: There is no such account.
        """
        await self._set_home(user_id, ha_instance_url=url, ha_token_encrypted=self._box.encrypt(token))

    async def clear_home_token(self, user_id: str) -> None:
        """Forget the token (Home Assistant refuses it); the address stays.

        Raises:
            NotFoundError: There is no such account.
        """
        await self._set_home(user_id, ha_token_encrypted=None)

    async def home_token(self, user_id: str) -> str | None:
        """The token for the user's Home Assistant, in clear text, or None where there is none.

        Raises:
            NotFoundError: There is no such account.
            SecretError: The key that it was encrypted with is missing.
        """
        async with self._database.read() as session:
            row = (
                await session.execute(select(users.c.ha_token_encrypted).where(users.c.id == user_id))
            ).one_or_none()
        if row is None:
            raise _no_user(user_id)
        return None if row.ha_token_encrypted is None else self._box.decrypt(row.ha_token_encrypted)

    async def _set_home(self, user_id: str, **values: str | None) -> None:
        async with changing(self._database, ChangeKind.USER, user_id, clock=self._clock) as session:
            changed = await session.execute(
                update(users).where(users.c.id == user_id).values(updated_at=self._clock(), **values)
            )
            if not rows_affected(changed):
                raise _no_user(user_id)


async def _note_what_goes(session: AsyncSession, user_id: str, *, at: datetime) -> None:
    """One change for everything of this user that a server may have in hand."""
    for kind, subject in (
        (ChangeKind.DEVICE, devices.c.id),
        (ChangeKind.BINDING, bindings.c.id),
        (ChangeKind.INSTANCE, ha_instances.c.user_id),
    ):
        subjects = await session.scalars(select(subject).where(subject.table.c.user_id == user_id))
        for subject_id in subjects.all():
            await note(session, kind, subject_id, at=at)


async def _get(session: AsyncSession, user_id: str) -> UserRecord:
    row = (await session.execute(select(users).where(users.c.id == user_id))).one_or_none()
    if row is None:
        raise _no_user(user_id)
    return _record(row)


def _record(row: Row[Any]) -> UserRecord:
    return UserRecord(
        id=row.id,
        email=row.email,
        language=row.language,
        role=row.role,
        ha_instance_url=row.ha_instance_url,
        has_ha_token=row.ha_token_encrypted is not None,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _normalised(email: str) -> str:
    address = email.strip().lower()
    name, at, host = address.rpartition("@")
    if (
        not (name and at and host)
        or len(address) > _EMAIL_LENGTH
        or not address.isprintable()
        or " " in address
    ):
        raise InvalidValueError("that is no e-mail address", remedy="such as anna@example.org")
    return address


def _no_user(user_id: str) -> NotFoundError:
    return NotFoundError(f"there is no user {user_id[:32]}", remedy="see `user list`")
