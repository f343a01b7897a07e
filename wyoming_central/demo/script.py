"""What the demo plays: the rooms it furnishes and the sentences it says, from `config/demo/`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.data_file import read_text, read_yaml
from config.errors import DataFileError


@dataclass(frozen=True, slots=True)
class Furniture:
    """One of Home Assistant's demo devices, under the name and in the room that the demo gives it."""

    entity_id: str
    name: str
    room: str | None


@dataclass(frozen=True, slots=True)
class Preparation:
    """A service call that is made once, before anything is said."""

    domain: str
    service: str
    entity_ids: tuple[str, ...]
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One sentence and what it must bring about.

    Attributes:
        entity_id: The entity that is watched; None for a question.
        state, attributes: What it must be afterwards in Home Assistant.
        answer: What must occur in the answer to a question.
    """

    text: str
    language: str
    entity_id: str | None = None
    state: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """All of it. `rooms` are names by the key that furniture refers to."""

    configuration: str
    rooms: Mapping[str, str]
    furniture: tuple[Furniture, ...]
    preparations: tuple[Preparation, ...]
    lines: tuple[Line, ...]


def read_script() -> Script:
    """The demo's script.

    Raises:
        DataFileError: A file of `config/demo/` is not as this expects it.
    """
    rooms, lines = read_yaml("demo/rooms.yaml"), read_yaml("demo/sentences.yaml")
    try:
        return Script(
            configuration=read_text("demo/configuration.yaml"),
            rooms={room["key"]: room["name"] for room in rooms["rooms"]},
            furniture=tuple(Furniture(one["id"], one["name"], one.get("room")) for one in rooms["entities"]),
            preparations=tuple(_preparation(one) for one in rooms["at_first"]),
            lines=tuple(_line(one) for one in lines),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise DataFileError(f"a file of config/demo/ is not as expected: {error!r}") from error


def _preparation(data: Mapping[str, Any]) -> Preparation:
    domain, _, service = data["service"].partition(".")
    return Preparation(domain, service, tuple(data["entities"]), data.get("data", {}))


def _line(data: Mapping[str, Any]) -> Line:
    return Line(
        text=data["say"],
        language=data["language"],
        entity_id=data.get("entity"),
        state=data.get("state"),
        attributes=data.get("attributes", {}),
        answer=data.get("answer"),
    )
