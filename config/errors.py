"""The root of the one exception tree.

Every error that this project raises on purpose descends from `WyomingCentralError`, so that an
outermost caller (the CLI, a turn) can tell "we know what went wrong" from a bug. Each package adds
its branch in its own `errors.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from config.problem import Problem


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
    """A setting is missing, malformed or too weak for the environment it is used in.

    Attributes:
        problems: Everything that was found at once; empty where the message alone says it.
    """

    def __init__(self, message: str, *, remedy: str | None = None, problems: Sequence[Problem] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.problems = tuple(problems)

    @classmethod
    def of(cls, problems: Sequence[Problem]) -> SettingsError:
        """Make the error that names all `problems`, of which there is at least one."""
        if len(problems) == 1:
            problem = problems[0]
            return cls(f"{problem.name}: {problem.message}", remedy=problem.remedy, problems=problems)
        names = ", ".join(dict.fromkeys(problem.name for problem in problems))
        return cls(
            f"{len(problems)} problems with the settings: {names}",
            remedy="`wyoming-central config check` lists them",
            problems=problems,
        )


class DataFileError(WyomingCentralError):
    """A file of `config/` that people edit (answers, templates, sentences) cannot be used as it is."""
