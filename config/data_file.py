"""The data files of this package: answers, sentences, templates."""

from __future__ import annotations

from importlib import resources
from pathlib import PurePosixPath
from typing import Any, Final

import yaml

from config.errors import DataFileError

# The one in C reads the same, eight times as fast; not every PyYAML has it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_text(name: str) -> str:
    """Give the text of a data file.

    Args:
        name: Its path under `config/`, such as `answers/hu.yaml`; the same in a checkout and in an
            installed wheel.

    Raises:
        DataFileError: If there is no such file, or it is not UTF-8.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise DataFileError(f"{name} is not a data file: its path leaves config/")
    try:
        return resources.files("config").joinpath(*path.parts).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataFileError(
            f"config/{name} cannot be read: {error.__class__.__name__}",
            remedy="reinstall Wyoming Central, or put the file back",
        ) from error


def read_yaml(name: str) -> Any:
    """Give what a YAML data file holds: safe YAML, so plain lists, mappings and scalars.

    Raises:
        DataFileError: As `read_text`, and if the file is no YAML; the message names the line.
    """
    try:
        return yaml.load(read_text(name), Loader=_LOADER)  # noqa: S506 - both are safe loaders
    except yaml.YAMLError as error:
        raise DataFileError(
            f"config/{name} is no YAML: {_place(error)}", remedy="correct the file at that place"
        ) from error


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "unreadable"
    return f"{what} in line {mark.line + 1}" if mark is not None else str(what)
