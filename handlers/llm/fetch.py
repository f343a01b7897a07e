"""Whether a server has the model, and having it fetch one that it has not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, cast

import ollama

from handlers.llm.chat import client_of, model_errors
from handlers.llm.errors import Failure, ModelError

STALL_SECONDS: Final = 120.0
"""Without any word of progress, after which fetching has failed. What has come is kept by the server."""

MOST_BYTES_OF_PROGRESS: Final = 100_000_000
"""Of all words of progress: a line of a hundred bytes sixteen times a second for half a day."""

_LATEST: Final = ":latest"


async def has_model(client: ollama.AsyncClient, model: str) -> bool:
    """Whether a server has a model.

    Raises:
        ModelError: It does not answer.
    """
    with model_errors():
        listed = await client.list()
        names = {one.model for one in listed.models}
        return bool({model, f"{model}{_LATEST}"} & names)


async def pull(url: str, model: str, note: Callable[[int, int], None]) -> None:
    """Have a server fetch a model.

    Args:
        url: The server.
        model: The model.
        note: Told how many bytes of how many have come, of the part that is being fetched.

    Raises:
        ModelError: It could not, or nothing came for `STALL_SECONDS`.
    """
    client = client_of(url, most_bytes=MOST_BYTES_OF_PROGRESS)
    try:
        with model_errors():
            stream = await client.pull(model, stream=True)
            async with aclosing(cast("AsyncGenerator[ollama.ProgressResponse, None]", stream)) as parts:
                await _to_the_end(parts, note)
    finally:
        await client.close()  # type: ignore[no-untyped-call]


async def _to_the_end(
    parts: AsyncGenerator[ollama.ProgressResponse, None], note: Callable[[int, int], None]
) -> None:
    while True:
        try:
            async with asyncio.timeout(STALL_SECONDS):
                part = await anext(parts)
        except StopAsyncIteration:
            raise ModelError(Failure.BROKEN_OFF, "fetching the model ended early") from None
        except TimeoutError:
            raise ModelError(Failure.TIMEOUT, "fetching the model stalls") from None
        if part.status == "success":
            return
        if part.total:
            note(part.completed or 0, part.total)
