"""What a model says by itself, made fit to be spoken; or not spoken at all."""

from __future__ import annotations

import re
from typing import Final

from handlers.llm.answer_schema import LONGEST_RESPONSE
from handlers.llm.evidence_words import evidence_words
from handlers.sentence import cleaned

# A model has no reason to say addresses, numbers to call, or signs that something else may read.
_UNSPEAKABLE: Final = re.compile(
    r"""
    [<>{}\[\]|\\`*_\#~^=@]              # markup, templates, addresses
    | https? | www\. | \b[\w-]+\.(?:com|net|org|io|hu|eu|de|info|biz|xyz)\b
    | (?:\d[\s./()-]*){7,}              # a number to call
    | [\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]
    """,
    re.VERBOSE | re.IGNORECASE,
)


def speakable(words: str, language: str) -> str | None:
    """What a model said, if it can be spoken: one clean, bounded line that claims no deed; None otherwise.

    What a model claims to have done was not done, so it is not said.
    """
    text = cleaned(words, LONGEST_RESPONSE)
    if not any(character.isalpha() for character in text) or _UNSPEAKABLE.search(words):
        return None
    return None if evidence_words(language).claims_a_deed(text) else text
