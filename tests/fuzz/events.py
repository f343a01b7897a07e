"""Fuzz target: what is made of an event, up to where a turn begins.

An input is frames, as a peer sends them. Their events go where the server takes them: what is answered at
once, what is a sentence, what is an intent, what is a token. The object `claims` of an event's data (with a
`header`, if it likes), and its payload, are signed with the server's own secret, to come to what stands
behind the signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import math
import unicodedata
from contextlib import suppress
from typing import Any, Final

import orjson
from wyoming.event import Event

from handlers.device_token import ALGORITHM, Claims, TokenKeys
from handlers.dispatch import Dispatcher
from handlers.errors import AuthenticationError, EventError
from handlers.peer import Peer
from handlers.sentence import (
    MAX_CONVERSATION_ID_LENGTH,
    MAX_SENTENCE_LENGTH,
    MAX_SLOT_LENGTH,
    MAX_SLOTS,
    Sentence,
    cleaned,
    intent_of,
    sentence_of,
)
from wyoming_central.errors import FrameError
from wyoming_central.frame import FrameDecoder, encode_all

SECRET: Final = "a secret of the fuzz target and of nothing else"
# Tuesday, 17 November 2026.
NOW: Final = 1_794_900_000

_KEYS: Final = TokenKeys([SECRET])
_KEY_ID: Final = _KEYS._newest
_PEER: Final = Peer("0" * 12, "default", "127.0.0.1")


def _dispatcher() -> Dispatcher:
    nobody: Any = None  # What is answered at once, is answered without any of them.
    return Dispatcher(
        authenticator=nobody,
        admission=nobody,
        turns=nobody,
        answers=nobody,
        failures=nobody,
        version="0",
    )


_DISPATCHER: Final = _dispatcher()


def one_input(data: bytes) -> None:
    """Hand the events of one input on and see that nothing but the declared errors comes back.

    Raises:
        AssertionError: What comes back is not what is promised.
        Exception: Whatever escapes that is not declared.
    """
    decoder = FrameDecoder()
    decoder.feed(data)
    with suppress(FrameError):
        while (event := decoder.next_event()) is not None:
            _check_immediate(event)
            _check_sentence(event)
            _check_intent(event)
            _check_tokens(event)


def _check_immediate(event: Event) -> None:
    answers = _DISPATCHER.immediate(event, _PEER)
    if answers:
        written = encode_all(answers)
        decoder = FrameDecoder()
        decoder.feed(written)
        for answer in answers:
            assert decoder.next_event() is not None, f"the answer {answer.type} cannot be read"
        decoder.end()


def _check_sentence(event: Event) -> None:
    with suppress(EventError):
        sentence = sentence_of(event)
        _check_text(sentence.text, MAX_SENTENCE_LENGTH)
        _check_credentials(sentence)


def _check_intent(event: Event) -> None:
    with suppress(EventError):
        intent, sentence = intent_of(event)
        _check_credentials(sentence)
        assert 0 < len(intent.name) <= MAX_SLOT_LENGTH
        assert len(intent.slots) <= MAX_SLOTS
        for value in intent.slots.values():
            for text in value if isinstance(value, tuple) else (value,):
                if isinstance(text, str):
                    _check_text(text, MAX_SLOT_LENGTH)


def _check_text(text: str, longest: int) -> None:
    assert len(text) <= longest, "a text is too long"
    assert not any(unicodedata.category(one).startswith("C") for one in text), "a text has control characters"
    assert unicodedata.is_normalized("NFC", text), "a text is not composed"
    assert cleaned(text, longest) == text, "what is clean is cleaned again"


def _check_credentials(sentence: Sentence) -> None:
    assert sentence.language in {None, "en", "hu"}
    assert len(sentence.conversation_id or "") <= MAX_CONVERSATION_ID_LENGTH
    if sentence.token is not None:
        _check_token(sentence.token)


def _check_tokens(event: Event) -> None:
    fields = event.data.get("data")
    if isinstance(fields, dict) and isinstance(token := fields.get("token"), str):
        _check_token(token)
    header = orjson.dumps(event.data.get("header", {"alg": ALGORITHM, "kid": _KEY_ID, "typ": "JWT"}))
    if "claims" in event.data:
        _check_token(signed(header, orjson.dumps(event.data["claims"])))
    if event.payload:
        # JSON that orjson would not have taken, to a library that reads it otherwise.
        _check_token(signed(header, event.payload))


def _check_token(token: str) -> None:
    try:
        claims = _KEYS.verify(token, now=NOW)
    except AuthenticationError:
        return
    assert _is_ours(token), "a token was accepted that we did not sign"
    _check_claims(claims)


def _check_claims(claims: Claims) -> None:
    assert type(claims.device_id) is str
    assert type(claims.token_id) is str
    assert math.isfinite(claims.expires_at)
    assert claims.expires_at > NOW


def signed(header: bytes, claims: bytes) -> str:
    """A token of these two parts, whatever they are, with our signature."""
    text = f"{_base64(header)}.{_base64(claims)}"
    return f"{text}.{_base64(_signature_of(text))}"


def _is_ours(token: str) -> bool:
    text, _, signature = token.rpartition(".")
    try:
        given = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    except ValueError:
        return False
    return given == _signature_of(text)


def _signature_of(text: str) -> bytes:
    return hmac.digest(SECRET.encode(), text.encode(), hashlib.sha256)


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
