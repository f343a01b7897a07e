"""From tokens to pieces: each token is a name of the home, a word of the language, a number, or unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from handlers.frames.case import Case
from handlers.frames.correct import corrected
from handlers.frames.forms import Form
from handlers.frames.home_index import HomeIndex, NameNode, Place
from handlers.frames.lexicon import Lexicon, Role, Sense
from handlers.frames.numbers import LONGEST_ENDING, Number, glued_case, number_at
from handlers.frames.options import NO_PHRASES, Phrases, is_choice_word, options_said
from handlers.frames.tokens import Token

# What makes of a word something else than a part of a name, unless it is the whole name.
_FUNCTIONS: Final = frozenset({
    Role.VERB, Role.TAIL, Role.STATE, Role.FILLER, Role.DETERMINER, Role.PREPOSITION, Role.TO, Role.BY,
    Role.PRONOUN, Role.ALSO, Role.NEGATION, Role.REMARK, Role.ASK, Role.COPULA, Role.AND, Role.THEN, Role.OR,
    Role.EXCEPT, Role.ONLY, Role.ALL, Role.BOTH,
    Role.ANY, Role.EVERYTHING, Role.MORE, Role.LESS, Role.A_BIT, Role.A_LOT, Role.HERE,
    Role.NEVER_MIND, Role.INDIRECT, Role.LIST_PHRASE, Role.UNIT,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Word:
    """One word that may name something of the home.

    Attributes:
        text: As it was said.
        stems: What it may be a form of, of the words that this home's names have.
        kinds: The kinds of things that it is a noun for.
        case: What it is in its sentence.
        plural: Whether it says that there are several.
    """

    text: str
    stems: tuple[str, ...]
    kinds: tuple[str, ...]
    case: Case
    plural: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the sentence with all that it may mean; with nothing of it, it is not understood.

    Attributes:
        text: As it was said.
        first, last: The tokens it spans, after corrections; `last` excluded.
        start, end: Where it stands in the folded sentence.
        senses: What the lexicon says.
        words: As words of names; several where a whole name was said.
        entities: Those that are called exactly so.
        places: Those that are called exactly so.
        number: Its value, where it is a number.
        case: Of a number or a single word.
        slip: What it was corrected from.
    """

    text: str
    first: int
    last: int
    start: int
    end: int
    senses: tuple[Sense, ...] = ()
    words: tuple[Word, ...] = ()
    entities: int = 0
    places: tuple[Place, ...] = ()
    number: float | None = None
    case: Case = Case.NONE
    slip: str | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether nobody knows what this is."""
        return not self.senses and not self.words and self.number is None

    def sense(self, role: Role) -> Sense | None:
        """The sense of this role, if it has one."""
        for sense in self.senses:
            if sense.role is role:
                return sense
        return None


def pieces_of(
    tokens: Sequence[Token],
    index: HomeIndex,
    lexicon: Lexicon,
    *,
    literally: bool = False,
    options: Phrases = NO_PHRASES,
    names_first: bool = False,
) -> tuple[Piece, ...]:
    """Link every token, the longest name or phrase first, from left to right.

    Args:
        tokens: Of the sentence.
        index: The names of the home.
        lexicon: The words of the language.
        literally: Whether to leave aside phrases that ask for something without saying it.
        options: What can be chosen in the home; it comes before all names that are not longer,
        names_first: or behind those that are as long.
    """
    linker = _Linker(tokens, index, lexicon, literally=literally, options=options, names_first=names_first)
    return linker.pieces()


class _Linker:
    def __init__(
        self,
        tokens: Sequence[Token],
        index: HomeIndex,
        lexicon: Lexicon,
        *,
        literally: bool,
        options: Phrases,
        names_first: bool,
    ) -> None:
        self._literally = literally
        self._names_first = names_first
        self._index = index
        self._lexicon = lexicon
        self._tokens, self._slips = corrected(tokens, index, lexicon, options.words)
        self._texts = [token.text for token in self._tokens]
        self._forms: list[tuple[Form, ...]] = [lexicon.forms_of(text) for text in self._texts]
        self._options = options_said(self._tokens, self._forms, options, lexicon) if options else {}

    def pieces(self) -> tuple[Piece, ...]:
        """All pieces, in order."""
        found: list[Piece] = []
        at = 0
        while at < len(self._tokens):
            piece = self._piece_at(at)
            found.append(piece)
            at = piece.last
        return tuple(found)

    def _piece_at(self, at: int) -> Piece:
        named, node = self._longest_name(at)
        option = self._options.get(at)
        if option is not None and option.last - at >= named + self._names_first:
            chosen = (Sense(Role.OPTION, option.of),)
            return self._piece(at, option.last - at, chosen, case=option.case)
        said, senses = self._lexicon.longest(
            self._up_to_option(at), self._forms, at, literally=self._literally
        )
        number = number_at(self._tokens, self._forms, at, self._lexicon.numbers)
        if node is not None and named >= max(said, 2) and (number is None or named >= number.length):
            return self._name(at, named, node, senses if said == named else ())
        if number is not None and number.length >= said:
            return self._number(at, number, senses if number.length == said else ())
        if self._texts[at] in {"%", "°"} and self._is_glued_ending(at + 1):
            return self._piece(at, 2, senses, case=glued_case(self._texts[at + 1]))
        if said > 1:
            return self._phrase(at, said, senses)
        return self._single(at, senses, node if named == 1 else None)

    def _piece(
        self,
        at: int,
        length: int,
        senses: tuple[Sense, ...],
        words: tuple[Word, ...] = (),
        node: NameNode | None = None,
        *,
        case: Case,
        number: float | None = None,
        slip: str | None = None,
    ) -> Piece:
        first, last = self._tokens[at], self._tokens[at + length - 1]
        return Piece(
            text=self._text(at, length),
            first=at,
            last=at + length,
            start=first.start,
            end=last.end,
            senses=senses,
            words=words,
            entities=node.entities if node else 0,
            places=node.places if node else (),
            number=number,
            case=case,
            slip=slip,
        )

    def _up_to_option(self, at: int) -> Sequence[str]:
        """The words up to the next option: no phrase reaches into it."""
        following = next((option for option in self._options if option > at), None)
        return self._texts if following is None else self._texts[:following]

    def _is_glued_ending(self, at: int) -> bool:
        if at >= len(self._tokens):
            return False
        token = self._tokens[at]
        return token.glued and token.text.isalpha() and len(token.text) < LONGEST_ENDING

    def _longest_name(self, at: int) -> tuple[int, NameNode | None]:
        """The longest name of something that begins here, each word in any of its forms."""
        best: tuple[int, NameNode | None] = (0, None)
        nodes = [self._index.names]
        for length, forms in enumerate(self._forms[at:], start=1):
            nodes = [
                below for node in nodes for form in forms if (below := node.below.get(form.stem)) is not None
            ]
            if not nodes:
                return best
            for node in nodes:
                if node.entities or node.places:
                    best = (length, node)
                    break
        return best

    def _name(self, at: int, length: int, node: NameNode, senses: tuple[Sense, ...]) -> Piece:
        words = tuple(self._word(position) for position in range(at, at + length))
        senses = tuple(sense for sense in senses if sense.role in {Role.KIND, Role.ATTRIBUTE})
        return self._piece(at, length, senses, words, node, case=words[-1].case)

    def _number(self, at: int, number: Number, senses: tuple[Sense, ...]) -> Piece:
        return self._piece(at, number.length, senses, case=number.case, number=number.value)

    def _phrase(self, at: int, length: int, senses: tuple[Sense, ...]) -> Piece:
        kinds = tuple(str(sense.value) for sense in senses if sense.role is Role.KIND)
        words: tuple[Word, ...] = ()
        if kinds:
            last = self._word(at + length - 1)
            words = (Word(self._text(at, length), (), kinds, last.case, last.plural),)
        case = words[0].case if words else self._case(at + length - 1)
        return self._piece(at, length, senses, words, case=case)

    def _single(self, at: int, senses: tuple[Sense, ...], node: NameNode | None) -> Piece:
        word = self._word(at)
        is_name = node is not None and (bool(node.entities) or bool(node.places))
        is_function = any(sense.role in _FUNCTIONS for sense in senses)
        is_noun = is_name or not is_function or bool(word.kinds) or self._follows_article(at, senses)
        if any(sense.role is Role.WHICH for sense in senses):
            # "The first light" is none on the first floor.
            word = replace(word, stems=tuple(stem for stem in word.stems if stem in self._index.named))
        words = (word,) if (word.stems or word.kinds) and is_noun else ()
        if self._options and is_choice_word(self._forms[at], self._lexicon.choice_words):
            senses = (Sense(Role.CHOICE_WORD),)
        return self._piece(at, 1, senses, words, node, case=self._case(at), slip=self._slips.get(at))

    def _follows_article(self, at: int, senses: Sequence[Sense]) -> bool:
        """Whether what is else a filler says which one: "the right one"."""
        if at == 0 or not all(sense.role in {Role.FILLER, Role.WHICH} for sense in senses):
            return False
        return self._lexicon.is_determiner(self._texts[at - 1])

    def _word(self, at: int) -> Word:
        forms = self._forms[at]
        index = self._index
        known = [form for form in forms if index.knows(form.stem)]
        _, senses = self._lexicon.longest(self._texts[at : at + 1], self._forms[at : at + 1], 0)
        kinds = tuple(dict.fromkeys(str(sense.value) for sense in senses if sense.role is Role.KIND))
        by = known or ([form for form in forms if self._lexicon.is_kind(form.stem)] if kinds else [])
        return Word(
            text=self._texts[at],
            stems=tuple(dict.fromkeys(form.stem for form in known)),
            kinds=kinds,
            case=_case_of(by),
            plural=bool(by)
            and all(form.plural or form.stem == self._texts[at] for form in by)
            and any(form.plural for form in by),
        )

    def _case(self, at: int) -> Case:
        forms = [
            form for form in self._forms[at] if self._lexicon.knows(form.stem) or self._index.knows(form.stem)
        ]
        return _case_of(forms)

    def _text(self, at: int, length: int) -> str:
        return " ".join(self._texts[at : at + length])


def _case_of(forms: Sequence[Form]) -> Case:
    """The case of the readings that are words: as it is, if it is one as it is."""
    if not forms or (forms[0].case is Case.NONE and not forms[0].plural):
        return Case.NONE
    return forms[0].case
