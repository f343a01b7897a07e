"""The JSON schema that a model's answer to one sentence is held to while it is written.

Every action is there with those candidates that can do it, and with its value typed and bounded, so that a
model that keeps to the schema can name nothing else. What it wrote is checked again all the same
(`proposal`): some builds of Ollama ignore `format`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from handlers.choices import options_of
from handlers.llm.actions import (
    ACTIONS,
    LONGEST_TEXT,
    MOST_COMMANDS,
    MOST_TARGETS,
    Action,
    NumberValue,
    TextValue,
    Value,
    WordValue,
)
from handlers.services import PLANS
from handlers.understanding import Intent
from provisioning.home.registry import Entity, HomePicture

LONGEST_RESPONSE: Final = 200
"""Characters of what a model says by itself; an answer is cut at as many."""

MOST_OPTIONS_LISTED: Final = 40
"""Options of one thing that the model may choose from."""

Schema = dict[str, Any]


def answer_schema(candidates: Sequence[Entity], picture: HomePicture) -> Schema:
    """The schema of an answer about these candidates: commands, a question back, or nothing.

    What stands in it more than once is defined once (`$defs`): it is sent with every sentence.
    """
    builder = _Builder(candidates, picture)
    commands = builder.commands()
    if not commands:
        return _answer("none", None)
    command = {"$ref": "#/$defs/command"}
    several = {"type": "array", "items": command, "minItems": 1, "maxItems": MOST_COMMANDS}
    one_or_none = {"type": "array", "items": command, "minItems": 0, "maxItems": 1}
    return {
        "anyOf": [_answer("commands", several), _answer("ask", one_or_none), _answer("none", None)],
        "$defs": {"command": {"anyOf": commands}, **builder.targets},
    }


def _answer(outcome: str, commands: Schema | None) -> Schema:
    properties: Schema = {"outcome": {"const": outcome}}
    if commands is not None:
        properties["commands"] = commands
    properties["response"] = {"type": "string", "maxLength": LONGEST_RESPONSE}
    properties["confidence"] = {"type": "number", "minimum": 0, "maximum": 1}
    return _object(properties)


def _object(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


class _Builder:
    """Makes the commands of a schema, and notes the sets of targets that they choose from."""

    def __init__(self, candidates: Sequence[Entity], picture: HomePicture) -> None:
        self._candidates = tuple((one, one.domain) for one in candidates)
        self._picture = picture
        self._names: dict[tuple[str, ...], str] = {}

    @property
    def targets(self) -> Schema:
        """The definitions of all sets of targets."""
        return {name: _some_of(ids) for ids, name in self._names.items()}

    def commands(self) -> list[Schema]:
        """All commands; those that choose from the same things, and take nothing, are one."""
        plain: dict[tuple[str, ...], list[str]] = {}
        others: list[Schema] = []
        for action in ACTIONS.values():
            able = [
                one
                for one, domain in self._candidates
                if domain in action.intents and can_do(action, one, self._picture)
            ]
            ids = tuple(one.id for one in able)
            if not able:
                continue
            if action.name == "choose":
                others.extend(map(self._choice, able))
            elif action.value is None:
                plain.setdefault(ids, []).append(action.name)
            else:
                others.append(self._command({"const": action.name}, ids, _value(action.value)))
        return [self._command(_named(names), ids) for ids, names in plain.items()] + others

    def _choice(self, entity: Entity) -> Schema:
        options = options_of(entity, self._picture.state_of(entity.id))[:MOST_OPTIONS_LISTED]
        return self._command({"const": "choose"}, (entity.id,), {"enum": list(options)})

    def _command(self, action: Schema, ids: tuple[str, ...], value: Schema | None = None) -> Schema:
        name = self._names.setdefault(ids, f"t{len(self._names)}")
        properties: Schema = {"action": action, "targets": {"$ref": f"#/$defs/{name}"}}
        return _object(properties if value is None else {**properties, "value": value})


def _named(names: Sequence[str]) -> Schema:
    return {"const": names[0]} if len(names) == 1 else {"enum": list(names)}


def _some_of(ids: Sequence[str]) -> Schema:
    return {"type": "array", "items": {"enum": list(ids)}, "minItems": 1, "maxItems": MOST_TARGETS}


def _value(value: Value) -> Schema:
    match value:
        case NumberValue(low, high, whole):
            bounds: Mapping[str, Any] = {"minimum": int(low), "maximum": int(high)}
            return {"type": "integer" if whole else "number", **bounds}
        case WordValue(words):
            return {"enum": list(words)}
        case TextValue():
            return {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}


def can_do(action: Action, entity: Entity, picture: HomePicture) -> bool:
    """Whether a thing can do an action at all; of a value, only its range is left to see."""
    intent = action.intents.get(entity.domain)
    if intent is None:
        return False
    state = picture.state_of(entity.id)
    if action.name == "choose":
        return bool(options_of(entity, state))
    if action.value is not None or intent not in PLANS:
        return True
    return PLANS[intent].make(Intent(intent, action.fixed, (entity.id,)), entity, state) is not None
