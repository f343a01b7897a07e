"""What nobody knows put right: missing accents, words run together or apart, slips."""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from handlers.frames.case import Case
from handlers.frames.home_index import HomeIndex
from handlers.frames.lexicon import Lexicon
from handlers.frames.numbers import LONGEST_ENDING, compound_value
from handlers.frames.tokens import Token

SHORTEST_HALF: Final = 3
"""Letters that each part of two words run together must have."""


SHORTEST_BEGINNING: Final = 4
"""Letters of a word that stands for a longer one of the home that begins so."""


def corrected(
    tokens: Sequence[Token],
    index: HomeIndex,
    lexicon: Lexicon,
    known: AbstractSet[str] = frozenset(),
) -> tuple[list[Token], dict[int, str]]:
    """The tokens as they were meant, and by position what was said instead of those that changed.

    Words that are `known` beside those of the home and the language stay, with whatever ending.
    """
    meant: list[Token] = []
    slips: dict[int, str] = {}
    at = 0
    while at < len(tokens):
        token = tokens[at]
        after = tokens[at + 1] if at + 1 < len(tokens) else None
        if after is not None and _is_run_apart(token, after, index, lexicon):
            slips[len(meant)] = f"{token.text} {after.text}"
            meant.append(replace(token, text=token.text + after.text, end=after.end))
            at += 2
            continue
        if (
            token.glued
            and token.text in _ENDINGS
            and meant
            and meant[-1].number is None
            and meant[-1].text.isalpha()
        ):
            # `LED-et`: what is not read as it is written has its ending behind a hyphen.
            at += 1
            continue
        is_ending = token.glued and len(token.text) < LONGEST_ENDING
        if (
            token.number is not None
            or is_ending
            or not token.text[0].isalpha()
            or _is_known(token.text, index, lexicon)
            or (known and any(form.stem in known for form in lexicon.forms_of(token.text)))
        ):
            meant.append(token)
            at += 1
            continue
        parts = _meant(token.text, index, lexicon)
        if parts:
            slips[len(meant)] = token.text
        meant += [replace(token, text=part) for part in parts] or [token]
        at += 1
    return meant, slips


# `fürdünk` is no form of a name, but of a verb.
_MADE_OF_VERBS: Final = frozenset({Case.OWN, Case.ADJECTIVE})
_ENDINGS: Final = frozenset({
    "t", "et", "at", "ot", "öt", "ban", "ben", "ba", "be", "ra", "re", "on", "en", "ön", "n", "val",
    "vel", "nak", "nek", "ról", "ről", "ból", "ből", "tól", "től", "nál", "nél", "hoz", "hez", "höz",
    "ig", "ok", "ek", "k",
})  # fmt: skip


def _is_run_apart(token: Token, after: Token, index: HomeIndex, lexicon: Lexicon) -> bool:
    """Whether two words are one word of this home, or of the language, that was heard as two."""
    if not (token.text.isalpha() and after.text.isalpha()):
        return False
    joined = token.text + after.text
    if after.glued:
        # "de-humidifier"
        return lexicon.is_kind(joined) or (index.knows(joined) and not index.knows(token.text))
    if index.knows_form(joined, lexicon):
        # Where the first is a word of this home's names by itself, and the second some word, they are two.
        return not (index.knows_form(token.text, lexicon) and _is_known(after.text, index, lexicon))
    known = token.text in lexicon.vocabulary and after.text in lexicon.vocabulary
    return not known and lexicon.is_verb(joined) and not index.knows_form(after.text, lexicon)


def _is_known(text: str, index: HomeIndex, lexicon: Lexicon) -> bool:
    if text in lexicon.vocabulary or index.knows(text):
        return True
    return any(
        index.knows(form.stem) or lexicon.is_inflected(form.stem) or _is_number(form.stem, lexicon)
        for form in lexicon.forms_of(text)[1:]
    )


def _is_number(stem: str, lexicon: Lexicon) -> bool:
    return lexicon.numbers.compound and compound_value(stem, lexicon.numbers) is not None


def _meant(text: str, index: HomeIndex, lexicon: Lexicon) -> list[str]:
    """What one unknown word was meant as; empty where that cannot be told."""
    accented = _with_accents(text, index, lexicon)
    if accented is not None:
        return [accented]
    apart = _apart(text, index, lexicon)
    if apart:
        return apart
    together = lexicon.verb_with_tail(text)
    if together is not None:
        return list(together)
    slipped = _slipped(text, index, lexicon) or _begun(text, index, lexicon)
    return [slipped] if slipped is not None else []


def _with_accents(text: str, index: HomeIndex, lexicon: Lexicon) -> str | None:
    for form in lexicon.forms_of(text):
        found = index.plain.get(form.stem) or lexicon.accented(form.stem)
        if found is not None:
            return found
    return None


def _apart(text: str, index: HomeIndex, lexicon: Lexicon) -> list[str]:
    """Two known words that were run together, one of them at least of this home."""
    for length in range(len(text) - SHORTEST_HALF, SHORTEST_HALF - 1, -1):
        first, second = text[:length], text[length:]
        if not index.knows(first) and not lexicon.is_kind(first):
            continue
        if index.knows_form(second, lexicon) or any(
            lexicon.is_kind(form.stem) for form in lexicon.forms_of(second)
        ):
            return [first, second]
    return []


def _begun(text: str, index: HomeIndex, lexicon: Lexicon) -> str | None:
    """The one word of this home that begins with this one: `neon` for `neoncső`."""
    for form in lexicon.forms_of(text):
        if len(form.stem) >= SHORTEST_BEGINNING and form.case not in _MADE_OF_VERBS:
            words = index.beginning_with(form.stem)
            if len(words) == 1:
                return words[0]
    return None


def _slipped(text: str, index: HomeIndex, lexicon: Lexicon) -> str | None:
    """The one word that it differs from by a slip; None where two come as near."""
    best: dict[str, int] = {}
    for form in lexicon.forms_of(text):
        for distance, word in (*index.slips.meant(form.stem), *lexicon.slips.meant(form.stem)):
            best[word] = min(distance, best.get(word, distance))
    if not best:
        return None
    nearest = min(best.values())
    words = [word for word, distance in best.items() if distance == nearest]
    if len(words) == 1:
        return words[0]
    # A singular and its plural are one word.
    stems_of_each = [{form.stem for form in lexicon.forms_of(word)} for word in words]
    return next((word for word in words if all(word in stems for stems in stems_of_each)), None)
