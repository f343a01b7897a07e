"""What kind of sentence it is: something that is asked, asked for, or only told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.frames.clause import Clause
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.reader import is_only

_TRUTH_WANTED: Final = ("make sure", "ensure", "see that", "see to it")


def is_question(content: Sequence[Piece], lexicon: Lexicon) -> bool:
    """Whether a sentence asks, rather than asks for something."""
    if not content:
        return False
    marked = content[-1].text == "?"
    asked = _is_english_question if lexicon.language == "en" else _is_asked
    return asked(content, marked=marked)


def _is_english_question(content: Sequence[Piece], *, marked: bool) -> bool:
    first = next((one for one in content if one.sense(Role.FILLER) is None or one.sense(Role.ASK)), None)
    if first is not None and first.sense(Role.ASK) is not None:
        return True
    acts = any(
        piece.sense(Role.VERB) and not piece.words and not piece.sense(Role.STATE) for piece in content
    )
    # "Any lights on upstairs": nothing is done to any of several. "Garage door open?"
    is_asked = marked and any(piece.sense(Role.STATE) for piece in content)
    return not acts and (is_asked or any(piece.sense(Role.ANY) for piece in content))


def _is_asked(content: Sequence[Piece], *, marked: bool) -> bool:
    """Whether a sentence is a question that is told by its words, as in Hungarian."""
    if _asks_who_does(content):
        return True
    has_verb = any(piece.sense(Role.VERB) and not piece.words for piece in content)
    asks = any(piece.sense(Role.ASK) and not piece.sense(Role.TAIL) for piece in content)
    if has_verb or (asks and marked):
        return asks and marked
    is_state = any(piece.sense(Role.STATE) and not piece.sense(Role.TAIL) for piece in content)
    return asks or is_state or (marked and any(piece.sense(Role.COPULA) for piece in content))


# In the third person: `ki zárja be az ajtót`, `mikor kapcsolja le`.
_THIRD_PERSON: Final = ("ja", "je", "ák", "ék", "sa", "se", "za", "ze", "ssa", "zza", "on", "en", "ön")
_ASKING_FIRST: Final = frozenset({"who", "when", "where", "which", "how_many"})


def _asks_who_does(content: Sequence[Piece]) -> bool:
    """Whether a question word stands first, and is no prefix of a verb that is asked to do something."""
    ask = content[0].sense(Role.ASK)
    if ask is None or ask.value not in _ASKING_FIRST:
        return False
    if content[0].sense(Role.TAIL) is None:
        return True
    verb = next((piece for piece in content[1:] if piece.sense(Role.VERB)), None)
    return verb is not None and verb.text.endswith(_THIRD_PERSON)


def remark_of(content: Sequence[Piece], pieces: Sequence[Piece], *, asks: bool) -> str | None:
    """Why a sentence is none that asks for something, if there is a reason."""
    wants_truth = any(piece.text.startswith(_TRUTH_WANTED) for piece in pieces)
    for position, piece in enumerate(content):
        if position > 0 and piece.sense(Role.THEN):
            # `majd` is "later" first of all, and "then" between two commands.
            continue
        if piece.sense(Role.REMARK) and not piece.words and not piece.sense(Role.VERB):
            if asks and piece.sense(Role.ASK):
                continue
            return "remark" if _is_about_something(content) else None
        if not asks and _is_said_of(piece, content[position + 1 :], content[:position]):
            return "statement"
        ask = piece.sense(Role.ASK)
        if ask is not None and ask.value == "is" and position > 0 and not asks and not wants_truth:
            return "statement"
    return None


def _is_said_of(piece: Piece, after: Sequence[Piece], before: Sequence[Piece]) -> bool:
    """Whether an "'s" is an "is": "the light's still on", "party's over"."""
    is_noun = bool(piece.words) or piece.text in {"everything's", "that's"}
    if not piece.text.endswith("'s") or not is_noun or any(one.sense(Role.VERB) for one in before):
        return False
    if not after:
        return False
    is_over = len(after) == 1 and after[0].sense(Role.PREPOSITION) is not None
    return is_over or after[0].sense(Role.STATE) is not None


def tells_a_thing(content: Sequence[Piece]) -> bool:
    """Whether a thing of the home is told what to do: "tell Dusty to go home"; people cannot be told."""
    if content[0].text not in {"tell", "ask"}:
        return False
    rest = [piece for piece in content[1:] if not is_only(piece, Role.DETERMINER)]
    return len(rest) > 1 and bool(rest[0].entities) and rest[1].text == "to"


def asks_by_naming(clause: Clause) -> bool:
    """Whether something measured is named and nothing else: "outside temperature"."""
    measured = {"temperature", "humidity", "battery", "power", "weather"}
    return (
        bool(clause.attributes)
        and set(clause.attributes) <= measured
        and not (clause.has_action or clause.values or clause.modes or clause.colors or clause.is_also)
    )


def _is_about_something(content: Sequence[Piece]) -> bool:
    """Whether there is anything in it that could be acted upon."""
    roles = {Role.VERB, Role.STATE, Role.TAIL, Role.INDIRECT, Role.KIND}
    return any(piece.words or any(sense.role in roles for sense in piece.senses) for piece in content)
