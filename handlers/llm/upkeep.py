"""Keeps the model ready to answer: fetched, loaded, its instructions read; finds out when it is back.

All of it happens beside the turns. A speaker never waits for a model that is being fetched, or for the answer
to whether a server that failed has come back.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from config.shown import without_password
from handlers.llm.chat import touch
from handlers.llm.errors import Failure, ModelError
from handlers.llm.fetch import has_model, pull
from handlers.llm.pool import ModelPool, ModelServer, Readiness
from handlers.llm.prompt import opening
from handlers.llm.question import Question

_log = structlog.get_logger(__name__)

TRIALS_AT_ONCE: Final = 3
"""Of one server that may hang: a new one is begun each interval, the oldest one is given up then."""


@dataclass(frozen=True, slots=True)
class UpkeepOptions:
    """How the model is looked after.

    Attributes:
        probe_seconds: How often a server that failed is tried.
        load_seconds: What loading the model and reading the instructions may take.
        may_pull: Whether a missing model is fetched.
        language: Whose instructions are read beforehand.
    """

    probe_seconds: float = 5.0
    load_seconds: float = 120.0
    may_pull: bool = True
    language: str = "hu"


class Upkeep:
    """Looks after every server of a pool.

    Args:
        pool: The servers.
        options: How.
        changed: Called whenever what is known of a server has changed.
    """

    def __init__(
        self,
        pool: ModelPool,
        options: UpkeepOptions,
        *,
        changed: Callable[[ModelServer], None] = lambda _server: None,
    ) -> None:
        self._pool = pool
        self._options = options
        self._changed = changed

    async def run(self) -> None:
        """Look after all servers until cancelled."""
        async with asyncio.TaskGroup() as group:
            for server in self._pool.servers:
                group.create_task(self._look_after(server), name=f"model at {without_password(server.url)}")

    async def _look_after(self, server: ModelServer) -> None:
        while True:
            try:
                await self._fetch_if_missing(server)
                await self._load(server)
            except ModelError as error:
                self._is_away(server, error)
            except Exception:  # noqa: BLE001 - a bug in here must cost the model, not the server; it is logged
                _log.exception("a language model could not be looked after", url=without_password(server.url))
                self._is_away(server, ModelError(Failure.GARBLED))
            else:
                self._is_back(server)
                await server.breaker.until_open()
                self._changed(server)
            await asyncio.sleep(self._options.probe_seconds)

    async def _load(self, server: ModelServer) -> None:
        """Have the model loaded and its instructions read.

        It may take long, and a server that hangs looks the same; so another trial is begun each interval, and
        the first that succeeds tells that the server is there.
        """
        trials: deque[asyncio.Task[None]] = deque()
        try:
            async with asyncio.timeout(self._options.load_seconds):
                while not any(trial.done() for trial in trials):
                    if len(trials) == TRIALS_AT_ONCE:
                        trials.popleft().cancel()
                    trials.append(asyncio.create_task(self._touch(server), name="trial of a model"))
                    await asyncio.wait(
                        trials, timeout=self._options.probe_seconds, return_when=asyncio.FIRST_COMPLETED
                    )
                await next(trial for trial in trials if trial.done())
        except TimeoutError:
            raise ModelError(Failure.TIMEOUT, "loading the model") from None
        finally:
            for trial in trials:
                trial.cancel()
            await asyncio.gather(*trials, return_exceptions=True)

    async def _touch(self, server: ModelServer) -> None:
        opening_of_all = Question(({"role": "system", "content": opening(self._options.language)},))
        await touch(server.client, opening_of_all, self._pool.options)

    async def _fetch_if_missing(self, server: ModelServer) -> None:
        try:
            async with asyncio.timeout(self._options.probe_seconds):
                is_there = await has_model(server.client, self._pool.options.model)
        except TimeoutError:
            raise ModelError(Failure.TIMEOUT, "listing the models") from None
        if is_there:
            return
        if not self._options.may_pull:
            raise ModelError(Failure.MISSING, f"ollama pull {self._pool.options.model}")
        await self._pull(server)

    async def _pull(self, server: ModelServer) -> None:
        model = self._pool.options.model
        self._is_away(server, ModelError(Failure.MISSING, f"{model} is being fetched"))
        server.readiness = Readiness.PULLING

        def note(completed: int, total: int) -> None:
            server.completed, server.total = completed, total
            self._changed(server)

        await pull(server.url, model, note)
        _log.info("the language model was fetched", url=without_password(server.url), model=model)

    def _is_back(self, server: ModelServer) -> None:
        self._pool.is_back(server)
        self._changed(server)

    def _is_away(self, server: ModelServer, error: ModelError) -> None:
        if server.breaker.is_closed:
            # Later trials that fail say nothing new.
            _log.warning("the language model is away", url=without_password(server.url), reason=error.message)
        self._pool.is_away(server, error, at_once=True)
        self._changed(server)
