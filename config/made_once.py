"""Small private files that are made once, by whichever process comes first."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from config.errors import SettingsError


def read_or_make(path: Path, make: Callable[[], str]) -> str:
    """Give the text of `path`, which is made of what `make` gives if it does not exist.

    It is readable for its owner alone. Of several processes that make it at the same time one wins, and
    all get its text. A crash leaves all of it or nothing.

    Raises:
        SettingsError: If it cannot be read or written, or is empty.
    """
    try:
        with contextlib.suppress(FileNotFoundError):
            return _read(path)
        _write_once(path, make())
        return _read(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        # No cause: a decoding error quotes what it could not decode.
        raise SettingsError(
            f"{path} cannot be used: {reason}", remedy="let this user read and write it, and its folder"
        ) from None


def _read(path: Path) -> str:
    with path.open("rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            os.fchmod(file.fileno(), 0o600)
        text = file.read().decode().strip()
    if not text:
        raise SettingsError(f"{path} is empty", remedy="restore it, or remove it: then it is made anew")
    return text


def _write_once(path: Path, text: str) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, fails where there is something already: the first one wins.
        with contextlib.suppress(FileExistsError):
            os.link(temporary, path)
        _sync_folder(path.parent)
    finally:
        Path(temporary).unlink()


def _sync_folder(path: Path) -> None:
    # Else a power cut may leave a database encrypted with a key that was never written.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
