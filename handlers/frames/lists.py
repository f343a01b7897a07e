"""What is put on a list, ticked off or taken from it: the one place where words may be unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from handlers.frames.case import Case
from handlers.frames.clause import Clause
from handlers.frames.home_index import HomeIndex, bits
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.tokens import Token, said_at
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
# Phrases of which what is to be bought is the object.
_BUYING: Final = ("vegy", "venn")
LONGEST_ARTICLE: Final = 3
"""Letters of a word that may be an article or a connector; a thing to buy has more."""
LONGEST_THING: Final = 3
"""Words of what goes onto a list that is named and no more; a longer one may be a remark about it."""
_SHOPPING: Final = ("shopping", "grocer", "bevásárl")
_EDGES: Final = frozenset({Role.FILLER, Role.DETERMINER, Role.AND, Role.ALSO})
_AROUND: Final = _EDGES | {Role.TO, Role.PREPOSITION, Role.TAIL, Role.LIST_PHRASE}


@dataclass(frozen=True, slots=True)
class ClauseGroup:
    """Clauses next to each other that are about one list, or a clause that is about none."""

    clauses: tuple[Clause, ...]
    is_list: bool


def grouped(clauses: Sequence[Clause], index: HomeIndex, lexicon: Lexicon) -> list[ClauseGroup]:
    """Tell what is put on lists from what is to be done besides: "add milk to the list and lock up".

    A list takes everything from the verb that puts things there up to where it is named.
    """
    lists = index.domains.get("todo", 0)
    named = [any(_is_list(piece, lists, lexicon) for piece in clause.texts) for clause in clauses]
    puts = [_puts_on_list(clause, lexicon) for clause in clauses]
    groups: list[ClauseGroup] = []
    at = 0
    while at < len(clauses):
        end = _end_of_list(at, clauses, named, puts) if lists else None
        if end is None and named[at] and groups and groups[-1].is_list:
            # "... and sweeping on the other": the verb is that of the list before.
            groups[-1] = ClauseGroup((*groups[-1].clauses, clauses[at]), is_list=True)
        else:
            groups.append(ClauseGroup(tuple(clauses[at : end or at + 1]), is_list=end is not None))
        at = end or at + 1
    return groups


def _puts_on_list(clause: Clause, lexicon: Lexicon) -> bool:
    return any(lexicon.may_do(verb) & _INTENT_OF.keys() for verb in clause.verbs)


def _end_of_list(
    at: int, clauses: Sequence[Clause], named: Sequence[bool], puts: Sequence[bool]
) -> int | None:
    """Behind the clause that names the list, if none before it is another one of that sort."""
    if "list_phrase" in clauses[at].verbs:
        after = clauses[at + 1] if at + 1 < len(clauses) else None
        says_where = after is not None and puts[at + 1] and _says_only_where(after)
        return at + 2 if says_where else None
    if not puts[at]:
        return None
    for position in range(at, len(clauses)):
        if position > at and puts[position]:
            return None
        if named[position]:
            return position + 1
    return None


def _says_only_where(clause: Clause) -> bool:
    """Whether it says of what was said before that it goes onto a list: "add them to the list", `írd fel`."""
    said = [piece for mention in clause.mentions for piece in mention.pieces]
    return not clause.unknown and (clause.is_pronoun or all(piece.case is Case.TO for piece in said))


def list_intents(
    clauses: Sequence[Clause],
    tokens: Sequence[Token],
    index: HomeIndex,
    lexicon: Lexicon,
    utterance: Utterance,
    *,
    goes_on: bool = False,
) -> list[Intent] | None:
    """The intents for a sentence about a list; None where it is about none.

    A list must be named, or meant by the phrase ("we need"); then the shopping list, or the only one.
    """
    pieces = [piece for clause in clauses for piece in clause.texts]
    lists = index.domains.get("todo", 0)
    if not lists or any(piece.sense(Role.NEGATION) for piece in pieces) or clauses[0].exceptions:
        return None
    named = [piece for piece in pieces if _is_list(piece, lists, lexicon)]
    several = _each_with_its_list(pieces, named, lexicon)
    if several:
        found = [_onto(part, part, clauses, tokens, index, lexicon, utterance) for part in several]
        return None if None in found else [intent for intents in found if intents for intent in intents]
    last = utterance.session.turns[-1].intents if utterance.session.turns else ()
    if last and last[-1].name == "HassListAddItem" and _is_more(clauses, pieces, goes_on=goes_on):
        return [
            replace(last[-1], slots={**last[-1].slots, "item": item}) for item in _more(pieces, utterance)
        ]
    things = [
        piece for clause in clauses if not _is_where(clause, clauses, lexicon) for piece in clause.texts
    ]
    return _onto(pieces, things, clauses, tokens, index, lexicon, utterance)


def _is_where(clause: Clause, clauses: Sequence[Clause], lexicon: Lexicon) -> bool:
    return clause is not clauses[0] and _puts_on_list(clause, lexicon) and _says_only_where(clause)


def _each_with_its_list(
    pieces: Sequence[Piece], named: Sequence[Piece], lexicon: Lexicon
) -> list[Sequence[Piece]]:
    """The stretches that end with a list, where there are several: "jam on the one and soap on the other"."""
    if len({piece.entities for piece in named}) < 2 or lexicon.language != "en":
        return []
    ends = [
        position + 1
        for position, piece in enumerate(pieces)
        if piece in named and (position + 1 == len(pieces) or pieces[position + 1] not in named)
    ]
    if len(ends) < 2:
        return []
    starts = [0, *ends[:-1]]
    return [pieces[start:end] for start, end in zip(starts, ends, strict=True)]


def _onto(
    pieces: Sequence[Piece],
    things: Sequence[Piece],
    clauses: Sequence[Clause],
    tokens: Sequence[Token],
    index: HomeIndex,
    lexicon: Lexicon,
    utterance: Utterance,
) -> list[Intent] | None:
    """What is done with one list that some pieces name, to what is named by some of them."""
    lists = index.domains.get("todo", 0)
    named = [piece for piece in pieces if _is_list(piece, lists, lexicon)]
    if not (named or _is_shopping(things)):
        return None
    action = _action(clauses, lexicon, is_directed=_is_directed(named, clauses, tokens))
    if action is None:
        return None
    todo = _which(named, lists, index)
    if todo is None:
        return None
    said = _item_text(things, named, utterance, lexicon)
    if not said:
        return None
    is_object = (
        not any(verb in _OF_ITSELF for clause in clauses for verb in clause.verbs) and action != "list_go"
    ) or any(piece.text.startswith(_BUYING) for piece in pieces if piece.sense(Role.LIST_PHRASE))
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


def _is_directed(named: Sequence[Piece], clauses: Sequence[Clause], tokens: Sequence[Token]) -> bool:
    return any(_is_onto(piece, tokens) for piece in named) or _says_only_a_thing(clauses, tokens)


def _says_only_a_thing(clauses: Sequence[Clause], tokens: Sequence[Token]) -> bool:
    """Whether a list is named, and beside it, at a comma, something short: "shopping list, cat litter"."""
    unknown = [piece for clause in clauses for piece in clause.texts if piece.is_unknown]
    is_short = 0 < len(unknown) <= LONGEST_THING and any(token.text == "," for token in tokens)
    return is_short and not any(clause.asks for clause in clauses)


def _is_more(clauses: Sequence[Clause], pieces: Sequence[Piece], *, goes_on: bool) -> bool:
    """Whether nothing but another thing is said, and that it is another one: "and jam"."""
    begins = bool(pieces) and (goes_on or any(clause.is_also for clause in clauses))
    return (
        begins
        and all(_may_be_bought(piece) for piece in pieces)
        and any(piece.is_unknown for piece in pieces)
    )


def _more(pieces: Sequence[Piece], utterance: Utterance) -> tuple[str, ...]:
    said = _trimmed(pieces)
    text = said_at(utterance.text, said[0].start, said[-1].end)
    return items_of(text, utterance.language, inflected=utterance.language == "hu")


def _is_onto(piece: Piece, tokens: Sequence[Token]) -> bool:
    """Whether a list is where something goes."""
    # An object beside it has a verb, which nobody knows.
    others = [token.text for token in tokens if not piece.start <= token.start < piece.end]
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
    utterance: Utterance,
    lexicon: Lexicon,
) -> str:
    """What is said beside the verb, the list, and what stands around them; empty if not in one stretch."""
    around = _around(pieces, named, lexicon)
    stretches: list[list[Piece]] = [[]]
    for position, piece in enumerate(pieces):
        if position in around:
            stretches.append([])
        else:
            stretches[-1].append(piece)
    filled = [said for stretch in stretches if (said := _trimmed(stretch))]
    if len(filled) != 1:
        # Of several stretches, as in "add milk to the list, and eggs", none may get lost.
        return ""
    said = filled[0]
    return said_at(utterance.text, said[0].start, said[-1].end).strip(" .!?,")


def _around(pieces: Sequence[Piece], named: Sequence[Piece], lexicon: Lexicon) -> set[int]:
    """Where the verb, the list and their particles stand."""
    lists = {piece.first for piece in named}
    found = {position for position, piece in enumerate(pieces) if piece.first in lists}
    for position, piece in enumerate(pieces):
        verb = piece.sense(Role.VERB)
        puts = verb is not None and lexicon.may_do(verb.value) & _INTENT_OF.keys()
        if puts or piece.sense(Role.LIST_PHRASE):
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
