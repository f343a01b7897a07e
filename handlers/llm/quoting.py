"""What users named and said, as it stands in a prompt: data between quotation marks, and nothing else.

Ollama reads the control words of a model's chat template (`[INST]`, `</s>`, `<|im_start|>`) wherever they
stand, so the signs that they are made of never get into a prompt by way of data; nor do line ends and
quotation marks, which would end the data.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from handlers.sentence import cleaned

LONGEST_NAME: Final = 60
"""Characters of one name; a longer one is nothing that anybody says."""

_REPLACED: Final = str.maketrans({
    '"': "'", "[": "(", "]": ")", "<": "(", ">": ")", "{": "(", "}": ")", "|": "/", "`": "'", "\\": "/",
    "#": " ", "“": "'", "”": "'", "„": "'", "«": "'", "»": "'",
})  # fmt: skip


def quoted(text: str, longest: int = LONGEST_NAME) -> str:
    """A text as data: one line, bounded, without signs that could end it or mean something, in quotes."""
    # Compatibility forms first: a full-width bracket is a bracket to a tokenizer.
    plain = unicodedata.normalize("NFKC", cleaned(text, longest * 2))
    return f'"{cleaned(plain.translate(_REPLACED), longest)}"'
