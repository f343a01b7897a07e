"""Reads one part of a sentence: which of its words acts, which names something, which says how much."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Final

from handlers.frames.case import Case
from handlers.frames.clause import COUNTED, Clause, Mention, Value
from handlers.frames.lexicon import Indirect, Lexicon, Role, Sense
from handlers.frames.link import Piece

_HOURS: Final = 24
# Amounts that are said as what something is set to: `harmadára`.
_UP_TO: Final = ("ra", "re")
_INFINITIVE: Final = "ni"
# "Have Rosie vacuum", "get it to".
_LETTING: Final = frozenset({"have", "get", "let", "make", "want", "need", "like"})
# "Would you mind closing the gate", "the gate needs closing".
_WANTS_GERUND: Final = frozenset({"mind", "need", "needs", "wants"})
_SHARES: Final = frozenset({"percent", "degree", "kelvin"})
_UNITS: Final = _SHARES | COUNTED
# What may be left out of account where it has no other part in a sentence.
_SAYS_NOTHING: Final = frozenset({
    Role.FILLER, Role.DETERMINER, Role.PREPOSITION, Role.TO, Role.BY, Role.AND, Role.THEN, Role.ALSO,
    Role.PRONOUN, Role.COPULA, Role.HERE, Role.EXCEPT, Role.ASK, Role.ENOUGH, Role.CORRECTION,
})  # fmt: skip
_HALVED: Final = frozenset({"degree", "hour"})


class PartReader:
    """Reads one part, piece by piece."""

    def __init__(self, lexicon: Lexicon, *, asks: bool, is_alone: bool) -> None:
        self._lexicon = lexicon
        self._asks = asks
        self._is_alone = is_alone
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
        content = [piece for piece in pieces if not is_only(piece, Role.FILLER)]
        if not content or all(piece.sense(Role.NEVER_MIND) for piece in content):
            return None
        clause.texts = list(pieces)
        indirect = self._indirect(content)
        for position, piece in enumerate(pieces):
            says_it = indirect is not None and meaning_of(piece) == indirect
            if says_it or (indirect is not None and piece.sense(Role.PREPOSITION) and not piece.words):
                self._in_place = not says_it
                continue
            self._take(piece, pieces, position, content)
        clause.indirect = indirect
        if self._nominal or self._soft:
            clause.mentions.append(Mention(tuple(self._nominal), tuple(self._soft), frozenset(self._placed)))
        if clause.is_negated and (self._only or self._leaves_out()):
            clause.is_negated, clause.is_except = False, True
        return clause

    def _leaves_out(self) -> bool:
        """Whether a part only says of something that it is not meant: `de a konyhait ne`."""
        return self._lexicon.language == "hu" and bool(self._clause.mentions) and not self._clause.has_action

    def _indirect(self, content: Sequence[Piece]) -> Indirect | None:
        """What is asked for without saying it, if nothing else is: once, or in several phrases."""
        found = [piece for piece in content if piece.sense(Role.INDIRECT)]
        meanings = [meaning_of(piece) for piece in found]
        if self._asks or not found or any(one != meanings[0] for one in meanings):
            return None
        if found[0].words and not self._is_alone:
            return None
        others = [piece for piece in content if piece not in found]
        is_hidden = any(map(_says_what_to_do, others)) or _names_otherwise(found[0], meanings[0], others)
        return None if is_hidden else meanings[0]

    def _take(self, piece: Piece, pieces: Sequence[Piece], position: int, content: Sequence[Piece]) -> None:
        clause = self._clause
        if piece.places and piece.sense(Role.VAGUE) and any(one.places for one in pieces if one is not piece):
            # "Downstairs in the cellar": the cellar says where.
            self._vague(piece)
            return
        if (piece.entities or piece.places) and not self._is_verb_here(piece, pieces, position):
            self._name(piece)
            return
        if is_only(piece, Role.FILLER) and self._place_filler(piece):
            return
        by_role: dict[Role, Sense] = {}
        for sense in piece.senses:
            by_role.setdefault(sense.role, sense)
        if by_role and self._is_taken(by_role, piece, pieces, position, content):
            return
        if piece.number is not None:
            self._number(piece, pieces, position)
        elif piece.words:
            self._name(piece)
        elif not any(sense.role in _SAYS_NOTHING for sense in piece.senses):
            # Whatever it means, it has no part in what is asked for here.
            clause.unknown.append(piece.text)

    def _is_taken(
        self,
        by_role: Mapping[Role, Sense],
        piece: Piece,
        pieces: Sequence[Piece],
        position: int,
        content: Sequence[Piece],
    ) -> bool:
        """Whether one of the meanings of a piece has a part in the sentence, the first that has."""
        for role, take in self._TAKERS:
            if role in by_role and take(self, piece, by_role[role].value, pieces, position, content):
                return True
        return False

    def _is_verb_here(self, piece: Piece, pieces: Sequence[Piece], position: int) -> bool:
        """Whether what is also a name is the verb: "light up the hall"."""
        verb = piece.sense(Role.VERB)
        if verb is None or self._clause.verbs or self._nominal or position + 1 >= len(pieces):
            return False
        tail = pieces[position + 1].sense(Role.TAIL)
        return tail is not None and (verb.value, tail.value) in self._lexicon.actions

    def _can_act(self, verb: str, pieces: Sequence[Piece]) -> bool:
        """Whether a verb is one by itself, or with a particle that is said."""
        actions = self._lexicon.actions
        if (verb, None) in actions:
            return True
        tails = (
            *self._clause.tails,
            *(sense.value for one in pieces if (sense := one.sense(Role.TAIL)) is not None),
        )
        return any((verb, tail) in actions for tail in tails)

    # Takers: each says whether the piece is what it is for.

    def _name(self, piece: Piece) -> None:
        if self._in_place or piece.case in {Case.PLACE, Case.FROM}:
            self._placed.add(len(self._nominal))
        self._nominal.append(piece)

    def _place_filler(self, piece: Piece) -> bool:
        """Take the particle that a filler begins with, where the verb lacks one: "pull the blind up in"."""
        clause = self._clause
        particle, _, rest = piece.text.partition(" ")
        lacks = rest and clause.verbs and not (clause.tails or clause.states)
        if not lacks or (clause.verbs[-1], particle) not in self._lexicon.actions:
            return False
        clause.tails.append(particle)
        self._in_place = True
        return True

    def _negation(self, piece: Piece, *_: object) -> bool:
        if self._clause.verbs and self._lexicon.language == "en":
            # "play Does Not Exist": it negates no command, and nothing that is known.
            self._clause.unknown.append(piece.text)
        else:
            self._clause.is_negated = True
        return True

    def _only_taken(self, *_: object) -> bool:
        self._only = self._clause.is_only = True
        return True

    def _verb(
        self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, content: Sequence[Piece]
    ) -> bool:
        is_second = bool(self._clause.verbs)
        if is_second and not self._follows_verb(piece, value, pieces, position):
            return False
        if piece.sense(Role.MODE) and not self._can_act(value, pieces):
            return False
        if not self._may_be_verb(piece, value, pieces, position, content):
            return False
        self._clause.verbs.append(value)
        self._in_place = False
        return True

    def _may_be_verb(
        self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, content: Sequence[Piece]
    ) -> bool:
        """Whether a word is the verb here, and not the name of a thing or how it is."""
        clause = self._clause
        if self._asks and (piece.sense(Role.STATE) or piece.sense(Role.ASK)):
            return False
        if piece.text in self._lexicon.gerunds and not any(
            _WANTS_GERUND & set(one.text.split()) for one in pieces
        ):
            return False
        if not piece.words and not piece.sense(Role.STATE):
            return True
        if clause.verbs:
            # "get it to vacuum"
            return bool(piece.words) and position > 0 and pieces[position - 1].text == "to"
        if self._nominal or clause.states or clause.tails:
            return False
        return not piece.words or (len(content) > 1 and self._can_act(value, pieces))

    def _follows_verb(self, piece: Piece, value: str, pieces: Sequence[Piece], position: int) -> bool:
        """Whether a second verb says what the first one lets be done, or the same: "get it to vacuum"."""
        before = pieces[position - 1] if position > 0 else None
        if piece.slip is not None or before is None or before.slip is not None:
            return False
        if before.text == "to" or before.text in self._lexicon.helping_verbs:
            return True
        first, second = self._lexicon.may_do(self._clause.verbs[-1]), self._lexicon.may_do(value)
        if self._lexicon.language == "hu":
            return bool(first & second) or piece.text.endswith(_INFINITIVE)
        # "have Rosie vacuum the house"
        lets = self._clause.verbs[-1] in _LETTING
        return bool(first & second) or (lets and bool(before.words))

    def _tail(self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, *_: object) -> bool:
        if self._leads_to_option(piece, pieces, position):
            return False
        if not self._belongs_to_verb(piece, value, pieces, position):
            return False
        self._clause.tails.append(value)
        self._in_place = False
        return True

    def _leads_to_option(self, piece: Piece, pieces: Sequence[Piece], position: int) -> bool:
        """Whether what is also a particle says to what something is set: "put it in sleep mode", "to 21"."""
        rest = _following(pieces, position)
        if not rest:
            return False
        if piece.sense(Role.TO) and rest[0].number is not None:
            return True
        leads = piece.sense(Role.PREPOSITION) or piece.sense(Role.TO)
        return rest[0].sense(Role.OPTION) is not None and leads is not None

    def _belongs_to_verb(self, piece: Piece, value: str, pieces: Sequence[Piece], position: int) -> bool:
        """Whether a particle is the verb's, said before or after it, or acts without one."""
        clause, actions = self._clause, self._lexicon.actions
        if " " in value and ("", value) in actions:
            return True
        rest = _following(pieces, position)
        if clause.states and rest and rest[0].places and piece.sense(Role.PREPOSITION):
            # "Get the blind shut in the den"
            return False
        if clause.verbs:
            follows = position > 0 and pieces[position - 1].sense(Role.VERB) is not None
            has_one = bool(clause.tails) and self._lexicon.language == "en"
            is_place = (
                piece.sense(Role.PREPOSITION) and not follows and self._leads_to_place(pieces, position)
            )
            return (clause.verbs[-1], value) in actions and not has_one and not is_place
        later = next((one.sense(Role.VERB) for one in pieces[position + 1 :] if one.sense(Role.VERB)), None)
        if later is not None and (later.value, value) in actions:
            return True
        is_wish = self._lexicon.language == "hu" and not self._asks
        return ("", value) in actions and (is_wish or not piece.sense(Role.STATE))

    def _leads_to_place(self, pieces: Sequence[Piece], position: int) -> bool:
        """Whether a place or a list comes next, and the particle that the verb needs comes later, or came."""
        rest = _following(pieces, position)
        if not rest or not (rest[0].places or rest[0].words):
            return False
        verb = self._clause.verbs[-1]
        later = any(
            (sense := one.sense(Role.TAIL)) is not None and (verb, sense.value) in self._lexicon.actions
            for one in rest
        )
        return bool(rest[0].places) and later

    def _state(self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, *_: object) -> bool:
        clause = self._clause
        rest = _following(pieces, position)
        if self._leads_to_option(piece, pieces, position):
            return False
        if piece.sense(Role.PREPOSITION) and not (self._asks and not self._has_later_state(pieces, position)):
            others = (
                clause.tails
                or clause.states
                or clause.options
                or clause.values
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
        asks_what = self._asks and set(clause.asks) & {"what", "how", "how_many"}
        names_floor = bool(rest and rest[0].places and rest[0].places[0].is_floor)
        if piece.sense(Role.PREPOSITION) and asks_what and rest and rest[0].words and not names_floor:
            return False
        clause.states.append(value)
        self._in_place = False
        return True

    def _has_later_state(self, pieces: Sequence[Piece], position: int) -> bool:
        return bool(self._clause.states) or any(one.sense(Role.STATE) for one in pieces[position + 1 :])

    def _change(self, sign: int, piece: Piece, value: str, pieces: Sequence[Piece], position: int) -> bool:
        clause = self._clause
        if value == "any" and piece.sense(Role.TAIL) and clause.tails and clause.verbs:
            return True
        after = _following(pieces, position)
        is_mere = piece.sense(Role.TAIL) is None and piece.sense(Role.VERB) is None
        if value == "any" and is_mere and after and any(word.kinds for word in after[0].words):
            # "More lights": so many more of them.
            clause.unknown.append(piece.text)
            return True
        clause.changes.append((value, sign))
        return True

    def _more(self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, *_: object) -> bool:
        return self._change(1, piece, value, pieces, position)

    def _less(self, piece: Piece, value: str, pieces: Sequence[Piece], position: int, *_: object) -> bool:
        return self._change(-1, piece, value, pieces, position)

    def _amount(self, piece: Piece, value: float, *_: object) -> bool:
        if piece.number is not None:
            return False
        mode = self._mode if self._mode is not Case.NONE else piece.case
        if self._lexicon.language == "hu" and piece.text.endswith(_UP_TO):
            mode = Case.TO
        self._clause.values.append(Value(float(value), "percent", _to_or_by(mode)))
        self._mode = Case.NONE
        return True

    def _a_bit(self, *_: object) -> bool:
        self._clause.values.append(Value(None))
        return True

    def _a_lot(self, *_: object) -> bool:
        self._clause.values.append(Value(None, a_lot=True))
        return True

    def _unit(self, piece: Piece, value: str, *_: object) -> bool:
        values = self._clause.values
        counted = _counted(values[-1], value, piece.case) if values else None
        if counted is not None:
            values[-1] = counted
            return True
        if value not in _SHARES:
            if not self._asks:
                self._clause.unknown.append(piece.text)
            return True
        if value == "degree" or self._asks:
            self._clause.attributes.append("temperature" if value == "degree" else "percent")
            return True
        return False

    def _number(self, piece: Piece, pieces: Sequence[Piece], position: int) -> None:
        clause = self._clause
        if piece.sense(Role.FILLER) and piece.case is Case.OBJECT:
            # `porszívózzál egyet`
            return
        after = pieces[position + 1] if position + 1 < len(pieces) else None
        unit = after.sense(Role.UNIT) if after is not None else None
        if piece.sense(Role.DETERMINER) and unit is None and self._mode is not Case.TO:
            if self._only or self._mode is Case.WITH:
                # `csak egy lámpa`, `még egy lámpát`
                clause.unknown.append(piece.text)
            return
        is_counted = unit is None and self._mode is not Case.TO and piece.case is Case.NONE
        if is_counted and _counts(pieces, position):
            # "Two lights": so many of them, and not which.
            clause.unknown.append(piece.text)
            return
        mode = self._mode if self._mode is not Case.NONE else piece.case
        before = pieces[position - 1] if position else None
        hour = piece.number is not None and piece.number <= _HOURS
        is_time = (before is not None and before.text == "at" and hour) or piece.case is Case.OTHER
        if is_time and unit is None:
            # "at seven", `hatkor`: a time of day.
            clause.unknown.append(piece.text)
            return
        clause.values.append(Value(piece.number, None, _to_or_by(mode)))
        self._mode = Case.NONE

    def _to(self, piece: Piece, _value: object, pieces: Sequence[Piece], position: int, *_: object) -> bool:
        self._mode, self._in_place = Case.TO, False
        rest = _following(pieces, position)
        if piece.sense(Role.PREPOSITION) and rest and rest[0].words:
            self._mode, self._in_place = Case.NONE, True
        return True

    def _by(self, piece: Piece, _value: object, pieces: Sequence[Piece], position: int, *_: object) -> bool:
        rest = _following(pieces, position)
        if piece.sense(Role.PREPOSITION) and rest and rest[0].words and rest[0].number is None:
            # "the lamp by the sofa": not a place that the home has, but a part of a name.
            return True
        self._mode, self._in_place = Case.WITH, False
        self._clause.adds |= piece.sense(Role.PREPOSITION) is None
        return True

    def _preposition(
        self, piece: Piece, _value: object, pieces: Sequence[Piece], position: int, *_: object
    ) -> bool:
        if piece.sense(Role.STATE) and not self._asks and not _following(pieces, position):
            # "Turn off the lamp on": no place comes behind it.
            self._clause.unknown.append(piece.text)
        after = _following(pieces, position)
        if (
            self._clause.values
            and position
            and pieces[position - 1].sense(Role.UNIT) is not None
            and not after
        ):
            # `húsz fok alá`
            self._clause.unknown.append(piece.text)
        if after and after[0].number is not None and piece.text in {"over", "under", "above", "below"}:
            self._clause.unknown.append(piece.text)
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

    def _option(self, _piece: Piece, value: Mapping[str, str], *_: object) -> bool:
        self._clause.options.append(value)
        self._mode, self._in_place = Case.NONE, False
        return True

    def _choice_word(self, piece: Piece, *_: object) -> bool:
        """What may be a part of a name, or only say that something is chosen: "mode"."""
        if piece.words:
            self._soft.append(piece)
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

    def _whole(self, *_: object) -> bool:
        return self._quantifier(Role.WHOLE)

    def _or(self, piece: Piece, *_: object) -> bool:
        """Nobody knows which of two was meant; a question may leave that open: "open or closed"."""
        if not self._asks:
            self._clause.unknown.append(piece.text)
        return True

    def _vague(self, piece: Piece, *_: object) -> bool:
        """What may be a part of a name, or only say what another place says already: "outside"."""
        self._clause.vague_place = piece.text
        if piece.words:
            self._soft.append(piece)
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

    def _ask(self, piece: Piece, *_: object) -> bool:
        if not self._asks:
            return False
        self._clause.asks_opposite |= piece.text.endswith("n't") and bool(self._clause.asks)
        self._clause.asks += [str(sense.value) for sense in piece.senses if sense.role is Role.ASK]
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

    def _which(
        self, piece: Piece, _value: object, pieces: Sequence[Piece], position: int, *_: object
    ) -> bool:
        """What tells one of several: if nothing is called so, nobody knows which."""
        before = pieces[position - 1] if position else None
        if before is None or before.sense(Role.DETERMINER) is None or _has_it_in_its_name(piece):
            return False
        self._clause.unknown.append(piece.text)
        return True

    def _others(self, *_: object) -> bool:
        self._clause.is_others = True
        return True

    def _enough(self, *_: object) -> bool:
        self._clause.is_enough = True
        return True

    def _list_phrase(self, *_: object) -> bool:
        self._clause.verbs.append("list_phrase")
        return True

    _TAKERS: ClassVar[tuple[tuple[Role, Callable[..., bool]], ...]] = (
        (Role.OPTION, _option),
        (Role.WHICH, _which),
        (Role.OTHERS, _others),
        (Role.CHOICE_WORD, _choice_word),
        (Role.NEGATION, _negation),
        (Role.ONLY, _only_taken),
        (Role.ASK, _ask),
        (Role.ADJECTIVE, _adjective),
        (Role.INDIRECT, _indirect_in_question),
        (Role.VERB, _verb),
        (Role.TAIL, _tail),
        (Role.STATE, _state),
        (Role.MORE, _more),
        (Role.LESS, _less),
        (Role.A_BIT, _a_bit),
        (Role.A_LOT, _a_lot),
        (Role.AMOUNT, _amount),
        (Role.UNIT, _unit),
        (Role.STEP, _step),
        (Role.WHITE, _white),
        (Role.COLOR, _color),
        (Role.MODE, _mode_word),
        (Role.ATTRIBUTE, _attribute),
        (Role.EVERYTHING, _everything),
        (Role.ALL, _all),
        (Role.WHOLE, _whole),
        (Role.VAGUE, _vague),
        (Role.BOTH, _both),
        (Role.ANY, _any),
        (Role.HERE, _here),
        (Role.OR, _or),
        (Role.ALSO, _also),
        (Role.TO, _to),
        (Role.BY, _by),
        (Role.PREPOSITION, _preposition),
        (Role.PRONOUN, _pronoun),
        (Role.COPULA, _copula),
        (Role.LIST_PHRASE, _list_phrase),
        (Role.ENOUGH, _enough),
    )


def _says_what_to_do(piece: Piece) -> bool:
    """Whether a piece beside a phrase says by itself what is to be done, or to what."""
    roles = {Role.VERB, Role.TAIL, Role.STATE, Role.MORE, Role.LESS, Role.NEGATION}
    acts = any(sense.role in roles for sense in piece.senses)
    if acts and not (piece.sense(Role.PREPOSITION) or piece.sense(Role.FILLER)):
        return True
    return any(word.kinds for word in piece.words)


def _names_otherwise(phrase: Piece, meaning: Indirect | None, others: Sequence[Piece]) -> bool:
    """Whether what is named beside a phrase is not for it: "get the coffee machine going" wishes for none."""
    if meaning is not None and meaning.names and any(one.words and not one.places for one in others):
        return True
    has_more = any(piece.words for piece in others)
    return bool(phrase.words) and has_more and len(phrase.senses) > 1 and not _is_placed_only(others)


def meaning_of(piece: Piece) -> Indirect | None:
    """What a piece asks for without saying it."""
    sense = piece.sense(Role.INDIRECT)
    value: Indirect | None = None if sense is None else sense.value
    return value


def is_only(piece: Piece, role: Role) -> bool:
    """Whether a piece is this and nothing else; what says that somebody changes his mind is a filler, too."""
    for sense in piece.senses:
        if sense.role is not role and (role is not Role.FILLER or sense.role is not Role.CORRECTION):
            return False
    return bool(piece.senses)


def _has_it_in_its_name(piece: Piece) -> bool:
    return any(word.stems for word in piece.words)


def _counts(pieces: Sequence[Piece], position: int) -> bool:
    """Whether a number stands before a noun."""
    rest = _following(pieces, position)
    return bool(rest) and any(word.kinds for word in rest[0].words) and not rest[0].entities


def _following(pieces: Sequence[Piece], position: int) -> list[Piece]:
    """What comes after a piece, without articles."""
    return [one for one in pieces[position + 1 :] if not is_only(one, Role.DETERMINER)]


def _counted(value: Value, unit: str, case: Case) -> Value | None:
    """A value with the unit that was said behind it; None where it is none of that unit."""
    if unit in _HALVED and value == Value(50.0, "percent", value.mode):
        # "half a degree", "half an hour"
        return Value(0.5, unit, value.mode)
    if value.number is not None and value.unit is None and unit in _UNITS:
        return Value(value.number, unit, case if case in {Case.TO, Case.WITH} else value.mode)
    return value if value.unit == unit else None


def _to_or_by(mode: Case) -> Case:
    return mode if mode in {Case.TO, Case.WITH} else Case.NONE


def _is_placed_only(pieces: Sequence[Piece]) -> bool:
    return all(piece.places or not piece.words for piece in pieces)
