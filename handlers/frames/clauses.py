"""From pieces to clauses: what kind of sentence it is, and what belongs together in it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import dropwhile, takewhile
from typing import Final, NamedTuple

from handlers.frames.case import Case
from handlers.frames.clause import Clause, Mention, Sentence
from handlers.frames.lexicon import Indirect, Lexicon, Role
from handlers.frames.link import Piece
from handlers.frames.reader import PartReader, is_only, meaning_of

_STOPS: Final = frozenset({",", ";", ":", ".", "!"})
_ARTICLES: Final = frozenset({"a", "an", "the", "az", "my", "our", "hogy"})
_TRUTH_WANTED: Final = ("make sure", "ensure", "see that", "see to it")


def sentence_of(pieces: Sequence[Piece], lexicon: Lexicon) -> Sentence:
    """Take a sentence apart."""
    pieces = _without_correction(pieces)
    content = [piece for piece in pieces if not is_only(piece, Role.FILLER) and piece.text not in _STOPS]
    if content and all(piece.sense(Role.NEVER_MIND) for piece in content):
        return Sentence((), never_mind=True)
    if content and _tells_a_thing(content):
        # "Tell Dusty to go home": what it is told is what is to be done.
        told = next(piece for piece in content if piece.text == "to")
        pieces = [piece for piece in pieces if piece is not content[0] and piece is not told]
        content = [piece for piece in content[1:] if piece is not told]
    asks = _is_question(content, lexicon)
    remark = _remark(content, pieces, asks=asks)
    if remark is not None:
        return Sentence((), asks, not_for_me=remark)
    parts = list(_parts(pieces, lexicon))
    if _is_taken_back(parts):
        return Sentence((), never_mind=True)
    is_alone = sum(any(not is_only(piece, Role.FILLER) for piece in part) for part, _, _ in parts) == 1
    builder = _Builder(lexicon, asks=asks, is_alone=is_alone, joined=_joined_phrases(pieces))
    for part in parts:
        builder.add(part)
    clauses = builder.clauses()
    if any(clause.is_negated for clause in clauses) and not _only_wonders(pieces, clauses, lexicon):
        return Sentence((), asks, not_for_me="negated")
    if not asks and len(clauses) == 1 and _asks_by_naming(clauses[0]):
        asks, clauses[0].asks = True, ["what"]
    if clauses and _is_cut_off(pieces):
        clauses[-1].unknown.append("…")
    first = next((piece for piece in pieces if piece.text not in _STOPS and not _is_mere_filler(piece)), None)
    return Sentence(
        tuple(clauses), asks, begins_with_and=first is not None and first.sense(Role.AND) is not None
    )


def _is_taken_back(parts: Sequence[_Part]) -> bool:
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


# --- what kind of sentence ---------------------------------------------------------------------------


def _is_mere_filler(piece: Piece) -> bool:
    return is_only(piece, Role.FILLER)


def _is_question(content: Sequence[Piece], lexicon: Lexicon) -> bool:
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


def _remark(content: Sequence[Piece], pieces: Sequence[Piece], *, asks: bool) -> str | None:
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


def _tells_a_thing(content: Sequence[Piece]) -> bool:
    """Whether a thing of the home is told what to do: "tell Dusty to go home"; people cannot be told."""
    if content[0].text not in {"tell", "ask"}:
        return False
    rest = [piece for piece in content[1:] if not is_only(piece, Role.DETERMINER)]
    return len(rest) > 1 and bool(rest[0].entities) and rest[1].text == "to"


def _asks_by_naming(clause: Clause) -> bool:
    """Whether something measured is named and nothing else: "outside temperature"."""
    measured = {"temperature", "humidity", "battery", "power", "weather"}
    return (
        bool(clause.attributes)
        and set(clause.attributes) <= measured
        and not (clause.has_action or clause.values or clause.modes or clause.colors or clause.is_also)
    )


def _is_cut_off(pieces: Sequence[Piece]) -> bool:
    """Whether it ends where something must follow: "turn on the"."""
    last = next((piece for piece in reversed(pieces) if piece.text not in _STOPS | {"?"}), None)
    if last is None or last.words or last.number is not None:
        return False
    is_exception = last.sense(Role.EXCEPT) and not last.sense(Role.EXCEPT_BEFORE)
    leads_on = last.sense(Role.AND) or is_exception or last.text == "but"
    return (bool(leads_on) and last.sense(Role.TAIL) is None) or (
        last.sense(Role.DETERMINER) is not None and last.text in _ARTICLES
    )


def _is_about_something(content: Sequence[Piece]) -> bool:
    """Whether there is anything in it that could be acted upon."""
    roles = {Role.VERB, Role.STATE, Role.TAIL, Role.INDIRECT, Role.KIND}
    return any(piece.words or any(sense.role in roles for sense in piece.senses) for piece in content)


# --- parts ------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """What stands between connectors.

    Attributes:
        left_out_by: The word that says that it is left out; empty where it is not.
        is_new: Whether a stop is before it.
    """

    pieces: list[Piece]
    left_out_by: str = ""
    is_new: bool = False


def _parts(pieces: Sequence[Piece], lexicon: Lexicon) -> Iterator[_Part]:
    """The pieces between connectors."""
    part: list[Piece] = []
    left_out_by, is_new = "", False
    reason = _reason_at_the_edge(pieces)
    for position, piece in enumerate(pieces):
        if piece is reason:
            # "Turn the fan off I'm freezing": nothing but the comma is missing.
            yield _Part(part, left_out_by, is_new)
            yield _Part([piece])
            part, left_out_by, is_new = [], "", False
        elif _is_exception_before(piece, part, pieces[position + 1 :]):
            rest, left_out = _before_exception(part)
            yield _Part(rest, left_out_by, is_new)
            yield _Part(left_out, piece.text)
            part, left_out_by, is_new = [], "", False
        elif piece.sense(Role.EXCEPT) and (piece.text != "but" or _says_all(pieces[:position])):
            yield _Part(part, left_out_by, is_new)
            part, left_out_by, is_new = [], piece.text, False
        elif _separates(piece, part, pieces[position + 1 :], lexicon):
            yield _Part(part, left_out_by, is_new)
            part, is_new = [], bool(piece.sense(Role.THEN)) or piece.text in {".", ";", "!"}
            if not piece.sense(Role.AND) or _acts(pieces[position + 1 :]):
                left_out_by = ""
        elif piece.text != "?":
            part.append(piece)
    yield _Part(part, left_out_by, is_new)


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
    content = [piece for piece in pieces if not is_only(piece, Role.FILLER) and piece.text not in _STOPS]
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


def _joined_phrases(pieces: Sequence[Piece]) -> list[Indirect]:
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
        one.text in _STOPS or is_only(one, Role.FILLER) for one in after
    ):
        return True
    # `a konyhát kivéve kapcsolj le mindent`
    says_what = any(one.sense(Role.VERB) for one in after) and not any(one.sense(Role.VERB) for one in part)
    return says_what and any(one.words for one in part)


def _acts(pieces: Sequence[Piece]) -> bool:
    """Whether the next part has a verb of its own."""
    part = [
        one
        for one in takewhile(lambda one: one.text not in _STOPS and not one.sense(Role.AND), pieces)
        if not _is_mere_filler(one)
    ]
    begins = len(part) > 1 and part[0].sense(Role.VERB) is not None and any(one.words for one in part[1:])
    return begins or any(piece.sense(Role.VERB) and not piece.words for piece in part)


def _is_plural(piece: Piece) -> bool:
    return any(word.plural and word.kinds for word in piece.words)


def _separates(piece: Piece, part: Sequence[Piece], after: Sequence[Piece], lexicon: Lexicon) -> bool:
    """Whether one part ends here and another begins."""
    if piece.text in _STOPS or piece.sense(Role.THEN):
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


_TAKING_BACK: Final = frozenset({"no wait", "wait no", "scratch that", "wait"})
# What is left as it is: "but leave the hall on", `maradjon égve`.
_LEAVING: Final = ("leave", "keep", "hagy", "marad", "spare")


class _Builder:
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

    def add(self, part: _Part) -> None:
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
        content = [piece for piece in pieces if piece.text not in _STOPS]
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
