"""A small image of the stand-in for Home Assistant: this interpreter, aiohttp, and the program."""

from __future__ import annotations

import importlib
import shlex
import sys
from pathlib import Path
from typing import Final

from tests.real.docker_engine import DockerEngine
from tests.real.home_assistant_image import imported, interpreter_of, left_out_of, libraries_of

STAND_IN_IMAGE: Final = "wyoming-central-test/stand-in-home-assistant:1"

_ROOT: Final = Path(__file__).parents[2]
_PROGRAM: Final = (
    "provisioning/__init__.py",
    "provisioning/driver.py",
    "provisioning/fingerprint.py",
    "tests/provisioning/stand_in_onboarding.py",
    "tests/provisioning/home/stand_in_home_assistant.py",
    "tests/real/stand_in_container.py",
)
_NEEDED: Final = (
    "aiohappyeyeballs", "aiohttp", "aiosignal", "attr", "frozenlist", "idna", "multidict", "orjson",
    "propcache", "yarl",
)  # fmt: skip
# A module, no package.
_TYPING_EXTENSIONS: Final = "typing_extensions"


def stand_in_command() -> str:
    """What runs the stand-in in its image, as `HA_IMAGE_COMMAND` takes it."""
    interpreter = interpreter_of(Path(sys.executable))
    python = interpreter / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    return shlex.join([str(python), "-m", "tests.real.stand_in_container", "/config"])


def make_stand_in_image(engine: DockerEngine) -> None:
    """Import it."""
    interpreter = interpreter_of(Path(sys.executable))
    packages = [_folder_of(name) for name in _NEEDED]
    modules = [Path(importlib.import_module(_TYPING_EXTENSIONS).__file__ or "")]
    libraries = sorted(libraries_of([interpreter, *packages]))
    path = ":".join([str(_ROOT), str(packages[0].parent)])
    program = [str(_ROOT / name) for name in _PROGRAM]
    paths = map(str, [interpreter, *packages, *modules, *program, *libraries])
    imported(
        engine,
        STAND_IN_IMAGE,
        [*left_out_of(interpreter), *paths],
        changes=[f"ENV PYTHONPATH={path}", "ENV PYTHONDONTWRITEBYTECODE=1"],
    )


def _folder_of(package: str) -> Path:
    return Path(importlib.import_module(package).__file__ or "").parent
