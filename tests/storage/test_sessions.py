from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from storage.database import Database
from storage.devices import Devices
from storage.records import DeviceRecord, SessionRecord, UserRecord
from storage.sessions import Sessions


@pytest.fixture
async def device(devices: Devices, anna: UserRecord) -> DeviceRecord:
    return await devices.add(user_id=anna.id, name="konyha", area=None, language=None)


@pytest.fixture
def record(device: DeviceRecord) -> SessionRecord:
    now = device.created_at
    context = {"turns": [{"text": "kapcsold fel a lámpát", "at": 1.5}], "open_question": None}
    return SessionRecord("session", device.user_id, device.id, now, now + timedelta(hours=1), context)


async def test_a_session_lives_until_it_expires(database: Database, record: SessionRecord) -> None:
    sessions = Sessions(database)
    assert await sessions.live(record.device_id, record.created_at) is None
    assert await sessions.save([record]) == ()
    assert await sessions.live(record.device_id, record.created_at) == record
    assert await sessions.live(record.device_id, record.expires_at) is None


async def test_saving_again_replaces_context_and_expiry(database: Database, record: SessionRecord) -> None:
    sessions = Sessions(database)
    assert await sessions.save([record]) == ()
    later = replace(record, expires_at=record.expires_at + timedelta(hours=1), context={"turns": []})
    assert await sessions.save([later]) == ()
    assert await sessions.live(record.device_id, record.expires_at) == later


async def test_the_newest_live_session_counts(database: Database, record: SessionRecord) -> None:
    sessions = Sessions(database)
    newer = replace(record, id="newer", expires_at=record.expires_at + timedelta(hours=1))
    assert await sessions.save([newer, record]) == ()
    assert await sessions.live(record.device_id, record.created_at) == newer


async def test_a_device_and_another_user_make_no_session(
    database: Database, record: SessionRecord, bela: UserRecord
) -> None:
    forged = replace(record, id="forged", user_id=bela.id)
    assert await Sessions(database).save([forged, record]) == (forged,)
    assert await Sessions(database).live(record.device_id, record.created_at) == record


async def test_the_session_of_one_device_is_never_overwritten_by_another(
    database: Database, devices: Devices, record: SessionRecord, bela: UserRecord
) -> None:
    other = await devices.add(user_id=bela.id, name="x", area=None, language=None)
    sessions = Sessions(database)
    assert await sessions.save([record]) == ()
    stolen = replace(record, user_id=bela.id, device_id=other.id, context={"stolen": True})
    assert await sessions.save([stolen]) == (stolen,)
    assert await sessions.live(record.device_id, record.created_at) == record
    assert await sessions.live(other.id, record.created_at) is None


async def test_no_sessions_are_written_without_a_word(database: Database) -> None:
    assert await Sessions(database).save([]) == ()


async def test_expired_sessions_are_purged(database: Database, record: SessionRecord) -> None:
    sessions = Sessions(database)
    assert await sessions.save([record]) == ()
    await sessions.save([replace(record, id="newer", expires_at=record.expires_at + timedelta(hours=1))])
    assert await sessions.purge(record.expires_at) == 1
    assert await sessions.live(record.device_id, record.created_at) is not None


def test_what_was_said_does_not_show_in_a_repr(record: SessionRecord) -> None:
    assert "lámpát" not in repr(record)
