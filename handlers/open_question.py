"""The answer to a question that was put to the speaker: "the kitchen one", "a konyhait", "yes please"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from handlers.frames.case import Case
from handlers.frames.hungarian_forms import readings
from handlers.hungarian import accusative, place_forms, spoken_forms
from handlers.intents import NEVERMIND, QUESTIONS
from handlers.names import fold
from handlers.understanding import Intent, OpenQuestion, StageReport, Understanding, Utterance, Verdict
from handlers.yes_or_no import yes_or_no
from provisioning.home.registry import Entity, HomePicture, Registry

_WORD: Final = re.compile(r"[^\W_]+")

# Words around a name that say nothing about which one is meant.
_FILLERS: Final = {
    "en": frozenset({
        "a", "an", "at", "i", "in", "is", "it", "just", "mean", "meant", "of", "ok", "okay", "on", "one",
        "ones", "s", "only", "please", "that", "the", "this", "uh", "um", "want", "well", "yes",
    }),
    "hu": frozenset({
        "a", "arra", "az", "azt", "csak", "erre", "ezt", "gondolok", "gondoltam", "hát", "igen", "jó",
        "kérem", "kérlek", "levő", "levőt", "légy", "légyszi", "lévő", "lévőt", "oké", "ott", "szíves",
    }),
}  # fmt: skip
_EVERY: Final = {
    "en": frozenset({"all", "both", "every", "everything", "them"}),
    "hu": frozenset({
        "mind", "mindegyik", "mindegyiket", "mindent", "mindet", "mindkettő", "mindkettőt", "összes",
        "összeset",
    }),
}  # fmt: skip
# How many candidates there are, said with "all": "all three", `mind a hármat`.
_COUNTS: Final = {
    "en": {"two": 2, "three": 3, "four": 4, "five": 5},
    "hu": {
        "kettő": 2, "kettőt": 2, "három": 3, "hármat": 3, "négy": 4, "négyet": 4, "öt": 5, "ötöt": 5,
    },
}  # fmt: skip
# Which of them, in the order in which they were named.
_ORDINALS: Final = {
    "en": {"first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "last": -1},
    "hu": {
        "első": 0, "elsőt": 0, "második": 1, "másodikat": 1, "harmadik": 2, "harmadikat": 2, "negyedik": 3,
        "negyediket": 3, "ötödik": 4, "ötödiket": 4, "utolsó": -1, "utolsót": -1,
    },
}  # fmt: skip


class OpenQuestionStage:
    """Takes a sentence as the answer to the open question, if it is that and nothing else.

    That is the name of a candidate or, where something waits to be confirmed, a yes or a no. It passes on
    whatever it cannot place, so that a sentence of its own is understood as such. How long a question stays
    open is decided by whoever keeps the session.
    """

    name = "question"

    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        """The question's intent with the candidate that was chosen, what was confirmed, or `PASS_ON`."""
        question = utterance.session.open_question
        if question is None:
            return _passed_on("no question is open")
        if question.confirms:
            return _confirmed(question, utterance)
        chosen = _chosen(question, utterance, picture.registry)
        if not chosen:
            return _passed_on("names no candidate")
        intent = replace(question.intent, targets=chosen)
        verdict = Verdict.QUESTION if intent.name in QUESTIONS else Verdict.COMMANDS
        return Understanding(verdict, (intent,))

    async def warm(self, languages: Iterable[str], picture: HomePicture | None) -> None:
        """Nothing is slow here."""


def _passed_on(reason: str) -> Understanding:
    report = StageReport(OpenQuestionStage.name, Verdict.PASS_ON, 0.0, reason)
    return Understanding(Verdict.PASS_ON, stages=(report,))


def _confirmed(question: OpenQuestion, utterance: Utterance) -> Understanding:
    answer = yes_or_no(utterance.text, utterance.language)
    if answer is None:
        return _passed_on("is neither a yes nor a no")
    return Understanding(Verdict.COMMANDS, question.confirms if answer else (Intent(NEVERMIND),))


def _chosen(question: OpenQuestion, utterance: Utterance, registry: Registry) -> tuple[str, ...]:
    fillers = _FILLERS.get(utterance.language, frozenset())
    said = _words(utterance.text)
    content = [word for word in said if word not in fillers]
    if _means_all(content, len(question.candidates), utterance.language):
        return question.candidates
    entities = [registry.entities[one] for one in question.candidates if one in registry.entities]
    whole = [
        entity.id for entity in entities if _is_called(entity, content or said, utterance.language, registry)
    ]
    if len(whole) == 1:
        return tuple(whole)
    partly = [entity.id for entity in entities if _is_hinted(entity, content, utterance.language, registry)]
    if len(partly) == 1:
        return tuple(partly)
    return () if partly else _in_order(question.candidates, content, utterance.language)


def _means_all(content: Sequence[str], number: int, language: str) -> bool:
    """Whether all of so many candidates are meant, by "both" or by "all" and how many they are."""
    every, counts = _EVERY.get(language, frozenset()), _COUNTS.get(language, {})
    return any(word in every for word in content) and all(
        word in every or counts.get(word) == number for word in content
    )


def _in_order(candidates: tuple[str, ...], content: Sequence[str], language: str) -> tuple[str, ...]:
    """The candidate whose place in the question was said, if nothing else was."""
    place = _ORDINALS.get(language, {}).get(content[0]) if len(content) == 1 else None
    if place is None or place >= len(candidates):
        return ()
    return (candidates[place],)


def _is_called(entity: Entity, said: list[str], language: str, registry: Registry) -> bool:
    """Whether exactly this name, alias or area was said, in any of its forms."""
    spoken = " ".join(said)
    fillers = _FILLERS.get(language, frozenset())
    return any(
        spoken in {" ".join(words), " ".join(word for word in words if word not in fillers)}
        for form in _forms(entity, language, registry)
        if (words := _words(form))
    )


def _is_hinted(entity: Entity, content: list[str], language: str, registry: Registry) -> bool:
    """Whether every word that was said belongs to this candidate: "the left one" to "Left shade"."""
    own = {word for form in _forms(entity, language, registry) for word in _words(form)}
    return bool(content) and all(
        word in own or any(owner in own for owner in _owners(word, language)) for word in content
    )


def _owners(word: str, language: str) -> Iterable[str]:
    """Whose something is, where only that is said: `Ágiét` is Ági's."""
    if language != "hu":
        return ()
    return (stem for stem, case, _ in readings(word) if case is Case.OWN and word.rstrip("t").endswith("é"))


def _forms(entity: Entity, language: str, registry: Registry) -> Iterable[str]:
    area = registry.areas.get(entity.area_id or "")
    places = (area.name, *area.aliases) if area else ()
    names = (entity.name, *entity.aliases)
    if language != "hu":
        return (*names, *places)
    in_places = [form for place in places for form in place_forms(place)]
    # "a konyhait", "a nagyot": what stands for the noun takes its ending.
    endings = [accusative(form) for form in in_places]
    words = [accusative(word) for name in names for word in name.split()]
    return (*(form for name in names for form in spoken_forms(name)), *in_places, *endings, *words)


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))
