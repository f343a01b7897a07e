"""From pieces to clauses: what kind of sentence it is, and what belongs together in it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile
from typing import Final

from handlers.frames.assembly import Assembly
from handlers.frames.clause import Clause, Sentence
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.parts import STOPS, Part, joined_phrases, parts_of
from handlers.frames.reader import is_only
from handlers.frames.sentence_kind import asks_by_naming, is_question, remark_of, tells_a_thing

_ARTICLES: Final = frozenset({"a", "an", "the", "az", "my", "our", "hogy"})


def sentence_of(pieces: Sequence[Piece], lexicon: Lexicon) -> Sentence:
    """Take a sentence apart."""
    pieces = _without_correction(pieces)
    content = [piece for piece in pieces if not is_only(piece, Role.FILLER) and piece.text not in STOPS]
    if content and all(piece.sense(Role.NEVER_MIND) for piece in content):
        return Sentence((), never_mind=True)
    if content and tells_a_thing(content):
        # "Tell Dusty to go home": what it is told is what is to be done.
        told = next(piece for piece in content if piece.text == "to")
        pieces = [piece for piece in pieces if piece is not content[0] and piece is not told]
        content = [piece for piece in content[1:] if piece is not told]
    asks = is_question(content, lexicon)
    remark = remark_of(content, pieces, asks=asks)
    if remark is not None:
        return Sentence((), asks, not_for_me=remark)
    parts = list(parts_of(pieces, lexicon))
    if _is_taken_back(parts):
        return Sentence((), never_mind=True)
    is_alone = sum(any(not is_only(piece, Role.FILLER) for piece in part) for part, _, _ in parts) == 1
    builder = Assembly(lexicon, asks=asks, is_alone=is_alone, joined=joined_phrases(pieces))
    for part in parts:
        builder.add(part)
    clauses = builder.clauses()
    if any(clause.is_negated for clause in clauses) and not _only_wonders(pieces, clauses, lexicon):
        return Sentence((), asks, not_for_me="negated")
    if not asks and len(clauses) == 1 and asks_by_naming(clauses[0]):
        asks, clauses[0].asks = True, ["what"]
    if clauses and _is_cut_off(pieces):
        clauses[-1].unknown.append("…")
    first = next((piece for piece in pieces if piece.text not in STOPS and not _is_mere_filler(piece)), None)
    return Sentence(
        tuple(clauses), asks, begins_with_and=first is not None and first.sense(Role.AND) is not None
    )


def _is_taken_back(parts: Sequence[Part]) -> bool:
    """Whether the last part takes back what was said before: "turn on the lamp, never mind"."""
    said = [content for part, _, _ in parts if (content := [one for one in part if not _is_mere_filler(one)])]
    return len(said) > 1 and all(piece.sense(Role.NEVER_MIND) for piece in said[-1])


def _only_wonders(pieces: Sequence[Piece], clauses: Sequence[Clause], lexicon: Lexicon) -> bool:
    """Whether a negation makes a question only more doubtful: `nem maradt nyitva a kapu?`."""
    is_doubt = bool(pieces) and (pieces[-1].text == "?" or any("maradt" in one.text for one in pieces))
    asks = is_doubt and all(clause.states for clause in clauses)
    return asks and lexicon.language == "hu" and not any(clause.verbs for clause in clauses)


def _without_correction(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Without the "no," or "never mind," of somebody who says it better now."""
    for position, piece in enumerate(pieces[:-1]):
        if is_only(piece, Role.FILLER):
            continue
        is_no = piece.sense(Role.NEGATION) is not None and piece.text in {"no", "nem", "ne"}
        rest = list(dropwhile(_is_mere_filler, pieces[position + 1 :]))
        takes_back = is_no or piece.sense(Role.NEVER_MIND) is not None
        return rest[1:] if takes_back and rest and rest[0].text == "," else pieces
    return pieces


def _is_mere_filler(piece: Piece) -> bool:
    return is_only(piece, Role.FILLER)


def _is_cut_off(pieces: Sequence[Piece]) -> bool:
    """Whether it ends where something must follow: "turn on the"."""
    last = next((piece for piece in reversed(pieces) if piece.text not in STOPS | {"?"}), None)
    if last is None or last.words or last.number is not None:
        return False
    is_exception = last.sense(Role.EXCEPT) and not last.sense(Role.EXCEPT_BEFORE)
    leads_on = last.sense(Role.AND) or is_exception or last.text == "but"
    return (bool(leads_on) and last.sense(Role.TAIL) is None) or (
        last.sense(Role.DETERMINER) is not None and last.text in _ARTICLES
    )
