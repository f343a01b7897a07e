"""The forms in which a Hungarian verb asks for something: `kapcsol` → `kapcsold`, `kapcsolnád`, and so on.

Too many rather than too few: both harmonies and every linking vowel, as people write them. A form that nobody
says does no harm; one that is missing is a sentence that is not understood.
"""

from __future__ import annotations

from typing import Final

_LONG: Final = frozenset("áéíóőúű")
_VOWELS: Final = frozenset("aeiouöü") | _LONG
_HISSING: Final = ("dz", "s", "sz", "z")

_IMPERATIVE: Final = (
    "", "ad", "ed", "a", "e", "ák", "ék", "uk", "ük", "átok", "étek", "atok", "etek", "on", "en", "ön", "ál",
    "él", "unk", "ünk", "anak", "enek",
)  # fmt: skip
_PRESENT: Final = (
    "od", "ed", "öd", "sz", "ol", "el", "öl", "asz", "esz", "játok", "itek", "hatod", "heted", "hatsz",
    "hetsz", "hat", "het", "hatnád", "hetnéd", "hatnál", "hetnél", "hatná", "hetné", "hatjuk", "hetjük",
)  # fmt: skip
_CONDITIONAL: Final = (
    "nád", "néd", "nál", "nél", "ná", "né", "nák", "nék", "nátok", "nétek", "nánk", "nénk", "ni", "na", "ne",
    "nám", "ném",
)  # fmt: skip


def asking_forms(stem: str) -> set[str]:
    """Imperative, second person, conditional and infinitive of a verb, by its form in dictionaries.

    Not what only tells: "kapcsol" is what somebody does.
    """
    forms = {stem + ending for ending in _PRESENT}
    forms |= {stem + link + ending for link in ("", "a", "e") for ending in _CONDITIONAL}
    imperative, short = _imperative_stems(stem)
    forms |= {imperative + ending for ending in _IMPERATIVE}
    return forms | {short + "d"}


def _imperative_stems(stem: str) -> tuple[str, str]:
    """What imperative endings stand on, and what the short `-d` of the second person does."""
    if stem.endswith("szt"):
        return f"{stem[:-3]}ssz", stem[:-1]
    if stem.endswith("t"):
        before = stem[-2:-1]
        if before in _VOWELS and before not in _LONG:
            return f"{stem[:-1]}ss", f"{stem[:-1]}s"
        return f"{stem}s", f"{stem}s"
    if stem.endswith(_HISSING):
        doubled = f"{stem[:-2]}{stem[-2]}{stem[-2:]}" if stem.endswith(("sz", "dz")) else stem + stem[-1]
        return doubled, stem
    return f"{stem}j", stem
