"""The plain data that the steps of a turn hand on to each other.

`Utterance` → recognize → `Understanding` → resolve → `Resolution` → execute → `Execution` → answer → text.
Each is frozen; no step knows the one after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, TypeAlias

from handlers.listener import Listener
from handlers.status import Status

SlotValue: TypeAlias = str | int | float | bool | tuple[str, ...]

_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Intent:
    """What was meant, in Home Assistant's vocabulary, before it is held against the home.

    Attributes:
        name: Home Assistant's intent name, such as `HassTurnOn`.
        slots: What was said: display names for `name`, `area`, `floor`; `domain`, `device_class` and `state`
            in Home Assistant's words; numbers as numbers (`brightness` in per cent, `temperature` in the
            home's unit, `position` in per cent).
        targets: Entity ids, where recognition already knows exactly which entities are meant; empty where
            resolution has to find them from the slots.
        requires: What the sentence demands of its targets without having said it (`domain`, `device_class`),
            as the templates' `requires_context` does.
        asks: For a question, what of it is asked, in the templates' words: `one`, `one_yesno`, `any`, `all`,
            `which`, `how_many`, `where`, …; None for the plain question and for commands.
    """

    name: str
    slots: Mapping[str, SlotValue] = field(default_factory=lambda: _NOTHING)
    targets: tuple[str, ...] = ()
    requires: Mapping[str, SlotValue] = field(default_factory=lambda: _NOTHING)
    asks: str | None = None


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question that was put to the speaker and waits for its answer.

    Attributes:
        intent: What is carried out as soon as its target is known; for a yes or no, the first of `confirms`.
        candidates: Entity ids among which the speaker is to choose; empty for a yes or no.
        asked_at: Seconds since the epoch; a session drops it after `QUESTION_TTL_SECONDS`.
        confirms: What is carried out after a "yes", in this order; each knows its targets.
    """

    intent: Intent
    candidates: tuple[str, ...]
    asked_at: float
    confirms: tuple[Intent, ...] = ()


@dataclass(frozen=True, slots=True)
class PastTurn:
    """One earlier turn of a session: what was said, what was answered and which entities it reached."""

    text: str
    speech: str
    intents: tuple[Intent, ...] = ()
    targets: tuple[str, ...] = ()
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class SessionContext:
    """What a device's session remembers, oldest turn first; bounded by whoever keeps it."""

    turns: tuple[PastTurn, ...] = ()
    open_question: OpenQuestion | None = None


@dataclass(frozen=True, slots=True)
class Utterance:
    """A sentence with all that its understanding may depend on besides the home.

    Attributes:
        text: What was said, cleaned and bounded, in the speaker's own spelling.
        language: Two letters: `hu` or `en`.
        area_id: Id of the area where the listening device stands, or None.
        now: Seconds since the epoch.
        listener: Who waits for the answer; None where nobody can hang up.
    """

    text: str
    language: str
    area_id: str | None = None
    session: SessionContext = field(default_factory=SessionContext)
    now: float = 0.0
    listener: Listener | None = field(default=None, compare=False, repr=False)


class Verdict(StrEnum):
    """How a stage of recognition ends; every word but `pass-on` ends the cascade."""

    COMMANDS = "commands"
    QUESTION = "question"
    ASK = "ask"
    NOT_FOR_ME = "not-for-me"
    PASS_ON = "pass-on"  # noqa: S105 - a verdict, not a password


@dataclass(frozen=True, slots=True)
class StageReport:
    """One stage's own word for the audit.

    Attributes:
        stage: Its name.
        verdict: How it ended.
        ms: How long it took.
        reason: Why it passed on, or did not simply do what was said.
        detail: What else is worth keeping, as bare JSON data: a model's proposal, the size of its prompt.
    """

    stage: str
    verdict: Verdict
    ms: float
    reason: str | None = None
    detail: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The report as it stands in the audit and in the output of `interpret`."""
        report = {
            "stage": self.stage,
            "verdict": self.verdict.value,
            "ms": round(self.ms, 3),
            "reason": self.reason,
        }
        return report if self.detail is None else {**report, "detail": dict(self.detail)}


@dataclass(frozen=True, slots=True)
class Understanding:
    """What recognition made of an utterance.

    Attributes:
        verdict: How the cascade ended; `PASS_ON` means that no stage understood.
        intents: For `COMMANDS` and `QUESTION`, in the order in which they were said.
        parser: The stage that understood: `cache`, `frames`, `templates`, `llm`; None if none did.
        question: For `ASK`, what is to be asked.
        cacheable: True only if the result depends on nothing but home revision, language, area and text.
        stages: Every stage that was tried, in order.
        status: Why nothing is understood, where that is more than `not-understood`: the model is away.
        words: What the model says by itself, for `NOT_FOR_ME` and `ASK`: cleaned, bounded, spoken as it is.
    """

    verdict: Verdict
    intents: tuple[Intent, ...] = ()
    parser: str | None = None
    question: OpenQuestion | None = None
    cacheable: bool = False
    stages: tuple[StageReport, ...] = ()
    status: Status | None = None
    words: str | None = None


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """One service call to Home Assistant, on entities of the one home it was resolved against."""

    domain: str
    service: str
    entity_ids: tuple[str, ...]
    data: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)

    def as_json(self) -> dict[str, Any]:
        """The call as it stands in the audit and in the output of `interpret`."""
        return {
            "domain": self.domain,
            "service": self.service,
            "entity_id": list(self.entity_ids),
            "data": dict(self.data),
        }


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence to say, still without language: a key of `config/answers/*.yaml` and the values it names."""

    key: str
    values: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)


class Outcome(StrEnum):
    """What a turn came to; the words of `wyoming-central interpret`."""

    COMMANDS = "commands"
    ANSWER = "answer"
    ASK = "ask"
    NONE = "none"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Command:
    """An intent resolved against a home: the calls that carry it out and what is said when they succeed."""

    intent: Intent
    calls: tuple[ServiceCall, ...]
    said: Phrase


@dataclass(frozen=True, slots=True)
class Resolution:
    """What an understanding comes to in this home.

    Attributes:
        outcome: `COMMANDS` with `commands`, or anything else with `say`.
        status: The audit's word for it (see `handlers/status.py`).
        say: The answer to a question, the question back, or why nothing can be done.
        question: For `ASK`, what waits for its answer.
    """

    outcome: Outcome
    status: Status
    commands: tuple[Command, ...] = ()
    say: Phrase | None = None
    question: OpenQuestion | None = None

    @property
    def calls(self) -> tuple[ServiceCall, ...]:
        """Every service call of every command, in order."""
        if len(self.commands) == 1:
            return self.commands[0].calls
        return tuple(call for command in self.commands for call in command.calls)

    @property
    def targets(self) -> tuple[str, ...]:
        """Every entity that a call is about, once."""
        return tuple(dict.fromkeys(one for call in self.calls for one in call.entity_ids))

    @property
    def said(self) -> tuple[Phrase, ...]:
        """What is said; where something is to be done, what is said when all of it succeeded."""
        if self.outcome is Outcome.COMMANDS and self.commands:
            return tuple(command.said for command in self.commands)
        return (self.say or Phrase(f"status.{self.status}"),)


@dataclass(frozen=True, slots=True)
class Execution:
    """What Home Assistant said to a resolution's calls.

    Attributes:
        status: The audit's word.
        say: What is to be said about it.
        done: The calls that succeeded.
        error: One line for the audit, without secrets; None if all succeeded.
    """

    status: Status
    say: tuple[Phrase, ...]
    done: tuple[ServiceCall, ...] = ()
    error: str | None = None
