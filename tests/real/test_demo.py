"""The demo comes true: on the newest Home Assistant that this machine can run, and on the oldest."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from provisioning.process.interpreter import find_interpreters

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(600)]

PROGRAM = Path(sys.executable).with_name("wyoming-central")
LINES = 11


def interpreter(version: tuple[int, int]) -> str:
    for found in asyncio.run(find_interpreters()):
        if found.version[:2] == version:
            return str(found.path)
    return pytest.skip(f"there is no Python {version[0]}.{version[1]} here")


@pytest.mark.parametrize("version", [None, (3, 11)], ids=["best interpreter", "3.11"])
def test_every_sentence_of_the_demo_is_seen_in_home_assistant(version: tuple[int, int] | None) -> None:
    environment = {**os.environ, "COLUMNS": "80"}
    environment.pop("PYTHONASYNCIODEBUG", None)
    if version is not None:
        environment["HA_PYTHON"] = interpreter(version)
    before = home_assistants()
    played = subprocess.run(
        [str(PROGRAM), "demo"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    assert played.stdout.count("✓") >= LINES + 1
    assert "✗" not in played.stdout
    assert "All of it was seen in Home Assistant." in played.stdout
    assert home_assistants() <= before, "nothing is left running"
    assert "Traceback" not in played.stderr


def home_assistants() -> set[int]:
    """Every process that runs a Home Assistant of a demo."""
    return {
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any("wyoming-central-demo-" in str(part) for part in process.info["cmdline"] or ())
    }
