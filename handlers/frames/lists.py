"""What is put on a list, ticked off or taken from it: the one place where words may be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from handlers.frames.case import Case
from handlers.frames.clause import Clause
from handlers.frames.home_index import HomeIndex, bits
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.tokens import Token
from handlers.list_items import items_of
from handlers.understanding import Intent, Utterance
from provisioning.home.registry import Entity

_INTENT_OF: Final = {
    "list_add": "HassListAddItem",
    "list_go": "HassListAddItem",
    "list_complete": "HassListCompleteItem",
    "list_remove": "HassListRemoveItem",
}
# Verbs whose subject is what goes onto a list, so that it has no ending.
_OF_ITSELF: Final = frozenset({"megy", "kerül", "list_phrase"})
LONGEST_ARTICLE: Final = 3
"""Letters of a word that may be an article or a connector; a thing to buy has more."""
_SHOPPING: Final = ("shopping", "grocer", "bevásárl")
_EDGES: Final = frozenset({Role.FILLER, Role.DETERMINER, Role.AND, Role.ALSO})
_AROUND: Final = _EDGES | {Role.TO, Role.PREPOSITION, Role.TAIL, Role.LIST_PHRASE}


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
    lists = index.domains.get("todo", 0)
    if not lists or any(piece.sense(Role.NEGATION) for piece in pieces) or clauses[0].exceptions:
        return None
    named = [piece for piece in pieces if _is_list(piece, lists, lexicon)]
    last = utterance.session.turns[-1].intents if utterance.session.turns else ()
    if last and last[-1].name == "HassListAddItem" and _is_more(clauses, pieces):
        return [
            replace(last[-1], slots={**last[-1].slots, "item": item})
            for item in _more(pieces, tokens, utterance)
        ]
    action = _action(clauses, lexicon, is_directed=any(_is_onto(piece, tokens) for piece in named))
    if action is None or not (named or _is_shopping(pieces)):
        return None
    todo = _which(named, lists, index)
    if todo is None:
        return None
    said = _item_text(pieces, named, tokens, utterance, lexicon)
    if not said:
        return None
    is_object = (
        not any(verb in _OF_ITSELF for clause in clauses for verb in clause.verbs) and action != "list_go"
    )
    items = items_of(said, utterance.language, inflected=utterance.language == "hu" and is_object)
    return [Intent(_INTENT_OF[action], {"item": item, "name": todo.name}, (todo.id,)) for item in items]


def _is_shopping(pieces: Sequence[Piece]) -> bool:
    """Whether a phrase begins or ends a sentence that is about nothing of the home: "we need milk"."""
    content = [piece for piece in pieces if not _is_edge(piece) or piece.sense(Role.LIST_PHRASE)]
    phrases = [position for position, piece in enumerate(content) if piece.sense(Role.LIST_PHRASE)]
    if len(phrases) != 1 or phrases[0] not in {0, len(content) - 1}:
        return False
    things = [piece for position, piece in enumerate(content) if position not in phrases]
    return bool(things) and all(_may_be_bought(piece) for piece in things)


def _may_be_bought(piece: Piece) -> bool:
    if piece.is_unknown or piece.number is not None or piece.slip is not None:
        return True
    return not piece.words and all(sense.role in _EDGES | {Role.COLOR, Role.UNIT} for sense in piece.senses)


def _action(clauses: Sequence[Clause], lexicon: Lexicon, *, is_directed: bool) -> str | None:
    """What is to be done with a list: by the verb, whatever its particle turned out to be.

    In "put milk on the list", "on" looks like the beginning of a place. Without a verb, what is said to go
    onto a list is put there: `tej a bevásárlólistára`.
    """
    verbs = [verb for clause in clauses for verb in clause.verbs]
    if not any(clause.has_action for clause in clauses):
        return "list_go" if is_directed else None
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


def _is_more(clauses: Sequence[Clause], pieces: Sequence[Piece]) -> bool:
    """Whether nothing but another thing is said, and that it is another one: "and jam"."""
    begins = bool(pieces) and any(clause.is_also for clause in clauses)
    return (
        begins
        and all(_may_be_bought(piece) for piece in pieces)
        and any(piece.is_unknown for piece in pieces)
    )


def _more(pieces: Sequence[Piece], tokens: Sequence[Token], utterance: Utterance) -> tuple[str, ...]:
    said = _trimmed(pieces)
    text = utterance.text[tokens[said[0].first].start : tokens[said[-1].last - 1].end]
    return items_of(text, utterance.language, inflected=utterance.language == "hu")


def _is_onto(piece: Piece, tokens: Sequence[Token]) -> bool:
    """Whether a list is where something goes."""
    # An object beside it has a verb, which nobody knows.
    others = [token.text for token in tokens if not piece.first <= tokens.index(token) < piece.last]
    words = [text for text in others if len(text) > LONGEST_ARTICLE]
    return piece.case is Case.TO and len({text.endswith("t") for text in words}) == 1


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
    """What is said beside the verb, the list, and what stands around them; the longest stretch of it."""
    around = _around(pieces, named, lexicon)
    stretches: list[list[Piece]] = [[]]
    for position, piece in enumerate(pieces):
        if position in around:
            stretches.append([])
        else:
            stretches[-1].append(piece)
    longest = max(stretches, key=lambda stretch: sum(len(piece.text) for piece in _trimmed(stretch)))
    said = _trimmed(longest)
    if not said:
        return ""
    return utterance.text[tokens[said[0].first].start : tokens[said[-1].last - 1].end].strip(" .!?,")


def _around(pieces: Sequence[Piece], named: Sequence[Piece], lexicon: Lexicon) -> set[int]:
    """Where the verb, the list and their particles stand."""
    lists = {piece.first for piece in named}
    found = {position for position, piece in enumerate(pieces) if piece.first in lists}
    for position, piece in enumerate(pieces):
        if piece.sense(Role.VERB) or piece.sense(Role.LIST_PHRASE):
            found.add(position)
            break
    for position in sorted(found):
        for step in (-1, 1):
            at = position + step
            while 0 <= at < len(pieces) and at not in found and _is_particle(pieces[at], lexicon):
                found.add(at)
                at += step
    return found


def _is_particle(piece: Piece, lexicon: Lexicon) -> bool:
    if lexicon.is_list_word(piece.text):
        return True
    return piece.number is None and not piece.words and any(sense.role in _AROUND for sense in piece.senses)


def _trimmed(stretch: Sequence[Piece]) -> Sequence[Piece]:
    """Without the articles and fillers at its ends."""
    kept = [position for position, piece in enumerate(stretch) if not _is_edge(piece)]
    return stretch[kept[0] : kept[-1] + 1] if kept else ()


def _is_edge(piece: Piece) -> bool:
    return piece.number is None and bool(piece.senses) and all(sense.role in _EDGES for sense in piece.senses)
