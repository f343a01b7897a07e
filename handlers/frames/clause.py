"""What a sentence says, taken apart: clauses, what they mention, how much they ask for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from handlers.frames.case import Case
from handlers.frames.lexicon import Indirect, Role
from handlers.frames.link import Piece, Word

DURATIONS: Final = frozenset({"second", "minute", "hour"})
"""Units of how long something takes, or of when it is to be done."""

COUNTED: Final = DURATIONS | {"gram", "kilogram", "litre", "watt", "ampere", "volt", "metre", "centimetre"}
"""Units in which only a number of the home is set."""


@dataclass(frozen=True, slots=True)
class Value:
    """How much.

    Attributes:
        number: None for "a bit", and for "a lot".
        unit: `percent`, `degree`, `kelvin`, one of `DURATIONS`, or None where none was said.
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


_POLITE: Final = ("please", "kérlek", "kérem", "légy", "legyen szíves")


@dataclass(slots=True)
class Clause:
    """One thing that is asked for, or asked.

    Attributes:
        verbs, tails, states: What the action is made of, as the lexicon calls it.
        changes: More (1) or less (-1) of an attribute.
        options: What is to be chosen: by entity id one of its options.
        adds: "Another" so much was said.
        is_only: "Only" was said.
        is_others: "The others" was said: those that were not spoken of.
        is_enough: It was said that there is enough of something.
        vague_place: A word such as "outside", which may be no place that this home knows.
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
    options: list[Mapping[str, str]] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    adjectives: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    exceptions: list[Mention] = field(default_factory=list)
    quantifiers: set[Role] = field(default_factory=set)
    indirect: Indirect | None = None
    unknown: list[str] = field(default_factory=list)
    adds: bool = False
    is_enough: bool = False
    is_only: bool = False
    is_others: bool = False
    is_pronoun: bool = False
    is_also: bool = False
    is_here: bool = False
    vague_place: str | None = None
    has_copula: bool = False
    asks_opposite: bool = False
    is_except: bool = False
    is_negated: bool = False
    texts: list[Piece] = field(default_factory=list)

    @property
    def has_action(self) -> bool:
        """Whether it says by itself what is to be done."""
        return bool(self.verbs or self.tails or self.states or self.changes or self.indirect or self.steps)

    @property
    def has_amount(self) -> bool:
        """Whether it says of a thing how it is to be: "sofa lamp green", "heating to 21"."""
        return bool(self.mentions) and self.says_how

    @property
    def is_polite(self) -> bool:
        """Whether somebody says "please", which nobody does who only tells how something is."""
        return any(word in piece.text for piece in self.texts for word in _POLITE)

    @property
    def says_how(self) -> bool:
        """Whether it says how something is to be: green, 21, "HDMI 1"."""
        return bool(self.values or self.colors or self.whites or self.modes or self.options)


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
