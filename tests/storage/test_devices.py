from __future__ import annotations

from datetime import timedelta

import pytest

from storage.bindings import Bindings
from storage.database import Database
from storage.devices import Devices
from storage.errors import AlreadyExistsError, InvalidValueError, NotFoundError
from storage.records import DeviceRecord, SessionRecord, UserRecord
from storage.revocations import Revocations
from storage.sessions import Sessions


@pytest.fixture
async def device(devices: Devices, anna: UserRecord) -> DeviceRecord:
    return await devices.add(user_id=anna.id, name="konyha", area="Konyha", language="hu")


async def test_a_new_device_has_no_token(devices: Devices, device: DeviceRecord, anna: UserRecord) -> None:
    assert (device.user_id, device.name, device.area, device.language) == (anna.id, "konyha", "Konyha", "hu")
    assert (device.token_id, device.token_expires_at, device.last_seen_at, device.revoked_at) == (None,) * 4
    assert await devices.get(device.id) == device


async def test_the_devices_of_one_user_are_not_the_others(
    devices: Devices, device: DeviceRecord, bela: UserRecord
) -> None:
    assert await devices.list(bela.id) == ()
    other = await devices.add(user_id=bela.id, name="konyha", area=None, language=None)
    assert await devices.list(bela.id) == (other,)
    assert {one.id for one in await devices.list()} == {device.id, other.id}


async def test_a_name_is_used_once_a_user_until_its_device_is_revoked(
    devices: Devices, device: DeviceRecord, anna: UserRecord
) -> None:
    with pytest.raises(AlreadyExistsError):
        await devices.add(user_id=anna.id, name=" konyha ", area=None, language=None)
    await devices.revoke(device.id)
    assert (await devices.add(user_id=anna.id, name="konyha", area=None, language=None)).id != device.id


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\x1b[2J", "\ud800"])
async def test_an_unfit_name_is_refused(devices: Devices, anna: UserRecord, name: str) -> None:
    with pytest.raises(InvalidValueError):
        await devices.add(user_id=anna.id, name=name, area=None, language=None)
    with pytest.raises(InvalidValueError):
        await devices.add(user_id=anna.id, name="x", area=name * 3, language=None)


async def test_nobody_has_no_devices(devices: Devices) -> None:
    with pytest.raises(NotFoundError):
        await devices.add(user_id="nobody", name="x", area=None, language=None)
    with pytest.raises(NotFoundError):
        await devices.get("nothing")
    with pytest.raises(NotFoundError):
        await devices.revoke("nothing")
    with pytest.raises(NotFoundError):
        await devices.set_token("nothing", token_id="jti", expires_at=devices._clock())


async def test_a_new_token_revokes_the_one_before(
    database: Database, devices: Devices, device: DeviceRecord
) -> None:
    expires = device.created_at + timedelta(days=365)
    first = await devices.set_token(device.id, token_id="first", expires_at=expires)
    assert (first.token_id, first.token_expires_at) == ("first", expires)
    revocations = Revocations(database)
    assert not await revocations.contains("first")
    await devices.set_token(device.id, token_id="second", expires_at=expires)
    assert await revocations.contains("first")
    assert not await revocations.contains("second")


async def test_a_token_belongs_to_one_device(
    devices: Devices, device: DeviceRecord, bela: UserRecord
) -> None:
    expires = device.created_at + timedelta(days=365)
    await devices.set_token(device.id, token_id="jti", expires_at=expires)
    other = await devices.add(user_id=bela.id, name="x", area=None, language=None)
    with pytest.raises(AlreadyExistsError):
        await devices.set_token(other.id, token_id="jti", expires_at=expires)
    assert (await devices.get(other.id)).token_id is None


async def test_revoking_takes_token_bindings_and_session_for_ever(
    database: Database, devices: Devices, bindings: Bindings, device: DeviceRecord
) -> None:
    now = device.created_at
    await devices.set_token(device.id, token_id="jti", expires_at=now + timedelta(days=1))
    await bindings.add(device_id=device.id, listener="default", network="10.0.0.1", write_only=False)
    sessions = Sessions(database)
    session = SessionRecord("s", device.user_id, device.id, now, now + timedelta(hours=1), {})
    assert await sessions.save([session]) == ()

    revoked = await devices.revoke(device.id)

    assert (revoked.token_id, revoked.revoked_at) == (None, now)
    assert await Revocations(database).all_ids() == {"jti"}
    assert await bindings.list() == ()
    assert await sessions.live(device.id, now) is None
    assert await sessions.save([session]) == (session,)
    with pytest.raises(NotFoundError):
        await bindings.add(device_id=device.id, listener="default", network="10.0.0.1", write_only=False)
    with pytest.raises(NotFoundError):
        await devices.set_token(device.id, token_id="other", expires_at=now)
    assert await devices.revoke(device.id) == revoked


async def test_last_seen_only_moves_forward(devices: Devices, device: DeviceRecord) -> None:
    later, earlier = device.created_at + timedelta(minutes=2), device.created_at + timedelta(minutes=1)
    await devices.touch({device.id: later})
    await devices.touch({device.id: earlier, "nothing": later})
    assert (await devices.get(device.id)).last_seen_at == later
    await devices.touch({"nothing": later})
    await devices.touch({})


async def test_a_revocation_is_forgotten_only_when_its_token_is_long_expired(
    database: Database, devices: Devices, device: DeviceRecord
) -> None:
    expires = device.created_at + timedelta(days=1)
    await devices.set_token(device.id, token_id="jti", expires_at=expires)
    await devices.revoke(device.id)
    revocations = Revocations(database)
    assert await revocations.purge(expires + timedelta(hours=23)) == 0
    assert await revocations.contains("jti")
    assert await revocations.purge(expires + timedelta(hours=25)) == 1
    assert not await revocations.contains("jti")
