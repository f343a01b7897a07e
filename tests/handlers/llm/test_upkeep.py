"""The model is fetched, loaded and found again beside the turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from handlers.llm.errors import Failure, ModelError
from handlers.llm.pool import ModelPool, ModelServer, Readiness
from handlers.llm.prompt import instructions
from handlers.llm.question import ModelOptions, Question
from handlers.llm.upkeep import Upkeep, UpkeepOptions
from tests.ollama.stand_in_ollama import Fault, ScriptedAnswer, StandInOllama

MODEL = "ministral-3:3b-instruct-2512-q4_K_M"
QUESTION = Question(({"role": "user", "content": "hello"},))
OBJECT = {"outcome": "none", "response": "", "confidence": 1}
PATIENCE = 10.0


class Watch:
    """Notes what becomes known of a server, and can be awaited."""

    def __init__(self) -> None:
        self.seen: list[tuple[Readiness, int, int]] = []
        self._news = asyncio.Event()

    def changed(self, server: ModelServer) -> None:
        self.seen.append((server.readiness, server.completed, server.total))
        self._news.set()

    async def until(self, readiness: Readiness) -> None:
        async with asyncio.timeout(PATIENCE):
            while not self.seen or self.seen[-1][0] is not readiness:
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def looked_after(
    model: StandInOllama, *, may_pull: bool = True, probe_seconds: float = 0.05
) -> AsyncIterator[tuple[ModelPool, Watch]]:
    pool, watch = ModelPool([model.url], ModelOptions(MODEL)), Watch()
    options = UpkeepOptions(probe_seconds=probe_seconds, load_seconds=5.0, may_pull=may_pull)
    task = asyncio.create_task(Upkeep(pool, options, changed=watch.changed).run())
    try:
        yield pool, watch
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pool.close()


def _standing_in(**more: object) -> StandInOllama:
    return StandInOllama(answer=lambda _call: ScriptedAnswer(content=OBJECT), **more)  # type: ignore[arg-type]


async def test_the_instructions_are_read_before_anybody_speaks() -> None:
    async with _standing_in() as model, looked_after(model) as (_, watch):
        await watch.until(Readiness.READY)
        [call] = model.calls
        assert call.prompt == instructions("hu")
        assert call.body["options"]["num_predict"] == 1
        assert call.body["options"]["num_ctx"] == ModelOptions(MODEL).context_tokens


async def test_a_model_that_is_missing_is_fetched_and_how_far_that_is_can_be_seen() -> None:
    async with _standing_in(models=(), pullable=(MODEL,)) as model, looked_after(model) as (pool, watch):
        await watch.until(Readiness.READY)
        fetched = [(done, total) for readiness, done, total in watch.seen if readiness is Readiness.PULLING]
        assert fetched
        assert fetched[-1][0] == fetched[-1][1] > 0
        await pool.answer(QUESTION, "anna", within=PATIENCE)


async def test_while_a_model_is_fetched_nobody_waits_for_it() -> None:
    async with _standing_in(models=(), pullable=(MODEL,)) as model, looked_after(model) as (pool, watch):
        await watch.until(Readiness.PULLING)
        with pytest.raises(ModelError) as caught:
            await pool.answer(QUESTION, "anna", within=PATIENCE)
        assert caught.value.failure is Failure.OPEN
        await watch.until(Readiness.READY)


async def test_a_model_that_may_not_be_fetched_is_not_and_is_found_when_somebody_else_did() -> None:
    async with _standing_in(models=()) as model, looked_after(model, may_pull=False) as (pool, watch):
        await watch.until(Readiness.MISSING)
        assert model.pulls == []
        assert f"ollama pull {MODEL}" in pool.servers[0].why
        model.models = (MODEL,)
        await watch.until(Readiness.READY)


async def test_a_server_that_comes_back_is_found() -> None:
    async with _standing_in() as model, looked_after(model) as (pool, watch):
        await watch.until(Readiness.READY)
        await model.stop()
        for _ in range(3):
            with pytest.raises(ModelError) as caught:
                await pool.answer(QUESTION, "anna", within=PATIENCE)
            assert caught.value.failure in {Failure.REFUSED, Failure.OPEN}
        await watch.until(Readiness.AWAY)
        await model.start()
        await watch.until(Readiness.READY)
        await pool.answer(QUESTION, "anna", within=PATIENCE)


async def test_a_server_that_hung_is_found_when_it_answers_though_an_older_call_still_hangs() -> None:
    model = StandInOllama(answer=lambda _call: ScriptedAnswer(fault=Fault.HANG), parallel=8)
    async with model, looked_after(model) as (_, watch):
        await model.next_call()
        model.answer = lambda _call: ScriptedAnswer(content=OBJECT)
        await watch.until(Readiness.READY)


async def test_a_server_that_is_down_at_first_is_found_later() -> None:
    async with _standing_in() as model:
        await model.stop()
        async with looked_after(model) as (_, watch):
            await watch.until(Readiness.AWAY)
            await model.start()
            await watch.until(Readiness.READY)
