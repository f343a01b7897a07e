"""What must not be written down as it is: control characters of strangers, and secrets."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

MASK: Final = "***"
_REPLACEMENT: Final = "\ufffd"

_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# C0, C1, marks without width, changes of writing direction, and halves of surrogate pairs, which no
# encoder takes.
_CONTROLS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
_CONTROLS_BUT_BREAKS = re.compile(_CONTROLS.pattern.replace(r"\x00-\x1f", r"\x00-\x08\x0b-\x1f"))

# Each takes time in proportion to the text, whatever that is: a repetition that could be tried again from
# many places is bounded.
_SECRETS: Final = (
    # A JSON Web Token, or what was left of one: Base64 of `{"` and more.
    (re.compile(r"\beyJ[\w-]{8,}(?:\.[\w-]*){0,2}"), MASK),
    # A Fernet token: version 0x80 and a time before the year 2242.
    (re.compile(r"\bgAAAA[\w-]{32,}={0,2}"), MASK),
    # A Fernet key: 32 bytes in URL-safe Base64.
    (re.compile(r"(?<![\w+/-])[\w-]{43}=(?![\w=])"), MASK),
    # A hash that argon2 made.
    (re.compile(r"\$argon2\w{1,2}\$\S+"), MASK),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w+/=.~-]{8,}"), rf"\1 {MASK}"),
    (re.compile(r"(?<=://)([^:/@\s]{0,128}):\S{0,256}@"), rf"\1:{MASK}@"),
    # `token=…`, `"password": "…"`; after a bare colon only what is too long for a word of a message.
    (
        re.compile(
            r"""(?ix) \b ((?:\w*_)? (?:token|password|passwd|secret|api_key|authorization))
            ( \s*=\s*["']? | ["']\s*:\s*["']? | \s*:\s*(?=[^\s"',;&]{16}) )
            [^\s"',;&]+"""
        ),
        rf"\1\2{MASK}",
    ),
)
# Every pattern above needs one of these; most texts have none, and are done at that.
_SUSPICIOUS = re.compile(r"(?i)eyJ|gAAAA|argon2|bearer|basic|://|=|token|pass|secret|api_key|authorization")
_LAST_WORDS: Final = frozenset(
    {"authorization", "cookie", "passwd", "passwords", "secret", "secrets", "token", "tokens"}
)
_NAMES: Final = frozenset({"api_key", "auth_code", "encryption_key", "encryption_keys", "private_key"})
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")


def clean(text: str, *, limit: int) -> str:
    """Give text on one line, free of control characters and lone surrogates, cut to `limit` characters."""
    text = cut(text, limit)
    # Nearly all texts are, and it costs a tenth of the patterns, all of whose characters are not printable.
    return text if text.isprintable() else _CONTROLS.sub(_REPLACEMENT, _BREAKS.sub(" ", text))


def clean_lines(text: str) -> str:
    """Give text with its line breaks and tabs, free of other control characters."""
    return _CONTROLS_BUT_BREAKS.sub(_REPLACEMENT, text)


def cut(text: str, limit: int) -> str:
    """Give text of at most `limit` characters; one that was longer ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def redact(text: str) -> str:
    """Give text with what looks like a secret masked: tokens, keys, hashes, passwords in addresses."""
    if not _SUSPICIOUS.search(text):
        return text
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


@lru_cache(maxsize=1024)
def is_secret_key(key: str) -> bool:
    """Whether what a key names is a secret: `token`, `ha_password`, `clientSecret`; not `token_id`."""
    words = [word.lower() for word in _WORD.findall(key)]
    return bool(words) and (words[-1] in _LAST_WORDS or "password" in words or "_".join(words) in _NAMES)
