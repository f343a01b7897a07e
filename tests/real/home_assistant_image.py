"""An image of a real Home Assistant, made without a registry from what the process driver installs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from provisioning.process.installation import Installation
from tests.real.docker_engine import DockerEngine

IMAGE: Final = "wyoming-central-test/home-assistant:1"

# Of the interpreter, what nobody needs to run something with it.
_LEFT_OUT: Final = ("test", "idlelib", "tkinter", "site-packages", "config-*", "ensurepip")
_LIBRARY: Final = re.compile(r"(?:=>\s*)?(/\S+)\s+\(0x")


def make_image(engine: DockerEngine, installation: Installation) -> None:
    """Import the installation, its interpreter, and the libraries of this machine that both load."""
    interpreter = interpreter_of(installation.python)
    venv = installation.python.parent.parent
    libraries = sorted(libraries_of([interpreter, venv]))
    imported(
        engine,
        IMAGE,
        [*left_out_of(interpreter), f"--exclude={venv}/lib64", str(interpreter), str(venv), *libraries],
    )


def imported(engine: DockerEngine, image: str, paths: Iterable[str], *, changes: Iterable[str] = ()) -> None:
    """Import files and folders of this machine as an image, each where it is here, beside a busybox.

    Args:
        engine: Where to.
        image: What it is called.
        paths: What it holds, and the options of `tar` for it.
        changes: Instructions as in a Dockerfile.

    Raises:
        RuntimeError: There is no image.
    """
    with subprocess.Popen(
        [
            # Links are followed: where they lead on this machine there is nothing in the image.
            "tar", "--create", "--absolute-names", "--dereference", "--wildcards", "--exclude=*.a",
            *paths, "/bin/busybox", "/etc/passwd", "/etc/group",
        ],
        stdout=subprocess.PIPE,
    ) as packed:  # fmt: skip
        options = [f"--change={change}" for change in changes]
        done = subprocess.run(
            ["docker", "-H", engine.url, "import", *options, "-", image],
            stdin=packed.stdout,
            capture_output=True,
            timeout=300,
            check=False,
        )
    if packed.returncode or done.returncode:
        raise RuntimeError(f"no image: {done.stderr.decode(errors='replace')}")


def left_out_of(interpreter: Path) -> list[str]:
    """The options with which `tar` leaves out what is not needed to run something."""
    return [f"--exclude={interpreter}/lib/python3.*/{name}" for name in _LEFT_OUT]


def interpreter_of(python: Path) -> Path:
    """The folder of the interpreter that a venv's `python` runs."""
    asked = [str(python), "-c", "import sys; print(sys.base_prefix)"]
    return Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())


def libraries_of(folders: Iterable[Path]) -> Iterator[str]:
    """Every shared library outside these folders that something in them is linked with."""
    roots = tuple(str(folder) for folder in folders)
    binaries = [str(path) for root in roots for path in Path(root).rglob("*.so*") if path.is_file()]
    binaries += [str(path) for root in roots for path in Path(root).glob("bin/python3*") if path.is_file()]
    found = linked_with(binaries) | {"/lib64/ld-linux-x86-64.so.2"}
    for library in found:
        if not library.startswith(roots) and Path(library).exists():
            yield library
            if (real := str(Path(library).resolve())) != library:
                yield real


def linked_with(binaries: Iterable[str]) -> set[str]:
    """The shared libraries that these load, as `ldd` names them."""
    said = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    return set(_LIBRARY.findall(said))
