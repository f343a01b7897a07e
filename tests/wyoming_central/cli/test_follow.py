"""Waiting for an instance, with the test in the place of the server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from storage.errors import NotFoundError
from storage.lease import SERVER_LEASE, Lease
from storage.records import DesiredState, InstanceRecord, InstanceStatus
from wyoming_central.cli import follow as follow_module
from wyoming_central.cli.follow import InstanceFailedError, NoServerError, follow
from wyoming_central.cli.store import Store, open_store


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_module, "_POLL_SECONDS", 0.001)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    async with open_store(create=True) as opened:
        yield opened


@pytest.fixture
async def lease(store: Store) -> Lease:
    held = Lease(store.database, name=SERVER_LEASE, holder="test", ttl_seconds=60)
    assert await held.acquire()
    return held


@pytest.fixture
async def asked(store: Store) -> InstanceRecord:
    user = await store.users.add(email="a@example.org", password_hash="x", language="hu")
    return await store.instances.request(
        user_id=user.id,
        driver="process",
        timezone="UTC",
        language="hu",
        country=None,
        port_range=range(8200, 8210),
    )


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(follow_module, "note", lines.append)
    return lines


async def until_shown(shown: list[str], line: str) -> None:
    async with asyncio.timeout(10):
        while line not in shown:
            await asyncio.sleep(0.001)


async def test_every_step_is_shown_once_until_it_is_ready(
    store: Store, lease: Lease, asked: InstanceRecord, shown: list[str]
) -> None:
    del lease
    waiting = asyncio.create_task(follow(store, asked))
    await until_shown(shown, "requested")
    for status, phase in (
        (InstanceStatus.CREATING, "Home Assistant (20 %)"),
        (InstanceStatus.STARTING, None),
        (InstanceStatus.ONBOARDING, "token"),
    ):
        await store.instances.observed(asked.user_id, status=status, phase=phase)
        await until_shown(shown, f"{status.value}: {phase}" if phase else status.value)
    await store.instances.observed(asked.user_id, status=InstanceStatus.READY, observed_generation=1)
    assert (await waiting).status is InstanceStatus.READY
    assert shown == ["requested", "creating: Home Assistant (20 %)", "starting", "onboarding: token", "ready"]


async def test_ready_before_the_restart_is_not_ready(
    store: Store, lease: Lease, asked: InstanceRecord, shown: list[str]
) -> None:
    del lease
    await store.instances.observed(asked.user_id, status=InstanceStatus.READY, observed_generation=1)
    asked = await store.instances.restart(asked.user_id)
    waiting = asyncio.create_task(follow(store, asked))
    await until_shown(shown, "ready")
    assert not waiting.done()
    await store.instances.observed(
        asked.user_id, status=InstanceStatus.READY, observed_generation=asked.generation
    )
    await waiting


async def test_stopping_ends_when_it_is_stopped(store: Store, lease: Lease, asked: InstanceRecord) -> None:
    del lease
    asked = await store.instances.set_desired(asked.user_id, DesiredState.STOPPED)
    await store.instances.observed(asked.user_id, status=InstanceStatus.STOPPED)
    assert (await follow(store, asked)).status is InstanceStatus.STOPPED


async def test_a_failure_is_told_with_its_remedy(store: Store, lease: Lease, asked: InstanceRecord) -> None:
    del lease
    await store.instances.observed(
        asked.user_id, status=InstanceStatus.FAILED, failure_reason="port-taken", failure_detail="8200"
    )
    with pytest.raises(InstanceFailedError, match="port-taken: 8200") as raised:
        await follow(store, asked)
    assert raised.value.remedy is not None


async def test_an_old_failure_is_given_time_to_be_mended(
    store: Store, lease: Lease, asked: InstanceRecord, shown: list[str]
) -> None:
    del lease
    await store.instances.observed(asked.user_id, status=InstanceStatus.FAILED, failure_reason="died")
    asked = await store.instances.restart(asked.user_id)
    waiting = asyncio.create_task(follow(store, asked))
    await until_shown(shown, "failed")
    await store.instances.observed(
        asked.user_id, status=InstanceStatus.READY, observed_generation=asked.generation
    )
    assert (await waiting).status is InstanceStatus.READY


async def test_without_a_server_nobody_waits(store: Store, asked: InstanceRecord) -> None:
    with pytest.raises(NoServerError):
        await follow(store, asked)


async def test_a_server_that_stops_ends_the_waiting(
    store: Store, lease: Lease, asked: InstanceRecord, shown: list[str]
) -> None:
    waiting = asyncio.create_task(follow(store, asked))
    await until_shown(shown, "requested")
    await lease.release()
    with pytest.raises(NoServerError):
        await waiting


async def test_a_user_who_is_removed_ends_the_waiting(
    store: Store, lease: Lease, asked: InstanceRecord
) -> None:
    del lease
    await store.users.remove(asked.user_id)
    await store.instances.remove(asked.user_id)
    with pytest.raises(NotFoundError):
        await follow(store, asked)


def test_in_a_terminal_it_is_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    with follow_module._display() as display:
        assert isinstance(display, follow_module._Bar)
    capsys.readouterr()


@pytest.mark.parametrize(
    ("status", "phase", "steps"),
    [
        (InstanceStatus.REQUESTED, None, 0),
        (InstanceStatus.CREATING, "installing Home Assistant (50 %)", 1.5),
        (InstanceStatus.ONBOARDING, "token", 3),
        (InstanceStatus.READY, None, 5),
        (InstanceStatus.FAILED, None, 0),
    ],
)
async def test_the_bar_knows_how_far_a_long_step_is(
    store: Store, asked: InstanceRecord, status: InstanceStatus, phase: str | None, steps: float
) -> None:
    await store.instances.observed(asked.user_id, status=status, phase=phase)
    assert follow_module._steps_done(await store.instances.get(asked.user_id)) == steps
