"""What is said of one chat: how it is to be answered, and what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

CHARACTERS_A_TOKEN: Final = 4


class Fault(StrEnum):
    """What goes wrong with one chat."""

    BUSY = "the queue is full"
    OUT_OF_MEMORY = "the model does not fit into memory"
    NOT_FOUND = "the model is not there, although it is listed"
    RESET_BEFORE = "the connection is reset before a byte of the answer"
    RESET_MIDWAY = "the connection is reset in the middle"
    NO_DONE = "the stream ends in the middle, as if that were the end"
    ERROR_LINE = "an error as a line in the middle"
    GARBLED_LINE = "a line that is no JSON"
    WRONG_SHAPE = "a line that is JSON of another shape"
    EMPTY = "nothing is written"
    PROSE = "format is ignored: prose"
    FENCED = "format is ignored: JSON between fences, with words around"
    BABBLE = "goes on talking after the object has closed"
    CUT_JSON = "the tokens run out in the middle of the object"
    HUGE = "a text without end in the object"
    HANG = "never answers"
    HANG_MIDWAY = "stops in the middle"
    SLOW_DRIP = "a token now and then, for ever"
    REDIRECT = "is somewhere else"
    HTML = "a page of something else"


@dataclass(frozen=True, slots=True)
class ScriptedAnswer:
    """How one chat is answered.

    Attributes:
        content: What is written; None for a random value that fits the schema. A mapping is dumped as it is:
            models disobey.
        fault: What goes wrong.
        first_seconds: Before the first byte.
        token_seconds: Between two pieces.
        characters_a_chunk: Of a piece.
    """

    content: str | Mapping[str, Any] | None = None
    fault: Fault | None = None
    first_seconds: float = 0.0
    token_seconds: float = 0.0
    characters_a_chunk: int = CHARACTERS_A_TOKEN


@dataclass(slots=True, eq=False)
class ChatCall:
    """One chat that was asked for.

    Attributes:
        body: The request.
        prompt: All messages, joined.
        prompt_tokens: How many of it had to be read.
        whole_prompt_tokens: How many there were in all.
        cached_tokens: How many were known from the prompt before.
        truncated: Whether it did not fit into `num_ctx`.
        content: What was written.
        cancelled: Whether the client hung up before the end.
        over: Set when it has ended, however.
    """

    body: dict[str, Any]
    prompt: str
    started: float
    ended: float | None = None
    prompt_tokens: int = 0
    whole_prompt_tokens: int = 0
    cached_tokens: int = 0
    truncated: bool = False
    content: str = ""
    cancelled: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
