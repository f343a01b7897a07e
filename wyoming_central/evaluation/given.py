"""What a data file gives: values that know their place, and are held to what they have to be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from wyoming_central.evaluation.errors import SentenceDataError

MOST_BYTES: Final = 16 * 1024 * 1024
"""Of one file; a home of 20,000 entities with attributes is about half of this."""

MOST_ITEMS: Final = 20_000
"""Of one list or mapping."""

LONGEST_TEXT: Final = 1_000

# The one in C reads the same, eight times as fast; not every PyYAML has it.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LONGEST_REASON: Final = 200


@dataclass(frozen=True, slots=True)
class Given:
    """A value out of a data file.

    Attributes:
        value: As YAML has it; None where nothing is given.
        path: The file.
        place: Where in it, for people.
    """

    value: Any
    path: Path
    place: str = ""

    def wrong(self, message: str, *, remedy: str = "correct the file at that place") -> SentenceDataError:
        """The error that says what is wrong with it."""
        return SentenceDataError(self.path, self.place, message, remedy=remedy)

    def member(self, key: str) -> Given:
        """What a mapping has under `key`; nothing where it has not, or where there is no mapping at all.

        Raises:
            SentenceDataError: It is something else.
        """
        return self._below(key, self.mapping().get(key))

    def members(self) -> Iterator[tuple[str, Given]]:
        """Every member of a mapping with its key; none where there is nothing.

        Raises:
            SentenceDataError: It is something else.
        """
        for key, value in self.mapping().items():
            yield key, self._below(key, value)

    def items(self) -> Iterator[Given]:
        """Every item of a list; none where there is nothing.

        Raises:
            SentenceDataError: It is something else, or too long.
        """
        if self.value is None:
            return
        if not isinstance(self.value, list) or len(self.value) > MOST_ITEMS:
            raise self.wrong(f"is not a list of at most {MOST_ITEMS}")
        for number, value in enumerate(self.value, 1):
            yield self._below(str(number), value)

    def one_or_several(self) -> Iterator[Given]:
        """Every item of a list; a value that is no list stands for a list with it alone."""
        if isinstance(self.value, list):
            yield from self.items()
        else:
            yield self

    def mapping(self) -> Mapping[str, Any]:
        """The mapping that it is; an empty one where there is nothing.

        Raises:
            SentenceDataError: It is something else, too large, or has a key that is no text.
        """
        if self.value is None:
            return {}
        if not isinstance(self.value, dict) or len(self.value) > MOST_ITEMS:
            raise self.wrong(f"is not a mapping of at most {MOST_ITEMS}")
        if not all(isinstance(key, str) for key in self.value):
            raise self.wrong(
                "has a key that is no text", remedy="put keys such as on and off in quotation marks"
            )
        return self.value

    def text(self) -> str:
        """The text that it is, which is not empty.

        Raises:
            SentenceDataError: It is something else, or too long.
        """
        if not isinstance(self.value, str) or not 0 < len(self.value) <= LONGEST_TEXT:
            raise self.wrong(f"is not a text of at most {LONGEST_TEXT} characters")
        return self.value

    def text_or_none(self) -> str | None:
        """The text that it is; None where there is nothing.

        Raises:
            SentenceDataError: It is something else, or too long.
        """
        return None if self.value is None else self.text()

    def texts(self) -> tuple[str, ...]:
        """The texts of a list; none where there is nothing.

        Raises:
            SentenceDataError: It is something else.
        """
        return tuple(one.text() for one in self.items())

    def state(self) -> str:
        """The state of an entity that it is, as a text.

        Raises:
            SentenceDataError: It is something else; an unquoted on or off is a truth value in YAML.
        """
        if isinstance(self.value, bool):
            raise self.wrong("is a truth value", remedy='write "on" and "off" in quotation marks')
        if not isinstance(self.value, str | int | float):
            raise self.wrong("is no state")
        return str(self.value)

    def _below(self, key: str, value: Any) -> Given:
        return Given(value, self.path, f"{self.place} › {key}" if self.place else key)


def read_yaml(path: Path) -> Given:
    """Read a file.

    Raises:
        SentenceDataError: It cannot be read, is too large, or is no YAML.
    """
    try:
        with path.open("rb") as file:
            text = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SentenceDataError(
            path, "", f"cannot be read: {error.strerror}", remedy="make it readable"
        ) from None
    if len(text) > MOST_BYTES:
        raise SentenceDataError(path, "", f"has more than {MOST_BYTES} bytes", remedy="divide the file")
    try:
        value = yaml.load(text, Loader=_LOADER)  # noqa: S506 - both are safe loaders
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:_LONGEST_REASON]
        raise SentenceDataError(path, "", f"is no YAML: {reason}") from None
    return Given(value, path)
