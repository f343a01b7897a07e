"""Which Python on this machine runs the newest Home Assistant.

Home Assistant's releases differ in the Python they need: 3.11 gets 2024.3, 3.13.0 gets 2025.4, 3.13.2 and
3.14.2 get 2026. The newer the interpreter, the newer the Home Assistant, so the newest that works is taken.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import structlog
import uv

from provisioning.errors import FailureReason, InstanceError
from provisioning.process.program import program

OLDEST: Final = (3, 11)
"""Older ones get a Home Assistant of 2023 or before, which this project does not know."""

NEWEST: Final = (3, 14)
"""For newer ones Home Assistant's compiled requirements are not made yet; pre-releases are never taken."""

PROBE_SECONDS: Final = 10.0
"""An interpreter that has not told its version by then is not taken."""

PROBES_AT_ONCE: Final = 4

_NAME = re.compile(r"python3(\.\d+)?")
_MODULES = ("ssl", "sqlite3", "ctypes", "zlib", "bz2", "lzma", "ensurepip")
"""An interpreter built without one of these installs, and fails later."""

_PROBE: Final = f"""
import json, sys
for module in {_MODULES!r}:
    __import__(module)
print(json.dumps([list(sys.version_info[:3]), sys.version_info.releaselevel, sys.implementation.name,
                  getattr(sys, "_base_executable", None) or sys.executable]))
"""

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, order=True)
class Interpreter:
    """A Python that was run and found fit: its version and its executable."""

    version: tuple[int, int, int]
    path: Path

    @property
    def version_text(self) -> str:
        """Such as `3.13.0`."""
        return ".".join(map(str, self.version))


async def find_interpreters(
    forced: str | None = None, *, environment: Mapping[str, str] | None = None
) -> list[Interpreter]:
    """The interpreters that can run a Home Assistant, best first; at least one.

    Args:
        forced: Path or name of the only one to consider (the setting `HA_PYTHON`).
        environment: Instead of this process's own.

    Raises:
        InstanceError: There is none (`no-interpreter`).
    """
    environment = os.environ if environment is None else environment
    if forced:
        return [await _probe_forced(forced, environment)]
    candidates = await asyncio.to_thread(_candidates, environment)
    candidates |= await _known_to_uv(environment)
    found = await _probe_all(sorted(candidates))
    usable = sorted({i for i in found if i and OLDEST <= i.version[:2] <= NEWEST}, reverse=True)
    if not usable:
        raise InstanceError(
            FailureReason.NO_INTERPRETER,
            f"no Python from {_dotted(OLDEST)} to {_dotted(NEWEST)} was found to run Home Assistant with",
            remedy="install one (3.13 is best), or name one with HA_PYTHON",
            transient=False,
        )
    return _one_per_version(usable)


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _one_per_version(interpreters: list[Interpreter]) -> list[Interpreter]:
    return list({interpreter.version: interpreter for interpreter in reversed(interpreters)}.values())[::-1]


async def _probe_forced(forced: str, environment: Mapping[str, str]) -> Interpreter:
    # Named as in a shell, so pyenv's shims count here.
    path = await asyncio.to_thread(shutil.which, os.path.expanduser(forced), path=environment.get("PATH"))  # noqa: PTH111, ASYNC240 - no file is looked at
    interpreter = await _probe(Path(path)) if path else None
    if interpreter is None or interpreter.version[:2] < OLDEST:
        raise InstanceError(
            FailureReason.NO_INTERPRETER,
            f"HA_PYTHON is {forced}, which is no Python {_dotted(OLDEST)} or newer that works",
            remedy="name another interpreter, or leave HA_PYTHON empty to have the best one found",
            transient=False,
        )
    return interpreter


def _candidates(environment: Mapping[str, str]) -> set[Path]:
    """Executables that look like a Python 3: our own, on the PATH, in pyenv."""
    found = {Path(getattr(sys, "_base_executable", None) or sys.executable)}
    for folder in _path(environment):
        found |= {entry for entry in _entries(folder) if _NAME.fullmatch(entry.name)}
    pyenv = Path(environment.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    found |= {version / "bin" / "python3" for version in _entries(pyenv)}
    return {path for path in found if os.access(path, os.X_OK)}


def _path(environment: Mapping[str, str]) -> Iterator[Path]:
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        # pyenv's shims are scripts that run what is chosen elsewhere; its interpreters are found by folder.
        if folder and not folder.endswith("/shims"):
            yield Path(folder)


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


async def _known_to_uv(environment: Mapping[str, str]) -> set[Path]:
    """What uv has installed or sees; empty if it cannot say."""
    path = os.pathsep.join(map(str, _path(environment)))
    output = await _output(
        [uv.find_uv_bin(), "python", "list", "--only-installed", "--output-format", "json"],
        {**environment, "PATH": path},
    )
    try:
        return {Path(entry["path"]) for entry in orjson.loads(output or b"[]")}
    except (orjson.JSONDecodeError, TypeError, KeyError):
        return set()


async def _probe_all(paths: list[Path]) -> list[Interpreter | None]:
    room = asyncio.Semaphore(PROBES_AT_ONCE)

    async def probe(path: Path) -> Interpreter | None:
        async with room:
            return await _probe(path)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(probe(path)) for path in paths]
    return [task.result() for task in tasks]


async def _probe(path: Path) -> Interpreter | None:
    """Run an interpreter and see what it is; None if it is no final CPython with the modules needed."""
    output = await _output([str(path), "-I", "-c", _PROBE], dict(os.environ))
    try:
        version, level, implementation, executable = orjson.loads(output or b"")
        if level != "final" or implementation != "cpython":
            return None
        major, minor, micro = version
        return Interpreter((major, minor, micro), Path(executable))
    except (orjson.JSONDecodeError, TypeError, ValueError):
        _logger.debug("interpreter_not_usable", path=str(path))
        return None


async def _output(command: list[str], environment: dict[str, str]) -> bytes | None:
    """What a quick command prints; None if it fails, hangs or does not exist."""
    try:
        async with (
            asyncio.timeout(PROBE_SECONDS),
            program(command, environment=environment, errors=asyncio.subprocess.DEVNULL) as process,
        ):
            output, _ = await process.communicate()
    except (OSError, TimeoutError):
        return None
    return output if process.returncode == 0 else None
