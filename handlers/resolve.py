"""From what was meant to what is to be done in this home: service calls, an answer, or a question back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handlers.intents import NEVERMIND, NOT_SERVED
from handlers.naming import MAX_CANDIDATES_SPOKEN, distinct_names, spoken
from handlers.questions import ANSWERERS
from handlers.services import PLANS, Plan, Service
from handlers.status import Status
from handlers.targets import Ambiguous, Missing, Targets, targets_of
from handlers.understanding import (
    Command,
    Intent,
    OpenQuestion,
    Outcome,
    Phrase,
    Resolution,
    ServiceCall,
    Understanding,
    Utterance,
    Verdict,
)
from provisioning.home.registry import Entity, HomePicture


def resolve(understanding: Understanding, utterance: Utterance, picture: HomePicture) -> Resolution:
    """Hold an understanding against a home.

    Only exposed entities of this home are ever reached. A sentence with several commands is carried out
    whole or not at all: the first of them that cannot be resolved speaks for all. Never raises for what an
    intent holds: a value that makes no sense is something the home cannot do.
    """
    words = Phrase("said.words", {"words": understanding.words}) if understanding.words else None
    if understanding.verdict is Verdict.NOT_FOR_ME:
        return _nothing(Status.NOT_FOR_ME, words)
    if understanding.verdict is Verdict.ASK:
        question = understanding.question
        if question is not None and question.confirms:
            return _ask_whether(question, utterance, picture)
        if question is not None:
            return _ask(question, picture, words)
        if words is not None:
            return Resolution(Outcome.ASK, Status.ASKED, say=words)
    if not understanding.intents:
        return _nothing(understanding.status or Status.NOT_UNDERSTOOD)
    return _resolve_all(understanding.intents, utterance, picture)


def _resolve_all(intents: Sequence[Intent], utterance: Utterance, picture: HomePicture) -> Resolution:
    commands: list[Command] = []
    for intent in intents:
        resolution = _resolve_one(intent, utterance, picture)
        if resolution.outcome is not Outcome.COMMANDS:
            return resolution
        commands.extend(resolution.commands)
    return Resolution(Outcome.COMMANDS, Status.OK, commands=tuple(commands))


def _resolve_one(intent: Intent, utterance: Utterance, picture: HomePicture) -> Resolution:
    if intent.name == NEVERMIND:
        return _nothing(Status.NOT_FOR_ME, Phrase("answer.nevermind"))
    if intent.name in NOT_SERVED:
        return _nothing(Status.NOT_SERVED, Phrase(f"not-served.{NOT_SERVED[intent.name]}"))
    if intent.name in ANSWERERS:
        return _answer(intent, utterance, picture)
    if intent.name in PLANS:
        return _command(intent, PLANS[intent.name], utterance, picture)
    return _nothing(Status.NOT_SERVED)


def _answer(intent: Intent, utterance: Utterance, picture: HomePicture) -> Resolution:
    said = ANSWERERS[intent.name](intent, utterance, picture)
    if isinstance(said, Missing):
        return _nothing(Status.NO_TARGET, said.say)
    if isinstance(said, Ambiguous):
        return _ask(_question(intent, said.candidates, utterance), picture)
    return Resolution(Outcome.ANSWER, Status.ANSWERED, say=said)


def _command(intent: Intent, plan: Plan, utterance: Utterance, picture: HomePicture) -> Resolution:
    targets = _targets(intent, plan, utterance, picture)
    if isinstance(targets, Missing):
        return _nothing(Status.NO_TARGET, targets.say)
    if isinstance(targets, Ambiguous):
        return _ask(_question(intent, targets.candidates, utterance), picture)
    services = [
        (entity, plan.make(intent, entity, picture.state_of(entity.id))) for entity in targets.entities
    ]
    able = [(entity, service) for entity, service in services if service is not None]
    if not able:
        values = {"targets": spoken([entity for entity, _ in services])}
        return _nothing(Status.CANNOT, Phrase("cannot.targets", values))
    return Resolution(Outcome.COMMANDS, Status.OK, commands=_commands(intent, able))


def _targets(intent: Intent, plan: Plan, utterance: Utterance, picture: HomePicture) -> Targets:
    prefers = plan.prefers
    return targets_of(
        intent,
        utterance,
        picture.registry,
        domains=plan.domains,
        loosely=plan.loosely,
        single=plan.single,
        prefers=(lambda entity: prefers(entity, picture.state_of(entity.id))) if prefers else None,
    )


def _commands(intent: Intent, able: list[tuple[Entity, Service]]) -> tuple[Command, ...]:
    """One command for every way of saying it, one call for every service, in the order of the entities."""
    by_phrase: dict[str, list[tuple[Entity, Service]]] = {}
    for entity, service in able:
        by_phrase.setdefault(service.said, []).append((entity, service))
    return tuple(
        Command(
            intent=intent,
            calls=_calls(pairs),
            said=Phrase(
                f"done.{said}", {**pairs[0][1].values, "targets": spoken([entity for entity, _ in pairs])}
            ),
        )
        for said, pairs in by_phrase.items()
    )


def _calls(pairs: list[tuple[Entity, Service]]) -> tuple[ServiceCall, ...]:
    calls: list[ServiceCall] = []
    for entity, service in pairs:
        same = next((call for call in calls if _is_same(call, service)), None)
        if same is None:
            calls.append(ServiceCall(service.domain, service.name, (entity.id,), service.data))
        else:
            calls[calls.index(same)] = replace(same, entity_ids=(*same.entity_ids, entity.id))
    return tuple(calls)


def _is_same(call: ServiceCall, service: Service) -> bool:
    return call.domain == service.domain and call.service == service.name and call.data == service.data


def _question(intent: Intent, candidates: tuple[Entity, ...], utterance: Utterance) -> OpenQuestion:
    return OpenQuestion(intent, tuple(entity.id for entity in candidates), utterance.now)


def _ask_whether(question: OpenQuestion, utterance: Utterance, picture: HomePicture) -> Resolution:
    """Ask for a yes to what would be done; always in our own words, so that what is heard is what is done."""
    resolution = _resolve_all(question.confirms, utterance, picture)
    if resolution.outcome is not Outcome.COMMANDS:
        return resolution
    asked: list[Phrase] = []
    for command in resolution.commands:
        whether = replace(command.said, key=f"confirm.{command.said.key.removeprefix('done.')}")
        if whether not in asked:
            asked.append(whether)
    return Resolution(Outcome.ASK, Status.ASKED, say=_in_turn(asked), question=question)


def _in_turn(phrases: Sequence[Phrase]) -> Phrase:
    """One phrase that says these after each other; there is at least one of them."""
    if len(phrases) == 1:
        return phrases[0]
    half = len(phrases) // 2
    return Phrase("said.then", {"first": _in_turn(phrases[:half]), "second": _in_turn(phrases[half:])})


def _ask(question: OpenQuestion, picture: HomePicture, words: Phrase | None = None) -> Resolution:
    """Ask which of the candidates is meant, in these words if there are any."""
    entities = picture.registry.entities
    candidates = [entities[one] for one in question.candidates if one in entities and entities[one].exposed]
    if not candidates:
        return _nothing(Status.ENTITY_GONE)
    if words is not None:
        return Resolution(Outcome.ASK, Status.ASKED, say=words, question=question)
    names = distinct_names(candidates, picture.registry)
    key = "ask.which" if len(names) <= MAX_CANDIDATES_SPOKEN else "ask.which-of-many"
    say = Phrase(key, {"candidates": names[:MAX_CANDIDATES_SPOKEN]})
    return Resolution(Outcome.ASK, Status.ASKED, say=say, question=question)


def _nothing(status: Status, say: Phrase | None = None) -> Resolution:
    return Resolution(Outcome.NONE, status, say=say or Phrase(f"status.{status}"))
