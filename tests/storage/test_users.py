from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select

from storage.audit import AuditLog, AuditWriter
from storage.bindings import Bindings
from storage.changes import Changes
from storage.database import Database
from storage.devices import Devices
from storage.errors import AlreadyExistsError, InvalidValueError, NotFoundError, SecretError
from storage.instances import Instances
from storage.records import AuditRow, ChangeKind, DesiredState, SessionRecord, UserRecord
from storage.revocations import Revocations
from storage.schema import users as users_table
from storage.secret_box import SecretBox
from storage.sessions import Sessions
from storage.users import Users


async def test_an_account_is_found_by_id_and_by_address_in_any_case(users: Users) -> None:
    added = await users.add(email="  Anna@Example.ORG ", password_hash="h", language="hu")
    assert added.email == "anna@example.org"
    assert (added.role, added.language, added.has_ha_token, added.ha_instance_url) == (
        "user",
        "hu",
        False,
        None,
    )
    assert await users.get(added.id) == added
    assert await users.by_email("ANNA@example.org") == added
    assert await users.password_hash(added.id) == "h"


async def test_one_address_has_one_account(users: Users, anna: UserRecord) -> None:
    with pytest.raises(AlreadyExistsError):
        await users.add(email="ANNA@example.org", password_hash="h", language="hu")


async def test_of_many_who_add_one_address_at_once_one_succeeds(users: Users) -> None:
    added = await asyncio.gather(
        *(users.add(email="anna@example.org", password_hash="h", language="hu") for _ in range(10)),
        return_exceptions=True,
    )
    assert sum(isinstance(one, UserRecord) for one in added) == 1
    assert sum(isinstance(one, AlreadyExistsError) for one in added) == 9


@pytest.mark.parametrize(
    "email", ["", "anna", "@example.org", "anna@", "a b@c", "a\n@b", "a\ud800@b", "a@" + "b" * 253]
)
async def test_what_is_no_address_is_refused(users: Users, email: str) -> None:
    with pytest.raises(InvalidValueError):
        await users.add(email=email, password_hash="h", language="hu")


async def test_accounts_are_listed_by_address(users: Users, bela: UserRecord, anna: UserRecord) -> None:
    assert await users.list() == (anna, bela)


async def test_who_is_not_there_is_not_found(users: Users) -> None:
    with pytest.raises(NotFoundError):
        await users.get("nobody")
    with pytest.raises(NotFoundError):
        await users.by_email("nobody@example.org")
    with pytest.raises(NotFoundError):
        await users.password_hash("nobody")
    with pytest.raises(NotFoundError):
        await users.home_token("nobody")
    with pytest.raises(NotFoundError):
        await users.set_home("nobody", url="http://127.0.0.1:8200", token="t")
    with pytest.raises(NotFoundError):
        await users.remove("nobody")


async def test_the_token_of_a_home_is_stored_encrypted(
    database: Database, users: Users, anna: UserRecord
) -> None:
    await users.set_home(anna.id, url="http://127.0.0.1:8200", token="geheim")
    assert await users.home_token(anna.id) == "geheim"
    record = await users.get(anna.id)
    assert (record.ha_instance_url, record.has_ha_token) == ("http://127.0.0.1:8200", True)
    async with database.read() as session:
        row = (await session.execute(select(users_table))).one()
    assert "geheim" not in str(row)
    assert "geheim" not in repr(record)


async def test_a_token_of_another_key_is_a_secret_error(
    database: Database, users: Users, anna: UserRecord
) -> None:
    await users.set_home(anna.id, url="http://127.0.0.1:8200", token="geheim")
    with pytest.raises(SecretError):
        await Users(database, SecretBox([Fernet.generate_key().decode()])).home_token(anna.id)


