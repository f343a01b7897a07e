"""Options of the home's things in a sentence: "HDMI 1", `takarékos`, "Cotton 60".

What can be chosen on a thing is in its state, so these are the only words of a home that are not in its
index. They are looked for only in sentences that are not understood without them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Final

from handlers.choices import CHOOSING, options_of
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
    """

    first: int
    last: int
    of: Mapping[str, str]


@dataclass(slots=True)
class Options:
    """All that can be chosen in a home now, by the words that say it.

    Attributes:
        whole: By its words, the option of each entity that lists it.
        parts: By some words of one of an entity's options, and of no other of it, that option.
    """

    whole: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)
    parts: dict[tuple[str, ...], dict[str, str]] = field(default_factory=dict)


def options_in(picture: HomePicture, index: HomeIndex, lexicon: Lexicon) -> Options:
    """Read what the states of a home list; some 5 µs an option."""
    found = Options()
    for domain in CHOOSING:
        for bit in bits(index.domains.get(domain, 0)):
            entity = index.entities[bit]
            listed = options_of(entity, picture.state_of(entity.id))
            _add(found, entity.id, listed, lexicon)
    return found


def _add(options: Options, entity_id: str, listed: Sequence[str], lexicon: Lexicon) -> None:
    parts: dict[tuple[str, ...], set[str]] = {}
    for option in listed:
        for words in _ways_to_say(option, lexicon):
            options.whole.setdefault(words, {}).setdefault(entity_id, option)
            for part in _parts_of(words):
                parts.setdefault(part, set()).add(option)
    for part, meant in parts.items():
        if len(meant) == 1:
            options.parts.setdefault(part, {})[entity_id] = next(iter(meant))


def _ways_to_say(option: str, lexicon: Lexicon) -> Iterator[tuple[str, ...]]:
    """Its own words, and those that the lexicon has for what Home Assistant calls so."""
    spelled = folded(option).replace("_", " ")
    for said in (spelled, *lexicon.choices.get(folded(option), ())):
        words = tuple(as_counted(word, lexicon) for word in words_of(said))
        if words:
            yield words


def _parts_of(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for length in range(1, len(words)):
        for start in range(len(words) - length + 1):
            part = words[start : start + length]
            if any(len(word) >= SHORTEST_PART and word.isalpha() for word in part):
                yield part


def as_counted(word: str, lexicon: Lexicon) -> str:
    """A word, or its digits where it is a number: "HDMI one" is "HDMI 1"."""
    number = lexicon.numbers.units.get(word)
    return word if number is None else str(number)


def options_said(
    tokens: Sequence[Token],
    forms: Sequence[Sequence[Form]],
    options: Mapping[tuple[str, ...], Mapping[str, str]],
    lexicon: Lexicon,
) -> dict[int, Option]:
    """The options that a sentence names, by the token where they begin; the longest first, from the left."""
    found: dict[int, Option] = {}
    longest = max(map(len, options), default=0)
    counted = [as_counted(token.text, lexicon) for token in tokens]
    at = 0
    while at < len(tokens):
        option = _option_at(tokens, forms, counted, at, options, longest, lexicon)
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
    options: Mapping[tuple[str, ...], Mapping[str, str]],
    longest: int,
    lexicon: Lexicon,
) -> Option | None:
    for length in range(min(longest, len(tokens) - at), 0, -1):
        last = at + length - 1
        before = counted[at:last]
        for form in forms[last]:
            of = options.get((*before, as_counted(form.stem, lexicon)))
            if of is not None:
                return Option(at, _end(tokens, forms, last + 1, lexicon), of)
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
