"""The stand-in speaks as an Ollama does, to the real client, and goes wrong as one does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import ollama
import pytest

from tests.ollama.random_answer import problems
from tests.ollama.stand_in_ollama import Fault, ScriptedAnswer, StandInOllama

MODEL = "ministral-3:3b-instruct-2512-q4_K_M"
SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "integer", "minimum": 1, "maximum": 9}, "b": {"enum": ["x", "y"]}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
SAY = [{"role": "user", "content": "hello"}]


@pytest.fixture
async def server() -> AsyncIterator[StandInOllama]:
    async with StandInOllama(pullable=("small:1b",)) as one:
        yield one


@pytest.fixture
async def client(server: StandInOllama) -> AsyncIterator[ollama.AsyncClient]:
    one = ollama.AsyncClient(server.url)
    yield one
    await one.close()


async def _streamed(client: ollama.AsyncClient, **more: Any) -> list[ollama.ChatResponse]:
    stream = await client.chat(model=MODEL, messages=SAY, stream=True, **more)
    return [part async for part in stream]


async def test_what_it_has_is_listed(client: ollama.AsyncClient, server: StandInOllama) -> None:
    assert [one.model for one in (await client.list()).models] == [MODEL]
    assert (await client.ps()).models == []
    await client.chat(model=MODEL, messages=SAY)
    assert [one.model for one in (await client.ps()).models] == [MODEL]
    assert (await client.show(MODEL)).details is not None
    async with httpx.AsyncClient() as http:
        assert "version" in (await http.get(f"{server.url}/api/version")).json()


async def test_format_is_enforced_with_a_random_answer_in_a_stream_and_at_once(
    client: ollama.AsyncClient,
) -> None:
    whole = await client.chat(model=MODEL, messages=SAY, format=SCHEMA)
    assert problems(SCHEMA, httpx.Response(200, text=whole.message.content or "").json()) == []
    parts = await _streamed(client, format=SCHEMA)
    text = "".join(part.message.content or "" for part in parts)
    assert problems(SCHEMA, httpx.Response(200, text=text).json()) == []
    assert (parts[-1].done, parts[-1].done_reason) == (True, "stop")
    assert parts[-1].eval_count
    assert not any(part.done for part in parts[:-1])


async def test_a_prefix_that_was_read_is_not_read_again(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    long = "a home with many lamps. " * 40
    for said in ("first", "second"):
        await client.chat(model=MODEL, messages=[{"role": "user", "content": long + said}])
    first, second = server.calls
    assert (first.cached_tokens, second.cached_tokens > 200) == (0, True)
    assert second.prompt_tokens < 10


async def test_another_context_size_loads_the_model_anew(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    for context in (4096, 4096, 8192):
        await client.chat(model=MODEL, messages=SAY, options={"num_ctx": context})
    assert server.reloads == 2


async def test_tokens_run_out(client: ollama.AsyncClient, server: StandInOllama) -> None:
    server.answer = lambda _call: ScriptedAnswer(content="x" * 100)
    parts = await _streamed(client, options={"num_predict": 3})
    assert (parts[-1].done_reason, len(parts)) == ("length", 4)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"model": "other"}, 404),
        ({"model": ""}, 400),
        ({"messages": "hello"}, 400),
        ({"messages": [{"role": "oracle", "content": "x"}]}, 400),
        ({"options": {"num_ctxx": 1}}, 400),
        ({"options": {"temperature": "0"}}, 400),
        ({"keep_alive": "-1"}, 400),
        ({"format": "yaml"}, 400),
        ({"format": {"type": "string", "pattern": "a"}}, 400),
    ],
)
async def test_a_request_that_the_real_one_would_refuse_is_refused(
    server: StandInOllama, change: dict[str, Any], status: int
) -> None:
    async with httpx.AsyncClient() as http:
        body = {"model": MODEL, "messages": SAY, **change}
        assert (await http.post(f"{server.url}/api/chat", json=body)).status_code == status


async def test_too_many_are_told_that_it_is_busy(client: ollama.AsyncClient) -> None:
    async with StandInOllama(most_waiting=1, answer=lambda _call: ScriptedAnswer(fault=Fault.HANG)) as server:
        own = ollama.AsyncClient(server.url)
        calls = [asyncio.create_task(own.chat(model=MODEL, messages=SAY)) for _ in range(2)]
        for _ in calls:
            await server.next_call()
        with pytest.raises(ollama.ResponseError) as caught:
            await own.chat(model=MODEL, messages=SAY)
        assert caught.value.status_code == 503
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await own.close()


async def test_whoever_hangs_up_is_noticed_while_it_answers_and_while_it_waits() -> None:
    async with StandInOllama(answer=lambda _call: ScriptedAnswer(fault=Fault.HANG)) as server:
        own = ollama.AsyncClient(server.url)
        calls = [asyncio.create_task(own.chat(model=MODEL, messages=SAY)) for _ in range(2)]
        seen = [await server.next_call() for _ in calls]
        for call in calls:
            call.cancel()
        async with asyncio.timeout(1):
            for one in seen:
                await one.over.wait()
        assert [one.cancelled for one in seen] == [True, True]
        await own.close()


async def test_it_goes_away_and_comes_back_where_it_was(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    url = server.url
    await server.stop()
    with pytest.raises(ConnectionError):
        await client.list()
    await server.start()
    assert server.url == url
    assert (await client.list()).models


async def test_a_model_is_fetched_line_by_line(client: ollama.AsyncClient, server: StandInOllama) -> None:
    lines = [line async for line in await client.pull("small:1b", stream=True)]
    assert lines[0].status == "pulling manifest"
    assert lines[-1].status == "success"
    done = [line.completed for line in lines if line.total]
    assert done == sorted(done, key=lambda one: one or 0)
    assert "small:1b" in server.models
    with pytest.raises(ollama.ResponseError):
        _ = [line async for line in await client.pull("unheard:1b", stream=True)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.BUSY, ollama.ResponseError),
        (Fault.OUT_OF_MEMORY, ollama.ResponseError),
        (Fault.NOT_FOUND, ollama.ResponseError),
        (Fault.ERROR_LINE, ollama.ResponseError),
        (Fault.RESET_BEFORE, httpx.RemoteProtocolError),
        (Fault.RESET_MIDWAY, (httpx.ReadError, httpx.RemoteProtocolError)),
        (Fault.GARBLED_LINE, ValueError),
        (Fault.WRONG_SHAPE, ValueError),
        (Fault.HTML, ValueError),
        (Fault.REDIRECT, (httpx.ConnectError, ollama.ResponseError)),
    ],
)
async def test_the_real_client_sees_each_fault_as_it_would_of_the_real_server(
    client: ollama.AsyncClient, server: StandInOllama, fault: Fault, error: Any
) -> None:
    server.answer = lambda _call: ScriptedAnswer(content="a text of some length", fault=fault)
    with pytest.raises(error):
        await _streamed(client)


async def test_a_stream_that_ends_early_raises_nothing(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    server.answer = lambda _call: ScriptedAnswer(content="a text of some length", fault=Fault.NO_DONE)
    assert not any(part.done for part in await _streamed(client))
