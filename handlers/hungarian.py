"""Hungarian endings: which article, which accusative, which "in" a name takes.

Names of rooms and lamps are the owner's own words, so the forms are made, not looked up: vowel
harmony decides the ending, and short lists hold the stems that change against the rule (`tükör` →
`tükröt`, `ajtózár` → `ajtózárat`). Only the last word of a name is inflected; compounds follow
their last part.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_BACK: Final = frozenset("aáoóuú")
_FRONT_ROUNDED: Final = frozenset("öőüű")
_NEUTRAL: Final = frozenset("éií")
_VOWELS: Final = _BACK | _FRONT_ROUNDED | _NEUTRAL | {"e"}
_LENGTHENED: Final = {"a": "á", "e": "é", "A": "Á", "E": "É"}

# Consonants after which the accusative needs no linking vowel, if a vowel stands before them.
_PLAIN_T_AFTER: Final = ("sz", "zs", "ny", "ly", "j", "l", "n", "r", "s", "z")

# Last parts of compounds whose neutral vowels do not follow the part before them.
_FRONT_PARTS: Final = (
    "bér", "cég", "fém", "fény", "film", "gép", "hír", "jég", "kép", "kész", "krém", "lép", "méz", "pénz",
    "rész", "rét", "sín", "szék", "szél", "szén", "szint", "szín", "tér", "tény", "vér", "víz",
)  # fmt: skip
_BACK_PARTS: Final = ("csík", "díj", "híd", "íj", "nyíl", "sík", "síp", "szíj", "zsír")

# Stems that change, or take a low linking vowel, in the accusative; each also as the last part of a compound.
IRREGULAR_PARTS: Final = {
    "tükör": "tükröt", "bokor": "bokrot", "sarok": "sarkot", "torok": "torkot", "fészek": "fészket",
    "kerék": "kereket", "kötél": "kötelet", "levél": "levelet", "fedél": "fedelet", "pohár": "poharat",
    "kanál": "kanalat", "madár": "madarat", "fonál": "fonalat", "szekér": "szekeret", "kenyér": "kenyeret",
    "egér": "egeret", "cukor": "cukrot", "eper": "epret", "retek": "retket", "ajtózár": "ajtózárat",
    "ablakzár": "ablakzárat", "raktár": "raktárat", "könyvtár": "könyvtárat", "szertár": "szertárat",
    "ruhatár": "ruhatárat", "kád": "kádat", "vonal": "vonalat", "fonal": "fonalat", "dugalj": "dugaljat",
    "föld": "földet", "fazék": "fazekat", "piros": "pirosat", "fehér": "fehéret", "zöld": "zöldet",
    # Longer words that only end like one of the stems below, and are regular.
    "lépcső": "lépcsőt", "bölcső": "bölcsőt", "műhely": "műhelyt", "portál": "portált", "bazár": "bazárt",
    "talaj": "talajt",
    "zár": "zárat", "ház": "házat", "fal": "falat", "ágy": "ágyat", "haj": "hajat", "szál": "szálat",
    "tál": "tálat", "nyár": "nyarat", "víz": "vizet", "tűz": "tüzet", "kéz": "kezet", "méz": "mézet",
    "fej": "fejet", "hely": "helyet", "könyv": "könyvet", "híd": "hidat", "kút": "kutat", "rúd": "rudat",
    "út": "utat", "díj": "díjat", "szíj": "szíjat", "cső": "csövet", "kő": "követ", "mű": "művet",
    "tej": "tejet", "vaj": "vajat", "olaj": "olajat", "toll": "tollat", "fog": "fogat", "láb": "lábat",
    "oldal": "oldalt", "hal": "halat", "száj": "szájat", "tél": "telet", "dal": "dalt",
}  # fmt: skip
# As changing stems, but only as a word of their own: `autó`, `parkoló`, `tető` end alike and are regular.
_IRREGULAR_WORDS: Final = {"tó": "tavat", "ló": "lovat", "hó": "havat", "fű": "füvet", "lé": "levet"}
# Accusatives whose stem ends in a long vowel, where nearly all others end in a short one.
_LONG_FINALS: Final = ("kávét", "tévét", "pürét", "szuflét", "kanapét", "filét")
# Singulars that look like plurals in -k.
_NOT_PLURAL: Final = (
    "ablak", "book", "fok", "homok", "játék", "érték", "szék", "kék", "mozaik", "patak",
)  # fmt: skip
# A final `y` is a vowel (`Shelly`, `Display`) where it makes no Hungarian consonant with the letter before.
_VOWEL_Y: Final = re.compile(r"(?:[^glnt]|ll|nn|tt)y$")

# Places that one is *on* in Hungarian (`a teraszon`), where most are *in* (`a konyhában`).
_SURFACES: Final = (
    "terasz", "udvar", "erkély", "folyosó", "emelet", "szint", "padlás", "galéria", "tető", "balkon",
    "loggia", "veranda", "tornác", "pódium", "lépcső", "pálya", "telek", "közlekedő", "átjáró", "felhajtó",
)  # fmt: skip
# Places that are adverbs already.
_ADVERBS: Final = frozenset(
    {"kint", "bent", "fent", "lent", "fönt", "kinn", "benn", "odakint", "otthon", "itthon"}
)

# Only those: `²` and the like are digits to Python, but not to a speaker.
_DIGITS: Final = frozenset("0123456789")
_LAST_WORD: Final = re.compile(r"(.*?)([^\s\-–—()\[\]\"']+)([()\[\]\"'\s]*)$", re.DOTALL)
_CAPITALS: Final = re.compile(r"[A-ZÁÉÍÓÖŐÚÜŰ]{2,}$")
# Spelt out although they could be read as words.
_ABBREVIATIONS: Final = frozenset({"UPS", "USB"})
# Letters whose spelt-out name starts with a vowel (`ef`, `el`, …), and those whose name ends in a consonant.
_VOWEL_NAMED: Final = frozenset("FLMNRSXY")
# Letters whose name has a back vowel: `há`, `ká`, `kú`, …
_BACK_NAMED: Final = frozenset("AÁHKOÓQUÚ")
# How a number is read decides its ending: the last digit, or the size of what its zeros make round.
_DIGIT_ACCUSATIVE: Final = {
    "1": "et", "2": "t", "3": "at", "4": "et", "5": "öt", "6": "ot", "7": "et", "8": "at", "9": "et",
    "0": "t",
}  # fmt: skip
_TENS_ACCUSATIVE: Final = {
    "1": "et", "2": "at", "3": "at", "4": "et", "5": "et", "6": "at", "7": "et", "8": "at", "9": "et",
}  # fmt: skip
# `II. emelet` is read as `második`.
_ROMAN_ORDINAL: Final = re.compile(r"\W*([IVX]+)\.")
_READ_WITH_VOWEL: Final = re.compile(r"(1(?![0-9])|1[0-9]{3}(?![0-9])|5)")


@lru_cache(maxsize=4096)
def article(text: str) -> str:
    """`a` or `az`, whichever stands before the text as it is read aloud."""
    first = next((character for character in text if character.isalnum()), "")
    if first in _DIGITS:
        digits = re.match(r"[^0-9]*([0-9]+)", text)
        return "az" if digits and _READ_WITH_VOWEL.match(digits.group(1)) else "a"
    ordinal = _ROMAN_ORDINAL.match(text)
    if ordinal:
        return "az" if ordinal.group(1) in {"I", "V"} else "a"
    word = re.match(r"\W*(\w+)", text)
    if word and (_is_spelt_out(word.group(1)) or word.group(1) in _VOWEL_NAMED):
        return "az" if first in _VOWEL_NAMED or first.lower() in _VOWELS else "a"
    return "az" if first.lower() in _VOWELS else "a"


@lru_cache(maxsize=4096)
def accusative(text: str) -> str:
    """The text as the object of a sentence: `Nappali lámpa` → `Nappali lámpát`."""
    before, word, after = _split(text)
    if not word:
        return text
    return f"{before}{_accusative_of_word(word)}{after}"


def nominative(text: str) -> str:
    """What an object is called by itself: `két liter tejet` → `két liter tej`; others stay as they are."""
    before, word, after = _split(text)
    if len(word) < 3 or not word.lower().endswith("t"):
        return text
    stems = [*_restored(word), word[:-2], word[:-1]]
    short = {"á": "a", "é": "e"}.get(word[-2].lower())
    if short and not word.lower().endswith(_LONG_FINALS):
        stems.insert(0, word[:-2] + short)
    for stem in stems:
        if stem and _accusative_of_word(stem).lower() == word.lower():
            return f"{before}{stem}{after}"
    # A linking vowel that harmony did not foresee is still a linking vowel.
    linked = word[-2].lower() in "aeoö" and word[-3].lower() not in _VOWELS
    return f"{before}{word[:-2]}{after}" if linked else text


@lru_cache(maxsize=4096)
def inessive(text: str) -> str:
    """The place as an answer to "where": `nappali` → `nappaliban`, `terasz` → `teraszon`."""
    before, word, after = _split(text)
    if not word or word.lower() in _ADVERBS:
        return text
    if word.lower().endswith(_SURFACES) and not word.lower().endswith("etető"):
        return f"{before}{_superessive_of_word(word)}{after}"
    ending = "ban" if is_back(word) else "ben"
    return f"{before}{_joined(lengthened(word), ending)}{after}"


def lengthened(text: str) -> str:
    """The stem that most endings stand on: a final `a` or `e` is long there (`lámpa` → `lámpá`)."""
    return (
        text[:-1] + _LENGTHENED[text[-1]]
        if text and text[-1] in _LENGTHENED and not _is_spelt_out(text)
        else text
    )


def is_back(word: str) -> bool:
    """Whether a word takes endings with back vowels (`-ban`) rather than front ones (`-ben`)."""
    lowered = word.lower()
    if lowered[-1:] in _DIGITS or _is_spelt_out(word):
        return _is_back_as_read(word)
    if lowered.endswith(_FRONT_PARTS):
        return False
    if lowered.endswith(_BACK_PARTS):
        return True
    for letter in reversed(lowered):
        if letter in _BACK:
            return True
        if letter in _FRONT_ROUNDED or letter == "e":
            return False
    return False


def spoken_forms(name: str) -> tuple[str, ...]:
    """A name in the forms in which it is said: as it is, as an object, and its stem for endings."""
    forms = (name, accusative(name), lengthened(name), _plain_accusative(name))
    return tuple(dict.fromkeys(form for form in forms if form))


def place_forms(name: str) -> tuple[str, ...]:
    """A place in the forms in which it is said: as it is, "in" it, as an adjective, and its stem."""
    stem = lengthened(name)
    before, word, after = _split(name)
    adjective = name if word.lower().endswith("i") else f"{name}i"
    forms = (
        name,
        stem,
        inessive(name),
        adjective,
        f"{before}{_superessive_of_word(word)}{after}" if word else "",
    )
    return tuple(dict.fromkeys(form for form in forms if form))


def _split(text: str) -> tuple[str, str, str]:
    match = _LAST_WORD.match(text)
    return (match.group(1), match.group(2), match.group(3)) if match else (text, "", "")


def _is_spelt_out(word: str) -> bool:
    """Whether a word is read letter by letter, as `TV` is and `LED` is not."""
    return bool(_CAPITALS.match(word)) and (
        len(word) == 2 or word in _ABBREVIATIONS or not any(letter.lower() in _VOWELS for letter in word)
    )


def _joined(word: str, ending: str) -> str:
    return f"{word}-{ending}" if _CAPITALS.search(word) or word[-1:] in _DIGITS else f"{word}{ending}"


def _accusative_of_word(word: str) -> str:
    lowered = word.lower()
    if lowered[-1] in _DIGITS:
        return f"{word}-{_number_accusative(lowered)}"
    if not lowered[-1].isalpha():
        return word
    if _is_spelt_out(word):
        return f"{word}-{'et' if word[-1] in _VOWEL_NAMED else 't'}"
    if _CAPITALS.match(word):
        return _joined(word, _t_of(lowered))
    irregular = _irregular(word)
    if irregular:
        return irregular
    return lengthened(word) + _t_of(lowered)


def _t_of(lowered: str) -> str:
    """The accusative ending of a word without a stem that changes."""
    ends_in_vowel = lowered[-1] in _VOWELS or _VOWEL_Y.search(lowered)
    return "t" if ends_in_vowel else _linked_t(lowered)


def _irregular(word: str) -> str | None:
    lowered = word.lower()
    if lowered in _IRREGULAR_WORDS:
        return word[0] + _IRREGULAR_WORDS[lowered][1:]
    # The longest part wins: `ajtózár` before `zár`.
    parts = [part for part in IRREGULAR_PARTS if lowered.endswith(part)]
    if not parts:
        return None
    part = max(parts, key=len)
    kept, whole = word[: len(word) - len(part)], IRREGULAR_PARTS[part]
    return kept + whole if kept else word[0] + whole[1:]


def _restored(word: str) -> list[str]:
    """The stems that changed in this accusative, the longest change first."""
    lowered = word.lower()
    endings = sorted(IRREGULAR_PARTS.items(), key=lambda pair: -len(pair[1]))
    return [word[: len(word) - len(ending)] + part for part, ending in endings if lowered.endswith(ending)]


def _linked_t(lowered: str) -> str:
    """The accusative ending of a word that ends in a consonant."""
    if _ends_plainly(lowered):
        return "t"
    back = is_back(lowered)
    if lowered.endswith("k") and _is_plural(lowered):
        return "at" if back else "et"
    if back:
        return "ot"
    last_vowel = next((letter for letter in reversed(lowered) if letter in _VOWELS), "e")
    return "öt" if last_vowel in _FRONT_ROUNDED else "et"


def _ends_plainly(lowered: str) -> bool:
    for consonant in _PLAIN_T_AFTER:
        if lowered.endswith(consonant):
            before = lowered[: -len(consonant)]
            return bool(before) and before[-1] in _VOWELS
    return False


def _is_plural(lowered: str) -> bool:
    return lowered[-2:-1] in "aáoóeéöőiuú" and not lowered.endswith(_NOT_PLURAL) and len(lowered) > 4


def _is_back_as_read(word: str) -> bool:
    """The harmony of what is not read as it is written: 3 (`három`) takes `-ban`, `TV` (`tévé`) `-ben`."""
    if word[-1] in _DIGITS:
        return _number_accusative(word) in {"at", "ot"} or not _number_at_end(word).strip("0")
    return word[-1] in _BACK_NAMED


def _number_accusative(digits: str) -> str:
    """The ending of a number by how it is read: 10 (`tíz`) → `et`, 20 (`húsz`) → `at`."""
    text = _number_at_end(digits)
    if text.endswith("0") and text.strip("0"):
        zeros = len(text) - len(text.rstrip("0"))
        if zeros == 1:
            return _TENS_ACCUSATIVE[text[-2]]
        return "at" if zeros == 2 else "et"
    return _DIGIT_ACCUSATIVE[text[-1]]


def _number_at_end(text: str) -> str:
    number = re.search(r"[0-9]+$", text)
    return number.group() if number else text[-1]


def _superessive_of_word(word: str) -> str:
    lowered = word.lower()
    stem = lengthened(word)
    if lowered[-1] in _VOWELS:
        return _joined(stem, "n")
    if is_back(word):
        return _joined(stem, "on")
    last_vowel = next((letter for letter in reversed(lowered) if letter in _VOWELS), "e")
    return _joined(stem, "ön" if last_vowel in _FRONT_ROUNDED else "en")


def _plain_accusative(name: str) -> str:
    """What people say who do not inflect by the book: the stem and a bare `t`."""
    before, word, after = _split(name)
    if not word or not word[-1].isalpha() or word[-1].lower() not in _VOWELS:
        return ""
    return f"{before}{lengthened(word)}t{after}"
