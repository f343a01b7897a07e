"""What a model answered, checked: against the schema, against the home, against what its things can do.

A model is not trusted. What does not fit is refused with a reason and never mended into something similar.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from handlers.choices import options_of
from handlers.frames.tokens import folded
from handlers.llm.actions import (
    ACTIONS,
    LONGEST_TEXT,
    MOST_COMMANDS,
    MOST_TARGETS,
    READ,
    Action,
    NumberValue,
    TextValue,
    WordValue,
)
from handlers.llm.answer_schema import LONGEST_RESPONSE
from handlers.sentence import cleaned
from handlers.services import PLANS
from handlers.understanding import Intent, SlotValue, Utterance
from provisioning.home.registry import Entity, HomePicture

MOST_CHARACTERS: Final = 4_000
"""Of a whole answer; the longest that fits the schema is shorter."""

MOST_CANDIDATES_ASKED: Final = 6
"""Things between which a speaker is to choose."""

_LONGEST_ID: Final = 255


class Refusal(StrEnum):
    """Why an answer is not taken, as the audit has it."""

    TOO_LONG = "the answer is too long"
    NO_JSON = "the answer is no JSON object"
    OTHER_SHAPE = "the answer is not of the shape that was asked for"
    UNKNOWN_ACTION = "names an action that there is not"
    UNKNOWN_TARGET = "names a thing that was none of the candidates"
    NOT_EXPOSED = "names a thing that this home does not expose"
    CANNOT = "asks of a thing what it cannot do"
    NO_VALUE = "says not how much, or which"
    NEEDLESS_VALUE = "says how much where nothing is to be set"
    OUT_OF_RANGE = "sets a value that is out of range"
    NOT_SAID = "writes down what was not said"
    TWICE = "does two things to one"
    LOOKS_AND_DOES = "looks and does at once"


class RefusedError(Exception):
    """An answer is not taken."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class _Command(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    action: Annotated[str, Field(max_length=64)]
    targets: Annotated[
        list[Annotated[str, Field(max_length=_LONGEST_ID)]], Field(min_length=1, max_length=MOST_TARGETS)
    ]
    value: int | Annotated[float, Field(allow_inf_nan=False)] | str | None = None


