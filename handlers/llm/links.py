"""What a sentence has to do with the things of a home: the evidence that a proposal is held against."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from handlers.frames.actions import ACTION_OF_STATE, IMPLIED, OF_ATTRIBUTE
from handlers.frames.home_index import HomeIndex, any_of
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import Piece, Word, pieces_of
from handlers.frames.tokens import MAX_TOKENS, folded, tokens_of
from handlers.understanding import Utterance

_NAMING_ATTRIBUTES = (Role.ATTRIBUTE, Role.MORE, Role.LESS)


@dataclass(frozen=True, slots=True)
class Links:
    """The things that a sentence may be about, as bits of the home's index, by what ties them to it.

    Attributes:
        index: Whose bits they are.
        exactly: A whole name of theirs was said.
        named: A word of their name was said.
        kinds: The noun of their kind, or an attribute or a deed that only they have.
        placed: The place where they are.
        session: They were spoken of lately.
        here: They are in the room of the satellite.
        actions: What the verbs, particles and states that were said may ask for, as the lexicon calls it.
    """

    index: HomeIndex
    exactly: int = 0
    named: int = 0
    kinds: int = 0
    placed: int = 0
    session: int = 0
    here: int = 0
    actions: frozenset[str] = frozenset()

    @property
    def every(self) -> int:
        """Whatever has anything to do with the sentence."""
        return self.exactly | self.named | self.kinds | self.placed | self.session | self.here

    @property
    def spoken_of(self) -> int:
        """Whatever words lead to, now or lately: a room alone says nothing of what is in it."""
        return self.exactly | self.named | self.kinds | self.placed | self.session

    def holds(self, entity_id: str) -> bool:
        """Whether a thing has anything to do with the sentence."""
        return bool(self.every & self._bit_of(entity_id))

    def speaks_of(self, entity_id: str) -> bool:
        """Whether words lead to a thing."""
        return bool(self.spoken_of & self._bit_of(entity_id))

    def _bit_of(self, entity_id: str) -> int:
        return next((1 << bit for bit, one in enumerate(self.index.entities) if one.id == entity_id), 0)


def links_of(utterance: Utterance, index: HomeIndex, lexicon: Lexicon) -> Links:
    """Tie a sentence to a home, by the frame parser's own linking."""
    tokens = tokens_of(folded(utterance.text))[:MAX_TOKENS]
    pieces = pieces_of(tokens, index, lexicon)
    words = [word for piece in pieces for word in piece.words]
    actions = frozenset(_actions(pieces, lexicon))
    return Links(
        index=index,
        exactly=_any(piece.entities for piece in pieces),
        named=_any(index.named.get(stem, 0) for word in words for stem in word.stems),
        kinds=_kinds(words, index, lexicon) | any_of(index.domains, _domains(pieces, actions)),
        placed=_any(index.placed.get(stem, 0) for word in words for stem in word.stems)
        | _any(place.mask for piece in pieces for place in piece.places),
        session=_spoken_of(utterance, index),
        here=index.at(utterance.area_id),
        actions=actions,
    )


def _any(masks: Iterable[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def _kinds(words: Iterable[Word], index: HomeIndex, lexicon: Lexicon) -> int:
    return _any(
        index.of_kind(lexicon.kinds[kind])[1]
        for word in words
        for kind in word.kinds
        if kind in lexicon.kinds
    )


def _actions(pieces: Sequence[Piece], lexicon: Lexicon) -> Iterator[str]:
    """What verbs ask for, with their particles where those were said: "turn on" is not "turn off"."""
    senses = [sense for piece in pieces for sense in piece.senses]
    tails = [str(sense.value) for sense in senses if sense.role is Role.TAIL]
    with_verbs: set[str] = set()
    for verb in (str(sense.value) for sense in senses if sense.role is Role.VERB):
        completed = [tail for tail in tails if (verb, tail) in lexicon.actions]
        with_verbs.update(completed)
        for tail in completed:
            yield from lexicon.actions[verb, tail]
        if not completed:
            yield from lexicon.actions.get((verb, None)) or lexicon.may_do(verb)
    for tail in tails:
        if tail not in with_verbs:
            yield from lexicon.actions.get(("", tail), ())
    for sense in senses:
        if sense.role is Role.STATE and sense.value not in tails:
            yield ACTION_OF_STATE.get(str(sense.value), str(sense.value))
        elif sense.role is Role.STEP:
            yield str(sense.value)
        elif sense.role is Role.INDIRECT:
            yield sense.value.action


def _domains(pieces: Iterable[Piece], actions: Iterable[str]) -> Iterator[str]:
    """The domains that alone have what was said of them."""
    for piece in pieces:
        for sense in piece.senses:
            if sense.role in _NAMING_ATTRIBUTES:
                yield from OF_ATTRIBUTE.get(str(sense.value), ())
            elif sense.role in {Role.COLOR, Role.WHITE}:
                yield "light"
            elif sense.role is Role.STEP:
                yield "media_player"
    for action in actions:
        yield from IMPLIED.get(action, ())


def _spoken_of(utterance: Utterance, index: HomeIndex) -> int:
    spoken = {
        target
        for turn in utterance.session.turns
        for target in (*turn.targets, *(one for intent in turn.intents for one in intent.targets))
    }
    if not spoken:
        return 0
    return _any(1 << bit for bit, entity in enumerate(index.entities) if entity.id in spoken)
