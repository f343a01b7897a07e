"""The wheel, installed elsewhere: all that is no Python (migrations, answers, templates) must be in it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
import uv

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`wyoming-central` as a wheel installs it, in a venv that has the libraries but not this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    python = folder / "venv" / "bin" / "python"
    install = [
        uv.find_uv_bin(),
        "pip",
        "install",
        "--offline",
        "--no-deps",
        "--python",
        str(python),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True, timeout=120)
    # The libraries come through a path file; their own path files, such as the checkout's, are not read.
    [site_packages] = (folder / "venv" / "lib").glob("python*/site-packages")
    (site_packages / "libraries.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    return python.with_name("wyoming-central")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.defpath, "HOME": str(tmp_path), "DATA_DIR": str(tmp_path / "data"), "LANG": "C.UTF-8"}


def run(program: Path, *arguments: str, environment: dict[str, str], stdin: str = "") -> str:
    ended = subprocess.run(
        [program, *arguments],
        input=stdin,
        env=environment,
        cwd=environment["HOME"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout + ended.stderr


def test_what_runs_is_the_wheel_and_not_the_checkout(program: Path, environment: dict[str, str]) -> None:
    packages = "config, storage, provisioning, handlers, wyoming_central"
    code = f"import {packages}; print(*(one.__file__ for one in ({packages})))"
    places = run(program.with_name("python"), "-c", code, environment=environment).split()
    assert all(Path(place).is_relative_to(program.parents[1]) for place in places)


def test_settings_are_checked(program: Path, environment: dict[str, str]) -> None:
    assert "can be used" in run(program, "config", "check", environment=environment)


def test_the_database_is_made(program: Path, environment: dict[str, str]) -> None:
    assert "to revision" in run(program, "db", "upgrade", environment=environment)
    assert json.loads(run(program, "user", "list", "--json", environment=environment)) == []


def test_sentences_are_interpreted(program: Path, environment: dict[str, str]) -> None:
    home = {"entities": [{"id": "light.lamp", "name": "Lámpa", "state": "off"}]}
    request = json.dumps({"home": home, "text": "kapcsold fel a lámpát", "language": "hu"})
    answer = json.loads(run(program, "interpret", "--jsonl", environment=environment, stdin=f"{request}\n"))
    assert answer["calls"][0]["entity_id"] == ["light.lamp"]
    assert answer["speech"]
