"""Hungarian endings taken off: `lámpákat` → `lámpa`, `konyhaiakat` → `konyha`, `fényerejét` → `fényerő`.

Every stem that a word can have been made from is given, not the likely one: which of them is a word at all
is known to whoever has the words. So harmony need not be checked, and speakers who get it wrong are heard.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from handlers.frames.case import Case
from handlers.hungarian import IRREGULAR_PARTS

_VOWELS: Final = frozenset("aáeéiíoóöőuúüű")
_SHORTENED: Final = {"á": "a", "é": "e"}

# Endings by case, the longest first. `-val` and `-vel` double the consonant before them, see `_with`.
_CASES: Final = (
    (Case.PLACE, ("ban", "ben", "nál", "nél", "ba", "be", "on", "en", "ön", "n")),
    (Case.FROM, ("ból", "ből", "ról", "ről", "tól", "től")),
    (Case.TO, ("hoz", "hez", "höz", "ra", "re", "ig", "nak", "nek")),
    (Case.OBJECT, ("at", "et", "ot", "öt", "t")),
    (Case.OTHER, ("ért", "ként", "kor")),
)
# Before a case there may stand a plural or an owner, before that an adjective's ending.
_PLURALS: Final = ("ak", "ek", "ok", "ök", "k")
_OWNERS: Final = (
    "juk", "jük", "unk", "ünk", "nk", "ja", "je", "am", "em", "om", "öm", "m", "otok", "etek", "ötök", "tok",
    "tek", "tök", "od", "ed", "ad", "öd", "d", "a", "e", "uk", "ük",
)  # fmt: skip
# Whose several things are, after a consonant; after a vowel it is the last letters alone: `lámpáim`.
_OWNERS_OF_SEVERAL: Final = tuple(
    f"{link}{owner}"
    for link in ("jai", "jei", "ai", "ei", "i")
    for owner in ("m", "d", "nk", "tok", "tek", "k", "")
    if f"{link}{owner}" != "i"
)
_SHORTEST_STEM: Final = 2

# Stems that change before other endings than the accusative's, too: `tükrön`, `tüzek`, `kezem`.
_CHANGED: Final = {
    whole[:-2]: part
    for part, whole in IRREGULAR_PARTS.items()
    if whole[:-2] not in {part, part[:-1]} and whole[-2] in "aeoö"
}
# `fényerő` → `fényereje`, `idő` → `ideje`, `tető` → `teteje`, `ajtó` → `ajtaja`.
_OWNED: Final = {"ereje": "erő", "ideje": "idő", "teteje": "tető", "ajtaja": "ajtó"}


def readings(word: str) -> list[tuple[str, Case, bool]]:
    """Every reading of a word: a stem, the case it would stand in, whether it would be a plural.

    The first is always the word as it is.
    """
    found: dict[str, tuple[str, Case, bool]] = {word: (word, Case.NONE, False)}
    for base, case in _without_case(word):
        for stem, own_case, plural in _without_rest(base, case):
            found.setdefault(stem, (stem, own_case, plural))
    return list(found.values())


def _without_case(word: str) -> Iterator[tuple[str, Case]]:
    """The word, and the word without each case it can stand in, its last vowel as it was."""
    yield word, Case.NONE
    for case, endings in _CASES:
        for ending in endings:
            if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
                for stem in _stems(word[: -len(ending)]):
                    yield stem, case
    yield from ((stem, Case.WITH) for stem in _without_with(word))


def _without_with(word: str) -> Iterator[str]:
    """`lámpával` → `lámpa`, `fokkal` → `fok`, `tízzel` → `tíz`, `négyessel` → `négyes`, `gyel` after `gy`."""
    if len(word) > 4 and word.endswith(("val", "vel")):
        yield from _stems(word[:-3])
    if len(word) < 5 or not word.endswith(("al", "el")):
        return
    base = word[:-2]
    if base[-1] == base[-2] and base[-1] not in _VOWELS:
        yield base[:-1]
    # `százalékkal` doubles one letter, `egésszel` and `húsz` → `hússzal` the first of two.
    if len(base) > 3 and base[-3] == base[-2] and base[-2:] in {"sz", "gy", "ny", "zs", "cs", "ly", "ty"}:
        yield base[:-3] + base[-2:]


def _without_rest(base: str, case: Case) -> Iterator[tuple[str, Case, bool]]:
    """The base, and the base without plural, owner and the ending of an adjective."""
    yield base, case, False
    for stem in _without_ending(base, _PLURALS):
        yield stem, case, True
        yield from _without_adjective(stem, plural=True)
    yield from _without_owner(base, case)
    yield from _without_adjective(base, plural=False)


def _without_owner(base: str, case: Case) -> Iterator[tuple[str, Case, bool]]:
    """`lámpája`, `szobám`, `hálószobáé`."""
    for owned, stem in _OWNED.items():
        if base.endswith(owned):
            yield base[: -len(owned)] + stem, Case.OWN, False
    own = Case.OWN if case in {Case.NONE, Case.OBJECT} else case
    if base.endswith(("ái", "éi")) and len(base) > _SHORTEST_STEM + 1:
        yield from ((stem, own, True) for stem in _stems(base[:-1]))
    yield from ((stem, own, True) for stem in _without_ending(base, _OWNERS_OF_SEVERAL))
    yield from ((stem, own, False) for stem in _without_ending(base, _OWNERS))
    if base.endswith("é") and len(base) > _SHORTEST_STEM + 1:
        yield from ((stem, Case.OWN, False) for stem in _stems(base[:-1]))


def _without_ending(base: str, endings: tuple[str, ...]) -> Iterator[str]:
    for ending in endings:
        if base.endswith(ending) and len(base) - len(ending) >= _SHORTEST_STEM:
            yield from _stems(base[: -len(ending)])


def _without_adjective(base: str, *, plural: bool) -> Iterator[tuple[str, Case, bool]]:
    if base.endswith("i") and len(base) > _SHORTEST_STEM + 1:
        for stem in _stems(base[:-1]):
            yield stem, Case.ADJECTIVE, plural


def _stems(base: str) -> Iterator[str]:
    """What stood before an ending: as it is, with its last vowel short again, or changed back."""
    yield base
    if base[-1] in _SHORTENED:
        yield base[:-1] + _SHORTENED[base[-1]]
    for changed, part in _CHANGED.items():
        if base.endswith(changed):
            yield base[: len(base) - len(changed)] + part
