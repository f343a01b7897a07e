"""Whether a sentence is a yes, a no, or anything else: "yes please", `igen, kérlek`, `mégse`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, TypeAlias

from handlers.names import fold

# Signs between words that say nothing. A question mark does: "yes?" wants to hear it again.
_SIGNS: Final = re.compile(r"[\s.,;:!…\"„“”«»–—-]+")
_APOSTROPHES: Final = re.compile(r"['’]")
# Who says more than this says more than yes or no.
_MOST_WORDS: Final = 8

_Words: TypeAlias = tuple[str, ...]


def _spoken(*phrases: str) -> frozenset[_Words]:
    return frozenset(_words(phrase) for phrase in phrases)


def _words(text: str) -> _Words:
    """The words of a text: without apostrophes, all other signs still part of their words."""
    return tuple(word for word in _SIGNS.split(_APOSTROPHES.sub("", fold(text))) if word)


_YES: Final = {
    "en": _spoken(
        "yes", "yeah", "yep", "yup", "oh yes", "oh yeah", "sure", "sure thing", "ok", "okay", "o.k.",
        "ok then", "okay then", "all right", "alright", "go ahead", "go ahead and do it", "go for it",
        "do it", "just do it", "do that", "do so", "please do", "do please", "yes do", "let's do it",
        "let's do that", "of course", "by all means", "correct", "exactly", "absolutely", "definitely",
        "certainly", "affirmative", "that's right", "that is right", "that's correct", "that is correct",
        "you may", "you should", "I'm sure", "I am sure", "I confirm", "confirm", "confirmed",
    ),
    "hu": _spoken(
        "igen", "egen", "ja igen", "aha igen", "persze", "hát persze", "naná", "hogyne", "hát hogyne",
        "dehogynem", "oké", "ok", "okés", "oksi", "jó", "na jó", "hát jó", "jól van", "rendben",
        "rendben van", "mehet", "akkor mehet", "jöhet", "csináld", "csináld meg", "csináld csak",
        "csak csináld", "akkor csináld", "tedd meg", "megteheted", "legyen úgy", "helyes", "pontosan",
        "természetesen", "feltétlenül", "mindenképp", "mindenképpen", "úgy van", "így van", "stimmel",
        "biztos vagyok benne", "megerősítem",
    ),
}  # fmt: skip
_NO: Final = {
    "en": _spoken(
        "no", "nope", "nah", "oh no", "no way", "don't", "do not", "don't do it", "don't do that",
        "don't do so", "do not do it", "do not do that", "do nothing", "never mind", "nevermind", "cancel",
        "cancel it", "cancel that", "leave it", "leave it alone", "leave it be", "leave it as it is",
        "forget it", "forget about it", "forget that", "scratch that", "drop it", "skip it", "not now",
        "not right now", "not yet", "not really", "better not", "rather not", "I'd rather not",
        "of course not", "absolutely not", "certainly not", "definitely not", "wrong", "that's wrong",
        "that is wrong", "that's not right", "that is not right", "negative",
    ),
    "hu": _spoken(
        "nem", "ne", "mégse", "mégsem", "mégse kell", "mégsem kell", "nem kell", "nem kérek", "nem akarom",
        "nem szeretném", "nem jó", "nem helyes", "nem mehet", "nem fontos", "nem érdekes", "nem kell semmi",
        "hagyd", "hagyjad", "hagyjuk", "hagyd csak", "hagyd abba", "hagyd így", "hagyd úgy", "maradjon így",
        "dehogy", "dehogyis", "ne csináld", "ne csináld meg", "ne csinálj semmit", "ne tedd", "ne tedd meg",
        "semmit", "semmiképp", "semmiképpen", "inkább ne", "inkább nem", "inkább mégse", "majd később",
        "később", "felejtsd el", "egyáltalán nem", "természetesen nem", "persze hogy nem", "kizárt",
        "szó se lehet róla", "szó sem lehet róla",
    ),
}  # fmt: skip
_PLEASE: Final = {
    "en": _spoken("please"),
    "hu": _spoken(
        "kérem", "kérlek", "kérem szépen", "kérlek szépen", "légyszi", "légyszíves", "légy szíves",
        "legyél szíves", "legyen szíves",
    ),
}  # fmt: skip
_THANKS: Final = {
    "en": _spoken("thanks", "thank you"),
    "hu": _spoken("köszönöm", "köszönöm szépen", "köszi", "köszi szépen", "kösz"),
}
# A yes only where nothing else is said: "yeah right" and `ja persze` mean the opposite, and "please now" may
# be the beginning of something.
_YES_ALONE: Final = {
    "en": _spoken("right") | _PLEASE["en"],
    "hu": _spoken("ja", "aha") | _PLEASE["hu"],
}
_AT_ONCE: Final = {
    "en": _spoken("now", "right now", "right away"),
    "hu": _spoken("most", "máris", "rögtön", "nyugodtan"),
}
# Explained word by word, and meant otherwise: impatience, thanks instead, the beginning of a sentence, "but
# of course".
_NOT_MEANT: Final = {
    "en": _spoken(
        "yeah yeah", "ok ok", "okay okay", "sure sure", "all right thanks", "all right thank you",
        "alright thanks", "alright thank you", "ok now", "okay now", "all right now", "alright now",
    ),
    "hu": _spoken(
        "jó jó", "persze persze", "köszönöm jó", "köszi jó", "kösz jó", "dehogy nem", "dehogy ne",
        "dehogyis nem", "jó most",
    ),
}  # fmt: skip


def yes_or_no(text: str, language: str) -> bool | None:
    """Whether all of a sentence says yes (True) or all of it says no (False); None for anything else.

    A word that has no part in it, both at once, or a question mark make it a sentence of another kind.
    """
    said = _words(text)
    if language not in _YES or len(said) > _MOST_WORDS or _holds(said, _NOT_MEANT[language]):
        return None
    if said in _YES_ALONE[language]:
        return True
    besides = _PLEASE[language] | _THANKS[language] | _AT_ONCE[language]
    if _consists_of(said, besides):
        return None
    if _consists_of(said, _YES[language] | besides):
        return True
    return False if _consists_of(said, _NO[language] | besides) else None


def _consists_of(said: _Words, phrases: Iterable[_Words]) -> bool:
    """Whether these phrases, in any order and number, are all that was said."""
    explained = [True]
    for end in range(1, len(said) + 1):
        explained.append(
            any(
                len(phrase) <= end
                and explained[end - len(phrase)]
                and said[end - len(phrase) : end] == phrase
                for phrase in phrases
            )
        )
    return explained[-1]


def _holds(said: _Words, phrases: Iterable[_Words]) -> bool:
    """Whether one of these phrases is part of what was said."""
    return any(
        said[start : start + len(phrase)] == phrase for phrase in phrases for start in range(len(said))
    )
