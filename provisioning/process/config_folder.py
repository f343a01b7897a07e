"""The folder of one instance: seeded once, its port kept right, put aside at the end.

What is seeded belongs to the owner of the home from then on. Only where Home Assistant listens is written
before every start, because that is the server's to decide.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

import orjson

from provisioning.driver import InstanceSpec
from provisioning.errors import FailureReason, InstanceError
from provisioning.first_files import first_files, stored

LISTEN_FILE: Final = "wyoming_central_http.yaml"
"""Included as `http:`; the first name in it says whose it is."""

CONSOLE_FILE: Final = "console.log"
"""What the process prints: Home Assistant's log, and the traceback where it did not come that far."""

CLAIM_FILE: Final = "wyoming_central.lock"
"""Locked by whoever runs in the folder."""

_HTTP_SECTION = re.compile(r"^http\s*:(.*)$", re.MULTILINE)
_HTTP_VERSION: Final = (1, 1)


def seed(folder: Path, spec: InstanceSpec, *, version: str) -> None:
    """Make the folder fit for a start as `spec` says; safe to repeat, also after a crash half-way.

    Args:
        folder: Config folder of the instance, made where it is missing.
        spec: Language, country, time zone and configuration count for a new folder only, the port always.
        version: Of the Home Assistant that will run on it.

    Raises:
        InstanceError: The disk is full, or the owner's configuration says where to listen by itself.
    """
    try:
        folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # the mode counts for the last one only
        folder.mkdir(mode=0o700, exist_ok=True)
        storage = folder / ".storage"
        storage.mkdir(mode=0o700, exist_ok=True)
        for name, content in first_files(spec).items():
            _write_new(folder / name, content)
        _listen(folder, spec, version=version)
    except OSError as error:
        raise InstanceError(
            FailureReason.DISK_FULL
            if error.errno in {errno.ENOSPC, errno.EDQUOT}
            else FailureReason.CONFIGURATION,
            f"the folder of the instance cannot be written: {error.strerror}",
            remedy="make room, or look at who owns the data folder",
        ) from error


def claim(folder: Path) -> int | None:
    """A lock on the folder, as an open descriptor; None if somebody holds it already.

    Handed on to the Home Assistant that runs in the folder, it is held for as long as that lives, whatever
    becomes of the server: two on one folder would ruin it.

    Raises:
        OSError: The lock cannot be made.
    """
    descriptor = os.open(folder / CLAIM_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def put_aside(folder: Path, removed: Path) -> None:
    """Move the folder to a fresh name under `removed`; one that does not exist is fine."""
    if not folder.exists():
        return
    removed.mkdir(mode=0o700, parents=True, exist_ok=True)
    # mkdtemp makes the name ours alone, and renaming onto an empty folder replaces it in one step.
    folder.rename(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=removed))


def destroy(folder: Path) -> None:
    """Delete the folder and all that is in it; one that does not exist is fine."""
    if folder.exists():
        shutil.rmtree(folder)


def _listen(folder: Path, spec: InstanceSpec, *, version: str) -> None:
    """Have Home Assistant listen on 127.0.0.1 and the port of the instance, and nowhere else.

    Until 2025 that is said in YAML, and the stored copy only counts in recovery mode; from 2026 on the stored
    one counts and YAML would be a trial of five minutes. So the stored one is written always, YAML where it
    counts; and where it does not, what an older release needed there is taken out.
    """
    listen = {"server_host": ["127.0.0.1"], "server_port": spec.host_port}
    _write(folder / ".storage" / "http", stored("http", _HTTP_VERSION, listen))
    path = folder / "configuration.yaml"
    text = path.read_text(encoding="utf-8")
    section = _HTTP_SECTION.search(text)
    if section is not None and LISTEN_FILE not in section[1]:
        raise InstanceError(
            FailureReason.CONFIGURATION,
            "configuration.yaml has an `http:` section of its own, and the server must say where to listen",
            remedy=f"write `http: !include {LISTEN_FILE}` instead of it",
            transient=False,
        )
    if version >= "2026":
        if section is not None:
            _write(path, (text[: section.start()] + text[section.end() :].lstrip("\n")).encode())
        return
    # JSON is YAML.
    _write(
        folder / LISTEN_FILE, b"# Written by the server before every start.\n" + orjson.dumps(listen) + b"\n"
    )
    if section is None:
        _write(path, f"{text.rstrip()}\n\nhttp: !include {LISTEN_FILE}\n".encode())


def _write_new(path: Path, content: bytes) -> None:
    if not path.exists():
        _write(path, content)


def _write(path: Path, content: bytes) -> None:
    """Write a file at once or not at all, for its owner only."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)  # made with mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
