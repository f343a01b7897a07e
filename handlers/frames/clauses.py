"""From pieces to clauses: what is to be done or is asked, to what, how much, and what is left out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from handlers.frames.case import Case
from handlers.frames.lexicon import Indirect, Lexicon, Role
from handlers.frames.link import Piece, Word

_STOPS: Final = frozenset({",", ";", ":", ".", "!"})
_TRUTH_WANTED: Final = ("make sure", "ensure", "see that", "see to it")


@dataclass(frozen=True, slots=True)
class Value:
    """How much.

    Attributes:
        number: None for "a bit", and for "a lot".
        unit: `percent`, `degree`, `kelvin`, or None where none was said.
        mode: `Case.TO` up to there, `Case.WITH` by so much, `Case.NONE` where that was not said.
        a_lot: Where there is no number: whether it is a lot.
    """

    number: float | None
    unit: str | None = None
    mode: Case = Case.NONE
    a_lot: bool = False


@dataclass(frozen=True, slots=True)
class Mention:
    """What was said of one thing, or of several of a kind.

    Attributes:
        pieces: Its names, nouns and places, in the order in which they were said.
        soft: Words that may belong to the name, or may have said something else: "white", "temperature".
        placed: Positions in `pieces` of what was said to be a place: "in the kitchen".
    """

    pieces: tuple[Piece, ...] = ()
    soft: tuple[Piece, ...] = ()
    placed: frozenset[int] = frozenset()

    @property
    def words(self) -> Iterator[Word]:
        """All its words."""
        return (word for piece in self.pieces for word in piece.words)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of things that it has nouns for."""
        return tuple(dict.fromkeys(kind for word in self.words for kind in word.kinds))

    @property
    def is_plural(self) -> bool:
        """Whether its noun says that several are meant."""
        return any(word.plural and word.kinds for word in self.words)


