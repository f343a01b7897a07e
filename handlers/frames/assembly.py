"""Parts put together to clauses: what belongs to which verb, what is left out, what is said instead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from handlers.frames.clause import Clause, Mention
from handlers.frames.lexicon import Indirect, Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.parts import STOPS, Part
from handlers.frames.reader import PartReader

_TAKING_BACK: Final = frozenset({"no wait", "wait no", "scratch that", "wait"})
# What is left as it is: "but leave the hall on", `maradjon égve`.
_LEAVING: Final = ("leave", "keep", "hagy", "marad", "spare")


class Assembly:
    """Puts parts together to clauses."""

    def __init__(self, lexicon: Lexicon, *, asks: bool, is_alone: bool, joined: Collection[Indirect]) -> None:
        self._lexicon = lexicon
        self._asks = asks
        self._is_alone = is_alone
        self._joined = joined
        self._clauses: list[Clause] = []
        self._waiting: list[Clause] = []
        self._left_out: list[Mention] = []
        self._is_corrected = False

    def add(self, part: Part) -> None:
        """Take the next part up."""
        pieces, is_new, is_except = part.pieces, part.is_new, bool(part.left_out_by)
        clause = PartReader(self._lexicon, asks=self._asks, is_alone=self._is_alone).read(pieces)
        if self._takes_up_again(pieces, clause, is_except=is_except):
            return
        if clause is None:
            if is_except and (self._clauses or self._waiting):
                # "Turn on the kettle, not": nobody knows what is to be left out.
                (self._clauses or self._waiting)[-1].unknown.append("except what")
            return
        if is_except or clause.is_except:
            self._leave_out(clause, part.left_out_by)
        elif clause.has_action or clause.asks or clause.has_amount:
            self._begin(clause)
        elif clause.says_how and self._waiting:
            # "Inverter, charger only"
            _join(clause, self._waiting.pop(), in_front=True)
            self._begin(clause)
        elif self._clauses and not is_new:
            if _is_guessed(clause):
                # "..., it's spitting" is nothing more that is to be closed in the sitting room.
                clause.unknown += [piece.text for piece in clause.texts if piece.slip]
            _join(self._clauses[-1], clause)
        else:
            self._waiting.append(clause)

    def _takes_up_again(self, pieces: Sequence[Piece], clause: Clause | None, *, is_except: bool) -> bool:
        """Take a part that is said instead of the one before it, or says only where that was meant."""
        last = self._clauses[-1] if self._clauses else None
        content = [piece for piece in pieces if piece.text not in STOPS]
        corrects = bool(content) and content[0].sense(Role.CORRECTION) is not None
        if clause is None:
            # "..., no wait, ...": the next part says it.
            self._is_corrected |= corrects and last is not None
            return False
        if len(content) > 1 and content[-1].text in _TAKING_BACK:
            # "Turn on the hall light no wait"
            clause.unknown.append(content[-1].text)
        corrects, self._is_corrected = corrects or self._is_corrected, False
        if last is None or is_except or clause.is_except:
            return False
        if corrects:
            if not _replace(last, clause):
                last.unknown.append("instead of what")
            return True
        if clause.is_only and clause.mentions and not clause.has_action:
            if not _narrow(last, clause):
                last.unknown.append("only what")
            return True
        return False

    def clauses(self) -> list[Clause]:
        """All of them; what only says why, beside what says what, is left away."""
        found = [*self._clauses, *self._waiting]
        plain = [clause for clause in found if clause.indirect is None or clause.indirect in self._joined]
        if (
            plain
            and len(plain) < len(found)
            and all(clause.has_action or clause.has_amount for clause in plain)
        ):
            found = plain
        if found and self._is_corrected:
            found[-1].unknown.append("instead of what")
        if found and self._left_out:
            found[0].exceptions += self._left_out
        return found

    def _begin(self, clause: Clause) -> None:
        last = self._clauses[-1] if self._clauses else None
        if last is not None and self._completes(last, clause):
            # "turn the telly and the radio off"
            last.tails, clause.states = [*clause.states], []
            _join(last, clause)
            return
        if last is not None and not clause.has_action and not clause.asks and last.values:
            # "set this to fifty and that to thirty"
            clause.verbs, clause.tails, clause.states = list(last.verbs), list(last.tails), list(last.states)
        for waiting in reversed(self._waiting):
            _join(clause, waiting, in_front=True)
        self._waiting = []
        if last is not None and self._is_object(last, clause):
            _join(last, clause)
        else:
            self._clauses.append(clause)

    def _is_object(self, last: Clause, clause: Clause) -> bool:
        """Whether a part is what the verb before it is about."""
        lacks_thing = bool(last.verbs) and not last.mentions and not last.is_pronoun
        is_other = bool(clause.verbs or clause.states or clause.tails)
        return lacks_thing and bool(clause.mentions) and not is_other

    def _completes(self, last: Clause, clause: Clause) -> bool:
        """Whether a part holds the particle of the verb before it."""
        if not last.verbs or last.tails or last.states or clause.verbs or len(clause.states) != 1:
            return False
        return bool(clause.mentions) and (last.verbs[-1], clause.states[0]) in self._lexicon.actions

    def _leave_out(self, clause: Clause, by: str) -> None:
        into = self._clauses or self._waiting
        if not clause.mentions:
            clause.unknown.append("except what")
        leaves = any(word in by for word in _LEAVING)
        acts = clause.verbs or clause.tails or clause.states
        if clause.says_how or clause.changes or (acts and not leaves):
            clause.unknown.append("except how")
        if into:
            into[-1].exceptions += clause.mentions
            into[-1].unknown += clause.unknown
        else:
            self._left_out += clause.mentions


def _replace(last: Clause, clause: Clause) -> bool:
    """Let a part say better what the clause before it said; False where it says something else."""
    if clause.has_action or not (clause.mentions or clause.says_how):
        return False
    if clause.mentions and not last.mentions:
        return False
    if clause.says_how and not last.says_how:
        return False
    last.mentions = clause.mentions or last.mentions
    if clause.says_how:
        last.values, last.colors, last.whites = clause.values, clause.colors, clause.whites
        last.modes, last.options = clause.modes, clause.options
    last.unknown += clause.unknown
    return True


def _narrow(last: Clause, clause: Clause) -> bool:
    """Let a part say where the one thing of the clause before it is; False where it does not."""
    if len(last.mentions) != 1 or len(clause.mentions) != 1 or clause.says_how:
        return False
    what, where = last.mentions[0], clause.mentions[0]
    if not where.pieces or not all(piece.places for piece in where.pieces):
        return False
    length = len(what.pieces)
    placed = what.placed | {length + position for position in range(len(where.pieces))}
    last.mentions = [Mention((*what.pieces, *where.pieces), what.soft, placed)]
    last.unknown += clause.unknown
    return True


def _is_guessed(clause: Clause) -> bool:
    """Whether all that a part names was put right from something else."""
    named = [piece for mention in clause.mentions for piece in mention.pieces]
    return bool(named) and all(piece.slip for piece in named)


def _join(into: Clause, other: Clause, *, in_front: bool = False) -> None:
    into.mentions = [*other.mentions, *into.mentions] if in_front else [*into.mentions, *other.mentions]
    into.exceptions += other.exceptions
    into.values += other.values
    into.attributes += other.attributes
    into.colors += other.colors
    into.whites += other.whites
    into.modes += other.modes
    into.options += other.options
    into.changes += other.changes
    into.unknown += other.unknown
    into.quantifiers |= other.quantifiers
    into.asks += other.asks
    into.is_also |= other.is_also
    into.is_here |= other.is_here
    into.is_others |= other.is_others
    into.vague_place = into.vague_place or other.vague_place
    into.is_pronoun |= other.is_pronoun
    into.is_negated |= other.is_negated
    into.texts = [*other.texts, *into.texts] if in_front else [*into.texts, *other.texts]
