"""The words that decide how far a model is believed, from `config/evidence/`: data that people can extend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from config.data_file import read_yaml
from config.errors import DataFileError
from handlers.frames.tokens import folded, words_of


@dataclass(frozen=True, slots=True)
class EvidenceWords:
    """Those of one language.

    Attributes:
        because: What ties a reason to a command.
        reasons_begin: The beginnings of reasons; phrases of one word or more.
        reasons_hold: Of these, a reason behind a command has one in it.
        reasons_hold_first: The same of one that comes first.
        conditions: What makes a condition, a report or a plan of it.
        claims: What claims that something was done; phrases of one word or more.
        claim_endings: Endings of verbs that do.
    """

    because: frozenset[str]
    reasons_begin: frozenset[str]
    reasons_hold: frozenset[str]
    reasons_hold_first: frozenset[str]
    conditions: frozenset[str]
    claims: frozenset[str]
    claim_endings: tuple[str, ...]

    def looks_like_a_reason(self, words: Sequence[str], *, comes_first: bool) -> bool:
        """Whether words are what a reason looks like; so is no name that is called, and no jest."""
        if words[0] in self.because:
            return True
        if words[0] in self.reasons_begin or " ".join(words[:2]) in self.reasons_begin:
            return True
        held = self.reasons_hold_first if comes_first else self.reasons_hold
        return any(word in held for word in words[1:] or words)

    def claims_a_deed(self, text: str) -> bool:
        """Whether somebody who says this says that something was done."""
        words = words_of(text)
        spoken = f" {' '.join(words)} "
        return any(f" {claim} " in spoken for claim in self.claims) or any(
            word.endswith(ending) and len(word) > len(ending) + 1
            for word in words
            for ending in self.claim_endings
        )


@cache
def evidence_words(language: str) -> EvidenceWords:
    """The words of a language.

    Raises:
        DataFileError: The file is missing or not as it must be.
    """
    name = f"evidence/{language}.yaml"
    data = read_yaml(name)
    return EvidenceWords(
        because=frozenset(_words(data, "because", name)),
        reasons_begin=frozenset(_words(data, "reasons_begin", name)),
        reasons_hold=frozenset(_words(data, "reasons_hold", name)),
        reasons_hold_first=frozenset(_words(data, "reasons_hold_first", name)),
        conditions=frozenset(_words(data, "conditions", name)),
        claims=frozenset(_words(data, "claims", name)),
        claim_endings=_words(data, "claim_endings", name),
    )


def _words(data: Any, group: str, name: str) -> tuple[str, ...]:
    words = data.get(group) if isinstance(data, Mapping) else None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise DataFileError(f"config/{name}: {group} is no list of words")
    return tuple(folded(word) for word in words)
