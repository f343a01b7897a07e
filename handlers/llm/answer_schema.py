"""The JSON schema that a model's answer to one sentence is held to while it is written.

Every action is there with those candidates that can do it, and with its value typed and bounded, so that a
model that keeps to the schema can name nothing else. What it wrote is checked again all the same
(`proposal`): some builds of Ollama ignore `format`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    """The schema of an answer about these candidates: commands, a question back, or nothing."""
    commands = list(_commands(candidates, picture))
    choices = [_answer("none", None)]
    if commands:
        one = {"anyOf": commands}
        choices = [
            _answer("commands", {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_COMMANDS}),
            _answer("ask", {"type": "array", "items": one, "minItems": 0, "maxItems": 1}),
            *choices,
        ]
    return {"anyOf": choices}


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


def _commands(candidates: Sequence[Entity], picture: HomePicture) -> Iterator[Schema]:
    for action in ACTIONS.values():
        able = [entity for entity in candidates if can_do(action, entity, picture)]
        if not able:
            continue
        if action.name == "choose":
            yield from (_choice(action, entity, picture) for entity in able)
        else:
            yield _command(action, (entity.id for entity in able), _value(action))


def _choice(action: Action, entity: Entity, picture: HomePicture) -> Schema:
    options = options_of(entity, picture.state_of(entity.id))[:MOST_OPTIONS_LISTED]
    return _command(action, (entity.id,), {"enum": list(options)})


def _command(action: Action, targets: Iterable[str], value: Schema | None) -> Schema:
    properties: Schema = {
        "action": {"const": action.name},
        "targets": {
            "type": "array",
            "items": {"enum": list(targets)},
            "minItems": 1,
            "maxItems": MOST_TARGETS,
        },
    }
    if value is not None:
        properties["value"] = value
    return _object(properties)


def _value(action: Action) -> Schema | None:
    match action.value:
        case NumberValue(low, high, whole):
            bounds: Mapping[str, Any] = {"minimum": int(low), "maximum": int(high)}
            return {"type": "integer" if whole else "number", **bounds}
        case WordValue(words):
            return {"enum": list(words)}
        case TextValue():
            return {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
        case None:
            return None


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
