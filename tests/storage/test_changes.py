from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from storage.bindings import Bindings
from storage.changes import Changes
from storage.database import Database
from storage.devices import Devices
from storage.errors import StorageError
from storage.instances import Instances
from storage.records import ChangeKind, DesiredState, InstanceStatus, UserRecord
from storage.users import Users


async def test_nothing_was_changed_in_the_beginning(database: Database) -> None:
    changes = Changes(database)
    assert await changes.latest() == 0
    assert await changes.since(0) == []


async def test_every_mutation_that_a_server_must_notice_is_one_change(
    database: Database, users: Users, devices: Devices, bindings: Bindings, instances: Instances
) -> None:
    anna = await users.add(email="anna@example.org", password_hash="h", language="hu")
    await users.set_home(anna.id, url="http://127.0.0.1:8200", token="t")
    await users.clear_home_token(anna.id)
    device = await devices.add(user_id=anna.id, name="konyha", area=None, language=None)
    await devices.set_token(device.id, token_id="jti", expires_at=anna.created_at)
    binding = await bindings.add(
        device_id=device.id, listener="default", network="10.0.0.1", write_only=False
    )
    await bindings.remove(binding.id)
    await devices.revoke(device.id)
    await instances.request(
        user_id=anna.id,
        driver="process",
        timezone="UTC",
        language="hu",
        country=None,
        port_range=range(8200, 8210),
    )
    await instances.set_desired(anna.id, DesiredState.STOPPED)
    await instances.restart(anna.id)
    await instances.move_port(anna.id, range(8200, 8210), set())
    await instances.remove(anna.id)
    found = await Changes(database).since(0)
    assert [(change.kind, change.subject_id) for change in found] == [
        *[(ChangeKind.USER, anna.id)] * 3,
        *[(ChangeKind.DEVICE, device.id)] * 2,
        *[(ChangeKind.BINDING, binding.id)] * 2,
        (ChangeKind.DEVICE, device.id),
        *[(ChangeKind.INSTANCE, anna.id)] * 5,
    ]
    assert [change.seq for change in found] == list(range(1, len(found) + 1))
    assert found[0].created_at == anna.created_at


async def test_what_the_server_writes_itself_is_no_change(
    database: Database, instances: Instances, devices: Devices, anna: UserRecord
) -> None:
    device = await devices.add(user_id=anna.id, name="konyha", area=None, language=None)
    await instances.request_external(user_id=anna.id, timezone="UTC", language="hu")
    before = await Changes(database).latest()
    await instances.observed(anna.id, status=InstanceStatus.READY)
    await instances.set_owner_password(anna.id, "p")
    await devices.touch({device.id: anna.created_at})
    assert await Changes(database).latest() == before


async def test_what_was_refused_is_no_change(database: Database, users: Users, anna: UserRecord) -> None:
    before = await Changes(database).latest()
    for attempt in (
        users.add(email=anna.email, password_hash="h", language="hu"),
        users.set_home("nobody", url="u", token="t"),
        users.remove("nobody"),
    ):
        with pytest.raises(StorageError):
            await attempt
    assert await Changes(database).latest() == before


async def test_a_reader_never_finds_a_smaller_number_later(database: Database, users: Users) -> None:
    changes = Changes(database)
    seen: list[int] = []
    done = asyncio.Event()

    async def poll() -> None:
        while not done.is_set() or seen[-1:] != [await changes.latest()]:
            seen.extend(change.seq for change in await changes.since(seen[-1] if seen else 0))

    async def add_all() -> None:
        await asyncio.gather(
            *(
                users.add(email=f"{number}@example.org", password_hash="h", language="hu")
                for number in range(30)
            )
        )
        done.set()

    async with asyncio.timeout(30):
        await asyncio.gather(poll(), add_all())
    assert seen == list(range(1, 31))


async def test_a_number_is_never_given_again_after_a_purge(
    database: Database, users: Users, clock: object
) -> None:
    anna = await users.add(email="anna@example.org", password_hash="h", language="hu")
    changes = Changes(database)
    assert await changes.purge(anna.created_at) == 0
    assert await changes.purge(anna.created_at + timedelta(seconds=1)) == 1
    assert await changes.latest() == 1
    await users.remove(anna.id)
    assert [change.seq for change in await changes.since(1)] == [2]


async def test_a_reader_that_is_far_behind_gets_the_oldest_first(database: Database, users: Users) -> None:
    for number in range(5):
        await users.add(email=f"{number}@example.org", password_hash="h", language="hu")
    assert [change.seq for change in await Changes(database).since(1, limit=2)] == [2, 3]
