from __future__ import annotations

import asyncio
import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning.driver import Progress, ProgressListener
from provisioning.errors import FailureReason, InstanceError
from provisioning.process import installation as installation_module
from provisioning.process.file_lock import file_lock
from provisioning.process.installation import MARKER, RECIPE, Installation, Installer
from provisioning.process.interpreter import Interpreter
from provisioning.process.requirements import pins_for, requirements_of

VERSION = "2025.4.4"
PYTHON = """#!/bin/sh
case "$*" in *homeassistant.const*) echo {version};; esac
"""


class StandInInstaller(Installer):
    """Builds a folder that looks like an installation; counts, and fails where it is told to."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder=folder, python=sys.executable)
        self.built = 0
        self.crash_before_the_marker = False
        self.gate: asyncio.Event | None = None

    async def _fill(self, venv: Path, interpreter: Interpreter, report: ProgressListener) -> None:
        assert not venv.exists(), "what a crash left was cleared away"
        self.built += 1
        (venv / "bin").mkdir(parents=True)
        python = venv / "bin" / "python"
        python.write_text(PYTHON.format(version=VERSION))
        python.chmod(0o700)
        if self.gate is not None:
            await self.gate.wait()
        if self.crash_before_the_marker:
            raise KeyboardInterrupt
        (venv / MARKER).write_text(json.dumps({"home_assistant": VERSION}))


def nothing(progress: Progress) -> None:
    del progress


@pytest.fixture
def installer(tmp_path: Path) -> StandInInstaller:
    return StandInInstaller(tmp_path / "home-assistant")


def folder_of(installer: StandInInstaller) -> Path:
    version = ".".join(map(str, sys.version_info[:3]))
    return installer._folder / version / f"venv-{RECIPE}"


async def test_it_is_made_once_and_found_from_then_on(installer: StandInInstaller) -> None:
    made = await installer.install(nothing)
    assert made == Installation(folder_of(installer) / "bin" / "python", VERSION)
    again = StandInInstaller(installer._folder)
    assert await again.install(nothing) == made
    assert (installer.built, again.built) == (1, 0)


async def test_two_servers_make_one_together(installer: StandInInstaller) -> None:
    other = StandInInstaller(installer._folder)
    installer.gate = asyncio.Event()
    waits = asyncio.Event()
    first = asyncio.create_task(installer.install(nothing))
    while not installer.built:
        await asyncio.sleep(0)
    second = asyncio.create_task(other.install(lambda _: waits.set()))
    await waits.wait()
    installer.gate.set()
    assert await first == await second
    assert (installer.built, other.built) == (1, 0)


async def test_a_crash_in_the_middle_is_cleared_away(installer: StandInInstaller) -> None:
    installer.crash_before_the_marker = True
    with pytest.raises(KeyboardInterrupt):
        await installer.install(nothing)
    assert not folder_of(installer).exists()
    installer.crash_before_the_marker = False
    assert (await installer.install(nothing)).version == VERSION
    assert installer.built == 2


async def test_one_whose_interpreter_is_gone_is_made_anew(installer: StandInInstaller) -> None:
    made = await installer.install(nothing)
    made.python.write_text("#!/no/such/interpreter\n")
    assert (await installer.install(nothing)).version == VERSION
    assert installer.built == 2


async def test_a_lock_is_free_again_when_its_holder_is_killed(tmp_path: Path) -> None:
    program = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); time.sleep(60)"
    )
    path = tmp_path / "folder" / "lock"
    path.parent.mkdir()
    with subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        await asyncio.to_thread(holder.stdout.readline)
        async with asyncio.timeout(10), file_lock(path, waiting=holder.kill):
            pass


async def test_a_full_disk_is_a_reason_of_its_own(
    installer: StandInInstaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(installer, "_fill", full)
    with pytest.raises(InstanceError) as failure:
        await installer.install(nothing)
    assert failure.value.reason is FailureReason.DISK_FULL


def failing_uv(folder: Path, words: str) -> str:
    """A program in the place of uv that says these words and fails."""
    uv = folder / "uv"
    uv.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 2\n")
    uv.chmod(0o700)
    return str(uv)


@pytest.mark.parametrize(
    ("words", "reason", "said"),
    [
        ("error sending request for url", FailureReason.INSTALL, "downloaded"),
        ("No space left on device", FailureReason.DISK_FULL, "cannot write"),
        ("No solution found when resolving dependencies", FailureReason.INSTALL, "does not install"),
    ],
)
async def test_why_it_does_not_install_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, reason: FailureReason, said: str
) -> None:
    monkeypatch.setattr(installation_module.uv, "find_uv_bin", lambda: failing_uv(tmp_path, words))
    with pytest.raises(InstanceError) as failure:
        await Installer(folder=tmp_path / "cache", python=sys.executable).install(nothing)
    assert failure.value.reason is reason
    assert said in failure.value.message
    assert failure.value.remedy


async def test_where_it_does_not_install_the_next_best_interpreter_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    async def two(forced: str | None) -> list[Interpreter]:
        return [Interpreter((3, 13, 0), Path(sys.executable)), Interpreter((3, 11, 7), Path(sys.executable))]

    class Picky(StandInInstaller):
        async def _fill(self, venv: Path, interpreter: Interpreter, report: ProgressListener) -> None:
            tried.append(interpreter.version_text)
            if interpreter.version >= (3, 13, 0):
                raise installation_module._UnsuitableInterpreterError(["no wheel"])
            await super()._fill(venv, interpreter, report)

    monkeypatch.setattr(installation_module, "find_interpreters", two)
    made = await Picky(tmp_path).install(nothing)
    assert tried == ["3.13.0", "3.11.7"]
    assert "3.11.7" in str(made.python)


def test_progress_never_goes_back_and_covers_the_whole() -> None:
    seen: list[float] = []

    def note(progress: Progress) -> None:
        assert progress.percent is not None
        seen.append(progress.percent)

    step = installation_module._Step("Home Assistant", note)
    for line in ("Downloading a (1MiB)", " Downloaded a", "Downloading b (1MiB)", " Downloaded b", "else"):
        step(line)
    step = installation_module._Step("its requirements", note)
    count = installation_module._Step("its compiled code", note).counting(4)
    for _ in range(5):
        count("Compiling …")
    assert seen == sorted(seen)
    assert seen[-1] == 100


async def test_secrets_of_the_server_stay_out_of_the_installation(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JWT_SECRET", "secret")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.setenv("VIRTUAL_ENV", "/elsewhere")
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mirror.example/simple")
    lines: list[str] = []
    await installation_module._run([sys.executable, "-c", "import os; print(*os.environ)"], lines.append)
    seen = set(lines[-1].split())
    assert {"UV_OFFLINE", "UV_DEFAULT_INDEX", "PATH"} <= seen
    assert seen.isdisjoint({"JWT_SECRET", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV"})


def test_requirements_are_those_of_everything_an_integration_depends_on(tmp_path: Path) -> None:
    manifests = {
        "light": {"dependencies": ["group"]},
        "group": {"requirements": ["b==1"], "dependencies": ["light", "http"]},
        "http": {"requirements": ["a==2", "b==1"]},
        "unused": {"requirements": ["c==3"]},
    }
    for name, manifest in manifests.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text(json.dumps(manifest))
    assert requirements_of(tmp_path, ["light", "not_in_this_release"]) == ["a==2", "b==1"]


def test_old_releases_get_the_pins_that_they_lack() -> None:
    assert "josepy<2" in pins_for("2024.3.3")
    assert pins_for("2025.4.4") == ()


def test_the_command_carries_the_folder_by_which_a_survivor_is_told() -> None:
    command = Installation(Path("/venv/bin/python"), VERSION).command(Path("/data/instances/one"))
    assert command[:3] == ["/venv/bin/python", "-m", "homeassistant"]
    assert command[command.index("-c") + 1] == "/data/instances/one"
    assert "--skip-pip" in command
    assert os.sep in command[0]
