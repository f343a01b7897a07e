"""Options of the home's things in a sentence: "HDMI 1", `takarékos`, "Cotton 60".

What can be chosen on a thing is in its state, so these are the only words of a home that are not in its
index. They are looked for only in sentences that are not understood without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from handlers.choices import CHOOSING, options_of
from handlers.frames.case import Case
from handlers.frames.forms import Form
from handlers.frames.home_index import HomeIndex, bits
from handlers.frames.lexicon import Lexicon
from handlers.frames.tokens import Token, folded, words_of
from provisioning.home.registry import HomePicture

SHORTEST_PART: Final = 3
"""Letters that a part of an option must have to stand for all of it."""


@dataclass(frozen=True, slots=True)
class Option:
    """An option that was said.

    Attributes:
        first, last: The tokens that say it, `last` excluded.
        of: By entity id what is to be chosen there, in the home's spelling.
        case: That its last word stands in.
    """

    first: int
    last: int
    of: Mapping[str, str]
    case: Case = Case.NONE


@dataclass(slots=True)
class Phrases:
    """Ways to say options, each with what it chooses on which entity.

    Attributes:
        of: By the words that say it, joined to one: "hdmi1", `gyorsmosás`, so that it does not matter where
            people put blanks.
        words: All the words; they are no slips of others.
        longest: Words of the longest.
    """

    of: dict[str, dict[str, str]] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)
    longest: int = 0

    def __bool__(self) -> bool:
        return bool(self.of)


# What is left, what is somebody's, and times of day are not chosen: `a Netflixről`, `naplementekor`.
_NEVER_CHOSEN: Final = frozenset({Case.FROM, Case.OWN, Case.OTHER})

NO_PHRASES: Final = Phrases()


@dataclass(frozen=True, slots=True)
class OptionIndex:
    """All that can be chosen in a home.

    Attributes:
        listed: What it was made of: by entity id, its options.
        whole: The ways to say each option.
        parts: Words of one option of an entity that no other of it has.
    """

    listed: tuple[tuple[str, tuple[str, ...]], ...]
    whole: Phrases
    parts: Phrases


def options_in(picture: HomePicture, index: HomeIndex, lexicon: Lexicon) -> OptionIndex:
    """What the states of a home list, kept with its index until they list something else.

    About 1 µs a thing that may have options, and 10 µs an option that was never seen before.
    """
    listed = tuple(_listed(picture, index))
    known = index.options
    if known is None or known.listed != listed:
        known = index.options = _index_of(listed, lexicon)
    return known


def _listed(picture: HomePicture, index: HomeIndex) -> Iterator[tuple[str, tuple[str, ...]]]:
    for domain in CHOOSING:
        for bit in bits(index.domains.get(domain, 0)):
            entity = index.entities[bit]
            options = options_of(entity, picture.state_of(entity.id))
            if options:
                yield entity.id, options


def _index_of(listed: tuple[tuple[str, tuple[str, ...]], ...], lexicon: Lexicon) -> OptionIndex:
    whole, parts = Phrases(), Phrases()
    for entity_id, options in listed:
        said, said_in_part = _said(options, lexicon)
        _add(whole, entity_id, said)
        _add(parts, entity_id, said_in_part)
    return OptionIndex(listed, whole, parts)


def _add(phrases: Phrases, entity_id: str, said: Mapping[tuple[str, ...], str]) -> None:
    for words, option in said.items():
        joined = "".join(words)
        phrases.of.setdefault(joined, {}).setdefault(entity_id, option)
        phrases.words.add(joined)
        phrases.words.update(words)
        phrases.longest = max(phrases.longest, len(words))


@lru_cache(maxsize=4096)
def _said(
    options: tuple[str, ...], lexicon: Lexicon
) -> tuple[Mapping[tuple[str, ...], str], Mapping[tuple[str, ...], str]]:
    """The words that say each of these options, and those that are a part of one of them alone."""
    whole: dict[tuple[str, ...], str] = {}
    parts: dict[tuple[str, ...], set[str]] = {}
    for option in options:
        for words in _ways_to_say(option, lexicon):
            whole.setdefault(words, option)
        for part in _parts_of(_words_of(option, lexicon), lexicon):
            parts.setdefault(part, set()).add(option)
    return whole, {part: next(iter(of)) for part, of in parts.items() if len(of) == 1}


def _ways_to_say(option: str, lexicon: Lexicon) -> Iterator[tuple[str, ...]]:
    """Its own words, and those that the lexicon has for what Home Assistant calls so."""
    for said in (option, *lexicon.choices.get(folded(option), ())):
        words = _words_of(said, lexicon)
        if not all(lexicon.only_joins(word) or lexicon.is_switching(word) for word in words):
            yield words


def _words_of(option: str, lexicon: Lexicon) -> tuple[str, ...]:
    return tuple(as_counted(word, lexicon) for word in words_of(option.replace("_", " ")))


def _parts_of(words: tuple[str, ...], lexicon: Lexicon) -> Iterator[tuple[str, ...]]:
    for length in range(1, len(words)):
        for start in range(len(words) - length + 1):
            part = words[start : start + length]
            if any(
                len(word) >= SHORTEST_PART and word.isalpha() and not lexicon.only_joins(word)
                for word in part
            ):
                yield part


def as_counted(word: str, lexicon: Lexicon) -> str:
    """A word, or its digits where it is a number: "HDMI one" is "HDMI 1"."""
    number = lexicon.numbers.units.get(word)
    return word if number is None else str(number)


def options_said(
    tokens: Sequence[Token], forms: Sequence[Sequence[Form]], phrases: Phrases, lexicon: Lexicon
) -> dict[int, Option]:
    """The options that a sentence names, by the token where they begin; the longest first, from the left."""
    found: dict[int, Option] = {}
    counted = [as_counted(token.text, lexicon) for token in tokens]
    at = 0
    while at < len(tokens):
        option = _option_at(tokens, forms, counted, at, phrases, lexicon)
        if option is None:
            at += 1
        else:
            found[at] = option
            at = option.last
    return found


def _option_at(
    tokens: Sequence[Token],
    forms: Sequence[Sequence[Form]],
    counted: Sequence[str],
    at: int,
    phrases: Phrases,
    lexicon: Lexicon,
) -> Option | None:
    # One more word than the option has: `gyors mosás` for `gyorsmosás`.
    for length in range(min(phrases.longest + 1, len(tokens) - at), 0, -1):
        last = at + length - 1
        before = "".join(counted[at:last])
        for form in forms[last]:
            if form.case in _NEVER_CHOSEN:
                continue
            of = phrases.of.get(before + as_counted(form.stem, lexicon))
            if of is not None:
                return Option(at, _end(tokens, forms, last + 1, lexicon), of, form.case)
    return None


def _end(tokens: Sequence[Token], forms: Sequence[Sequence[Form]], at: int, lexicon: Lexicon) -> int:
    """Where an option ends with what stands behind it: the ending of a number, its unit, "mode"."""
    while at < len(tokens):
        token = tokens[at]
        is_ending = token.glued and token.text.isalpha() and tokens[at - 1].number is not None
        is_unit = tokens[at - 1].number is not None and lexicon.is_unit(token.text)
        if not (is_ending or is_unit or is_choice_word(forms[at], lexicon.choice_words)):
            break
        at += 1
    return at


def is_choice_word(forms: Sequence[Form], words: AbstractSet[str]) -> bool:
    """Whether it only says that something is chosen: "mode", `csatornára`."""
    return any(form.stem in words for form in forms)
