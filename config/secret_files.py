"""Secrets out of files: `JWT_SECRET_FILE` instead of `JWT_SECRET`."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from config.problem import Problem

SUFFIX = "_FILE"

# A list of keys is far below it; it keeps a mistyped /dev/zero from filling the memory.
_MAX_BYTES = 64 << 10
# Here container engines mount secrets, readable for all but in a file system of the container's own.
_ENGINE_FOLDER = Path("/run/secrets")


@dataclass(frozen=True, slots=True)
class SecretFiles:
    """What the files named by `NAME_FILE` gave.

    Attributes:
        values: What was read, by field name.
        problems: What kept a file from being read, or made it ambiguous, by field name.
        exposed: One for each file that every user of this machine can read; a problem in production.
    """

    values: Mapping[str, str] = field(repr=False)
    problems: Mapping[str, Problem]
    exposed: tuple[Problem, ...]


def read_secret_files(fields: Iterable[str], environment: Mapping[str, str]) -> SecretFiles:
    """Read the file of each secret that has one.

    Args:
        fields: Field names of secrets.
        environment: All that is set, names in lower case; what is empty counts as not set.
    """
    values: dict[str, str] = {}
    problems: dict[str, Problem] = {}
    exposed: list[Problem] = []
    for secret in fields:
        given = environment.get(secret + SUFFIX.lower())
        if not given:
            continue
        plain, name, path = secret.upper(), secret.upper() + SUFFIX, Path(given)
        if environment.get(secret):
            problems[secret] = Problem(name, f"{plain} is set, too", "remove one of the two")
            continue
        try:
            path = path.expanduser()
            values[secret] = _read(path)
        # RuntimeError: the path begins with the `~` of somebody unknown.
        except (OSError, RuntimeError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            problems[secret] = Problem(
                name, f"{path} cannot be used: {reason}", f"correct the path, or set {plain} instead"
            )
            continue
        if readable_by_all(path):
            exposed.append(Problem(name, f"every user of this machine can read {path}", f"chmod 600 {path}"))
    return SecretFiles(values, problems, tuple(exposed))


def readable_by_all(path: Path) -> bool:
    """Whether users other than its owner and group can reach and read a file."""
    real = path.resolve()
    if real.is_relative_to(_ENGINE_FOLDER) or path.is_relative_to(_ENGINE_FOLDER):
        return False
    try:
        return bool(real.stat().st_mode & stat.S_IROTH) and all(
            folder.stat().st_mode & stat.S_IXOTH for folder in real.parents
        )
    except OSError:
        # A folder above it that we cannot look into: neither can others be shown to.
        return False


def _read(path: Path) -> str:
    # Non-blocking: opening a named pipe would wait for its writer for ever.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError(f"it is longer than {_MAX_BYTES >> 10} KiB")
    try:
        text = data.decode().strip()
    except UnicodeDecodeError:
        # The exception quotes the bytes it stumbled over, and they are a secret.
        raise ValueError("it is no UTF-8 text") from None
    if not text:
        raise ValueError("it is empty")
    return text
