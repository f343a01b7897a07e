"""The secrets that development makes for itself, under `DATA_DIR/secrets`."""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from config.check import check_secrets
from config.errors import SettingsError
from config.private_folder import make_private_folder
from config.schema import Origin, Settings


def new_jwt_secret() -> str:
    """Give 48 random bytes in URL-safe Base64."""
    return secrets.token_urlsafe(48)


def new_encryption_key() -> str:
    """Give a Fernet key: 32 random bytes in URL-safe Base64."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


_MAKERS: Final[Mapping[str, Callable[[], str]]] = {
    "jwt_secret": new_jwt_secret,
    "encryption_key": new_encryption_key,
}


def ensure_secrets(settings: Settings) -> Settings:
    """Give settings whose `jwt_secret` and `encryption_key` are set.

    In development a missing one is read from `DATA_DIR/secrets/NAME`, and made there if need be: by
    whichever process comes first, with the others reading what it made. Blocks for a few file operations.

    Raises:
        SettingsError: If one is missing in production, or its file cannot be read or written.
    """
    missing = [name for name in _MAKERS if getattr(settings, name) is None]
    if not missing:
        return settings
    if settings.production:
        raise SettingsError.of(check_secrets(settings))
    folder = make_private_folder(settings.secrets_dir)
    try:
        folder.chmod(0o700)
        generated = {name: SecretStr(_read_or_make(folder / name, _MAKERS[name])) for name in missing}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the generated secrets under {folder} cannot be used: {error.__class__.__name__}",
            remedy=f"let this user read and write {folder}, or set {' and '.join(missing).upper()}",
        ) from error
    return settings.replaced(generated, dict.fromkeys(generated, Origin.GENERATED))


def _read_or_make(path: Path, make: Callable[[], str]) -> str:
    with contextlib.suppress(FileNotFoundError):
        return _read(path)
    _write_once(path, make())
    return _read(path)


def _read(path: Path) -> str:
    with path.open("rb") as file:
        if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
            os.fchmod(file.fileno(), 0o600)
        text = file.read().decode().strip()
    if not text:
        raise SettingsError(f"the secret in {path} is empty", remedy=f"remove {path}: it is made again")
    return text


def _write_once(path: Path, text: str) -> None:
    """Put `text` at `path` in one step, for good; leave alone what another process put there first."""
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
    # Else a power cut may leave the database encrypted with a key that was never written.
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
