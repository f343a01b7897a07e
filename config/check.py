"""What is wrong with settings that are each well-formed: taken together, or for their environment."""

from __future__ import annotations

import importlib.util
import itertools
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.listen import ListenAddress
from config.problem import Problem
from config.schema import Settings
from config.secret_strength import fault_of_fernet_key, weakness_of_fernet_key, weakness_of_secret

_JWT_SECRET_COMMAND = "python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"  # noqa: S105 - makes one, is none
_ENCRYPTION_KEY_COMMAND = (
    "python3 -c 'import base64, secrets; print(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())'"
)
# What every user of the Docker driver gets out of HA_NETWORK_POOL.
_USER_PREFIX = 28


@dataclass(frozen=True, slots=True)
class _Check:
    """A question to the settings, which only makes sense where the fields it reads are well-formed."""

    fields: tuple[str, ...]
    ask: Callable[[Settings], Iterable[Problem]]


def check_settings(settings: Settings, *, malformed: Collection[str] = ()) -> list[Problem]:
    """Give everything that keeps the server from running with these settings; empty is good.

    Looks at the file system (folders, the interpreter), and changes nothing.

    Args:
        settings: As `config.settings.read_settings` gives them.
        malformed: Fields that hold a stand-in for a value that could not be read: checks that need
            them are left out.
    """
    return [
        problem
        for check in _CHECKS
        if not any(field in malformed for field in check.fields)
        for problem in check.ask(settings)
    ]


def settings_warnings(settings: Settings) -> list[Problem]:
    """Give what works, but should be known."""
    return [problem for ask in _WARNINGS for problem in ask(settings)]


def check_secrets(settings: Settings) -> list[Problem]:
    """Give what is wrong with the secrets: unusable in any environment, missing or weak in production."""
    return [*_jwt_secret(settings), *_unusable_encryption_keys(settings), *_encryption_key(settings)]


def _jwt_secret(settings: Settings) -> Iterator[Problem]:
    if not settings.production:
        return
    if not settings.jwt_secrets:
        yield _missing(settings, "jwt_secret", _JWT_SECRET_COMMAND)
    yield from _weak_jwt_secrets(settings)


def _encryption_key(settings: Settings) -> Iterator[Problem]:
    if not settings.production:
        return
    if not settings.encryption_keys:
        yield _missing(settings, "encryption_key", _ENCRYPTION_KEY_COMMAND)
    if not _unusable_encryption_keys(settings):
        yield from _weak_encryption_keys(settings)


def _missing(settings: Settings, field: str, command: str) -> Problem:
    name = field.upper()
    if getattr(settings, field) is not None:
        return Problem(name, "names no secret", f"set it to the output of: {command}")
    generated = settings.secrets_dir / field
    if generated.is_file():
        remedy = f"set {name}_FILE={generated} to go on with the one that development generated"
    else:
        remedy = f"set {name} or {name}_FILE to the output of: {command}"
    return Problem(name, "is missing, and production generates none", remedy)


def _weak_jwt_secrets(settings: Settings) -> list[Problem]:
    return _faults("JWT_SECRET", settings.jwt_secrets, weakness_of_secret, _JWT_SECRET_COMMAND)


def _unusable_encryption_keys(settings: Settings) -> list[Problem]:
    return _faults("ENCRYPTION_KEY", settings.encryption_keys, fault_of_fernet_key, _ENCRYPTION_KEY_COMMAND)


def _weak_encryption_keys(settings: Settings) -> list[Problem]:
    return _faults(
        "ENCRYPTION_KEY", settings.encryption_keys, weakness_of_fernet_key, _ENCRYPTION_KEY_COMMAND
    )


def _faults(
    name: str, members: Sequence[str], fault_of: Callable[[str], str | None], command: str
) -> list[Problem]:
    return [
        Problem(
            name,
            f"no. {number} of {len(members)} {fault}" if len(members) > 1 else fault,
            f"replace it by the output of: {command}",
        )
        for number, member in enumerate(members, start=1)
        if (fault := fault_of(member))
    ]


def _port_range(settings: Settings) -> Iterator[Problem]:
    if settings.ha_port_range_start > settings.ha_port_range_end:
        yield Problem(
            "HA_PORT_RANGE_START",
            f"{settings.ha_port_range_start} is above HA_PORT_RANGE_END, {settings.ha_port_range_end}",
            "exchange the two",
        )


def _listeners_apart(settings: Settings) -> Iterator[Problem]:
    for first, second in itertools.combinations(settings.listen, 2):
        if first.overlaps(second):
            yield Problem(
                "LISTEN", f"{first} and {second} are the same place", "remove one, or give it another port"
            )


