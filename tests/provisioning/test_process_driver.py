"""The process driver beyond the contract, on a program that stands in for Home Assistant."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from provisioning.driver import Condition, DriverEvent, EventKind, InstanceSpec, Observation
from provisioning.errors import FailureReason, InstanceError
from provisioning.process import child as child_module
from provisioning.process import driver as driver_module
from provisioning.process.config_folder import CONSOLE_FILE
from provisioning.process.driver import ProcessDriver
from provisioning.process.log_file import MAX_BYTES
from tests.provisioning.stand_ins import StandInInstaller
from tests.provisioning.until import until


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[ProcessDriver]:
    driver = ProcessDriver(data_dir=tmp_path, installer=StandInInstaller())
    await driver.prepare(lambda _: None)
    yield driver
    for name in await driver.observe():
        await driver.stop(name, within=0.2)
    await driver.close()


def folder_of(spec: InstanceSpec, data_dir: Path) -> Path:
    return data_dir / "instances" / spec.name


def being(spec: InstanceSpec, word: str) -> InstanceSpec:
    return replace(spec, config_yaml=f"# stand-in: {word}\n")


async def look(driver: ProcessDriver, spec: InstanceSpec) -> Observation:
    return (await driver.observe([spec.name]))[spec.name]


async def until_listening(driver: ProcessDriver, spec: InstanceSpec) -> Observation:
    async def listening() -> bool:
        return (await look(driver, spec)).listening

    await until(listening)
    return await look(driver, spec)


async def next_event(driver: ProcessDriver) -> DriverEvent:
    async with asyncio.timeout(10), aclosing(driver.events()) as events:
        return await anext(events)


async def test_it_is_ready_only_when_the_process_itself_listens(
    driver: ProcessDriver, spec: InstanceSpec
) -> None:
    assert spec.host_port is not None
    await driver.start(being(spec, "never"))
    with socket.create_server(("127.0.0.1", spec.host_port)):
        assert not (await look(driver, spec)).listening, "somebody else listens there"
    await driver.remove(spec.name, keep_data=False)
    await driver.start(spec)
    assert (await until_listening(driver, spec)).condition is Condition.RUNNING


async def test_a_taken_port_is_refused_before_anything_is_started(
    driver: ProcessDriver, spec: InstanceSpec
) -> None:
    assert spec.host_port is not None
    with (
        socket.create_server(("127.0.0.1", spec.host_port)),
        pytest.raises(InstanceError) as refusal,
    ):
        await driver.start(spec)
    assert refusal.value.reason is FailureReason.PORT_TAKEN
    assert (await look(driver, spec)).condition is Condition.ABSENT


async def test_no_secret_of_the_server_reaches_an_instance(
    driver: ProcessDriver, spec: InstanceSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JWT_SECRET", "ENCRYPTION_KEY", "DATABASE_URL", "AWS_SECRET_ACCESS_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    await driver.start(spec)
    await until_listening(driver, spec)
    seen = json.loads((folder_of(spec, tmp_path) / "environment.json").read_text())
    assert "secret" not in seen.values()
    assert "PYTHONDONTWRITEBYTECODE" not in seen
    assert seen["PATH"] == os.environ["PATH"]


async def test_its_folder_and_its_log_are_for_their_owner_only(
    driver: ProcessDriver, spec: InstanceSpec, tmp_path: Path
) -> None:
    await driver.start(spec)
    await until_listening(driver, spec)
    folder = folder_of(spec, tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / CONSOLE_FILE).stat().st_mode & 0o777 == 0o600


async def test_a_process_that_ends_is_told_with_its_last_words(
    driver: ProcessDriver, spec: InstanceSpec
) -> None:
    await driver.start(being(spec, "dies"))
    assert await next_event(driver) == DriverEvent(EventKind.ENDED, spec.name)
    seen = await look(driver, spec)
    assert seen.condition is Condition.STOPPED
    assert seen.ended is not None
    assert "status 1" in seen.ended
    assert "no such thing as an" in seen.ended
    assert "\x1b" not in seen.ended
    assert not seen.restart_wanted


async def test_a_killed_process_is_told_at_once(driver: ProcessDriver, spec: InstanceSpec) -> None:
    await driver.start(spec)
    seen = await until_listening(driver, spec)
    os.kill(int(seen.container_id or ""), signal.SIGKILL)
    await next_event(driver)
    ended = (await look(driver, spec)).ended
    assert ended is not None
    assert "SIGKILL" in ended


async def test_a_restart_asked_for_in_home_assistant_is_no_death(
    driver: ProcessDriver, spec: InstanceSpec
) -> None:
    await driver.start(being(spec, "restarts"))
    await next_event(driver)
    assert (await look(driver, spec)).restart_wanted
    await driver.start(spec)
    assert not (await until_listening(driver, spec)).restart_wanted


async def test_one_that_does_not_stop_is_killed_with_all_that_it_started(
    driver: ProcessDriver, spec: InstanceSpec, tmp_path: Path
) -> None:
    await driver.start(being(spec, "parent"))
    await until_listening(driver, spec)
    grandchild = psutil.Process(int((folder_of(spec, tmp_path) / "child").read_text()))
    await driver.stop(spec.name, within=0.1)
    assert (await look(driver, spec)).condition is Condition.STOPPED
    await until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


async def test_without_pidfd_the_end_of_a_process_is_noticed_by_looking(
    driver: ProcessDriver, spec: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_pidfd(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", no_pidfd)
    monkeypatch.setattr(child_module, "POLL_SECONDS", 0.01)
    await driver.start(spec)
    seen = await until_listening(driver, spec)
    os.kill(int(seen.container_id or ""), signal.SIGKILL)
    assert (await next_event(driver)).name == spec.name
    await driver.start(spec)
    await driver.stop(spec.name, within=5)
    assert (await look(driver, spec)).condition is Condition.STOPPED


_SERVER = """
import asyncio, sys
from pathlib import Path
from provisioning.driver import InstanceSpec
from provisioning.process.driver import ProcessDriver
from tests.provisioning.stand_ins import StandInInstaller

