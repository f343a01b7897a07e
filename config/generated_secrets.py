"""The secrets that development makes for itself, under `DATA_DIR/secrets`."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from typing import Final

from pydantic import SecretStr

from config.check import check_secrets
from config.errors import SettingsError
from config.made_once import read_or_make
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
    make_private_folder(settings.data_dir)
    folder = make_private_folder(settings.secrets_dir)
    generated = {name: SecretStr(read_or_make(folder / name, _MAKERS[name])) for name in missing}
    return settings.replaced(generated, dict.fromkeys(generated, Origin.GENERATED))
