"""A base image for the server's own, made without a registry: this interpreter, pip, and wheels for both."""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Final

from tests.real.docker_engine import DockerEngine
from tests.real.home_assistant_image import linked_with

BASE_IMAGE: Final = "wyoming-central-test/python:1"

_ROOT: Final = Path(__file__).parents[2]
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
_APPLETS: Final = ("sh", "base64", "cat", "chown", "head", "id", "mkdir", "stat", "tar", "touch", "tr")
# Images of Python come without tests and without compiled code, too.
_LEFT_OUT: Final = frozenset({"__pycache__", "test", "idlelib", "tkinter", "ensurepip", "site-packages"})
# What a base image says to pip is its own affair, so the Dockerfile knows nothing of wheels.
_PIP_CONFIGURATION: Final = b"[global]\nno-index = true\nfind-links = /wheels\n"


def download_wheels(folder: Path) -> None:
    """Fetch what the image is made from with this machine's pip, as it is set up to reach an index."""
    locks = [f"--requirement={_ROOT / 'requirements' / name}" for name in ("runtime.txt", "setup.txt")]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:", "--require-hashes"),
            *locks,
            f"--dest={folder}",
        ],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"no wheels: {done.stderr}")


def make_python_image(engine: DockerEngine, wheels: Path) -> None:
    """Import the image: laid out as the usual images of Python are, with nothing to compile in it."""
    changes = [f"--change=ENV PATH={_PATH}", '--change=CMD ["python3"]']
    with subprocess.Popen(
        ["docker", "-H", engine.url, "import", *changes, "-", BASE_IMAGE],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as importing:
        assert importing.stdin is not None
        assert importing.stderr is not None
        try:
            _pack(importing.stdin, wheels)
            importing.stdin.close()
        except BrokenPipeError:
            pass
        said = importing.stderr.read().decode(errors="replace")
    if importing.returncode:
        raise RuntimeError(f"no image: {said}")


def _pack(to: IO[bytes], wheels: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    python = Path(sys.base_prefix) / "bin" / version
    standard = Path(sysconfig.get_path("stdlib"))
    lib = f"usr/local/lib/{version}"
    with tarfile.open(fileobj=to, mode="w|", dereference=True) as tar:
        tar.add(python, f"usr/local/bin/{version}")
        _link(tar, "usr/local/bin/python3", version)
        tar.add(standard, lib, filter=_needed)
        tar.add(Path(sysconfig.get_path("purelib")) / "pip", f"{lib}/site-packages/pip", filter=_needed)
        for library in sorted(
            _libraries_of(_binaries(python, standard, Path(sysconfig.get_path("platlib"))))
        ):
            # The interpreter's own is looked for in its own folder, which is another one here.
            tar.add(
                library, f"usr/lib/{Path(library).name}" if "libpython" in library else library.lstrip("/")
            )
        tar.add(Path(shutil.which("busybox") or "").resolve(), "bin/busybox")
        for applet in _APPLETS:
            _link(tar, f"bin/{applet}", "busybox")
        _file(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        _file(tar, "etc/pip.conf", _PIP_CONFIGURATION)
        for folder, mode in (("root", 0o700), ("tmp", 0o1777)):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, mode
            tar.addfile(member)
        tar.add(wheels, "wheels")


def _needed(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = member.name.rpartition("/")[2]
    return None if name in _LEFT_OUT or name.startswith("config-") or name.endswith(".a") else member


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, target
    tar.addfile(member)


def _file(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.mode, member.size = 0o644, len(content)
    tar.addfile(member, io.BytesIO(content))


def _binaries(python: Path, standard: Path, libraries: Path) -> list[Path]:
    """What is linked with libraries of this machine: the interpreter, and all modules in C."""
    return [python, *standard.glob("lib-dynload/*.so"), *libraries.rglob("*.so")]


def _libraries_of(binaries: Iterable[Path]) -> Iterator[str]:
    inside = sysconfig.get_path("platlib")
    return (path for path in linked_with(map(str, binaries)) if not path.startswith(inside))
