"""What a word may be a form of: the stems it can have been made from, and how."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

from handlers.frames import hungarian_forms
from handlers.frames.case import Case


class Form(NamedTuple):
    """One reading of a word: its stem, the case it stands in, and whether it is a plural."""

    stem: str
    case: Case
    plural: bool


@lru_cache(maxsize=32_768)
def english_forms(word: str) -> tuple[Form, ...]:
    """An English word as it is, without its possessive, and as a singular."""
    forms = [Form(word, Case.NONE, False)]
    base = word
    if word.endswith("'s"):
        base = word[:-2]
        forms.append(Form(base, Case.NONE, False))
    forms += [Form(stem, Case.NONE, True) for stem in _singulars(base)]
    return tuple(forms)


def _singulars(word: str) -> list[str]:
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return [_IRREGULAR_PLURALS[word]] if word in _IRREGULAR_PLURALS else []
    found = [word[:-1]]
    if word.endswith("ies"):
        found.append(f"{word[:-3]}y")
    elif word.endswith(("ches", "shes", "sses", "xes", "zes", "oes")):
        found.append(word[:-2])
    elif word.endswith("ves"):
        found += [f"{word[:-3]}f", f"{word[:-3]}fe"]
    return found


_IRREGULAR_PLURALS: Final = {"people": "person", "children": "child", "men": "man", "women": "woman"}


def gerund_of(verb: str) -> str:
    """The form in which an English verb is asked for with "would you mind": `turn` → `turning`."""
    if verb.endswith("e") and not verb.endswith("ee"):
        return f"{verb[:-1]}ing"
    is_short = sum(letter in "aeiou" for letter in verb) == 1 and verb[-2:-1] in {*"aeiou"}
    return f"{verb}{verb[-1]}ing" if is_short and verb[-1] in "bdgmnpt" else f"{verb}ing"


@lru_cache(maxsize=32_768)
def hungarian_word_forms(word: str) -> tuple[Form, ...]:
    """A Hungarian word as it is, and without the endings that it may have."""
    return tuple(Form(*reading) for reading in hungarian_forms.readings(word))


FORMS: Final[dict[str, Callable[[str], tuple[Form, ...]]]] = {
    "en": english_forms,
    "hu": hungarian_word_forms,
}
"""By language, what reads a word."""
