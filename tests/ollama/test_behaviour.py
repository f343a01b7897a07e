"""How the stand-in runs chats: who waits, who is noticed to have gone, what is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import ollama
import pytest

from tests.ollama.stand_in_ollama import Fault, ScriptedAnswer, StandInOllama

pytestmark = pytest.mark.slow

MODEL = "ministral-3:3b-instruct-2512-q4_K_M"
SAY = [{"role": "user", "content": "hello"}]
LONG = "a home with many lamps. " * 40


@pytest.fixture
async def server() -> AsyncIterator[StandInOllama]:
    async with StandInOllama() as one:
        yield one


@pytest.fixture
async def client(server: StandInOllama) -> AsyncIterator[ollama.AsyncClient]:
    one = ollama.AsyncClient(server.url)
    yield one
    await one.close()


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


async def test_one_who_waits_is_served_when_a_place_is_free(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    server.answer = lambda call: ScriptedAnswer(fault=Fault.HANG if "first" in call.prompt else None)
    first = asyncio.create_task(client.chat(model=MODEL, messages=user("first")))
    await server.next_call()
    second = asyncio.create_task(client.chat(model=MODEL, messages=user("second")))
    waiting = await server.next_call()
    assert not waiting.over.is_set()
    first.cancel()
    async with asyncio.timeout(1):
        assert (await second).message.content
    assert [call.cancelled for call in server.calls] == [True, False]
    await asyncio.gather(first, return_exceptions=True)


async def test_as_many_as_it_has_places_are_served_at_once() -> None:
    async with StandInOllama(parallel=2) as server, ollama.AsyncClient(server.url) as client:
        server.answer = lambda call: ScriptedAnswer(fault=Fault.HANG if "first" in call.prompt else None)
        first = asyncio.create_task(client.chat(model=MODEL, messages=user("first")))
        await server.next_call()
        async with asyncio.timeout(1):
            assert (await client.chat(model=MODEL, messages=user("second"))).message.content
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_whoever_leaves_a_stream_is_noticed_at_once(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    server.answer = lambda _call: ScriptedAnswer(content="x" * 400, token_seconds=60)
    async with aclosing(await client.chat(model=MODEL, messages=SAY, stream=True)) as parts:
        await anext(aiter(parts))
    left = asyncio.get_running_loop().time()
    call = server.calls[0]
    async with asyncio.timeout(1):
        await call.over.wait()
    assert call.cancelled
    assert call.ended is not None
    assert call.ended - left < 0.1  # about a millisecond, on a machine that is not busy


async def test_a_call_that_ended_well_was_not_cancelled(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    await client.chat(model=MODEL, messages=SAY)
    call = server.calls[0]
    assert call.over.is_set()
    assert call.ended is not None
    assert (call.cancelled, call.truncated, call.ended >= call.started) == (False, False, True)


async def test_a_prompt_that_does_not_fit_is_answered_and_noted(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    for context in (64, 4096):
        options = {"num_ctx": context}
        assert (await client.chat(model=MODEL, messages=user(LONG), options=options)).done
    assert [call.truncated for call in server.calls] == [True, False]


async def test_the_same_prompt_again_leaves_one_token_to_read(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    read = [(await client.chat(model=MODEL, messages=user(LONG))).prompt_eval_count for _ in range(2)]
    assert read[0] == server.calls[0].prompt_tokens
    assert read[1] == 1


async def test_another_home_evicts_the_prefix(client: ollama.AsyncClient, server: StandInOllama) -> None:
    for said in (LONG, "another home. " * 60, LONG):
        await client.chat(model=MODEL, messages=user(said))
    assert server.calls[2].cached_tokens == 0


async def test_a_context_of_another_size_forgets_the_prefix(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    for context in (4096, 8192):
        await client.chat(model=MODEL, messages=user(LONG), options={"num_ctx": context})
    assert server.calls[1].cached_tokens == 0


async def test_the_same_seed_gives_the_same_answers() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}}, "required": ["a"]}
    answers = []
    for _ in range(2):
        async with StandInOllama(seed=7) as server, ollama.AsyncClient(server.url) as client:
            some = [await client.chat(model=MODEL, messages=SAY, format=schema) for _ in range(5)]
            answers.append([one.message.content for one in some])
    assert answers[0] == answers[1]
