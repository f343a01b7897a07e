"""Numbers as they are said: in digits, in words, in one word, with a half."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from handlers.frames.case import Case
from handlers.frames.forms import Form
from handlers.frames.lexicon import Numbers
from handlers.frames.tokens import Token

# What is glued to a Hungarian number in digits: "30-ra", "5%-kal".
_GLUED_TO: Final = frozenset({"ra", "re", "ig", "hoz", "hez", "höz"})
_GLUED_WITH: Final = ("al", "el")
LONGEST_ENDING: Final = 4
"""Letters from which on what is glued to a number is a word."""
_HALF: Final = "fél"
_HALVED: Final = frozenset({"fok", "óra"})
_MOST_PERSONS: Final = 10
_PERSONS: Final = ("en", "on", "an")
_WITHIN: Final = ("ben", "ban")
_ONE_AND_A_HALF: Final = "másfél"


class Number(NamedTuple):
    """A number in a sentence: how many tokens it takes, its value, and the case it stands in."""

    length: int
    value: float
    case: Case


def number_at(
    tokens: Sequence[Token], forms: Sequence[Sequence[Form]], at: int, numbers: Numbers
) -> Number | None:
    """The number that begins at a token, the longest that makes sense."""
    token = tokens[at]
    if token.number is not None:
        number: Number | None = Number(1, token.number, Case.NONE)
    elif numbers.compound:
        number = _half(tokens, forms, at) or _compound(token.text, forms[at], numbers)
    else:
        number = _of_words(tokens, at, numbers)
    if number is None:
        return None
    return _with_glued(tokens, at, _with_fraction(tokens, forms, at, number, numbers))


def glued_case(text: str) -> Case:
    """The case that a glued ending makes of a number."""
    if text in _GLUED_TO:
        return Case.TO
    return Case.WITH if text.endswith(_GLUED_WITH) else Case.OTHER


def _with_glued(tokens: Sequence[Token], at: int, number: Number) -> Number:
    after = at + number.length
    if (
        after < len(tokens)
        and tokens[after].glued
        and tokens[after].text.isalpha()
        and len(tokens[after].text) < LONGEST_ENDING
    ):
        return Number(number.length + 1, number.value, glued_case(tokens[after].text))
    return number


def _with_fraction(
    tokens: Sequence[Token], forms: Sequence[Sequence[Form]], at: int, number: Number, numbers: Numbers
) -> Number:
    """The number with "and a half" or "point five" behind it."""
    after = at + number.length
    for half in numbers.half:
        said = [token.text for token in tokens[after : after + len(half)]]
        if len(said) == len(half) and said[:-1] == list(half[:-1]):
            last = next((form for form in forms[after + len(half) - 1] if form.stem == half[-1]), None)
            if last is not None:
                return Number(number.length + len(half), number.value + 0.5, last.case)
    if after + 1 < len(tokens) and tokens[after].text in numbers.point:
        decimal = _digit(tokens, forms, after + 1, numbers)
        if decimal is not None:
            return Number(number.length + 2, number.value + decimal.value / 10, decimal.case)
    return number


def _digit(
    tokens: Sequence[Token], forms: Sequence[Sequence[Form]], at: int, numbers: Numbers
) -> Number | None:
    token = tokens[at]
    if token.number is not None:
        return Number(1, token.number, Case.NONE) if token.number < 10 else None
    for form in forms[at]:
        value = numbers.units.get(form.stem)
        if value is not None and value < 10:
            return Number(1, value, form.case)
    return None


def _of_words(tokens: Sequence[Token], at: int, numbers: Numbers) -> Number | None:
    """A number of several words: "two hundred and thirty five"."""
    total = current = 0
    length = used = 0
    for token in tokens[at:]:
        word = token.text
        length += 1
        if word in numbers.units and (current % 10 == 0 and current % 100 != 10):
            if current and numbers.units[word] >= 10 and current % 100:
                break
            current += numbers.units[word]
        elif word in numbers.tens and current % 100 == 0:
            current += numbers.tens[word]
        elif word in numbers.hundred and (0 < current < 100 or not used):
            current = (current or 1) * 100
        elif word in numbers.thousand and current:
            total, current = total + current * 1000, 0
        elif word in numbers.within and used and current % 100 == 0 and (current or total):
            continue
        else:
            break
        used = length
    return Number(used, total + current, Case.NONE) if used else None


def _half(tokens: Sequence[Token], forms: Sequence[Sequence[Form]], at: int) -> Number | None:
    """`fél fok`: half of what is counted next."""
    if tokens[at].text != _HALF or at + 1 >= len(tokens):
        return None
    return Number(1, 0.5, Case.NONE) if any(form.stem in _HALVED for form in forms[at + 1]) else None


def _compound(word: str, forms: Sequence[Form], numbers: Numbers) -> Number | None:
    """A number that is one word, with an ending: `huszonötre`."""
    for form in forms:
        if form.stem == _ONE_AND_A_HALF:
            return Number(1, 1.5, form.case)
        value = compound_value(form.stem, numbers)
        if value is not None and value <= _MOST_PERSONS and _counts_people(word):
            # `öten fürdünk`: nothing that anything is set to.
            return None
        if value is not None:
            return Number(1, value, form.case)
    return None


def _counts_people(word: str) -> bool:
    return word.endswith(_PERSONS) and not word.endswith(_WITHIN)


def compound_value(word: str, numbers: Numbers) -> int | None:
    """The value of a number that is written as one word, or None."""
    if word in numbers.units:
        return numbers.units[word]
    for thousand in numbers.thousand:
        before, found, after = word.partition(thousand)
        if found:
            return _product(before, 1000, after, numbers)
    for hundred in numbers.hundred:
        before, found, after = word.partition(hundred)
        if found:
            return _product(before, 100, after, numbers)
    for ten, value in numbers.tens.items():
        if word.startswith(ten):
            rest = word[len(ten) :]
            if not rest:
                return value
            if rest in numbers.units:
                return value + numbers.units[rest]
    return None


def _product(before: str, factor: int, after: str, numbers: Numbers) -> int | None:
    times = compound_value(before, numbers) if before else 1
    rest = compound_value(after, numbers) if after else 0
    return None if times is None or rest is None or rest >= factor else times * factor + rest