async def test_a_refused_token_is_forgotten_and_the_address_stays(users: Users, anna: UserRecord) -> None:
    await users.set_home(anna.id, url="http://127.0.0.1:8200", token="geheim")
    await users.clear_home_token(anna.id)
    assert await users.home_token(anna.id) is None
    record = await users.get(anna.id)
    assert (record.ha_instance_url, record.has_ha_token) == ("http://127.0.0.1:8200", False)


async def test_the_token_of_one_is_never_the_others(users: Users, anna: UserRecord, bela: UserRecord) -> None:
    await users.set_home(anna.id, url="http://127.0.0.1:8200", token="annas")
    await users.set_home(bela.id, url="http://127.0.0.1:8201", token="belas")
    await users.clear_home_token(anna.id)
    assert await users.home_token(anna.id) is None
    assert await users.home_token(bela.id) == "belas"


async def test_removing_a_user_leaves_nothing_of_them_and_all_of_the_others(
    database: Database,
    users: Users,
    devices: Devices,
    bindings: Bindings,
    instances: Instances,
    anna: UserRecord,
    bela: UserRecord,
    clock: object,
) -> None:
    now = anna.created_at
    sessions = Sessions(database)
    log = AuditLog(database)
    writer = AuditWriter(database)
    for number, user in enumerate((anna, bela)):
        device = await devices.add(user_id=user.id, name="konyha", area=None, language=None)
        await devices.set_token(device.id, token_id=f"jti-{number}", expires_at=now + timedelta(days=1))
        await bindings.add(
            device_id=device.id, listener="default", network=f"10.0.0.{number}", write_only=False
        )
        await instances.request(
            user_id=user.id,
            driver="process",
            timezone="UTC",
            language="hu",
            country=None,
            port_range=range(10),
        )
        record = SessionRecord(
            f"s{number}", user.id, device.id, now, now + timedelta(hours=1), {"turns": ["said"]}
        )
        assert await sessions.save([record]) == ()
        writer.record(
            AuditRow(
                f"r{number}", now, user.id, device.id, "said", {"name": "said"}, {"x": "said"}, "ok", 1.0,
                error_message="said", stages=["said"],
            )
        )  # fmt: skip
    assert await writer.close() == 0
    seen = await Changes(database).latest()

    await users.remove(anna.id)

    assert await users.list() == (bela,)
    assert [device.user_id for device in await devices.list()] == [bela.id]
    assert [binding.user_id for binding in await bindings.list()] == [bela.id]
    assert await Revocations(database).all_ids() == {"jti-0"}
    (bare, whole) = await log.tail(10)
    assert (bare.user_id, bare.status, bare.latency_ms) == (anna.id, "ok", 1.0)
    assert "said" not in str(
        [bare.input_text, bare.intent, bare.ha_response, bare.error_message, bare.stages]
    )
    assert whole.input_text == whole.error_message == "said"
    assert {instance.user_id: instance.desired for instance in await instances.list()} == {
        anna.id: DesiredState.REMOVED,
        bela.id: DesiredState.RUNNING,
    }
    belas = (await devices.list(bela.id))[0]
    assert await sessions.live(belas.id, now) is not None
    kinds = [change.kind for change in await Changes(database).since(seen)]
    assert kinds == [ChangeKind.USER, ChangeKind.DEVICE, ChangeKind.BINDING, ChangeKind.INSTANCE]


async def test_a_row_that_is_written_after_its_user_went_is_bare(
    database: Database, users: Users, anna: UserRecord
) -> None:
    writer = AuditWriter(database)
    writer.record(AuditRow("r", anna.created_at, anna.id, None, "said", {"said": 1}, None, "ok", 1.0))
    await users.remove(anna.id)
    await writer.close()
    row = await AuditLog(database).get("r")
    assert (row.user_id, row.input_text, row.intent) == (anna.id, None, None)


async def test_the_address_of_a_removed_user_is_free_again(users: Users, anna: UserRecord) -> None:
    await users.remove(anna.id)
    again = await users.add(email=anna.email, password_hash="h", language="hu")
    assert again.id != anna.id
