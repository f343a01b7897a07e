from __future__ import annotations

import sys
from pathlib import Path

import pytest

from provisioning.errors import FailureReason, InstanceError
from provisioning.process import interpreter as interpreter_module
from provisioning.process.interpreter import find_interpreters


@pytest.fixture(autouse=True)
def only_what_the_test_makes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "_base_executable", str(tmp_path / "no-python"))
    monkeypatch.setattr(interpreter_module.uv, "find_uv_bin", lambda: str(tmp_path / "no-uv"))


def stand_in(path: Path, version: str, *, level: str = "final", implementation: str = "cpython") -> Path:
    """A program that answers as an interpreter of this version would."""
    path.parent.mkdir(parents=True, exist_ok=True)
    numbers = "[" + version.replace(".", ", ") + "]"
    path.write_text(f'#!/bin/sh\necho \'[{numbers}, "{level}", "{implementation}", "{path}"]\'\n')
    path.chmod(0o700)
    return path


def environment(tmp_path: Path, *folders: str) -> dict[str, str]:
    path = ":".join(str(tmp_path / folder) for folder in folders)
    return {"PATH": path, "PYENV_ROOT": str(tmp_path / "pyenv")}


async def versions(tmp_path: Path, *folders: str) -> list[str]:
    return [i.version_text for i in await find_interpreters(environment=environment(tmp_path, *folders))]


async def test_the_newest_comes_first_wherever_it_is(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3.11", "3.11.7")
    stand_in(tmp_path / "bin" / "python3", "3.11.7")
    stand_in(tmp_path / "pyenv" / "versions" / "3.13.0" / "bin" / "python3", "3.13.0")
    stand_in(tmp_path / "pyenv" / "versions" / "3.9.18" / "bin" / "python3", "3.9.18")
    stand_in(tmp_path / "more" / "python3.12", "3.12.1")
    assert await versions(tmp_path, "bin", "more") == ["3.13.0", "3.12.1", "3.11.7"]


async def test_what_is_no_finished_cpython_that_works_is_passed_over(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    stand_in(folder / "python3.11", "3.11.7")
    stand_in(folder / "python3.12", "3.12.0", level="beta")
    stand_in(folder / "python3.13", "3.13.0", implementation="pypy")
    stand_in(folder / "python3.15", "3.15.0")
    broken = stand_in(folder / "python3.14", "3.14.2")
    broken.write_text("#!/bin/sh\necho no module named ssl >&2\nexit 1\n")
    stand_in(tmp_path / "shims" / "python3.12", "3.12.1")
    assert await versions(tmp_path, "bin", "shims") == ["3.11.7"]


async def test_what_uv_knows_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = stand_in(tmp_path / "uv-made" / "python3.13", "3.13.5")
    uv = tmp_path / "uv"
    uv.write_text(f'#!/bin/sh\necho \'[{{"path": "{python}", "version": "3.13.5"}}]\'\n')
    uv.chmod(0o700)
    monkeypatch.setattr(interpreter_module.uv, "find_uv_bin", lambda: str(uv))
    assert await versions(tmp_path, "empty") == ["3.13.5"]


async def test_one_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter_module, "PROBE_SECONDS", 0.2)
    stand_in(tmp_path / "bin" / "python3.13", "3.13.0").write_text("#!/bin/sh\nexec sleep 60\n")
    stand_in(tmp_path / "bin" / "python3.11", "3.11.7")
    assert await versions(tmp_path, "bin") == ["3.11.7"]


async def test_where_there_is_none_it_is_said_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InstanceError) as failure:
        await versions(tmp_path, "bin")
    assert failure.value.reason is FailureReason.NO_INTERPRETER
    assert not failure.value.transient
    assert "HA_PYTHON" in (failure.value.remedy or "")


async def test_a_forced_interpreter_is_the_only_one_considered(tmp_path: Path) -> None:
    stand_in(tmp_path / "bin" / "python3.13", "3.13.0")
    old = stand_in(tmp_path / "bin" / "python3.11", "3.11.7")
    for forced in ("python3.11", str(old)):
        (found,) = await find_interpreters(forced, environment=environment(tmp_path, "bin"))
        assert (found.version_text, found.path) == ("3.11.7", old)


@pytest.mark.parametrize("forced", ["python3.99", "/no/such/python", "python2"])
async def test_a_forced_interpreter_that_does_not_do_is_refused(tmp_path: Path, forced: str) -> None:
    stand_in(tmp_path / "bin" / "python2", "2.7.18")
    with pytest.raises(InstanceError) as failure:
        await find_interpreters(forced, environment=environment(tmp_path, "bin"))
    assert failure.value.reason is FailureReason.NO_INTERPRETER
    assert forced in failure.value.message


async def test_this_very_interpreter_is_found_and_described() -> None:
    (found,) = await find_interpreters(sys.executable)
    assert found.version == sys.version_info[:3]
    assert found.path.exists()
