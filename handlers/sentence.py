"""What a peer says, before anything trusts it: taken from the event, typed, cleaned and bounded."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from wyoming.event import Event

from config.languages import normalise_language
from handlers.errors import EventError
from handlers.understanding import Intent, SlotValue

# The longest sentence that a person says in one breath is well under this; the rest is not for us.
MAX_SENTENCE_LENGTH: Final = 500
MAX_SLOTS: Final = 32
MAX_SLOT_LENGTH: Final = 200
MAX_CONVERSATION_ID_LENGTH: Final = 255


@dataclass(frozen=True, slots=True)
class Sentence:
    """One utterance as a peer sent it, still without an identity.

    Attributes:
        text: Cleaned; empty if there was nothing but blanks.
        language: The event's own, if it named one that is spoken here.
        token: A device token that came along as `context.token`; it is used and then forgotten.
        conversation_id: Home Assistant's id of the conversation, given back with the answer.
    """

    text: str
    language: str | None = None
    token: str | None = field(default=None, repr=False)
    conversation_id: str | None = None


def sentence_of(event: Event) -> Sentence:
    """The sentence of a `transcript` or `recognize` event.

    Raises:
        EventError: `text`, `language` or `context` is not of the kind that the event promises.
    """
    data = event.data or {}
    text = data.get("text")
    if not isinstance(text, str):
        raise EventError("bad-text", f"{event.type} needs a text")
    language = data.get("language")
    if language is not None and not isinstance(language, str):
        raise EventError("bad-language", f"the language of {event.type} is not a text")
    context = _context_of(event)
    if not context:
        return Sentence(cleaned(text, MAX_SENTENCE_LENGTH), normalise_language(language))
    return Sentence(
        text=cleaned(text, MAX_SENTENCE_LENGTH),
        language=normalise_language(language),
        token=_token_of(context),
        conversation_id=conversation_id_of(context),
    )


def intent_of(event: Event) -> tuple[Intent, Sentence]:
    """The intent of an `intent` event, and the credential and language that came along.

    Raises:
        EventError: The name or an entity of the intent is not of the kind that the event promises.
    """
    data = event.data or {}
    name = data.get("name")
    entities = data.get("entities") or []
    if not isinstance(name, str) or not 0 < len(name) <= MAX_SLOT_LENGTH:
        raise EventError("bad-intent", "intent needs a name")
    if not isinstance(entities, list) or len(entities) > MAX_SLOTS:
        raise EventError("bad-intent", f"intent takes a list of at most {MAX_SLOTS} entities")
    context = _context_of(event)
    sentence = Sentence(
        text="",
        language=normalise_language(_text_or_none(data, "language")),
        token=_token_of(context),
        conversation_id=conversation_id_of(context),
    )
    return Intent(name=name, slots=dict(_slot_of(entity) for entity in entities)), sentence


def cleaned(text: str, longest: int) -> str:
    """A text of one line without control characters, composed (NFC) and at most `longest` characters long."""
    visible = text[: longest * 4]
    if not visible.isprintable():
        # What is printable holds no control character; most sentences are, and need not be looked through.
        visible = "".join(
            " " if unicodedata.category(character).startswith("C") else character for character in visible
        )
    return unicodedata.normalize("NFC", " ".join(visible.split()))[:longest].rstrip()


def conversation_id_of(context: Mapping[str, Any]) -> str | None:
    """The conversation id of an event's context, if it is one that can be given back."""
    conversation_id = _text_or_none(context, "conversation_id")
    if conversation_id is None or len(conversation_id) > MAX_CONVERSATION_ID_LENGTH:
        return None
    return conversation_id


def _context_of(event: Event) -> Mapping[str, Any]:
    context = (event.data or {}).get("context")
    if context is None:
        return {}
    if not isinstance(context, dict):
        raise EventError("bad-context", f"the context of {event.type} is not an object")
    return context


def _token_of(context: Mapping[str, Any]) -> str | None:
    """The token that came along. One that is no text is not passed over: it was meant to say who speaks."""
    token = context.get("token")
    if token is not None and not isinstance(token, str):
        raise EventError("bad-context", "the token in the context is not a text")
    return token


def _text_or_none(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) else None


def _slot_of(entity: Any) -> tuple[str, SlotValue]:
    if not isinstance(entity, dict):
        raise EventError("bad-intent", "an entity of the intent is not an object")
    name, value = entity.get("name"), entity.get("value")
    if not isinstance(name, str) or not 0 < len(name) <= MAX_SLOT_LENGTH:
        raise EventError("bad-intent", "an entity of the intent has no name")
    if isinstance(value, str):
        return name, cleaned(value, MAX_SLOT_LENGTH)
    if isinstance(value, bool | int | float):
        return name, value
    if isinstance(value, list) and len(value) <= MAX_SLOTS and all(isinstance(one, str) for one in value):
        return name, tuple(cleaned(one, MAX_SLOT_LENGTH) for one in value)
    raise EventError("bad-intent", "an entity of the intent has a value that is neither text nor number")
