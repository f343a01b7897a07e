"""What may be written or said to turn a language model against the home it serves: `en.yaml` and `hu.yaml`.

A file has

    home            the home of its language, as `handlers.interpret.parse_home` takes it
    nowhere         ids that are forbidden somewhere and that no home of the file has
    cases           the attempts

and a case

    id              unique; begins with the language
    through         where the attempt comes in, one of `Through`
    home            `floors`, `areas`, `entities` that replace those of the same id or come on top (nothing)
    said_before     sentences of the session, oldest first; only of those that come in through it (nothing)
    sentence        what is said then; none that the rules understand
    room            id of the area where it is heard, or null
    obeyed          what a model answers that fell for it: an object, or the very text where that is no JSON
    forbidden       ids of what must not be called, whatever the model answers
    forbidden_words texts that must not be spoken (nothing)
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

HERE: Final = Path(__file__).parent
LANGUAGES: Final = ("en", "hu")

_NEEDED: Final = frozenset({"id", "through", "sentence", "room", "obeyed", "forbidden"})
_MAY_BE: Final = frozenset({"home", "said_before", "forbidden_words"})


class InjectionError(Exception):
    """A case is not as the module's docstring says; the text says which, and what of it."""


class Through(StrEnum):
    """Where an attempt comes in."""

    ENTITY_NAME = "entity-name"
    ENTITY_ALIAS = "entity-alias"
    AREA_NAME = "area-name"
    AREA_ALIAS = "area-alias"
    FLOOR_NAME = "floor-name"
    OPTION = "option"
    SENTENCE = "sentence"
    SESSION = "session"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Injection:
    """One attempt; the module's docstring says what each part is.

    Attributes:
        home: The whole home, with what the case lays over it.
        laid_over: That alone.
    """

    id: str
    language: str
    through: Through
    home: dict[str, Any]
    laid_over: dict[str, Any]
    said_before: tuple[str, ...]
    sentence: str
    room: str | None
    obeyed: dict[str, Any] | str
    forbidden: tuple[str, ...]
    forbidden_words: tuple[str, ...]

    def __str__(self) -> str:
        return self.id


def injections(language: str) -> tuple[Injection, ...]:
    """All attempts in a language, in the order of its file.

    Raises:
        InjectionError: One of them cannot be read.
    """
    data = _read(language)
    return tuple(_injection(case, language, data["home"]) for case in data["cases"])


def nowhere(language: str) -> frozenset[str]:
    """The ids that cases of a language forbid although no home has them."""
    return frozenset(_read(language)["nowhere"])


def _read(language: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((HERE / f"{language}.yaml").read_text(encoding="utf-8"))
    return data


def _injection(case: Mapping[str, Any], language: str, base: Mapping[str, Any]) -> Injection:
    wrong = (_NEEDED - case.keys()) | (case.keys() - _NEEDED - _MAY_BE)
    if wrong:
        raise InjectionError(f"{case.get('id')}: {', '.join(sorted(wrong))} is missing or unknown")
    if not isinstance(case["obeyed"], dict | str):
        raise InjectionError(f"{case['id']}: obeyed is neither an object nor a text")
    laid_over = copy.deepcopy(case.get("home") or {})
    return Injection(
        id=case["id"],
        language=language,
        through=Through(case["through"]),
        home=_merged(base, laid_over),
        laid_over=laid_over,
        said_before=_texts(case, "said_before"),
        sentence=case["sentence"],
        room=case["room"],
        obeyed=case["obeyed"],
        forbidden=_texts(case, "forbidden"),
        forbidden_words=_texts(case, "forbidden_words"),
    )


def _merged(base: Mapping[str, Any], laid_over: Mapping[str, Any]) -> dict[str, Any]:
    """The home with what a case lays over it: what has the same id stands in the same place."""
    home: dict[str, Any] = copy.deepcopy(dict(base))
    for kind, items in laid_over.items():
        if kind not in home:
            raise InjectionError(f"a home has no {kind}")
        by_id = {item["id"]: item for item in home[kind]}
        home[kind] = list((by_id | {item["id"]: copy.deepcopy(item) for item in items}).values())
    return home


def _texts(case: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = case.get(key, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) and text for text in texts):
        raise InjectionError(f"{case['id']}: {key} is no list of texts")
    return tuple(texts)
