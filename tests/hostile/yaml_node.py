"""Strict reading of YAML: every value knows where it stands, and what is not expected there is an error."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import yaml


class CorpusError(Exception):
    """A file of the corpus says what it may not say; the message names the file, the case and the place."""


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a YAML file.

    Attributes:
        value: As YAML gives it.
        where: For people: file, case, keys on the way.
    """

    value: Any
    where: str

    def fail(self, problem: str) -> NoReturn:
        """Say what is wrong here.

        Raises:
            CorpusError: Always.
        """
        raise CorpusError(f"{self.where}: {problem}")

    def named(self, name: str) -> Node:
        """The same value, found by its own name in its file rather than by its number."""
        return Node(self.value, f"{self.where.partition(' ')[0]}: {name!r}")

    def fields(self, *, required: Collection[str] = (), optional: Collection[str] = ()) -> Mapping[str, Node]:
        """The members of a mapping that has all the `required` keys, and no others but the `optional` ones.

        Raises:
            CorpusError: It is no mapping, or a key is missing, or one is not known.
        """
        if not isinstance(self.value, dict):
            self.fail("is no mapping")
        known = {*required, *optional}
        for key in self.value:
            if key not in known:
                self.fail(f"does not know {key!r}; it knows {', '.join(sorted(known))}")
        for key in required:
            if key not in self.value:
                self.fail(f"lacks {key!r}")
        return {key: Node(value, f"{self.where}: {key}") for key, value in self.value.items()}

    def items(self) -> Iterator[Node]:
        """The members of a list.

        Raises:
            CorpusError: It is no list.
        """
        if not isinstance(self.value, list):
            self.fail("is no list")
        for number, value in enumerate(self.value, 1):
            yield Node(value, f"{self.where} {number}")

    def text(self, *, among: Collection[str] | None = None) -> str:
        """A text, one of those in `among` if that is given.

        Raises:
            CorpusError: It is not.
        """
        if not isinstance(self.value, str):
            self.fail("is no text")
        if among is not None and self.value not in among:
            self.fail(f"is {self.value!r}, and not one of {', '.join(sorted(among))}")
        return self.value

    def texts(self) -> tuple[str, ...]:
        """The members of a list of texts.

        Raises:
            CorpusError: It is not.
        """
        return tuple(member.text() for member in self.items())

    def whole(self, *, least: int = 0) -> int:
        """A whole number of `least` or more.

        Raises:
            CorpusError: It is not.
        """
        if type(self.value) is not int or self.value < least:
            self.fail(f"is no whole number of {least} or more")
        return self.value

    def seconds(self) -> float:
        """A time above 0.

        Raises:
            CorpusError: It is not.
        """
        if type(self.value) not in {int, float} or self.value <= 0:
            self.fail("is no time in seconds")
        return float(self.value)

    def flag(self) -> bool:
        """True or false.

        Raises:
            CorpusError: It is not.
        """
        if type(self.value) is not bool:
            self.fail("is neither true nor false")
        return self.value


# The one in C reads the whole corpus in a tenth of the time.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class StrictLoader(_SafeLoader):  # type: ignore[misc] # either is a SafeLoader
    """Safe YAML in which a key that occurs twice is an error; other modules give it tags."""


def _mapping(loader: StrictLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    members: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if key in members:
            raise yaml.constructor.ConstructorError(None, None, f"{key!r} occurs twice", key_node.start_mark)
        members[key] = loader.construct_object(value_node, deep=True)
    return members


StrictLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_file(path: Path) -> Node:
    """What a YAML file holds.

    Raises:
        CorpusError: It cannot be read, or is no YAML.
    """
    try:
        value = yaml.load(path.read_text(encoding="utf-8"), StrictLoader)  # noqa: S506 - a SafeLoader
    except (OSError, UnicodeDecodeError, yaml.YAMLError, CorpusError) as error:
        raise CorpusError(f"{path.name}: {error}") from None
    return Node(value, path.name)
