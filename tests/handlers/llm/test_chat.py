"""One call to a model, and every way in which it can go wrong: the real client, over real HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import ollama
import pytest

from handlers.llm.chat import chat, client_of
from handlers.llm.errors import Failure, ModelError
from handlers.llm.question import ModelOptions, Question
from tests.ollama.stand_in_ollama import Fault, ScriptedAnswer, StandInOllama

MODEL = "ministral-3:3b-instruct-2512-q4_K_M"
OPTIONS = ModelOptions(MODEL)
QUESTION = Question(({"role": "user", "content": "hello"},), {"type": "object", "properties": {}})
OBJECT = {"outcome": "none", "response": 'a } in "text"', "confidence": 1}


@pytest.fixture
async def model() -> AsyncIterator[StandInOllama]:
    async with StandInOllama(answer=lambda _call: ScriptedAnswer(content=OBJECT)) as one:
        yield one


@pytest.fixture
async def client(model: StandInOllama) -> AsyncIterator[ollama.AsyncClient]:
    one = client_of(model.url)
    yield one
    await one.close()


async def test_the_object_is_given_exactly_with_its_tokens(
    client: ollama.AsyncClient, model: StandInOllama
) -> None:
    written = await chat(client, QUESTION, OPTIONS)
    assert written.text == model.calls[0].content
    assert written.prompt_tokens == model.calls[0].prompt_tokens
    assert written.answer_tokens
    assert written.tokens == written.prompt_tokens + written.answer_tokens


async def test_an_answer_that_ends_in_good_order_leaves_the_connection_for_the_next(
    client: ollama.AsyncClient, model: StandInOllama
) -> None:
    for _ in range(5):
        await chat(client, QUESTION, OPTIONS)
    assert model.connections == 1


async def test_the_model_is_run_the_same_way_every_time(
    client: ollama.AsyncClient, model: StandInOllama
) -> None:
    for _ in range(3):
        await chat(client, QUESTION, OPTIONS)
    bodies = [call.body for call in model.calls]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["options"] == {"num_ctx": 8192, "num_predict": 512, "seed": 7, "temperature": 0}
    assert bodies[0]["keep_alive"] == -1
    assert model.reloads <= 1


@pytest.mark.parametrize(
    ("fault", "failure"),
    [
        (Fault.BUSY, Failure.BUSY),
        (Fault.OUT_OF_MEMORY, Failure.OUT_OF_MEMORY),
        (Fault.NOT_FOUND, Failure.MISSING),
        (Fault.RESET_BEFORE, Failure.BROKEN_OFF),
        (Fault.RESET_MIDWAY, Failure.BROKEN_OFF),
        (Fault.NO_DONE, Failure.BROKEN_OFF),
        (Fault.ERROR_LINE, Failure.BROKEN_OFF),
        (Fault.GARBLED_LINE, Failure.GARBLED),
        (Fault.WRONG_SHAPE, Failure.GARBLED),
        (Fault.EMPTY, Failure.NO_OBJECT),
        (Fault.PROSE, Failure.NO_OBJECT),
        (Fault.FENCED, Failure.NO_OBJECT),
        (Fault.CUT_JSON, Failure.NO_OBJECT),
        (Fault.HUGE, Failure.NO_OBJECT),
        (Fault.REDIRECT, Failure.REJECTED),
        (Fault.HTML, Failure.GARBLED),
    ],
)
async def test_every_way_to_fail_has_a_name(
    client: ollama.AsyncClient, model: StandInOllama, fault: Fault, failure: Failure
) -> None:
    model.answer = lambda _call: ScriptedAnswer(content=OBJECT, fault=fault)
    with pytest.raises(ModelError) as caught:
        async with asyncio.timeout(5):
            await chat(client, QUESTION, OPTIONS)
    assert caught.value.failure is failure


async def test_a_complete_object_is_taken_though_the_stream_ends_without_its_last_line(
    client: ollama.AsyncClient, model: StandInOllama
) -> None:
    model.answer = lambda _call: ScriptedAnswer(content='{"a":1}' + " " * 100, fault=Fault.NO_DONE)
    written = await chat(client, QUESTION, OPTIONS)
    assert (written.text, written.tokens) == ('{"a":1}', None)


async def test_a_server_that_is_down_refuses() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    client = client_of(f"http://127.0.0.1:{port}")
    with pytest.raises(ModelError) as caught:
        await chat(client, QUESTION, OPTIONS)
    assert caught.value.failure is Failure.REFUSED
    await client.close()


async def test_a_model_that_goes_on_talking_is_left_as_soon_as_its_object_is_complete(
    client: ollama.AsyncClient, model: StandInOllama
) -> None:
    model.answer = lambda _call: ScriptedAnswer(content=OBJECT, fault=Fault.BABBLE, token_seconds=0.01)
    async with asyncio.timeout(5):
        written = await chat(client, QUESTION, OPTIONS)
        await model.calls[0].over.wait()
    assert written.text.endswith("}")
    assert model.calls[0].cancelled


@pytest.mark.parametrize("fault", [Fault.HANG, Fault.HANG_MIDWAY, Fault.SLOW_DRIP])
async def test_a_call_that_is_cancelled_is_cancelled_at_the_server(
    client: ollama.AsyncClient, model: StandInOllama, fault: Fault
) -> None:
    model.answer = lambda _call: ScriptedAnswer(content=OBJECT, fault=fault, token_seconds=0.05)
    call = asyncio.create_task(chat(client, QUESTION, OPTIONS))
    seen = await model.next_call()
    call.cancel()
    async with asyncio.timeout(5):
        await seen.over.wait()
    assert seen.cancelled


async def test_a_failed_call_leaves_the_client_as_good_as_new(
    client: ollama.AsyncClient, model: StandInOllama
) -> None:
    for fault in (Fault.RESET_MIDWAY, Fault.GARBLED_LINE, Fault.BABBLE):
        model.answer = lambda _call, fault=fault: ScriptedAnswer(content=OBJECT, fault=fault)
        with contextlib.suppress(ModelError):
            await chat(client, QUESTION, OPTIONS)
    model.answer = lambda _call: ScriptedAnswer(content=OBJECT)
    assert (await chat(client, QUESTION, OPTIONS)).text
