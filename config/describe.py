"""Every setting with its value and where that came from, for a person to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from config.memory_size import format_memory_size
from config.schema import SECRETS, Origin, Settings, environment_name
from config.shown import MASK, Plain, plain, without_password

_PASSWORDLESS = "sqlite"


@dataclass(frozen=True, slots=True)
class Description:
    """One setting as it is.

    Attributes:
        name: In the environment, such as `LISTEN`.
        value: As JSON can hold it; `***` for a secret that is set.
        origin: What gave the value.
        text: What the setting means, and what happens at its limit.
    """

    name: str
    value: Plain
    origin: Origin
    text: str


def describe_settings(settings: Settings) -> list[Description]:
    """Give every setting, in the order of `.env.example`; no secret is in it.

    Looks at the data folder, for whether secrets were generated.
    """
    return [
        Description(environment_name(name), *_value_and_origin(settings, name), field.description or "")
        for name, field in Settings.model_fields.items()
    ]


def _value_and_origin(settings: Settings, name: str) -> tuple[Plain, Origin]:
    value = getattr(settings, name)
    if (
        value is None
        and name in SECRETS
        and not settings.production
        and (settings.secrets_dir / name).is_file()
    ):
        return MASK, Origin.GENERATED
    return shown_value(name, value), settings.origin(name)


def shown_value(name: str, value: Any) -> Plain:
    """Give the value of the field `name` as people may see it."""
    if name == "database_url":
        return _database(value.get_secret_value())
    if name in SECRETS:
        return None if value is None else MASK
    if name == "ha_memory_limit":
        return format_memory_size(value)
    return plain(value)


def _database(url: str) -> str:
    # The parameters after the question mark may hold a password, too.
    return url if url.startswith(_PASSWORDLESS) else without_password(url.partition("?")[0])
