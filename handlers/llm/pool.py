"""The servers that run the model, as one: which is asked next, what is tried again, when none is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import ollama
import structlog

from config.shown import without_password
from handlers.llm.breaker import Breaker
from handlers.llm.chat import chat, client_of
from handlers.llm.errors import Failure, ModelError
from handlers.llm.fair_queue import FairQueue
from handlers.llm.question import ModelOptions, Question, Written

_log = structlog.get_logger(__name__)

TRIES: Final = 2
"""Of one sentence; the second only where the first one did not even begin."""

BUSY_SECONDS: Final = 0.2
"""Before a server that was busy is asked again, where there is no other."""

# It takes a person, or minutes, until these are otherwise.
_HOPELESS: Final = frozenset({Failure.MISSING, Failure.OUT_OF_MEMORY})


class Readiness(StrEnum):
    """What is known of the model on a server."""

    UNKNOWN = "unknown"
    MISSING = "missing"
    PULLING = "pulling"
    READY = "ready"
    AWAY = "away"


@dataclass(slots=True)
class ModelServer:
    """One Ollama.

    Attributes:
        url: Where it is.
        client: Its one client.
        breaker: Whether it is asked.
        busy: How many sentences it works on.
        readiness: What is known of the model there.
        why: Why it is not asked.
        completed, total: Bytes of the model that were fetched, while it is.
    """

    url: str
    client: ollama.AsyncClient
    breaker: Breaker = field(default_factory=Breaker)
    busy: int = 0
    readiness: Readiness = Readiness.UNKNOWN
    why: str = ""
    completed: int = 0
    total: int = 0


class ModelPool:
    """Answers questions with whichever server is least busy.

    Args:
        urls: Of the servers; none at all means that there is no model.
        options: How the model is run.
        parallel: Sentences that one server works on at a time.
        most_waiting: Sentences that wait for one, of all users.
    """

    def __init__(
        self, urls: Sequence[str], options: ModelOptions, *, parallel: int = 1, most_waiting: int = 64
    ) -> None:
        self.options = options
        self.servers = tuple(ModelServer(url, client_of(url)) for url in urls)
        self._parallel = parallel
        self._queue = FairQueue(self._places, most_waiting=most_waiting)

    @property
    def waiting(self) -> int:
        """How many sentences wait."""
        return self._queue.waiting

    async def answer(self, question: Question, owner: str, *, within: float) -> Written:
        """What the model writes.

        Args:
            question: What it is asked.
            owner: Whose question it is; owners take turns.
            within: Seconds for all of it: waiting, asking, asking again.

        Raises:
            ModelError: There is no answer.
        """
        if not self.servers:
            raise ModelError(Failure.OFF)
        if not self._asked():
            raise ModelError(Failure.OPEN)
        try:
            async with asyncio.timeout(within) as deadline, self._queue.place(owner):
                return await self._try(question, deadline, within)
        except TimeoutError:
            raise ModelError(Failure.TIMEOUT, f"over {within:g} s") from None

    def is_back(self, server: ModelServer) -> None:
        """A server was found to answer."""
        was_away = not server.breaker.is_closed
        server.breaker.succeeded()
        server.readiness = Readiness.READY
        if was_away:
            _log.info("the language model is back", url=without_password(server.url))
        self._queue.admit()

    def is_away(self, server: ModelServer, error: ModelError, *, at_once: bool = False) -> None:
        """A server failed in a way that the next question would not fare better.

        Args:
            server: Which.
            error: How.
            at_once: It is not asked any more, however often it failed.
        """
        was_closed = server.breaker.is_closed
        server.breaker.failed(at_once=at_once or error.failure in _HOPELESS)
        if server.breaker.is_closed:
            return
        server.readiness = Readiness.MISSING if error.failure is Failure.MISSING else Readiness.AWAY
        server.why = error.message
        if was_closed and not self._asked():
            # Nobody need wait for what is not asked any more.
            self._queue.send_away(ModelError(Failure.OPEN))

    async def close(self) -> None:
        """Close all connections."""
        for server in self.servers:
            await server.client.close()  # type: ignore[no-untyped-call]

    def _asked(self, but: ModelServer | None = None) -> list[ModelServer]:
        """The servers that may be asked, without the one that was just now, if there are others."""
        closed = [server for server in self.servers if server.breaker.is_closed]
        return [server for server in closed if server is not but] or closed

    def _places(self) -> int:
        return self._parallel * len(self._asked())

    async def _try(self, question: Question, deadline: asyncio.Timeout, within: float) -> Written:
        """Ask one server, and where nothing had begun another one, or the same again."""
        tried: ModelServer | None = None
        failure = ModelError(Failure.OPEN)
        for _ in range(TRIES):
            servers = self._asked(but=tried)
            if not servers:
                break
            tried = min(servers, key=lambda one: one.busy)
            try:
                return await self._ask(tried, question, deadline, within)
            except ModelError as error:
                failure = error
                if not error.may_be_tried_again:
                    break
                if error.failure is Failure.BUSY and len(servers) == 1:
                    await asyncio.sleep(BUSY_SECONDS)
        raise failure

    async def _ask(
        self, server: ModelServer, question: Question, deadline: asyncio.Timeout, within: float
    ) -> Written:
        server.busy += 1
        began = asyncio.get_running_loop().time()
        try:
            written = await chat(server.client, question, self.options)
        except asyncio.CancelledError:
            # A sentence that waited for most of its time says nothing about the server.
            if deadline.expired() and (deadline.when() or began) - began >= within / 2:
                self.is_away(server, ModelError(Failure.TIMEOUT))
            raise
        except ModelError as error:
            if error.is_of_the_server:
                self.is_away(server, error)
            elif error.failure is Failure.NO_OBJECT:
                server.breaker.succeeded()
            raise
        else:
            if server.breaker.is_closed:
                server.breaker.succeeded()
            else:
                self.is_back(server)
            return written
        finally:
            server.busy -= 1