class _Answer(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    outcome: Literal["commands", "ask", "none"]
    commands: Annotated[list[_Command], Field(max_length=MOST_COMMANDS)] = []
    response: Annotated[str, Field(max_length=LONGEST_RESPONSE)]
    confidence: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


@dataclass(frozen=True, slots=True)
class ProposedCommand:
    """One command that the home could carry out.

    Attributes:
        action: What.
        entities: On which things, in the model's order.
        value: How much, or which.
        intents: The same as intents with their targets, one for each that is needed.
    """

    action: Action
    entities: tuple[Entity, ...]
    value: SlotValue | None
    intents: tuple[Intent, ...]


@dataclass(frozen=True, slots=True)
class Proposal:
    """An answer that could be acted upon, were there evidence for it.

    Attributes:
        outcome: `commands`, `ask` or `none`.
        commands: For `ask` at most one: what is asked about.
        words: What the model says itself, not cleaned yet.
        confidence: Its own, for the audit alone.
    """

    outcome: Literal["commands", "ask", "none"]
    commands: tuple[ProposedCommand, ...]
    words: str
    confidence: float

    @property
    def intents(self) -> tuple[Intent, ...]:
        """All intents of all commands, in order."""
        return tuple(intent for command in self.commands for intent in command.intents)

    @property
    def only_looks(self) -> bool:
        """Whether nothing would be done but to look."""
        return bool(self.commands) and all(command.action.name == READ for command in self.commands)

    def as_json(self) -> dict[str, Any]:
        """The answer as the audit keeps it."""
        first = self.commands[0] if self.commands else None
        return {
            "intent": self.outcome,
            "target": [entity.id for command in self.commands for entity in command.entities],
            "action": [{"name": command.action.name, "value": command.value} for command in self.commands]
            if len(self.commands) > 1
            else first and {"name": first.action.name, "value": first.value},
            "confidence": self.confidence,
            "response": cleaned(self.words, LONGEST_RESPONSE),
        }


def proposal_of(
    text: str, candidates: Sequence[Entity], utterance: Utterance, picture: HomePicture
) -> Proposal:
    """Check what a model wrote.

    Args:
        text: The answer, as it came.
        candidates: The things that it could choose from.
        utterance: The sentence.
        picture: The home now.

    Raises:
        RefusedError: It is not taken; says why.
    """
    answer = _parsed(text)
    known = {entity.id: entity for entity in candidates}
    checker = _Checker(known, utterance, picture)
    commands = tuple(checker.command(one) for one in answer.commands)
    _demand_shape(answer, commands)
    return Proposal(answer.outcome, commands, answer.response, answer.confidence)


def _parsed(text: str) -> _Answer:
    if len(text) > MOST_CHARACTERS:
        raise RefusedError(Refusal.TOO_LONG)
    try:
        data = json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise RefusedError(Refusal.NO_JSON) from None
    if not isinstance(data, dict):
        raise RefusedError(Refusal.NO_JSON)
    try:
        return _Answer.model_validate(data)
    except (ValidationError, RecursionError):
        # Its text would quote the model.
        raise RefusedError(Refusal.OTHER_SHAPE) from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a key is there twice")
    return members


def _refuse_constant(_name: str) -> Any:
    raise ValueError("a number that JSON does not have")


def _demand_shape(answer: _Answer, commands: Sequence[ProposedCommand]) -> None:
    """See that the commands are as many as the outcome has, and fit together."""
    fits = {"commands": len(commands) > 0, "ask": len(commands) <= 1, "none": not commands}
    if not fits[answer.outcome]:
        raise RefusedError(Refusal.OTHER_SHAPE)
    if answer.outcome == "ask" and any(len(one.entities) > MOST_CANDIDATES_ASKED for one in commands):
        raise RefusedError(Refusal.OTHER_SHAPE)
    if len({command.action.name == READ for command in commands}) > 1:
        raise RefusedError(Refusal.LOOKS_AND_DOES)
    deeds = [(entity.id, _aspect(command)) for command in commands for entity in command.entities]
    if len(set(deeds)) < len(deeds):
        raise RefusedError(Refusal.TWICE)


def _aspect(command: ProposedCommand) -> str:
    """What of a thing is set: its state, its brightness, …."""
    if command.action.name == READ:
        return READ
    return next((slot for intent in command.intents for slot in intent.slots if slot != "name"), "state")


@dataclass(frozen=True, slots=True)
class _Checker:
    """Holds commands against a home."""

    candidates: Mapping[str, Entity]
    utterance: Utterance
    picture: HomePicture

    def command(self, said: _Command) -> ProposedCommand:
        """One command.

        Raises:
            RefusedError: It is none that this home could carry out.
        """
        action = ACTIONS.get(said.action)
        if action is None:
            raise RefusedError(Refusal.UNKNOWN_ACTION)
        entities = tuple(self._entity(one) for one in dict.fromkeys(said.targets))
        if any(entity.domain not in action.intents for entity in entities):
            raise RefusedError(Refusal.CANNOT)
        value = self._value(action, said.value, entities)
        intents = tuple(self._intents(action, entities, value))
        for intent in intents:
            self._demand_ability(action, intent, value)
        return ProposedCommand(action, entities, value, intents)

    def _entity(self, entity_id: str) -> Entity:
        if entity_id not in self.candidates:
            raise RefusedError(Refusal.UNKNOWN_TARGET)
        entity = self.picture.registry.entities.get(entity_id)
        if entity is None or not entity.exposed:
            raise RefusedError(Refusal.NOT_EXPOSED)
        return entity

    def _value(
        self, action: Action, said: float | str | None, entities: Sequence[Entity]
    ) -> SlotValue | None:
        if action.value is None:
            if said is not None:
                raise RefusedError(Refusal.NEEDLESS_VALUE)
            return None
        if said is None:
            raise RefusedError(Refusal.NO_VALUE)
        match action.value:
            case NumberValue(low, high, whole):
                return _number_in(said, low, high, whole=whole)
            case WordValue(words):
                return self._word(said, words, entities)
            case TextValue():
                return self._text(said)

    def _word(self, said: float | str, words: Sequence[str], entities: Sequence[Entity]) -> str:
        offered = [words or options_of(entity, self.picture.state_of(entity.id)) for entity in entities]
        if not isinstance(said, str) or not all(said in options for options in offered):
            raise RefusedError(Refusal.OUT_OF_RANGE)
        return said

    def _text(self, said: float | str) -> str:
        """A text that was said, word for word."""
        text = cleaned(said, LONGEST_TEXT) if isinstance(said, str) else ""
        if not text or folded(text) not in folded(self.utterance.text):
            raise RefusedError(Refusal.NOT_SAID)
        return text

    @staticmethod
    def _intents(action: Action, entities: Sequence[Entity], value: SlotValue | None) -> Iterator[Intent]:
        """One intent for every way in which the things do it."""
        groups: dict[tuple[str, str], list[Entity]] = {}
        for entity in entities:
            key = action.intents[entity.domain], action.slot_on(entity.domain)
            groups.setdefault(key, []).append(entity)
        for (name, slot), group in groups.items():
            names = tuple(entity.name for entity in group)
            slots: dict[str, SlotValue] = {"name": names[0] if len(names) == 1 else names, **action.fixed}
            if value is not None:
                slots[slot] = value
            yield Intent(name, slots, tuple(entity.id for entity in group))

    def _demand_ability(self, action: Action, intent: Intent, value: SlotValue | None) -> None:
        plan = PLANS.get(intent.name)
        if plan is None:
            return
        for entity_id in intent.targets:
            entity = self.picture.registry.entities[entity_id]
            if plan.make(intent, entity, self.picture.state_of(entity_id)) is None:
                beyond = isinstance(action.value, NumberValue) and value is not None
                raise RefusedError(Refusal.OUT_OF_RANGE if beyond else Refusal.CANNOT)


def _number_in(said: float | str, low: float, high: float, *, whole: bool) -> float | int:
    if isinstance(said, str | bool) or not low <= said <= high or (whole and said != int(said)):
        raise RefusedError(Refusal.OUT_OF_RANGE)
    return int(said) if said == int(said) else said
