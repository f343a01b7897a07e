"""The text of `.env.example`: every setting, explained, at its default.

`python -m config.env_example > .env.example` writes it anew; a test holds the two together.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator

from pydantic.fields import FieldInfo

from config.describe import shown_value
from config.schema import SECRETS, Settings, environment_name
from config.secret_files import SUFFIX

_WIDTH = 100
_HEAD = """\
Wyoming Central: every setting, at its default. Copy this file to .env in the folder that the server
is started from and uncomment what you change; what the environment sets wins over .env. A secret can
be given as a file instead: NAME_FILE=/path/to/it. `wyoming-central config check` says what is wrong,
`wyoming-central config show` what is in force and why."""
# Each section begins at the setting it is listed with.
_SECTIONS = {
    "environment": "Where things are",
    "jwt_secret": "Secrets and storage",
    "listen": "Satellites: listening and being found",
    "max_header_bytes": "Satellites: limits of a connection",
    "device_turns_per_second": "Turns: how many, and how long",
    "ha_driver": "Home Assistants",
    "ollama_model": "The language model",
    "device_token_days": "How long things are kept",
    "loop_lag_seconds": "Logs",
}


def env_example() -> str:
    """Give the text of `.env.example`."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    for line in _HEAD.splitlines():
        yield f"# {line}"
    for name, field in Settings.model_fields.items():
        yield ""
        if name in _SECTIONS:
            yield f"## {_SECTIONS[name]}"
            yield ""
        yield from textwrap.wrap(
            field.description or "",
            _WIDTH,
            initial_indent="# ",
            subsequent_indent="# ",
            break_on_hyphens=False,
        )
        yield f"#{environment_name(name)}={_default(name, field)}"
        if name in SECRETS:
            yield f"#{environment_name(name)}{SUFFIX}="


def _default(name: str, field: FieldInfo) -> str:
    """Give the default as the environment would have it; empty where there is none, or it varies."""
    if field.default_factory is not None or field.default is None:
        return ""
    value = shown_value(name, field.default)
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


if __name__ == "__main__":
    sys.stdout.write(env_example())
