"""From phrases to sentences: the templates of `config/answers/`, in the speaker's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import structlog

from config.data_file import read_yaml
from config.errors import DataFileError
from config.languages import DEFAULT, SUPPORTED
from handlers import hungarian
from handlers.status import Status
from handlers.understanding import Phrase

_log = structlog.get_logger(__name__)

# `{name}` or `{name|filter|filter}`; filters work from left to right, on each element of a list.
_PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_]*)((?:\|[a-z]+)*)\}")
_BRACE: Final = re.compile(r"[{}]")
# Values come from homes; a name longer than this is cut, so that one entity cannot fill an answer.
MAX_VALUE_LENGTH: Final = 200

_Filter: TypeAlias = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Grammar:
    """What a language does to the words that are put into its sentences.

    Attributes:
        filters: By name: `the` (with its article), `acc` (as an object), `in` (as a place where), `clock` (a
            time of day as it is spoken).
        joins: What stands before the last element of a list: `and`, or `or` where the filter says so.
        decimal_sign: What stands before the decimals of a number.
    """

    filters: Mapping[str, _Filter]
    joins: Mapping[str, str]
    decimal_sign: str


def _english_the(text: str) -> str:
    return text if text.casefold().startswith(("the ", "my ", "our ")) else f"the {text}"


def _hungarian_the(text: str) -> str:
    return f"{hungarian.article(text)} {text}" if text else text


def _as_it_is(text: str) -> str:
    return text


def _english_clock(time: str) -> str:
    hour, _, minute = time.partition(":")
    if not hour.isdecimal():
        return time
    half = "AM" if int(hour) < 12 else "PM"
    return (
        f"{int(hour) % 12 or 12}:{minute} {half}" if minute.strip("0") else f"{int(hour) % 12 or 12} {half}"
    )


def _hungarian_clock(time: str) -> str:
    hour, _, minute = time.partition(":")
    if not (hour.isdecimal() and minute.isdecimal()):
        return time
    return f"{hour} óra {int(minute)} perc" if int(minute) else f"{hour} óra"


GRAMMARS: Final[Mapping[str, Grammar]] = MappingProxyType(
    {
        "en": Grammar(
            filters={
                "the": _english_the,
                "acc": _as_it_is,
                "in": lambda text: f"in {_english_the(text)}",
                "clock": _english_clock,
            },
            joins={"and": "and", "or": "or"},
            decimal_sign=".",
        ),
        "hu": Grammar(
            filters={
                "the": _hungarian_the,
                "acc": hungarian.accusative,
                "in": lambda text: _hungarian_the(hungarian.inessive(text)),
                "clock": _hungarian_clock,
            },
            joins={"and": "és", "or": "vagy"},
            decimal_sign=",",
        ),
    }
)
_FILTERS: Final = frozenset({"acc", "clock", "in", "or", "the"})


class Answers:
    """Turns phrases into sentences.

    Args:
        templates: For each language, the sentence of every phrase key. A sentence may hold placeholders,
            `{targets|acc|the}`: the value of that name, through these filters. Values are put in as they are
            and never read as templates themselves, whatever an entity is called.
    """

    def __init__(self, templates: Mapping[str, Mapping[str, str]]) -> None:
        self._templates = templates

    @classmethod
    def load(cls) -> Answers:
        """The answers of `config/answers/`.

        Raises:
            DataFileError: A file is missing, is no mapping of texts, or holds a wrong placeholder.
        """
        return cls({language: _checked(language) for language in SUPPORTED})

    def keys(self, language: str) -> Mapping[str, str]:
        """Every phrase key of a language with its template."""
        return MappingProxyType(dict(self._templates[language]))

    def speak(self, phrases: Phrase | Sequence[Phrase], language: str) -> str:
        """One sentence for each phrase, in this language or, if it is not spoken here, in the default one.

        Never raises and is never empty: a phrase that nobody wrote is answered by the sentence for an inner
        failure, and logged.
        """
        spoken_language = language if language in self._templates else DEFAULT
        several = (phrases,) if isinstance(phrases, Phrase) else tuple(phrases)
        sentences = [_capitalised(self._render(phrase, spoken_language)) for phrase in several]
        text = " ".join(dict.fromkeys(sentence for sentence in sentences if sentence))
        return text or self._render(Phrase(f"status.{Status.INTERNAL}"), spoken_language)

    def _render(self, phrase: Phrase, language: str) -> str:
        template = self._templates[language].get(phrase.key)
        if template is None:
            _log.error("a phrase has no sentence", key=phrase.key, language=language)
            return self._templates[language][f"status.{Status.INTERNAL}"]
        return "".join(
            part
            if isinstance(part, str)
            else self._filled(phrase.values.get(part.name), part.filters, language)
            for part in _parts_of(template)
        )

    def _filled(self, value: Any, names: Sequence[str], language: str) -> str:
        grammar = GRAMMARS[language]
        elements = value if isinstance(value, tuple | list) else (value,)
        texts = [self._text(element, language) for element in elements]
        for name in names:
            if name in grammar.filters:
                texts = [grammar.filters[name](text) for text in texts]
        return _joined(texts, grammar.joins["or" if "or" in names else "and"])

    def _text(self, value: Any, language: str) -> str:
        if isinstance(value, Phrase):
            return self._render(value, language)
        if isinstance(value, int | float | Decimal):
            return _number(value, GRAMMARS[language].decimal_sign)
        return "" if value is None else " ".join(str(value)[:MAX_VALUE_LENGTH].split())


@dataclass(frozen=True, slots=True)
class _Placeholder:
    """Where a value goes in a sentence, and through which filters."""

    name: str
    filters: tuple[str, ...]


@lru_cache(maxsize=4096)
def _parts_of(template: str) -> tuple[str | _Placeholder, ...]:
    """A template as it is spoken: texts, and placeholders between them."""
    parts: list[str | _Placeholder] = []
    end = 0
    for match in _PLACEHOLDER.finditer(template):
        parts += [template[end : match.start()], _Placeholder(match[1], tuple(match[2].split("|")[1:]))]
        end = match.end()
    return (*parts, template[end:])


def placeholders(template: str) -> frozenset[str]:
    """The names of the values that a template takes."""
    return frozenset(match[1] for match in _PLACEHOLDER.finditer(template))


def _joined(texts: Sequence[str], last: str) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} {last} {texts[-1]}"


def _number(value: Decimal | float, decimal_sign: str) -> str:
    text = f"{value:.2f}" if isinstance(value, float) else format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(".", decimal_sign)


def _capitalised(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _checked(language: str) -> dict[str, str]:
    file = f"answers/{language}.yaml"
    templates = dict(_flat(read_yaml(file), file))
    for key, template in templates.items():
        if _BRACE.search(_PLACEHOLDER.sub("", template)):
            raise DataFileError(f"config/{file}: {key} holds a brace that is no placeholder")
        unknown = {
            name for match in _PLACEHOLDER.finditer(template) for name in match[2].split("|")[1:]
        } - _FILTERS
        if unknown:
            raise DataFileError(f"config/{file}: {key} asks for {min(unknown)}, which no language knows")
    missing = [f"status.{status}" for status in Status if f"status.{status}" not in templates]
    if missing:
        raise DataFileError(f"config/{file} has no sentence for {', '.join(missing)}")
    return templates


def _flat(value: Any, file: str, before: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, str):
        yield before, value
        return
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise DataFileError(
            f"config/{file}: {before or 'the file'} is neither a text nor a group of texts",
            remedy='put quotation marks around texts and around the keys "on", "off", "yes" and "no"',
        )
    for key, below in value.items():
        yield from _flat(below, file, f"{before}.{key}" if before else key)
