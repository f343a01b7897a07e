"""Home Assistant, installed once into a venv of its own and shared by all instances of the `process` driver.

It cannot live in this project's own venv: the versions that both pin contradict each other.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shutil
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
import structlog
import uv

from provisioning.driver import Progress, ProgressListener
from provisioning.errors import FailureReason, InstanceError
from provisioning.home.text import clean_text
from provisioning.process.environment import for_installation
from provisioning.process.file_lock import file_lock
from provisioning.process.interpreter import Interpreter, find_interpreters
from provisioning.process.program import program
from provisioning.process.requirements import NEEDED, OFFERED, pins_for, requirements_of

RECIPE: Final = 1
"""Grows when installations are made differently; instances that run keep the installation they run on."""

STEP_SECONDS: Final = 900.0
"""No single step (a download of 0.5 GB on a slow line) may take longer."""

MARKER: Final = "wyoming-central.json"
"""Written last: a folder that holds it is complete."""

# How many per cent of the whole each step takes, as measured for 2025.4 with an empty cache.
_SHARES: Final = {
    "Home Assistant": (0.0, 60.0),
    "its requirements": (60.0, 75.0),
    "its compiled code": (75.0, 100.0),
}

_NETWORK_TROUBLE = re.compile(
    r"error sending request|dns error|failed to fetch|could not connect|timed? ?out"
    r"|connection (refused|reset)",
    re.IGNORECASE,
)

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Installation:
    """A complete Home Assistant: the Python to run it with, and its version."""

    python: Path
    version: str

    def command(self, config_folder: Path) -> list[str]:
        """The command line that runs an instance on this folder."""
        return [
            str(self.python),
            "-m",
            "homeassistant",
            "-c",
            str(config_folder),
            "--skip-pip",
            "--log-no-color",
        ]


class Installer:
    """Makes an installation, or finds the one that was made before.

    Args:
        folder: Where installations are kept, one a version of Python (`CACHE_DIR/home-assistant`).
        python: The only interpreter to consider (`HA_PYTHON`), or None for the best one there is.
    """

    def __init__(self, *, folder: Path, python: str | None = None) -> None:
        self._folder = folder
        self._python = python

    async def install(self, report: ProgressListener) -> Installation:
        """Give the installation on the best interpreter, made now if it is not there yet.

        Several processes may ask at once: one makes it, the others wait. A crash in the middle leaves
        something unfinished that the next one clears away.

        Raises:
            InstanceError: There is no interpreter (`no-interpreter`), no room (`disk-full`), or it failed
                (`install`).
        """
        interpreters = await find_interpreters(self._python)
        for interpreter, next_best in zip(interpreters, [*interpreters[1:], None], strict=True):
            try:
                return await self._install_on(interpreter, report)
            except _UnsuitableInterpreterError as error:
                if next_best is None:
                    raise error.as_instance_error() from error
                _logger.warning(
                    "home_assistant_does_not_install",
                    python=interpreter.version_text,
                    reason=error.lines[-1] if error.lines else "",
                    next=next_best.version_text,
                )
        raise AssertionError("find_interpreters gives at least one")

    async def _install_on(self, interpreter: Interpreter, report: ProgressListener) -> Installation:
        folder = self._folder / interpreter.version_text
        target = folder / f"venv-{RECIPE}"
        if found := await _complete(target):
            return found
        try:
            async with file_lock(
                folder / "lock",
                waiting=lambda: report(Progress("Home Assistant, which another process is about already")),
            ):
                return await _complete(target) or await self._build(interpreter, target, report)
        except OSError as error:
            raise _disk_error(error, folder) from error

    async def _build(self, interpreter: Interpreter, target: Path, report: ProgressListener) -> Installation:
        """Build beside the target, then rename: what has the target's name is complete."""
        _logger.info("home_assistant_installing", python=interpreter.version_text, folder=str(target))
        building = target.with_name(f"{target.name}.building")
        await asyncio.to_thread(_clear, building, target)
        await self._fill(building, interpreter, report)
        await asyncio.to_thread(building.rename, target)
        report(Progress("Home Assistant", 100))
        found = await _complete(target)
        if found is None:
            raise InstanceError(
                FailureReason.INSTALL,
                "the new installation of Home Assistant does not run",
                remedy=f"name another interpreter with HA_PYTHON, and remove {target}",
            )
        _logger.info("home_assistant_installed", version=found.version, python=interpreter.version_text)
        return found

    async def _fill(self, venv: Path, interpreter: Interpreter, report: ProgressListener) -> None:
        uv_bin = uv.find_uv_bin()
        python = venv / "bin" / "python"
        install = [uv_bin, "pip", "install", "--python", str(python), "--no-progress"]

        step = _Step("Home Assistant", report)
        await _run(
            [uv_bin, "venv", "--no-python-downloads", "--python", str(interpreter.path), str(venv)], step
        )
        await _run([*install, "homeassistant"], step)
        package = _package(venv)
        version = await _version(python)

        step = _Step("its requirements", report)
        constrained = [*install, "--constraints", str(package / "package_constraints.txt")]
        components = package / "components"
        needed = await asyncio.to_thread(requirements_of, components, NEEDED)
        await _run([*constrained, *needed, *pins_for(version)], step)
        offered = await asyncio.to_thread(requirements_of, components, OFFERED)
        left_out = await _install_what_can_be(constrained, sorted(set(offered) - set(needed)), step)

        step = _Step("its compiled code", report)
        sources = await asyncio.to_thread(lambda: sum(1 for _ in package.parent.rglob("*.py")))
        workers = str(len(os.sched_getaffinity(0)))
        # Exit status 1 only says that some file (a template, a test of bad syntax) is no Python.
        await _run(
            [str(python), "-m", "compileall", "-j", workers, str(package.parent)],
            step.counting(sources),
            accept=(0, 1),
        )
        marker = {"home_assistant": version, "python": interpreter.version_text, "left_out": left_out}
        await asyncio.to_thread((venv / MARKER).write_bytes, orjson.dumps(marker))