async def main():
    driver = ProcessDriver(data_dir=Path(sys.argv[1]), installer=StandInInstaller())
    await driver.prepare(lambda _: None)
    spec = InstanceSpec("a" * 32, sys.argv[2], int(sys.argv[3]))
    await driver.start(spec)
    while not (await driver.observe([spec.name]))[spec.name].listening:
        await asyncio.sleep(0.01)
    print("up", file=sys.stderr, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


async def test_an_instance_of_a_killed_server_is_adopted_watched_and_stopped(
    driver: ProcessDriver, spec: InstanceSpec, tmp_path: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER, str(tmp_path), spec.name, str(spec.host_port)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as server:
        assert server.stderr is not None
        assert await asyncio.to_thread(server.stderr.readline) == b"up\n"
        server.kill()
    seen = await look(driver, spec)
    assert seen.condition is Condition.RUNNING
    assert seen.listening
    same_spec = InstanceSpec("a" * 32, spec.name, spec.host_port)
    assert seen.fingerprint == same_spec.fingerprint()
    assert await driver.start(spec) == seen.endpoint
    os.kill(int(seen.container_id or ""), signal.SIGKILL)
    assert (await next_event(driver)).name == spec.name
    await driver.start(spec)
    await until_listening(driver, spec)
    await driver.stop(spec.name, within=5)
    assert (await look(driver, spec)).condition is Condition.STOPPED


async def test_a_port_that_somebody_took_after_the_start_is_seen(
    driver: ProcessDriver, spec: InstanceSpec
) -> None:
    await driver.start(being(spec, "never"))
    assert not (await look(driver, spec)).port_taken
    with socket.create_server(("127.0.0.1", spec.host_port or 0)):
        seen = await look(driver, spec)
    assert (seen.listening, seen.port_taken) == (False, True)


async def test_two_servers_never_start_two_on_one_folder(
    driver: ProcessDriver, spec: InstanceSpec, tmp_path: Path
) -> None:
    """One that had looked before the other started it is held off, and adopts it the next time."""
    other = ProcessDriver(data_dir=tmp_path, installer=StandInInstaller())
    await other.prepare(lambda _: None)
    assert (await look(other, spec)).condition is not Condition.RUNNING
    await driver.start(replace(spec, host_port=spec.host_port))
    with socket.create_server(("127.0.0.1", 0)) as free:
        elsewhere = replace(spec, host_port=free.getsockname()[1])
    with pytest.raises(InstanceError, match="another process runs on the folder"):
        await other.start(elsewhere)
    assert (await look(other, spec)).container_id == (await look(driver, spec)).container_id
    await other.close()


async def test_a_folder_is_free_again_when_its_process_has_died(
    driver: ProcessDriver, spec: InstanceSpec
) -> None:
    await driver.start(spec)
    os.kill(int((await look(driver, spec)).container_id or ""), signal.SIGKILL)
    await next_event(driver)
    await driver.start(spec)
    assert (await look(driver, spec)).condition is Condition.RUNNING


async def test_processes_of_another_data_folder_are_not_ours(
    driver: ProcessDriver, spec: InstanceSpec, tmp_path: Path
) -> None:
    await driver.start(spec)
    other = ProcessDriver(data_dir=tmp_path / "other", installer=StandInInstaller())
    assert await other.observe() == {}
    await other.stop(spec.name, within=0)
    assert (await look(driver, spec)).condition is Condition.RUNNING


async def test_what_a_removed_user_made_is_put_aside_and_never_overwritten(
    driver: ProcessDriver, spec: InstanceSpec, tmp_path: Path
) -> None:
    for number in range(2):
        await driver.start(spec)
        await until_listening(driver, spec)
        (folder_of(spec, tmp_path) / "diary").write_text(str(number))
        await driver.remove(spec.name, keep_data=True)
    diaries = (tmp_path / "removed").glob("*/diary")
    assert sorted(diary.read_text() for diary in diaries) == ["0", "1"]


async def test_a_missing_installation_is_looked_for_again(
    driver: ProcessDriver, spec: InstanceSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> int:
        raise FileNotFoundError(2, "No such file or directory")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_spawn", missing)
        with pytest.raises(InstanceError) as failure:
            await driver.start(spec)
    assert failure.value.reason is FailureReason.INSTALL
    await driver.prepare(lambda _: None)
    await driver.start(spec)
    await until_listening(driver, spec)


async def test_logs_are_kept_short_however_often_something_ends(
    driver: ProcessDriver, spec: InstanceSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "TRIM_SECONDS", 0.02)
    await driver.start(spec)
    await until_listening(driver, spec)
    log = folder_of(spec, tmp_path) / CONSOLE_FILE
    with log.open("ab") as file:
        file.truncate(MAX_BYTES + 1)

    async def ends() -> None:
        while True:
            driver._events.put_nowait(DriverEvent(EventKind.ENDED, "another"))
            await asyncio.sleep(0)

    ending = asyncio.create_task(ends())
    try:
        async with asyncio.timeout(10), aclosing(driver.events()) as events:
            async for _ in events:
                if log.stat().st_size < MAX_BYTES:
                    break
                await asyncio.sleep(0)
    finally:
        ending.cancel()


async def test_folders_that_cannot_be_read_are_a_failure_of_the_driver_and_no_other(
    driver: ProcessDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreadable(instances: Path) -> list[str]:
        raise PermissionError(13, "Permission denied", str(instances))

    with monkeypatch.context() as patch:
        patch.setattr(driver_module, "_folders", unreadable)
        with pytest.raises(InstanceError, match="Permission denied") as failure:
            await driver.observe()
    assert failure.value.transient
