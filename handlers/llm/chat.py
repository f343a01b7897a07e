"""One question to a model: asked with a schema, read as it comes, and left as soon as it is answered."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any, Final, cast

import httpx
import ollama
from pydantic import ValidationError

from handlers.llm.bounded_http import BoundedTransport, TooMuchError
from handlers.llm.errors import Failure, ModelError
from handlers.llm.json_end import JsonObjectEnd
from handlers.llm.proposal import MOST_CHARACTERS
from handlers.llm.question import ModelOptions, Question, Written

CONNECT_SECONDS: Final = 2.0
"""For a connection to be made: a machine that is off does not refuse one."""

LAST_LINE_SECONDS: Final = 0.03
"""What is waited, once the object is complete, for the line that says how many tokens it took."""

MOST_BYTES: Final = 1_000_000
"""Of one answer on the wire; an answer of four thousand characters has a third of it, a token a line."""

_NOT_FOUND: Final = 404
_UNAVAILABLE: Final = 503
_MEMORY: Final = ("memory", "cuda", "vram")


def client_of(url: str, *, most_bytes: int = MOST_BYTES) -> ollama.AsyncClient:
    """A client of one server; it follows no redirects, uses no proxy and reads no more than it has to."""
    return ollama.AsyncClient(
        host=url,
        follow_redirects=False,
        timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        trust_env=False,
        transport=BoundedTransport(httpx.AsyncHTTPTransport(trust_env=False), most_bytes=most_bytes),
    )


async def chat(client: ollama.AsyncClient, question: Question, options: ModelOptions) -> Written:
    """Ask a model, and give the first JSON object that it writes.

    It has no deadline of its own: the caller cancels it.

    Raises:
        ModelError: There is no such object, whatever the reason.
    """
    with model_errors():
        stream = await client.chat(
            model=options.model,
            messages=list(question.messages),
            format=cast("Any", question.schema),
            options=options.as_json(question.answer_tokens),
            keep_alive=options.keep_alive,
            stream=True,
        )
        # It is declared as an iterator, and is a generator: left in the middle, it has to be closed.
        async with aclosing(cast("AsyncGenerator[ollama.ChatResponse, None]", stream)) as parts:
            return await _object_in(parts)


async def touch(client: ollama.AsyncClient, question: Question, options: ModelOptions) -> None:
    """Have a model loaded, and its server read what all prompts begin with.

    Raises:
        ModelError: It did not answer.
    """
    with model_errors():
        await client.chat(
            model=options.model,
            messages=list(question.messages),
            options=options.as_json(answer_tokens=1),
            keep_alive=options.keep_alive,
        )


async def _object_in(parts: AsyncIterator[ollama.ChatResponse]) -> Written:
    end = JsonObjectEnd()
    pieces: list[str] = []
    length = 0
    async for part in parts:
        piece = part.message.content or ""
        length += len(piece)
        closed_at = end.find(piece)
        if closed_at is not None:
            pieces.append(piece[:closed_at])
            return _written("".join(pieces), await _last_of(part, parts))
        if part.done:
            # The object is not closed: the model ran out of tokens, or wrote none at all.
            raise ModelError(Failure.NO_OBJECT, str(part.done_reason or ""))
        if length > MOST_CHARACTERS:
            raise ModelError(Failure.NO_OBJECT, "too long")
        pieces.append(piece)
    raise ModelError(Failure.BROKEN_OFF, "no end")


async def _last_of(
    part: ollama.ChatResponse, parts: AsyncIterator[ollama.ChatResponse]
) -> ollama.ChatResponse | None:
    """The line with the numbers, if it comes at once; a model that goes on talking is not listened to.

    What ends in good order is read to its end, so that the connection can be used again.
    """
    last = part if part.done else None
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LAST_LINE_SECONDS):
            async for one in parts:
                if one.done:
                    last = one
                elif (one.message.content or "").strip():
                    break
    return last


def _written(text: str, last: ollama.ChatResponse | None) -> Written:
    if last is None:
        return Written(text)
    return Written(text, last.prompt_eval_count, last.eval_count)


@contextlib.contextmanager
def model_errors() -> Iterator[None]:
    """Turn whatever the client raises into a `ModelError`; a garbled answer raises nearly anything."""
    try:
        yield
    except ModelError:
        raise
    except (ConnectionError, httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise ModelError(Failure.REFUSED, type(error).__name__) from None
    except httpx.TimeoutException as error:
        raise ModelError(Failure.TIMEOUT, type(error).__name__) from None
    except ollama.ResponseError as error:
        raise _of_response(error) from None
    except (httpx.HTTPError, TooMuchError) as error:
        raise ModelError(Failure.BROKEN_OFF, type(error).__name__) from None
    except (json.JSONDecodeError, ValidationError, TypeError, AttributeError, ValueError, KeyError) as error:
        raise ModelError(Failure.GARBLED, type(error).__name__) from None


def _of_response(error: ollama.ResponseError) -> ModelError:
    text = str(error.error).casefold()
    if any(word in text for word in _MEMORY):
        return ModelError(Failure.OUT_OF_MEMORY)
    if error.status_code == _NOT_FOUND:
        return ModelError(Failure.MISSING)
    if error.status_code == _UNAVAILABLE:
        return ModelError(Failure.BUSY)
    if error.status_code < 0:
        return ModelError(Failure.BROKEN_OFF, "an error in the stream")
    return ModelError(Failure.REJECTED, str(error.status_code))