class _Step:
    """A part of the whole: turns the lines that a program prints into per cent of the whole."""

    def __init__(self, name: str, report: ProgressListener) -> None:
        self._name = name
        self._report = report
        self._announced = 0
        self._done = 0
        self._shown = -1
        self._advance()

    def counting(self, lines: int) -> Callable[[str], None]:
        """A listener that takes every one of `lines` lines for an advance."""
        self._announced = lines

        def advance(_: str) -> None:
            self._done += 1
            self._advance()

        return advance

    def __call__(self, line: str) -> None:
        """Take a line of uv: it announces each larger download or build, and says when that is done."""
        match line.split(maxsplit=1)[:1]:
            case ["Downloading" | "Building"]:
                self._announced += 1
            case ["Downloaded" | "Built"]:
                self._done += 1
            case _:
                return
        self._advance()

    def _advance(self) -> None:
        start, end = _SHARES[self._name]
        part = min(self._done / self._announced, 1.0) if self._announced else 0.0
        percent = int(start + (end - start) * part)
        if percent > self._shown:  # announcements come late, and never make the bar go back
            self._shown = percent
            self._report(Progress(self._name, percent))


class _UnsuitableInterpreterError(Exception):
    """Home Assistant cannot be installed on this interpreter; another one may do."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("does not install")
        self.lines = lines

    def as_instance_error(self) -> InstanceError:
        return InstanceError(
            FailureReason.INSTALL,
            f"Home Assistant does not install: {'; '.join(self.lines[-3:])}",
            remedy="name another interpreter with HA_PYTHON",
        )


def _disk_error(error: OSError, folder: Path) -> InstanceError:
    return InstanceError(
        FailureReason.DISK_FULL if error.errno in {errno.ENOSPC, errno.EDQUOT} else FailureReason.INSTALL,
        f"cannot write to {folder}: {error.strerror}",
        remedy="make room (an installation takes about 1 GB), or set CACHE_DIR to another folder",
    )


async def _complete(venv: Path) -> Installation | None:
    """The installation in this folder, or None if it is missing, unfinished or its interpreter is gone.

    Raises:
        InstanceError: It is there, and cannot be looked at or run now (too many open files, no memory): no
            reason to make it anew under the instances that run on it.
    """
    python = venv / "bin" / "python"
    try:
        marker = orjson.loads(await asyncio.to_thread((venv / MARKER).read_bytes))
        version = str(marker["home_assistant"])
        if not await asyncio.to_thread(python.exists):
            return None
        return Installation(python, version) if await _version(python) == version else None
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError, KeyError, TypeError):
        return None
    except (_UnsuitableInterpreterError, OSError) as error:
        raise InstanceError(
            FailureReason.INSTALL,
            f"the Home Assistant in {venv} cannot be run now: {type(error).__name__}",
            remedy="it is tried again; if that does not help, remove that folder: it is then made anew",
        ) from error


async def _version(python: Path) -> str:
    lines: list[str] = []
    await _run([str(python), "-c", "import homeassistant.const as c; print(c.__version__)"], lines.append)
    return clean_text(lines[-1] if lines else "", 32)


def _package(venv: Path) -> Path:
    return next(venv.glob("lib/python3.*/site-packages/homeassistant"))


def _clear(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)


async def _install_what_can_be(
    command: Sequence[str], requirements: Sequence[str], step: Callable[[str], None]
) -> list[str]:
    """Install these together, or where that fails one by one; gives those that could not be."""
    try:
        if requirements:
            await _run([*command, *requirements], step)
    except _UnsuitableInterpreterError:
        if len(requirements) == 1:
            _logger.warning("home_assistant_requirement_left_out", requirement=requirements[0])
            return list(requirements)
        parts = [await _install_what_can_be(command, [one], step) for one in requirements]
        return [requirement for part in parts for requirement in part]
    return []


async def _run(command: Sequence[str], line: Callable[[str], None], *, accept: Sequence[int] = (0,)) -> None:
    """Run a step of the installation, giving each line that it prints to `line`.

    Raises:
        InstanceError: It takes too long, or the network fails it.
        _UnsuitableInterpreterError: It fails for another reason.
    """
    last: deque[str] = deque(maxlen=20)
    try:
        async with (
            asyncio.timeout(STEP_SECONDS),
            program(command, environment=for_installation(), errors=asyncio.subprocess.STDOUT) as process,
        ):
            output = process.stdout
            while output is not None and (raw := await output.readline()):
                text = clean_text(raw.decode(errors="replace"), 300)
                last.append(text)
                line(text)
            status = await process.wait()
    except TimeoutError:
        raise InstanceError(
            FailureReason.INSTALL, f"installing Home Assistant took longer than {STEP_SECONDS:.0f} s"
        ) from None
    if status in accept:
        return
    lines = [text for text in last if text]
    if any("No space left" in text for text in lines):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if any(_NETWORK_TROUBLE.search(text) for text in lines):
        raise InstanceError(
            FailureReason.INSTALL,
            f"Home Assistant could not be downloaded: {'; '.join(lines[-3:])}",
            remedy="check the network; a mirror is named with UV_DEFAULT_INDEX",
        )
    raise _UnsuitableInterpreterError(lines)
