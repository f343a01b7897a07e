"""What came of the calls of a turn: the word for it, the line for the audit, and the phrases to say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from handlers.naming import spoken
from handlers.questions import STATE_WORDS
from handlers.status import Status
from handlers.understanding import Command, Phrase, ServiceCall
from provisioning.home.registry import Entity, HomePicture

MAX_ERROR_CHARACTERS: Final = 500
"""What is kept for the audit of all that went wrong."""

# Said of the home, not of an entity in it: naming the entities would only distract.
_OF_THE_HOME: Final = frozenset({
    Status.HOME_DOWN, Status.HOME_SLOW, Status.HOME_STARTING, Status.HOME_UNAUTHORIZED,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Failure:
    """What went wrong with one entity of a call, or with a call that has none (`entity_id` is None)."""

    entity_id: str | None
    status: Status
    detail: str


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one call: the entities it succeeded on, and what went wrong with the others."""

    call: ServiceCall
    done: tuple[str, ...] = ()
    failures: tuple[Failure, ...] = ()

    @property
    def succeeded(self) -> bool:
        """Whether Home Assistant carried out anything of it."""
        return bool(self.done) or not self.failures

    @property
    def call_as_done(self) -> ServiceCall:
        """The call on those of its entities that it succeeded on."""
        whole = self.done == self.call.entity_ids
        return self.call if whole else replace(self.call, entity_ids=self.done)


def failed(call: ServiceCall, entity_ids: Sequence[str], status: Status, detail: str) -> Result:
    """Give the result of a call that went wrong in the same way with all of these entities."""
    return Result(call, failures=tuple(Failure(one, status, detail) for one in (entity_ids or (None,))))


def worst(failures: Sequence[Failure]) -> Status:
    """Give the status of the first failure; what is merely not confirmed yields to what did not happen."""
    statuses = [failure.status for failure in failures]
    certain = [status for status in statuses if status is not Status.NOT_CONFIRMED]
    return (certain or statuses or [Status.OK])[0]


def error_line(failures: Sequence[Failure]) -> str | None:
    """Give one line for the audit: what went wrong, with which entities."""
    by_reason: dict[str, list[str]] = {}
    for failure in failures:
        by_reason.setdefault(f"{failure.status}: {failure.detail}", []).append(failure.entity_id or "")
    line = "; ".join(
        f"{reason} ({', '.join(filter(None, ids))})" if any(ids) else reason
        for reason, ids in by_reason.items()
    )
    return line[:MAX_ERROR_CHARACTERS] or None


def what_to_say(
    commands: Sequence[Command], results: Sequence[Result], picture: HomePicture
) -> tuple[Phrase, ...]:
    """Give what each command says of what it did, then what went wrong, each thing once."""
    said: list[Phrase] = []
    remaining = iter(results)
    for command in commands:
        phrase = _said_of(command, [next(remaining) for _ in command.calls], picture)
        if phrase is not None:
            said.append(phrase)
    failures = [failure for result in results for failure in result.failures]
    return (*said, *_complaints(failures, picture)) or (Phrase(f"status.{Status.OK}"),)


def _said_of(command: Command, results: Sequence[Result], picture: HomePicture) -> Phrase | None:
    """A command's own words: for all of it, for the part that was done, or None if nothing certain was."""
    failed = {failure.entity_id for result in results for failure in result.failures}
    if not failed:
        return command.said
    done = [one for result in results for one in result.done if one not in failed]
    if not done or "targets" not in command.said.values:
        return None
    return Phrase(command.said.key, {**command.said.values, "targets": spoken(_entities(done, picture))})


def _complaints(failures: Sequence[Failure], picture: HomePicture) -> tuple[Phrase, ...]:
    phrases: list[Phrase] = []
    by_status: dict[Status, list[str | None]] = {}
    for failure in failures:
        by_status.setdefault(failure.status, []).append(failure.entity_id)
    for status, entity_ids in by_status.items():
        named = [one for one in dict.fromkeys(entity_ids) if one is not None]
        if status in _OF_THE_HOME or not named:
            phrases.append(Phrase(f"status.{status}"))
        else:
            phrases.append(Phrase(f"failed.{status}", {"targets": spoken(_entities(named, picture))}))
        if status is Status.NOT_CONFIRMED:
            phrases.extend(_reported(named, picture))
    return tuple(phrases)


def _reported(entity_ids: Sequence[str], picture: HomePicture) -> list[Phrase]:
    """What Home Assistant says of entities whose state did not follow, as far as there are words for it."""
    phrases: list[Phrase] = []
    for entity in _entities(entity_ids, picture):
        state = picture.state_of(entity.id)
        domain = entity.domain if entity.domain in STATE_WORDS else "any"
        if state is not None and state.state in STATE_WORDS[domain]:
            words = Phrase(f"state.{domain}.{state.state}")
            phrases.append(Phrase("answer.state", {"name": entity.name, "state": words}))
    return phrases


def _entities(entity_ids: Sequence[str], picture: HomePicture) -> list[Entity]:
    entities = picture.registry.entities
    return [entities.get(one) or Entity(id=one, name=one) for one in entity_ids]
