"""Several servers as one: who is asked, what is tried again, and when nobody is asked any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from handlers.llm.errors import Failure, ModelError
from handlers.llm.pool import ModelPool
from handlers.llm.question import ModelOptions, Question
from tests.handlers.llm.test_fair_queue import settled
from tests.ollama.stand_in_ollama import ChatCall, Fault, ScriptedAnswer, StandInOllama

pytestmark = pytest.mark.slow

MODEL = "ministral-3:3b-instruct-2512-q4_K_M"
QUESTION = Question(({"role": "user", "content": "hello"},))
OBJECT = {"outcome": "none", "response": "", "confidence": 1}
WITHIN = 5.0


def answering(fault: Fault | None = None) -> Callable[[ChatCall], ScriptedAnswer]:
    return lambda _call: ScriptedAnswer(content=OBJECT, fault=fault)


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as one:
        yield one


async def _pool(stack: AsyncExitStack, *models: StandInOllama, **more: int) -> ModelPool:
    for model in models:
        await stack.enter_async_context(model)
    pool = ModelPool([model.url for model in models], ModelOptions(MODEL), **more)
    stack.push_async_callback(pool.close)
    return pool


async def _failure(pool: ModelPool, *, within: float = WITHIN, owner: str = "anna") -> Failure:
    with pytest.raises(ModelError) as caught:
        await pool.answer(QUESTION, owner, within=within)
    return caught.value.failure


async def test_a_busy_server_is_asked_once_more(stack: AsyncExitStack) -> None:
    faults = iter([Fault.BUSY, None])
    model = StandInOllama(answer=lambda _call: ScriptedAnswer(content=OBJECT, fault=next(faults)))
    pool = await _pool(stack, model)
    await pool.answer(QUESTION, "anna", within=WITHIN)
    assert len(model.calls) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Fault.OUT_OF_MEMORY,
        Fault.NOT_FOUND,
        Fault.RESET_BEFORE,
        Fault.RESET_MIDWAY,
        Fault.NO_DONE,
        Fault.ERROR_LINE,
        Fault.GARBLED_LINE,
        Fault.PROSE,
        Fault.CUT_JSON,
        Fault.REDIRECT,
        Fault.HTML,
    ],
)
async def test_what_had_begun_is_not_asked_again(stack: AsyncExitStack, fault: Fault) -> None:
    model = StandInOllama(answer=answering(fault))
    pool = await _pool(stack, model)
    await _failure(pool)
    assert len(model.calls) == 1


async def test_a_server_that_is_down_is_passed_over_for_another(stack: AsyncExitStack) -> None:
    down, up = StandInOllama(answer=answering()), StandInOllama(answer=answering())
    pool = await _pool(stack, down, up)
    await down.stop()
    for _ in range(6):
        await pool.answer(QUESTION, "anna", within=WITHIN)
    assert len(up.calls) == 6


async def test_the_least_busy_server_is_asked(stack: AsyncExitStack) -> None:
    models = [StandInOllama(answer=answering(Fault.HANG)) for _ in range(3)]
    pool = await _pool(stack, *models)
    calls = [asyncio.create_task(pool.answer(QUESTION, owner, within=WITHIN)) for owner in "abc"]
    for model in models:
        await model.next_call()
    assert [len(model.calls) for model in models] == [1, 1, 1]
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_one_sentence_at_a_time_is_asked_of_one_server(stack: AsyncExitStack) -> None:
    model = StandInOllama(answer=answering(Fault.HANG))
    pool = await _pool(stack, model)
    calls = [asyncio.create_task(pool.answer(QUESTION, owner, within=WITHIN)) for owner in "abc"]
    await model.next_call()
    await settled()
    assert (len(model.calls), pool.waiting) == (1, 2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert pool.waiting == 0


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_MIDWAY, Fault.SLOW_DRIP])
async def test_the_deadline_is_for_all_of_it(stack: AsyncExitStack, fault: Fault) -> None:
    model = StandInOllama(
        answer=lambda _call: ScriptedAnswer(content=OBJECT, fault=fault, token_seconds=0.05)
    )
    pool = await _pool(stack, model)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await _failure(pool, within=0.3) is Failure.TIMEOUT
    assert loop.time() - began < 1.0
    async with asyncio.timeout(5):
        await model.calls[0].over.wait()
    assert model.calls[0].cancelled


async def test_a_server_that_fails_again_and_again_is_not_asked_any_more(stack: AsyncExitStack) -> None:
    model = StandInOllama(answer=answering(Fault.RESET_MIDWAY))
    pool = await _pool(stack, model)
    for _ in range(3):
        assert await _failure(pool) is Failure.BROKEN_OFF
    assert await _failure(pool) is Failure.OPEN
    assert len(model.calls) == 3


@pytest.mark.parametrize("fault", [Fault.NOT_FOUND, Fault.OUT_OF_MEMORY])
async def test_what_only_a_person_can_mend_is_asked_once(stack: AsyncExitStack, fault: Fault) -> None:
    model = StandInOllama(answer=answering(fault))
    pool = await _pool(stack, model)
    await _failure(pool)
    assert await _failure(pool) is Failure.OPEN
    assert len(model.calls) == 1


async def test_a_model_that_writes_nonsense_is_not_a_server_that_fails(stack: AsyncExitStack) -> None:
    model = StandInOllama(answer=answering(Fault.PROSE))
    pool = await _pool(stack, model)
    for _ in range(6):
        assert await _failure(pool) is Failure.NO_OBJECT
    assert len(model.calls) == 6


async def test_who_waits_is_told_at_once_when_nobody_is_asked_any_more(stack: AsyncExitStack) -> None:
    model = StandInOllama(answer=answering(Fault.HANG))
    pool = await _pool(stack, model)
    first = asyncio.create_task(_failure(pool, within=0.3))
    await model.next_call()
    waiting = [asyncio.create_task(_failure(pool, owner=owner)) for owner in "bcd"]
    await settled()
    pool.is_away(pool.servers[0], ModelError(Failure.REFUSED), at_once=True)
    assert await asyncio.gather(*waiting) == [Failure.OPEN] * 3
    assert await first is Failure.TIMEOUT


async def test_a_server_that_is_back_is_asked_again(stack: AsyncExitStack) -> None:
    model = StandInOllama(answer=answering())
    pool = await _pool(stack, model)
    pool.is_away(pool.servers[0], ModelError(Failure.REFUSED), at_once=True)
    assert await _failure(pool) is Failure.OPEN
    pool.is_back(pool.servers[0])
    await pool.answer(QUESTION, "anna", within=WITHIN)


async def test_without_servers_there_is_no_model(stack: AsyncExitStack) -> None:
    pool = await _pool(stack)
    assert await _failure(pool) is Failure.OFF
