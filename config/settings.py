"""The settings, as the environment, `.env` and secret files give them.

`load_settings` is what a program calls; `read_settings` is for one that wants to look at settings that
cannot be used. All names that callers need are here.
"""

from __future__ import annotations

import difflib
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from config.check import check_secrets, check_settings, settings_warnings
from config.errors import SettingsError
from config.generated_secrets import ensure_secrets
from config.problem import Problem
from config.schema import SECRETS, Origin, Settings, default_data_dir, environment_name
from config.secret_files import SUFFIX, read_secret_files, readable_by_all
from config.shown import quoted

__all__ = [
    "ENV_FILE",
    "Reading",
    "Settings",
    "check_secrets",
    "check_settings",
    "ensure_secrets",
    "load_settings",
    "read_settings",
    "settings_warnings",
]

ENV_FILE = Path(".env")

# What it says of a line that it cannot parse is a problem of ours; without a handler it went to stderr, too.
logging.getLogger("dotenv").addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found, usable or not.

    Attributes:
        settings: With the default in place of each value that is malformed.
        problems: What has to be mended before a server can run with them.
        warnings: What works, but should be known.
    """

    settings: Settings
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]

    def usable(self) -> Settings:
        """The settings, if a server can run with them.

        Raises:
            SettingsError: Names every problem at once.
        """
        if self.problems:
            raise SettingsError.of(self.problems)
        return self.settings


def load_settings(*, env_file: Path | None = ENV_FILE) -> Settings:
    """Give the settings of this process: environment first, then `env_file`, then the defaults.

    Secrets may be missing in development: `ensure_secrets` makes them.

    Raises:
        SettingsError: Names every problem at once.
    """
    return read_settings(env_file=env_file).usable()


def read_settings(*, env_file: Path | None = ENV_FILE) -> Reading:
    """Read the settings and everything that is wrong with them; never raises for a setting."""
    environment = _lower_names(os.environ)
    dotenv, unreadable = _read_env_file(env_file)
    broken_lines = [] if unreadable else _broken_lines(env_file)
    files = read_secret_files(SECRETS, {**dotenv, **environment})
    settings, malformed = _validate(None if unreadable else env_file, files.values)
    origins = {
        **dict.fromkeys(dotenv, Origin.DOTENV),
        **dict.fromkeys(environment, Origin.ENVIRONMENT),
        **dict.fromkeys(files.values, Origin.FILE),
        **dict.fromkeys(malformed, Origin.DEFAULT),
    }
    settings = settings.replaced({}, origins)
    problems = [
        *unreadable,
        *broken_lines,
        *files.problems.values(),
        *malformed.values(),
        *check_settings(settings, malformed={*malformed, *files.problems}),
    ]
    warnings = [
        *settings_warnings(settings),
        *_exposed_env_file(env_file, dotenv),
        *_unknown_names(env_file, dotenv),
    ]
    (problems if settings.production else warnings).extend(files.exposed)
    return Reading(settings, tuple(problems), tuple(warnings))


def _lower_names(values: Mapping[str, str | None]) -> dict[str, str]:
    return {name.lower(): value for name, value in values.items() if value}


def _read_env_file(path: Path | None) -> tuple[dict[str, str], list[Problem]]:
    if path is None or not path.is_file():
        return {}, []
    try:
        return _lower_names(dotenv_values(path, encoding="utf-8")), []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        return {}, [Problem(str(path), f"cannot be read: {reason}", "make it readable, or remove it")]


def _broken_lines(path: Path | None) -> list[Problem]:
    """One for each line of `.env` that cannot be parsed and so sets nothing; never shows what it holds."""
    if path is None or not path.is_file():
        return []
    with path.open(encoding="utf-8") as lines:
        numbers = [binding.original.line for binding in parse_stream(lines) if binding.error]
    return [
        Problem(str(path), f"line {number} is not NAME=VALUE", "correct it, or put a # before it")
        for number in numbers
    ]


def _unknown_names(path: Path | None, given: Iterable[str]) -> list[Problem]:
    """One for each name in `.env` that is no setting: most often one that is misspelled, and not in force."""
    known = [*Settings.model_fields, *(f"{secret}{SUFFIX.lower()}" for secret in SECRETS)]
    problems = []
    for name in sorted(set(given) - set(known)):
        similar = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        remedy = f"write {environment_name(similar[0])}" if similar else "correct its name, or remove it"
        problems.append(Problem(str(path), f"{environment_name(name)[:48]!r} is no setting", remedy))
    return problems


def _exposed_env_file(path: Path | None, given: Mapping[str, str]) -> list[Problem]:
    if path is None or not any(secret in given for secret in SECRETS) or not readable_by_all(path):
        return []
    return [
        Problem(str(path), "holds secrets, and every user of this machine can read it", f"chmod 600 {path}")
    ]


def _validate(env_file: Path | None, secrets: Mapping[str, str]) -> tuple[Settings, dict[str, Problem]]:
    """Give the settings, and the problem of each field that holds its default for want of a usable value."""
    try:
        return _settings_of(env_file, secrets), {}
    except ValidationError as error:
        # A default made from another field is not made where that one is malformed: no fault of its own.
        details = [detail for detail in error.errors() if detail["type"] != "default_factory_not_called"]
    problems = {field: _problem(field, detail) for detail in details if (field := str(detail["loc"][0]))}
    stand_ins = {
        field: Settings.model_fields[field].get_default(
            call_default_factory=True, validated_data={"data_dir": default_data_dir()}
        )
        for field in problems
    }
    return _settings_of(env_file, {**secrets, **stand_ins}), problems


def _settings_of(env_file: Path | None, values: Mapping[str, Any]) -> Settings:
    arguments: dict[str, Any] = {"_env_file": env_file, **values}
    return Settings(**arguments)


def _problem(field: str, detail: ErrorDetails) -> Problem:
    context = detail.get("ctx", {})
    said = "input should be true or false" if detail["type"].startswith("bool_") else detail["msg"]
    said = str(context.get("message", said))
    message = said[:1].lower() + said[1:]
    if field not in SECRETS and "message" not in context:
        message = f"{quoted(detail['input'])}: {message}"
    remedy = context.get("remedy", "correct it, or remove it for the default")
    return Problem(environment_name(field), message, str(remedy))
