from __future__ import annotations

import asyncio
from pathlib import Path

import psutil
import pytest

from provisioning.process import interpreter as interpreter_module
from provisioning.process.program import program
from tests.provisioning.until import until

# As `compileall -j` does: a process of its own holds the output open, and outlives its parent.
PARENT = ["/bin/sh", "-c", "sleep 600 & echo $!; wait"]


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_one_that_is_cancelled_is_gone_with_all_it_started() -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run() -> None:
        async with program(PARENT, environment={}, errors=asyncio.subprocess.STDOUT) as process:
            assert process.stdout is not None
            started.set_result(int(await process.stdout.readline()))
            await process.wait()

    running = asyncio.create_task(run())
    child = await started
    running.cancel()
    _, pending = await asyncio.wait({running}, timeout=5)
    assert not pending
    await until(lambda: is_gone(child))


async def test_what_outlives_one_that_was_killed_goes_with_it() -> None:
    async with program(PARENT, environment={}, errors=asyncio.subprocess.STDOUT) as process:
        assert process.stdout is not None
        child = int(await process.stdout.readline())
        process.kill()
    await until(lambda: is_gone(child))


async def test_an_interpreter_that_hangs_in_a_program_of_its_own_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\nsleep 600\n")
    shim.chmod(0o700)
    monkeypatch.setattr(interpreter_module, "PROBE_SECONDS", 0.5)
    probing = asyncio.create_task(interpreter_module._probe(shim))
    _, pending = await asyncio.wait({probing}, timeout=5)
    assert not pending
    assert probing.result() is None
