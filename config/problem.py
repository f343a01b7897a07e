"""What is wrong with a setting, and the way out of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing about the settings that a person has to know.

    Attributes:
        name: The environment name it is about, such as `LISTEN`.
        message: What is the matter, one line; never contains the value of a secret.
        remedy: What to do about it, one line.
    """

    name: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message} ({self.remedy})"
