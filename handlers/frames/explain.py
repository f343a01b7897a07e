"""How the frame parser understands a sentence, step by step, for people who want to know why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from handlers.frames.case import Case
from handlers.frames.clause import Clause, Mention, Sentence, Value
from handlers.frames.home_index import HomeIndex
from handlers.frames.lexicon import Indirect, Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.mentions import meant_by
from handlers.frames.stage import Reading, read
from handlers.understanding import Utterance
from provisioning.home.registry import HomePicture

# More would not be read.
MOST_SHOWN: Final = 8

_ROLES: Final = {Role.TAIL: "particle", Role.ASK: "question"}
_AMOUNTS: Final = {Case.TO: "to ", Case.WITH: "by "}


@dataclass(frozen=True, slots=True)
class ExplainedWord:
    """One link: words of the sentence, and everything that they may be.

    Attributes:
        text: As it was said, or as what it was taken for.
        slip: What was really said, where `text` is a correction.
        meanings: What the lexicon and the home say of it; empty where nobody knows it.
    """

    text: str
    slip: str | None
    meanings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ExplainedMention:
    """What was said of a thing, and the entities that all of it fits: at most `MOST_SHOWN` of `count`."""

    text: str
    candidates: tuple[str, ...]
    count: int
    is_exception: bool = False


@dataclass(frozen=True, slots=True)
class ExplainedFrame:
    """One thing that is asked or asked for: what of it is filled in, and what it mentions."""

    slots: tuple[tuple[str, str], ...]
    mentions: tuple[ExplainedMention, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a sentence is understood.

    Attributes:
        tokens: The sentence as it was taken apart.
        words: Its links, in order.
        frames: What was made of them.
        left_over: What nobody could explain.
        verdict: What it came to, as `Verdict` has it.
        reason: Why it was passed on, or is not for us; None where it was understood.
    """

    tokens: tuple[str, ...]
    words: tuple[ExplainedWord, ...]
    frames: tuple[ExplainedFrame, ...]
    left_over: tuple[str, ...]
    verdict: str
    reason: str | None = field(default=None)

    def as_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "tokens": list(self.tokens),
            "links": [
                {"text": one.text, "slip": one.slip, "meanings": list(one.meanings)} for one in self.words
            ],
            "frames": [
                {
                    "slots": dict(frame.slots),
                    "mentions": [
                        {
                            "text": one.text,
                            "candidates": list(one.candidates),
                            "count": one.count,
                            "exception": one.is_exception,
                        }
                        for one in frame.mentions
                    ],
                }
                for frame in self.frames
            ],
            "left_over": list(self.left_over),
            "verdict": self.verdict,
            "reason": self.reason,
        }


def explained(utterance: Utterance, picture: HomePicture, index: HomeIndex, lexicon: Lexicon) -> Explanation:
    """Understand a sentence as the stage does, and keep what was found on the way."""
    reading = read(utterance, picture, index, lexicon)
    return Explanation(
        tokens=tuple(token.text for token in reading.tokens),
        words=tuple(_word(piece, index) for piece in reading.pieces),
        frames=tuple(_frames(reading.sentence, index, lexicon)),
        left_over=_left_over(reading),
        verdict=reading.understanding.verdict.value,
        reason=_reason(reading),
    )


def _word(piece: Piece, index: HomeIndex) -> ExplainedWord:
    return ExplainedWord(piece.text, piece.slip, tuple(dict.fromkeys(_meanings(piece, index))))


def _meanings(piece: Piece, index: HomeIndex) -> Iterator[str]:
    if not any(character.isalnum() for character in piece.text) and not piece.senses:
        yield "punctuation"
    if piece.entities:
        yield f"called so: {_listed([one.id for one in index.members(piece.entities)])}"
    for place in piece.places:
        yield f"{'floor' if place.is_floor else 'area'} {place.name}"
    if piece.number is not None:
        yield f"number {piece.number:g}"
    for sense in piece.senses:
        yield _named(_ROLES.get(sense.role) or sense.role.name.lower().replace("_", " "), sense.value)
    if not piece.entities and not piece.places:
        for word in piece.words:
            if word.stems:
                yield f"part of a name: {', '.join(word.stems)}"


def _named(role: str, value: Any) -> str:
    if isinstance(value, Indirect):
        about = value.kind or _listed(value.names)
        return f"phrase for {value.action} {about}"
    if isinstance(value, Mapping):
        return f"{role}: {_listed([f'{option} of {entity_id}' for entity_id, option in value.items()])}"
    return role if value is None else f"{role} {value}"


def _frames(sentence: Sentence | None, index: HomeIndex, lexicon: Lexicon) -> Iterator[ExplainedFrame]:
    for clause in sentence.clauses if sentence is not None else ():
        mentions = [_mention(one, index, lexicon, is_exception=False) for one in clause.mentions]
        mentions += [_mention(one, index, lexicon, is_exception=True) for one in clause.exceptions]
        yield ExplainedFrame(tuple(_slots(clause)), tuple(mentions))


def _mention(mention: Mention, index: HomeIndex, lexicon: Lexicon, *, is_exception: bool) -> ExplainedMention:
    said = " ".join(piece.text for piece in (*mention.pieces, *mention.soft))
    members = index.members(meant_by(mention, index.everything, index, lexicon).mask)
    shown = tuple(one.id for one in members[:MOST_SHOWN])
    return ExplainedMention(said, shown, len(members), is_exception)


def _slots(clause: Clause) -> Iterator[tuple[str, str]]:
    lists: tuple[tuple[str, Iterable[Any]], ...] = (
        ("asks", clause.asks),
        ("verb", clause.verbs),
        ("particle", clause.tails),
        ("state", clause.states),
        ("change", [f"{'more' if by > 0 else 'less'} {attribute}" for attribute, by in clause.changes]),
        ("value", [_amount(value) for value in clause.values]),
        ("attribute", clause.attributes),
        ("adjective", clause.adjectives),
        ("color", clause.colors),
        ("kelvin", clause.whites),
        ("mode", clause.modes),
        ("step", clause.steps),
        ("quantifier", sorted(one.name.lower() for one in clause.quantifiers)),
        ("refers to", _references(clause)),
    )
    if clause.indirect is not None:
        yield "phrase", _named("", clause.indirect).removeprefix("phrase for ")
    for name, values in lists:
        if said := ", ".join(map(str, values)):
            yield name, said


def _references(clause: Clause) -> list[str]:
    flags = (
        (clause.is_pronoun, "what was spoken of"),
        (clause.is_also, "what was done before"),
        (clause.is_here, "where it is heard"),
    )
    return [text for holds, text in flags if holds]


def _amount(value: Value) -> str:
    if value.number is None:
        return "a lot" if value.a_lot else "a bit"
    return f"{_AMOUNTS.get(value.mode, '')}{value.number:g}{f' {value.unit}' if value.unit else ''}"


def _left_over(reading: Reading) -> tuple[str, ...]:
    if reading.sentence is None:
        return ()
    return tuple(text for clause in reading.sentence.clauses for text in clause.unknown)


def _reason(reading: Reading) -> str | None:
    reports = reading.understanding.stages
    return reports[0].reason if reports else None


def _listed(names: Iterable[str]) -> str:
    found = list(names)
    more = f" and {len(found) - MOST_SHOWN} more" if len(found) > MOST_SHOWN else ""
    return f"{', '.join(found[:MOST_SHOWN])}{more}"