@dataclass(slots=True)
class Clause:
    """One thing that is asked for, or asked.

    Attributes:
        verbs, tails, states: What the action is made of, as the lexicon calls it.
        changes: More (1) or less (-1) of an attribute.
        unknown: What nobody could explain; a clause with any is not acted upon.
    """

    verbs: list[str] = field(default_factory=list)
    tails: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    changes: list[tuple[str, int]] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    attributes: list[str] = field(default_factory=list)
    colors: list[str] = field(default_factory=list)
    whites: list[int] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    adjectives: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    exceptions: list[Mention] = field(default_factory=list)
    quantifiers: set[Role] = field(default_factory=set)
    indirect: Indirect | None = None
    unknown: list[str] = field(default_factory=list)
    is_pronoun: bool = False
    is_also: bool = False
    is_here: bool = False
    has_copula: bool = False
    is_except: bool = False
    is_negated: bool = False
    texts: list[Piece] = field(default_factory=list)

    @property
    def has_action(self) -> bool:
        """Whether it says by itself what is to be done."""
        return bool(self.verbs or self.tails or self.states or self.changes or self.indirect or self.steps)


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a sentence consists of.

    Attributes:
        clauses: In the order in which they were said.
        is_question: Whether something is asked rather than asked for.
        not_for_me: Why nothing is to be done: a negation, a remark; None if there is no such reason.
        never_mind: Whether it takes back what was begun.
        begins_with_and: "and the kitchen too".
    """

    clauses: tuple[Clause, ...]
    is_question: bool = False
    not_for_me: str | None = None
    never_mind: bool = False
    begins_with_and: bool = False


def sentence_of(pieces: Sequence[Piece], lexicon: Lexicon) -> Sentence:
    """Take a sentence apart."""
    content = [piece for piece in pieces if not _is_only(piece, Role.FILLER) and piece.text not in _STOPS]
    if content and all(piece.sense(Role.NEVER_MIND) for piece in content):
        return Sentence((), never_mind=True)
    asks = _is_question(content, lexicon)
    remark = _remark(content, pieces, asks=asks)
    if remark is not None:
        return Sentence((), asks, not_for_me=remark)
    builder = _Builder(lexicon, asks=asks)
    for part in _parts(pieces, lexicon):
        builder.add(part)
    clauses = builder.clauses()
    if any(clause.is_negated for clause in clauses):
        return Sentence((), asks, not_for_me="negated")
    if not asks and len(clauses) == 1 and _asks_by_naming(clauses[0]):
        asks, clauses[0].asks = True, ["what"]
    first = next((piece for piece in pieces if piece.text not in _STOPS), None)
    return Sentence(
        tuple(clauses), asks, begins_with_and=first is not None and first.sense(Role.AND) is not None
    )


# --- what kind of sentence ---------------------------------------------------------------------------


def _is_only(piece: Piece, role: Role) -> bool:
    return bool(piece.senses) and all(sense.role is role for sense in piece.senses)


def _is_question(content: Sequence[Piece], lexicon: Lexicon) -> bool:
    if not content:
        return False
    marked = content[-1].text == "?"
    if lexicon.language == "en":
        first = next((one for one in content if one.sense(Role.FILLER) is None or one.sense(Role.ASK)), None)
        if first is not None and first.sense(Role.ASK) is not None:
            return True
        # "Any lights on upstairs": nothing is done to any of several.
        acts = any(
            piece.sense(Role.VERB) and not piece.words and not piece.sense(Role.STATE) for piece in content
        )
        return not acts and any(piece.sense(Role.ANY) for piece in content)
    has_verb = any(piece.sense(Role.VERB) and not piece.words for piece in content)
    for piece in content:
        if piece.sense(Role.ASK) and not piece.sense(Role.TAIL) and not (has_verb and not marked):
            return True
    if has_verb:
        return False
    is_state = any(piece.sense(Role.STATE) and not piece.sense(Role.TAIL) for piece in content)
    return is_state or (marked and any(piece.sense(Role.COPULA) for piece in content))


def _remark(content: Sequence[Piece], pieces: Sequence[Piece], *, asks: bool) -> str | None:
    """Why a sentence is none that asks for something, if there is a reason."""
    wants_truth = any(piece.text.startswith(_TRUTH_WANTED) for piece in pieces)
    for position, piece in enumerate(content):
        if piece.sense(Role.REMARK) and not piece.words and not piece.sense(Role.VERB):
            if asks and piece.sense(Role.ASK):
                continue
            return "remark" if _is_about_something(content) else None
        ask = piece.sense(Role.ASK)
        if ask is not None and ask.value == "is" and position > 0 and not asks and not wants_truth:
            return "statement"
    return None


def _asks_by_naming(clause: Clause) -> bool:
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


# --- parts ------------------------------------------------------------------------------------------


def _parts(pieces: Sequence[Piece], lexicon: Lexicon) -> Iterator[tuple[list[Piece], bool, bool]]:
    """The pieces between connectors: each part, whether it is an exception, whether a stop is before it."""
    part: list[Piece] = []
    is_except = is_new = False
    for position, piece in enumerate(pieces):
        before = pieces[position - 1] if position else None
        if piece.sense(Role.EXCEPT):
            yield part, is_except, is_new
            part, is_except, is_new = [], True, False
        elif piece.text in _STOPS or piece.sense(Role.THEN) or _connects(piece, before, lexicon):
            yield part, is_except, is_new
            part, is_new = [], bool(piece.sense(Role.THEN)) or piece.text in {".", ";", "!"}
            is_except = is_except and bool(piece.sense(Role.AND))
        elif piece.text != "?":
            part.append(piece)
    yield part, is_except, is_new


def _connects(piece: Piece, before: Piece | None, lexicon: Lexicon) -> bool:
    if piece.sense(Role.AND) is None:
        return False
    if piece.sense(Role.TAIL) and before is not None:
        verb = before.sense(Role.VERB)
        return not (verb is not None and (verb.value, piece.text) in lexicon.actions)
    return True


class _Builder:
    """Puts parts together to clauses."""

    def __init__(self, lexicon: Lexicon, *, asks: bool) -> None:
        self._lexicon = lexicon
        self._asks = asks
        self._clauses: list[Clause] = []
        self._waiting: list[Clause] = []

    def add(self, part: tuple[list[Piece], bool, bool]) -> None:
        """Take the next part up."""
        pieces, is_except, is_new = part
        clause = _Reader(self._lexicon, asks=self._asks).read(pieces)
        if clause is None:
            return
        if is_except or clause.is_except:
            self._leave_out(clause)
        elif clause.has_action or clause.asks:
            self._begin(clause)
        elif self._clauses and not is_new:
            self._continue(clause)
        else:
            self._waiting.append(clause)

    def clauses(self) -> list[Clause]:
        """All of them."""
        return [*self._clauses, *self._waiting]

    def _begin(self, clause: Clause) -> None:
        for waiting in self._waiting:
            _join(clause, waiting, in_front=True)
        self._waiting = []
        last = self._clauses[-1] if self._clauses else None
        if (
            last is not None
            and not last.mentions
            and not last.is_pronoun
            and not clause.verbs
            and clause.mentions
            and last.verbs
            and not clause.states
        ):
            _join(last, clause)
            return
        self._clauses.append(clause)

    def _continue(self, clause: Clause) -> None:
        last = self._clauses[-1]
        if clause.values and clause.mentions and last.values and last.mentions:
            # "set this to fifty and that to thirty"
            clause.verbs, clause.tails, clause.states = list(last.verbs), list(last.tails), list(last.states)
            self._clauses.append(clause)
        else:
            _join(last, clause)

    def _leave_out(self, clause: Clause) -> None:
        into = self._clauses or self._waiting
        if into:
            into[-1].exceptions += clause.mentions
            into[-1].unknown += clause.unknown
            if not clause.mentions:
                into[-1].unknown.append("except what")


def _join(into: Clause, other: Clause, *, in_front: bool = False) -> None:
    into.mentions = [*other.mentions, *into.mentions] if in_front else [*into.mentions, *other.mentions]
    into.values += other.values
    into.attributes += other.attributes
    into.colors += other.colors
    into.whites += other.whites
    into.modes += other.modes
    into.changes += other.changes
    into.unknown += other.unknown
    into.quantifiers |= other.quantifiers
    into.asks += other.asks
    into.is_also |= other.is_also
    into.is_here |= other.is_here
    into.is_pronoun |= other.is_pronoun
    into.is_negated |= other.is_negated
    into.texts = [*other.texts, *into.texts] if in_front else [*into.texts, *other.texts]


class _Reader:
    """Reads one part, piece by piece."""

    def __init__(self, lexicon: Lexicon, *, asks: bool) -> None:
        self._lexicon = lexicon
        self._asks = asks
        self._clause = Clause()
        self._nominal: list[Piece] = []
        self._soft: list[Piece] = []
        self._placed: set[int] = set()
        self._in_place = False
        self._mode = Case.NONE
        self._only = False

    def read(self, pieces: Sequence[Piece]) -> Clause | None:
        """What a part says; None where it says nothing."""
        clause = self._clause
        content = [piece for piece in pieces if not _is_only(piece, Role.FILLER)]
        if not content:
            return None
        clause.texts = list(pieces)
        indirect = self._indirect(content)
        for position, piece in enumerate(pieces):
            if piece is indirect or (
                indirect is not None and piece.sense(Role.PREPOSITION) and not piece.words
            ):
                self._in_place = piece is not indirect
                continue
            self._take(piece, pieces, position, content)
        if indirect is not None:
            sense = indirect.sense(Role.INDIRECT)
            clause.indirect = sense.value if sense is not None else None
        if self._nominal or self._soft:
            clause.mentions.append(Mention(tuple(self._nominal), tuple(self._soft), frozenset(self._placed)))
        if clause.is_negated and self._only:
            clause.is_negated, clause.is_except = False, True
        return clause

    def _indirect(self, content: Sequence[Piece]) -> Piece | None:
        """The phrase that asks for something without saying it, if nothing else does."""
        found = [piece for piece in content if piece.sense(Role.INDIRECT)]
        if len(found) != 1 or self._asks:
            return None
        others = [piece for piece in content if piece is not found[0]]
        roles = {Role.VERB, Role.TAIL, Role.STATE, Role.MORE, Role.LESS, Role.NEGATION}
        if any(
            piece.senses and piece.senses[0].role in roles and not piece.sense(Role.PREPOSITION)
            for piece in others
        ):
            return None
        if any(kind for piece in others for word in piece.words for kind in word.kinds):
            return None
        has_more = any(piece.words for piece in others)
        if found[0].words and has_more and len(found[0].senses) > 1 and not _is_placed_only(others):
            return None
        return found[0]

    def _take(self, piece: Piece, pieces: Sequence[Piece], position: int, content: Sequence[Piece]) -> None:
        clause = self._clause
        if (piece.entities or piece.places) and not self._is_verb_here(piece, pieces, position):
            self._name(piece)
            return
        for role, take in _TAKERS:
            sense = piece.sense(role)
            if sense is not None and take(self, piece, sense.value, pieces, position, content):
                return
        if _is_only(piece, Role.INDIRECT):
            # It asks for something, beside something else that is asked for.
            clause.unknown.append(piece.text)
        elif piece.number is not None:
            self._number(piece, pieces, position)
        elif piece.words:
            self._name(piece)
        elif not piece.senses:
            clause.unknown.append(piece.text)

    def _is_verb_here(self, piece: Piece, pieces: Sequence[Piece], position: int) -> bool:
        """Whether what is also a name is the verb: "light up the hall"."""
        verb = piece.sense(Role.VERB)
        if verb is None or self._clause.verbs or self._nominal or position + 1 >= len(pieces):
            return False
        tail = pieces[position + 1].sense(Role.TAIL)
        return tail is not None and (verb.value, tail.value) in self._lexicon.actions

    def _can_act(self, verb: str, pieces: Sequence[Piece], position: int) -> bool:
        """Whether a verb is one by itself, or with a particle that is said."""
        actions = self._lexicon.actions
        if (verb, None) in actions:
            return True
        tails = (
            *self._clause.tails,
            *(sense.value for one in pieces if (sense := one.sense(Role.TAIL)) is not None),
        )
        del position
        return any((verb, tail) in actions for tail in tails)

    # Takers: each says whether the piece is what it is for.

    def _name(self, piece: Piece) -> None:
        if self._in_place or piece.case in {Case.PLACE, Case.FROM}:
            self._placed.add(len(self._nominal))
        self._nominal.append(piece)

    def _filler(self, *_: object) -> bool:
        return True

    def _negation(self, piece: Piece, *_: object) -> bool:
        if self._clause.verbs and self._lexicon.language == "en":
            # "play Does Not Exist": it negates no command, and nothing that is known.
            self._clause.unknown.append(piece.text)
        else:
            self._clause.is_negated = True
        return True

    def _only_taken(self, *_: object) -> bool:
        self._only = True
        return True

    def _verb(
        self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, content: Sequence[Piece]
    ) -> bool:
        clause = self._clause
        is_first = not clause.verbs and not self._nominal and not clause.states and not clause.tails
        pure = not piece.words and not piece.sense(Role.STATE)
        if self._asks and (piece.sense(Role.STATE) or piece.sense(Role.ASK)):
            return False
        if clause.verbs and not pure:
            return False
        if not (pure or is_first):
            return False
        if piece.words and (len(content) == 1 or not self._can_act(value, pieces, position)):
            return False
        clause.verbs.append(value)
        self._in_place = False
        return True

    def _tail(
        self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, content: Sequence[Piece]
    ) -> bool:
        clause, actions = self._clause, self._lexicon.actions
        del content
        if clause.verbs:
            verb = clause.verbs[-1]
            follows = position > 0 and pieces[position - 1].sense(Role.VERB) is not None
            if (verb, value) in actions and not (clause.tails and self._lexicon.language == "en"):
                if piece.sense(Role.PREPOSITION) and not follows and self._leads_to_place(pieces, position):
                    return False
                clause.tails.append(value)
                self._in_place = False
                return True
            return False
        later = next((one.sense(Role.VERB) for one in pieces[position + 1 :] if one.sense(Role.VERB)), None)
        if later is not None and (later.value, value) in actions:
            clause.tails.append(value)
            return True
        if ("", value) in actions and not piece.sense(Role.STATE):
            clause.tails.append(value)
            return True
        return False

    def _leads_to_place(self, pieces: Sequence[Piece], position: int) -> bool:
        """Whether a place or a list comes next, and the particle that the verb needs comes later, or came."""
        rest = [one for one in pieces[position + 1 :] if not _is_only(one, Role.DETERMINER)]
        if not rest or not (rest[0].places or rest[0].words):
            return False
        verb = self._clause.verbs[-1]
        later = any(
            (sense := one.sense(Role.TAIL)) is not None and (verb, sense.value) in self._lexicon.actions
            for one in rest
        )
        return bool(rest[0].places) and later

    def _state(
        self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, content: Sequence[Piece]
    ) -> bool:
        clause = self._clause
        del content
        if piece.sense(Role.PREPOSITION) and not (self._asks and not self._has_later_state(pieces, position)):
            rest = [one for one in pieces[position + 1 :] if not _is_only(one, Role.DETERMINER)]
            others = (
                clause.tails
                or clause.states
                or any(one.sense(Role.STATE) or one.sense(Role.TAIL) for one in rest if one is not piece)
            )
            if (
                rest
                and (rest[0].places or rest[0].words)
                and (others or (rest[0].places and rest[0].places[0].is_floor))
            ):
                return False
        if clause.tails and not self._asks and piece.sense(Role.PREPOSITION):
            return False
        clause.states.append(value)
        self._in_place = False
        return True

    def _has_later_state(self, pieces: Sequence[Piece], position: int) -> bool:
        return bool(self._clause.states) or any(one.sense(Role.STATE) for one in pieces[position + 1 :])

    def _change(self, sign: int, piece: Piece, value: str) -> bool:
        clause = self._clause
        if value == "any" and piece.sense(Role.TAIL) and clause.tails and clause.verbs:
            return True
        clause.changes.append((value, sign))
        return True

    def _more(self, piece: Piece, value: str, *_: object) -> bool:
        return self._change(1, piece, value)

    def _less(self, piece: Piece, value: str, *_: object) -> bool:
        return self._change(-1, piece, value)

    def _amount(
        self, piece: Piece, value: float, pieces: Sequence[Piece], position: int, content: Sequence[Piece]
    ) -> bool:
        mode = self._mode if self._mode is not Case.NONE else piece.case
        if piece.number is not None:
            return False
        del content
        unit = "percent"
        self._clause.values.append(
            Value(float(value), unit, mode if mode in {Case.TO, Case.WITH} else Case.NONE)
        )
        self._mode = Case.NONE
        del pieces, position
        return True

    def _a_bit(self, *_: object) -> bool:
        self._clause.values.append(Value(None))
        return True

    def _a_lot(self, *_: object) -> bool:
        self._clause.values.append(Value(None, a_lot=True))
        return True

    def _unit(self, piece: Piece, value: str, *_: object) -> bool:
        values = self._clause.values
        if value == "duration":
            self._clause.unknown.append(piece.text)
            return True
        if values and values[-1].number is not None and values[-1].unit is None:
            mode = piece.case if piece.case in {Case.TO, Case.WITH} else values[-1].mode
            values[-1] = Value(values[-1].number, value, mode)
            return True
        if values and values[-1].unit == value:
            return True
        if value == "degree" or self._asks:
            self._clause.attributes.append("temperature" if value == "degree" else "percent")
            return True
        return False

    def _number(self, piece: Piece, pieces: Sequence[Piece], position: int) -> None:
        clause = self._clause
        after = pieces[position + 1] if position + 1 < len(pieces) else None
        unit = after.sense(Role.UNIT) if after is not None else None
        if (
            piece.sense(Role.DETERMINER)
            and unit is None
            and self._mode is Case.NONE
            and piece.case is Case.NONE
        ):
            return
        mode = self._mode if self._mode is not Case.NONE else piece.case
        before = pieces[position - 1] if position else None
        if before is not None and before.text == "at" and unit is None:
            # "at seven" is a time of day.
            clause.unknown.append(piece.text)
            return
        clause.values.append(Value(piece.number, None, mode if mode in {Case.TO, Case.WITH} else Case.NONE))
        self._mode = Case.NONE

    def _to(self, piece: Piece, _value: object, pieces: Sequence[Piece], position: int, *_: object) -> bool:
        self._mode, self._in_place = Case.TO, False
        rest = [one for one in pieces[position + 1 :] if not _is_only(one, Role.DETERMINER)]
        if piece.sense(Role.PREPOSITION) and rest and rest[0].words:
            self._mode, self._in_place = Case.NONE, True
        return True

    def _by(self, *_: object) -> bool:
        self._mode, self._in_place = Case.WITH, False
        return True

    def _preposition(self, piece: Piece, *_: object) -> bool:
        self._in_place = piece.text != "of"
        return True

    def _attribute(self, piece: Piece, value: str, *_: object) -> bool:
        if piece.sense(Role.KIND) and not self._asks and value != "temperature" and self._is_thing(piece):
            return False
        self._clause.attributes.append(value)
        if piece.words:
            self._soft.append(piece)
        return True

    def _is_thing(self, piece: Piece) -> bool:
        return bool(piece.words and piece.words[0].stems)

    def _color(self, piece: Piece, value: str, *_: object) -> bool:
        self._clause.colors.append(value)
        if piece.words:
            self._soft.append(piece)
        return True

    def _white(self, _piece: Piece, value: int, *_: object) -> bool:
        self._clause.whites.append(value)
        return True

    def _mode_word(self, piece: Piece, value: str, *_: object) -> bool:
        if piece.words and any(word.kinds for word in piece.words):
            return False
        self._clause.modes.append(value)
        return True

    def _quantifier(self, role: Role) -> bool:
        self._clause.quantifiers.add(role)
        return True

    def _all(self, *_: object) -> bool:
        return self._quantifier(Role.ALL)

    def _both(self, *_: object) -> bool:
        return self._quantifier(Role.BOTH)

    def _any(self, *_: object) -> bool:
        return self._quantifier(Role.ANY)

    def _everything(self, *_: object) -> bool:
        self._clause.quantifiers.add(Role.ALL)
        return self._quantifier(Role.EVERYTHING)

    def _step(self, _piece: Piece, value: str, *_: object) -> bool:
        if self._asks:
            return False
        self._clause.steps.append(value)
        return True

    def _here(self, *_: object) -> bool:
        self._clause.is_here = True
        return True

    def _pronoun(self, piece: Piece, *_: object) -> bool:
        if piece.sense(Role.DETERMINER) and self._lexicon.language == "hu" and piece.text in {"az", "ez"}:
            return True
        self._clause.is_pronoun = True
        return True

    def _also(self, *_: object) -> bool:
        self._clause.is_also = True
        return True

    def _ask(self, piece: Piece, value: str, pieces: Sequence[Piece], *_: object) -> bool:
        if not self._asks:
            return False
        self._clause.asks += [str(sense.value) for sense in piece.senses if sense.role is Role.ASK]
        del value, pieces
        return True

    def _adjective(self, piece: Piece, value: str, *_: object) -> bool:
        if not self._asks or (piece.sense(Role.STATE) and "how" not in self._clause.asks):
            return False
        if (
            piece.words
            and self._lexicon.language == "en"
            and "how" not in self._clause.asks
            and "like" not in self._clause.asks
        ):
            return False
        self._clause.adjectives.append(value)
        return True

    def _indirect_in_question(self, _piece: Piece, value: Indirect, *_: object) -> bool:
        if not self._asks or value.attribute is None:
            return False
        self._clause.adjectives.append(value.attribute)
        return True

    def _copula(self, *_: object) -> bool:
        self._clause.has_copula = True
        return True

    def _list_phrase(self, *_: object) -> bool:
        self._clause.verbs.append("list_phrase")
        return True


def _is_placed_only(pieces: Sequence[Piece]) -> bool:
    return all(piece.places or not piece.words for piece in pieces)


_TAKERS: Final = (
    (Role.NEGATION, _Reader._negation),  # noqa: SLF001 - the table of its own methods
    (Role.ONLY, _Reader._only_taken),  # noqa: SLF001
    (Role.ASK, _Reader._ask),  # noqa: SLF001
    (Role.ADJECTIVE, _Reader._adjective),  # noqa: SLF001
    (Role.INDIRECT, _Reader._indirect_in_question),  # noqa: SLF001
    (Role.VERB, _Reader._verb),  # noqa: SLF001
    (Role.TAIL, _Reader._tail),  # noqa: SLF001
    (Role.STATE, _Reader._state),  # noqa: SLF001
    (Role.MORE, _Reader._more),  # noqa: SLF001
    (Role.LESS, _Reader._less),  # noqa: SLF001
    (Role.A_BIT, _Reader._a_bit),  # noqa: SLF001
    (Role.A_LOT, _Reader._a_lot),  # noqa: SLF001
    (Role.AMOUNT, _Reader._amount),  # noqa: SLF001
    (Role.UNIT, _Reader._unit),  # noqa: SLF001
    (Role.STEP, _Reader._step),  # noqa: SLF001
    (Role.WHITE, _Reader._white),  # noqa: SLF001
    (Role.COLOR, _Reader._color),  # noqa: SLF001
    (Role.MODE, _Reader._mode_word),  # noqa: SLF001
    (Role.ATTRIBUTE, _Reader._attribute),  # noqa: SLF001
    (Role.EVERYTHING, _Reader._everything),  # noqa: SLF001
    (Role.ALL, _Reader._all),  # noqa: SLF001
    (Role.BOTH, _Reader._both),  # noqa: SLF001
    (Role.ANY, _Reader._any),  # noqa: SLF001
    (Role.HERE, _Reader._here),  # noqa: SLF001
    (Role.ALSO, _Reader._also),  # noqa: SLF001
    (Role.TO, _Reader._to),  # noqa: SLF001
    (Role.BY, _Reader._by),  # noqa: SLF001
    (Role.PREPOSITION, _Reader._preposition),  # noqa: SLF001
    (Role.PRONOUN, _Reader._pronoun),  # noqa: SLF001
    (Role.COPULA, _Reader._copula),  # noqa: SLF001
    (Role.LIST_PHRASE, _Reader._list_phrase),  # noqa: SLF001
)
