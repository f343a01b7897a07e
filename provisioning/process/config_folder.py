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
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import orjson

from config.data_file import read_text
from provisioning.driver import InstanceSpec
from provisioning.errors import FailureReason, InstanceError

LISTEN_FILE: Final = "wyoming_central_http.yaml"
"""Included as `http:`; the first name in it says whose it is."""

CONSOLE_FILE: Final = "console.log"
"""What the process prints: Home Assistant's log, and the traceback where it did not come that far."""

CLAIM_FILE: Final = "wyoming_central.lock"
"""Locked by whoever runs in the folder."""

_SPOKEN_NAME: Final = {"hu": "Otthon", "en": "Home"}
_US_CUSTOMARY: Final = frozenset({"US", "LR", "MM"})
_HTTP_SECTION = re.compile(r"^http\s*:(.*)$", re.MULTILINE)
_EDITED_IN_THE_UI: Final = {
    "automations.yaml": "[]\n",
    "scenes.yaml": "[]\n",
    "scripts.yaml": "{}\n",
    "groups.yaml": "{}\n",
    "secrets.yaml": "# Write `name: value` here, and `!secret name` in configuration.yaml.\n",
}

# Of Home Assistant's own storage, the oldest version that holds what is seeded: newer releases migrate it.
_CORE_CONFIG_VERSION: Final = (1, 3)
_HTTP_VERSION: Final = (1, 1)
_ONBOARDING_VERSION: Final = (4, 1)


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
        _seed_storage(storage, spec)
        for name, content in _EDITED_IN_THE_UI.items():
            _write_new(folder / name, content.encode())
        _write_new(folder / "configuration.yaml", _configuration(spec).encode())
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


def _seed_storage(storage: Path, spec: InstanceSpec) -> None:
    # Leaves the users step alone: `core_config` would start integrations that reach for the internet.
    done = {"done": ["core_config", "analytics", "integration"]}
    _write_new(storage / "onboarding", _stored("onboarding", _ONBOARDING_VERSION, done))
    _write_new(storage / "core.config", _stored("core.config", _CORE_CONFIG_VERSION, _core_config(spec)))


def _core_config(spec: InstanceSpec) -> dict[str, Any]:
    latitude, longitude, country_of_zone = _place(spec.time_zone)
    country = spec.country or country_of_zone
    return {
        "latitude": latitude,
        "longitude": longitude,
        "elevation": 0,
        "unit_system_v2": "us_customary" if country in _US_CUSTOMARY else "metric",
        "location_name": _SPOKEN_NAME.get(spec.language, _SPOKEN_NAME["en"]),
        "time_zone": spec.time_zone,
        "external_url": None,
        "internal_url": None,
        "currency": "HUF" if country == "HU" else "USD" if country == "US" else "EUR",
        "country": country,
        "language": spec.language,
    }


def _place(time_zone: str) -> tuple[float, float, str | None]:
    """About where a time zone is, from the table of the time zone database: good enough for sunset."""
    table = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        fields = line.split("\t")
        if not line.startswith("#") and len(fields) >= 3 and fields[2] == time_zone:
            match = re.fullmatch(r"([+-]\d+)([+-]\d+)", fields[1])
            if match:
                return _degrees(match[1], 2), _degrees(match[2], 3), fields[0]
    return 0.0, 0.0, None


def _degrees(text: str, digits: int) -> float:
    """Read `+4730` or `-0740023`: `digits` of degrees, two of minutes, perhaps two of seconds (ISO 6709)."""
    sign = -1 if text[0] == "-" else 1
    degrees, minutes, seconds = text[1 : digits + 1], text[digits + 1 : digits + 3], text[digits + 3 :] or "0"
    return round(sign * (int(degrees) + int(minutes) / 60 + int(seconds) / 3600), 4)


def _configuration(spec: InstanceSpec) -> str:
    if spec.config_yaml is not None:
        return spec.config_yaml
    return read_text("home_assistant/configuration.yaml")


def _listen(folder: Path, spec: InstanceSpec, *, version: str) -> None:
    """Have Home Assistant listen on 127.0.0.1 and the port of the instance, and nowhere else.

    Until 2025 that is said in YAML, and the stored copy only counts in recovery mode; from 2026 on the stored
    one counts and YAML would be a trial of five minutes. So the stored one is written always, YAML where it
    counts; and where it does not, what an older release needed there is taken out.
    """
    listen = {"server_host": ["127.0.0.1"], "server_port": spec.host_port}
    _write(folder / ".storage" / "http", _stored("http", _HTTP_VERSION, listen))
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


def _stored(key: str, version: tuple[int, int], data: Mapping[str, Any]) -> bytes:
    """A file of Home Assistant's `.storage`."""
    major, minor = version
    return orjson.dumps(
        {"version": major, "minor_version": minor, "key": key, "data": data}, option=orjson.OPT_INDENT_2
    )


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
