"""The parts of a sentence: what stands between its connectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from handlers.frames.case import Case
from handlers.frames.lexicon import Indirect, Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.reader import is_only, meaning_of

STOPS: Final = frozenset({",", ";", ":", ".", "!"})
"""Signs that end a part."""


class Part(NamedTuple):
    """What stands between connectors.

    Attributes:
        left_out_by: The word that says that it is left out; empty where it is not.
        is_new: Whether a stop is before it.
    """

    pieces: list[Piece]
    left_out_by: str = ""
    is_new: bool = False


def parts_of(pieces: Sequence[Piece], lexicon: Lexicon) -> Iterator[Part]:
    """The pieces between connectors."""
    part: list[Piece] = []
    left_out_by, is_new = "", False
    reason = _reason_at_the_edge(pieces)
    for position, piece in enumerate(pieces):
        if piece is reason:
            # "Turn the fan off I'm freezing": nothing but the comma is missing.
            yield Part(part, left_out_by, is_new)
            yield Part([piece])
            part, left_out_by, is_new = [], "", False
        elif _is_exception_before(piece, part, pieces[position + 1 :]):
            rest, left_out = _before_exception(part)
            yield Part(rest, left_out_by, is_new)
            yield Part(left_out, piece.text)
            part, left_out_by, is_new = [], "", False
        elif piece.sense(Role.EXCEPT) and (piece.text != "but" or _says_all(pieces[:position])):
            yield Part(part, left_out_by, is_new)
            part, left_out_by, is_new = [], piece.text, False
        elif _separates(piece, part, pieces[position + 1 :], lexicon):
            yield Part(part, left_out_by, is_new)
            part, is_new = [], bool(piece.sense(Role.THEN)) or piece.text in {".", ";", "!"}
            if not piece.sense(Role.AND) or _acts(pieces[position + 1 :]):
                left_out_by = ""
        elif piece.text != "?":
            part.append(piece)
    yield Part(part, left_out_by, is_new)


def _before_exception(part: list[Piece]) -> tuple[list[Piece], list[Piece]]:
    """What is left out at the end of a part, without the object before it."""
    at = len(part)
    while at and (part[at - 1].words or part[at - 1].is_unknown):
        is_named = at < len(part)
        if is_named and (part[at - 1].case is Case.OBJECT or _is_plural(part[at - 1])):
            break
        at -= 1
    if at and at < len(part) and part[at - 1].sense(Role.DETERMINER):
        at -= 1
    return part[:at], part[at:]


def _reason_at_the_edge(pieces: Sequence[Piece]) -> Piece | None:
    """A phrase that asks for something by itself, first or last in a sentence that says what to do."""
    content = [piece for piece in pieces if not is_only(piece, Role.FILLER) and piece.text not in STOPS]
    edges = [
        piece
        for piece in (*content[:1], *content[-1:])
        if is_only(piece, Role.INDIRECT) and " " in piece.text
    ]
    if len(edges) != 1:
        return None
    others = [piece for piece in content if piece is not edges[0]]
    acts = any(piece.sense(Role.VERB) or _is_plain_state(piece) for piece in others)
    return edges[0] if acts and any(piece.words for piece in others) else None


def joined_phrases(pieces: Sequence[Piece]) -> list[Indirect]:
    """What is asked for without saying it, next to an "and": no reason, but another command."""
    said = [piece for piece in pieces if not is_only(piece, Role.FILLER)]
    found = []
    for position, piece in enumerate(said):
        meaning = meaning_of(piece)
        beside = (*said[max(position - 1, 0) : position], *said[position + 1 : position + 2])
        if meaning is not None and any(one.sense(Role.AND) or one.sense(Role.THEN) for one in beside):
            found.append(meaning)
    return found


def _is_plain_state(piece: Piece) -> bool:
    """Whether it says how something is to be, and is no preposition: "off", not "on"."""
    return piece.sense(Role.STATE) is not None and piece.sense(Role.PREPOSITION) is None


def _is_exception_before(piece: Piece, part: Sequence[Piece], after: Sequence[Piece]) -> bool:
    """Whether what is left out stands before; `kivéve` may stand on either side."""
    if piece.sense(Role.EXCEPT_BEFORE) is None:
        return False
    if piece.sense(Role.EXCEPT) is None or all(
        one.text in STOPS or is_only(one, Role.FILLER) for one in after
    ):
        return True
    # `a konyhát kivéve kapcsolj le mindent`
    says_what = any(one.sense(Role.VERB) for one in after) and not any(one.sense(Role.VERB) for one in part)
    return says_what and any(one.words for one in part)


def _acts(pieces: Sequence[Piece]) -> bool:
    """Whether the next part has a verb of its own."""
    part = [
        one
        for one in takewhile(lambda one: one.text not in STOPS and not one.sense(Role.AND), pieces)
        if not is_only(one, Role.FILLER)
    ]
    begins = len(part) > 1 and part[0].sense(Role.VERB) is not None and any(one.words for one in part[1:])
    return begins or any(piece.sense(Role.VERB) and not piece.words for piece in part)


def _is_plural(piece: Piece) -> bool:
    return any(word.plural and word.kinds for word in piece.words)


def _separates(piece: Piece, part: Sequence[Piece], after: Sequence[Piece], lexicon: Lexicon) -> bool:
    """Whether one part ends here and another begins."""
    if piece.text in STOPS or piece.sense(Role.THEN):
        return True
    return _connects(piece, part, after, lexicon)


def _says_all(pieces: Sequence[Piece]) -> bool:
    """Whether there is something to leave out of: "every door but the front door"."""
    return any(
        piece.sense(Role.ALL)
        or piece.sense(Role.EVERYTHING)
        or ((meaning := meaning_of(piece)) is not None and meaning.all)
        for piece in pieces
    )


def _connects(piece: Piece, part: Sequence[Piece], after: Sequence[Piece], lexicon: Lexicon) -> bool:
    if piece.sense(Role.AND) is None:
        return piece.text == "but"
    if piece.sense(Role.TAIL) and part:
        verb = part[-1].sense(Role.VERB)
        # `a függönyt meg húzd be`: it joins things, or another command, and is else a mere "whereas".
        thing = next((one for one in after if not is_only(one, Role.DETERMINER)), None)
        joins = thing is not None and (
            bool(thing.words) or thing.is_unknown or _begins_another(thing, piece, part, lexicon)
        )
        return joins and not (verb is not None and (verb.value, piece.text) in lexicon.actions)
    return True


def _begins_another(piece: Piece, particle: Piece, part: Sequence[Piece], lexicon: Lexicon) -> bool:
    """Whether it is a second verb, to which the particle does not belong: `zárd be, meg élesítsd`."""
    verb = piece.sense(Role.VERB)
    if verb is None or (verb.value, particle.text) in lexicon.actions:
        return False
    return any(one.sense(Role.VERB) for one in part)
