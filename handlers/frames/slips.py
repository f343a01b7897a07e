"""Slips of the tongue, of the keyboard, of speech recognition: what was meant by a word that nobody knows.

A word is found by what is left of it when a letter is missing: two words that differ by one letter (left out,
put in, exchanged, or two of them in the wrong order) share such a rest. `rapidfuzz` judges only those.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from rapidfuzz.distance import OSA

SHORTEST: Final = 4
"""Letters of a word in which a slip is forgiven at all; in shorter ones every letter counts."""

SHORTEST_FOR_TWO: Final = 8
"""Letters of a word in which two slips are forgiven."""


class Slips:
    """Finds words that differ little from a given one."""

    def __init__(self) -> None:
        self._rests: dict[str, tuple[str, ...]] = {}

    def copied(self) -> Slips:
        """A copy that can be changed."""
        copy = Slips()
        copy._rests = dict(self._rests)
        return copy

    def add(self, word: str) -> None:
        """Let a word be found."""
        if len(word) < SHORTEST:
            return
        for rest in {word, *_rests(word)}:
            known = self._rests.get(rest, ())
            if word not in known:
                self._rests[rest] = (*known, word)

    def remove(self, word: str) -> None:
        """Let a word be found no more."""
        for rest in {word, *_rests(word)}:
            left = tuple(one for one in self._rests.get(rest, ()) if one != word)
            if left:
                self._rests[rest] = left
            else:
                self._rests.pop(rest, None)

    def meant(self, word: str) -> list[tuple[int, str]]:
        """The known words that it may have been meant as, with how many slips, the fewest first."""
        most = most_slips(word)
        if most == 0:
            return []
        candidates = {one for rest in (word, *_rests(word)) for one in self._rests.get(rest, ())}
        if most > 1:
            candidates |= {
                one
                for rest in _rests(word)
                for shorter in _rests(rest)
                for one in self._rests.get(shorter, ())
            }
        judged = ((OSA.distance(word, one, score_cutoff=most), one) for one in candidates)
        return sorted(
            (distance, one)
            for distance, one in judged
            if 0 < distance <= min(most, most_slips(one))
            and (min(len(word), len(one)) > SHORTEST or sounds_alike(word, one))
        )


# Letters that one hears for each other.
_ALIKE: Final = ("ckqsz", "fv", "dt", "mn", "gk", "iey", "aou", "lr")


def sounds_alike(word: str, other: str) -> bool:
    """Whether two short words are one to the ear: "desc" and "desk", not "lamb" and "lamp"."""
    if len(word) != len(other):
        shorter, longer = sorted((word, other), key=len)
        # A letter that is doubled, or no more.
        return any(
            longer[at] == longer[at - 1] and longer[:at] + longer[at + 1 :] == shorter
            for at in range(1, len(longer))
        )
    differing = [(a, b) for a, b in zip(word, other, strict=True) if a != b]
    if len(differing) == 2:
        return differing[0] == differing[1][::-1]
    return len(differing) == 1 and any(set(differing[0]) <= set(letters) for letters in _ALIKE)


def most_slips(word: str) -> int:
    """How many slips are forgiven in a word."""
    if len(word) < SHORTEST:
        return 0
    return 1 if len(word) < SHORTEST_FOR_TWO else 2


def _rests(word: str) -> Iterator[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))
