"""The root of the one exception tree.

Every error that this project raises on purpose descends from `WyomingCentralError`, so that an
outermost caller (the CLI, a turn) can tell "we know what went wrong" from a bug. Each package adds
its branch in its own `errors.py`.
"""

from __future__ import annotations


class WyomingCentralError(Exception):
    """Something went wrong in a way that was foreseen.

    Args:
        message: One line for a person; never contains a secret.
        remedy: What that person can do about it, one line, or None if there is nothing.
    """

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} ({self.remedy})" if self.remedy else self.message


class SettingsError(WyomingCentralError):
    """A setting is missing, malformed or too weak for the environment it is used in."""


class DataFileError(WyomingCentralError):
    """A file of `config/` that people edit (answers, templates, sentences) cannot be used as it is."""