def _listeners_clear_of_homes(settings: Settings) -> Iterator[Problem]:
    for address in settings.listen:
        if address.port in settings.ha_port_range:
            yield Problem(
                "LISTEN",
                f"{address} lies among the ports of the Home Assistants, "
                f"{settings.ha_port_range_start} to {settings.ha_port_range_end}",
                "give it a port outside",
            )


def _network_pool(settings: Settings) -> Iterator[Problem]:
    pool = settings.ha_network_pool
    if pool.prefixlen > _USER_PREFIX:
        yield Problem(
            "HA_NETWORK_POOL",
            f"{pool} has no room for one /{_USER_PREFIX}",
            "make it larger, such as 10.213.0.0/16",
        )
    elif not pool.is_private:
        yield Problem(
            "HA_NETWORK_POOL", f"{pool} is not private", "use a part of 10.0.0.0/8 or 172.16.0.0/12"
        )


def _interpreter(settings: Settings) -> Iterator[Problem]:
    python = settings.ha_python
    if python is not None and not (python.is_file() and os.access(python, os.X_OK)):
        yield Problem(
            "HA_PYTHON", f"{python} is no program", "set it to a Python interpreter, or leave it out"
        )


def _postgres_driver(settings: Settings) -> Iterator[Problem]:
    postgres = settings.database_url.get_secret_value().startswith("postgresql")
    if postgres and importlib.util.find_spec("asyncpg") is None:
        yield Problem(
            "DATABASE_URL",
            "the PostgreSQL driver is not installed",
            "pip install 'wyoming-central[postgres]'",
        )


def _data_dir(settings: Settings) -> Iterator[Problem]:
    yield from _folder("DATA_DIR", settings.data_dir)


def _cache_dir(settings: Settings) -> Iterator[Problem]:
    yield from _folder("CACHE_DIR", settings.cache_dir)


def _folder(name: str, path: Path) -> Iterator[Problem]:
    existing = next(folder for folder in (path, *path.parents) if folder.exists())
    if not existing.is_dir():
        yield Problem(name, f"{existing} is no folder", "set it to another place")
    elif not os.access(existing, os.W_OK | os.X_OK):
        yield Problem(
            name, f"this user cannot write to {existing}", "set it to another place, or change its owner"
        )


_CHECKS = (
    _Check(("environment", "jwt_secret", "data_dir"), _jwt_secret),
    _Check(("encryption_key",), _unusable_encryption_keys),
    _Check(("environment", "encryption_key", "data_dir"), _encryption_key),
    _Check(("data_dir",), _data_dir),
    _Check(("cache_dir",), _cache_dir),
    _Check(("database_url",), _postgres_driver),
    _Check(("listen",), _listeners_apart),
    _Check(("listen", "ha_port_range_start", "ha_port_range_end"), _listeners_clear_of_homes),
    _Check(("ha_port_range_start", "ha_port_range_end"), _port_range),
    _Check(("ha_network_pool",), _network_pool),
    _Check(("ha_python",), _interpreter),
)


def _plain_text(settings: Settings) -> Iterator[Problem]:
    open_to_others: list[ListenAddress] = [address for address in settings.listen if not address.loopback]
    for address in open_to_others:
        yield Problem(
            "LISTEN",
            f"{address}: what is said and the devices' tokens travel in plain text",
            "use it in a network that you trust, or listen on 127.0.0.1 behind a tunnel",
        )


def _weak_in_development(settings: Settings) -> Iterator[Problem]:
    if settings.production:
        return
    yield from _weak_jwt_secrets(settings)
    if not _unusable_encryption_keys(settings):
        yield from _weak_encryption_keys(settings)


def _open_data_dir(settings: Settings) -> Iterator[Problem]:
    path = settings.data_dir
    if path.is_dir() and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        yield Problem("DATA_DIR", f"other users of this machine can look into {path}", f"chmod 700 {path}")


def _deadlines(settings: Settings) -> Iterator[Problem]:
    if settings.home_call_timeout_seconds >= settings.turn_deadline_seconds:
        yield Problem(
            "HOME_CALL_TIMEOUT_SECONDS",
            f"{settings.home_call_timeout_seconds:g} s is not within TURN_DEADLINE_SECONDS, "
            f"{settings.turn_deadline_seconds:g} s: a slow Home Assistant is told as a slow turn",
            "make it shorter",
        )


def _utterances(settings: Settings) -> Iterator[Problem]:
    if settings.production and settings.log_utterances:
        yield Problem("LOG_UTTERANCES", "what people say is written to the log", "set it to false")


_WARNINGS = (_plain_text, _weak_in_development, _open_data_dir, _deadlines, _utterances)
