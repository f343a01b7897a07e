"""What is put on a list, ticked off or taken from it: the one place where words may be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.frames.clauses import Clause
from handlers.frames.home_index import HomeIndex, bits
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.tokens import Token
from handlers.list_items import items_of
from handlers.understanding import Intent, Utterance
from provisioning.home.registry import Entity

_INTENT_OF: Final = {
    "list_add": "HassListAddItem",
    "list_complete": "HassListCompleteItem",
    "list_remove": "HassListRemoveItem",
}
_SHOPPING: Final = ("shopping", "grocer", "bevásárl")
_AROUND: Final = frozenset({
    Role.FILLER, Role.DETERMINER, Role.AND, Role.TO, Role.PREPOSITION, Role.TAIL, Role.VERB,
    Role.LIST_PHRASE, Role.ALSO,
})  # fmt: skip


def list_intents(
    clauses: Sequence[Clause],
    tokens: Sequence[Token],
    index: HomeIndex,
    lexicon: Lexicon,
    utterance: Utterance,
) -> list[Intent] | None:
    """The intents for a sentence about a list; None where it is about none.

    A list must be named, or meant by the phrase ("we need"); then the shopping list, or the only one.
    """
    pieces = [piece for clause in clauses for piece in clause.texts]
    action = _action(clauses, lexicon)
    lists = index.domains.get("todo", 0)
    if action is None or not lists:
        return None
    named = [piece for piece in pieces if _is_list(piece, lists, lexicon)]
    implied = any(piece.sense(Role.LIST_PHRASE) for piece in pieces)
    if not named and not implied:
        return None
    todo = _which(named, lists, index)
    if todo is None:
        return None
    said = _item_text(pieces, named, tokens, utterance, lexicon)
    if not said:
        return None
    items = items_of(said, utterance.language, inflected=utterance.language == "hu")
    return [Intent(_INTENT_OF[action], {"item": item, "name": todo.name}, (todo.id,)) for item in items]


def _action(clauses: Sequence[Clause], lexicon: Lexicon) -> str | None:
    """What is to be done with a list: by the verb, whatever its particle turned out to be.

    In "put milk on the list", "on" looks like the beginning of a place.
    """
    verbs = [verb for clause in clauses for verb in clause.verbs]
    if "list_phrase" in verbs:
        return "list_add"
    tails = {tail for clause in clauses for tail in clause.tails}
    possible = [
        (tail in tails, action)
        for (verb, tail), actions in lexicon.actions.items()
        if verb in verbs
        for action in actions
        if action in _INTENT_OF
    ]
    return max(possible)[1] if possible else None


def _is_list(piece: Piece, lists: int, lexicon: Lexicon) -> bool:
    if piece.entities & lists:
        return True
    return any("todo" in lexicon.kinds[kind].domains for word in piece.words for kind in word.kinds)


def _which(named: Sequence[Piece], lists: int, index: HomeIndex) -> Entity | None:
    """The list that is meant: the one that is named, the one for shopping, or the only one."""
    for piece in named:
        called = piece.entities & lists
        if called.bit_count() == 1:
            return index.members(called)[0]
    shopping = 0
    for bit in bits(lists):
        words = {word for name in index.words_of[bit] for word in name} | {index.entities[bit].id}
        if any(stem in word for word in words for stem in _SHOPPING):
            shopping |= 1 << bit
    wants_shopping = any("shopping_list" in word.kinds for piece in named for word in piece.words)
    candidates = shopping if wants_shopping else (shopping or lists)
    return index.members(candidates)[0] if candidates.bit_count() == 1 else None


def _item_text(
    pieces: Sequence[Piece],
    named: Sequence[Piece],
    tokens: Sequence[Token],
    utterance: Utterance,
    lexicon: Lexicon,
) -> str:
    """What is between the verb and the list, as it was said."""
    around = {piece.first for piece in named}
    first = last = None
    for piece in pieces:
        is_around = (
            piece.first in around
            or lexicon.is_list_word(piece.text)
            or (
                piece.senses and all(sense.role in _AROUND for sense in piece.senses) and piece.number is None
            )
        )
        if piece.sense(Role.AND) and first is not None:
            continue
        if not is_around:
            first = piece.first if first is None else first
            last = piece.last
    if first is None or last is None:
        return ""
    folded_text = utterance.text
    return folded_text[tokens[first].start : tokens[min(last, len(tokens)) - 1].end].strip(" .!?,")
