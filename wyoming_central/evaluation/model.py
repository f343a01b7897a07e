"""The language model as an evaluation asks it: one server, every sentence, however often it failed before."""

from __future__ import annotations

import asyncio
from typing import Final

from config.shown import without_password
from handlers.llm.chat import chat, touch
from handlers.llm.errors import Failure, ModelError
from handlers.llm.fetch import has_model
from handlers.llm.pool import ModelServer
from handlers.llm.question import ModelOptions, Question, Written
from wyoming_central.evaluation.errors import EvaluationError

LOOK_SECONDS: Final = 10.0
"""For a server to say which models it has."""

LOAD_SECONDS: Final = 300.0
"""For a model to be loaded."""

_WITHOUT: Final = "or leave the model out with --stages frames,templates"
# Nothing that a prompt begins with: what is read of the first sentence is to be all of it.
_ANYTHING: Final = Question(({"role": "user", "content": "."},))


class SteadyModel:
    """Asks one server; where the server of users' turns would stop asking, a figure wants every sentence.

    Args:
        server: Which.
        options: How the model is run.
    """

    def __init__(self, server: ModelServer, options: ModelOptions) -> None:
        self._server = server
        self._options = options

    async def load(self) -> None:
        """See that the server has the model, and have it loaded: that is no part of any sentence.

        Raises:
            EvaluationError: The server does not answer, or has not the model.
        """
        url, model = without_password(self._server.url), self._options.model
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                is_there = await has_model(self._server.client, model)
            if not is_there:
                raise EvaluationError(
                    f"{url} does not have {model}",
                    remedy=f"`ollama pull {model}`, name another with --model, {_WITHOUT}",
                )
            async with asyncio.timeout(LOAD_SECONDS):
                await touch(self._server.client, _ANYTHING, self._options)
        except (ModelError, TimeoutError) as error:
            raise EvaluationError(
                f"{url} does not answer ({str(error) or 'too slow'})",
                remedy=f"start Ollama, correct --ollama-url, {_WITHOUT}",
            ) from None

    async def answer(self, question: Question, owner: str, *, within: float) -> Written:
        """What the model writes.

        Args:
            question: What it is asked.
            owner: Whose question it is; here nobody waits for another.
            within: Seconds for it.

        Raises:
            ModelError: There is no answer.
        """
        del owner
        try:
            async with asyncio.timeout(within):
                return await chat(self._server.client, question, self._options)
        except TimeoutError:
            raise ModelError(Failure.TIMEOUT, f"over {within:g} s") from None
