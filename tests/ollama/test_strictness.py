"""What the stand-in holds to as strictly as the real one: requests, tokens, places, going away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import ollama
import pytest

from tests.ollama.stand_in_ollama import Fault, ScriptedAnswer, StandInOllama

pytestmark = pytest.mark.slow

MODEL = "ministral-3:3b-instruct-2512-q4_K_M"
SAY = [{"role": "user", "content": "hello"}]
LONG = "a home with many lamps. " * 40


@pytest.fixture
async def server() -> AsyncIterator[StandInOllama]:
    async with StandInOllama(pullable=("small:1b",)) as one:
        yield one


@pytest.fixture
async def client(server: StandInOllama) -> AsyncIterator[ollama.AsyncClient]:
    async with ollama.AsyncClient(server.url) as one:
        yield one


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("stream", [True, False])
async def test_no_more_tokens_are_written_than_were_asked_for(
    client: ollama.AsyncClient, server: StandInOllama, *, stream: bool
) -> None:
    server.answer = lambda _call: ScriptedAnswer(content="x" * 100)
    more: dict[str, Any] = {"options": {"num_predict": 3}}
    if stream:
        parts = [one async for one in await client.chat(model=MODEL, messages=SAY, stream=True, **more)]
    else:
        parts = [await client.chat(model=MODEL, messages=SAY, **more)]
    assert "".join(part.message.content or "" for part in parts) == "x" * 12
    assert (parts[-1].done_reason, parts[-1].eval_count) == ("length", 3)
    assert server.calls[0].content == "x" * 12


async def test_whoever_is_in_a_stream_is_cut_off_when_it_goes_away(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    server.answer = lambda _call: ScriptedAnswer(content="x" * 40, fault=Fault.HANG_MIDWAY)
    stream = await client.chat(model=MODEL, messages=SAY, stream=True)
    await anext(stream)
    async with asyncio.timeout(5):
        await server.stop()
    with pytest.raises(httpx.TransportError):
        _ = [part async for part in stream]
    await server.start()
    server.answer = None
    assert (await client.chat(model=MODEL, messages=SAY)).done


@pytest.mark.parametrize(
    "options",
    [
        {"num_ctx": 4096, "seed": 1, "temperature": 0, "num_predict": 10, "top_p": 0.9, "top_k": 40},
        {"num_keep": 5, "min_p": 0.0, "typical_p": 0.7, "repeat_last_n": 33, "repeat_penalty": 1.2},
        {"presence_penalty": 1.5, "frequency_penalty": 1.0, "stop": ["\n"], "num_batch": 2, "num_gpu": 1},
        {"main_gpu": 0, "use_mmap": True, "num_thread": 8},
    ],
    ids=["usual", "sampling", "penalties", "runner"],
)
async def test_every_option_that_there_is_may_be_set(
    client: ollama.AsyncClient, options: dict[str, Any]
) -> None:
    assert (await client.chat(model=MODEL, messages=SAY, options=options)).done


@pytest.mark.parametrize("option", [{"stop": "x"}, {"stop": [1]}, {"num_ctx": 1.5}, {"seed": True}, []])
async def test_an_option_of_another_kind_is_refused(server: StandInOllama, option: Any) -> None:
    async with httpx.AsyncClient() as http:
        body = {"model": MODEL, "messages": SAY, "options": option}
        assert (await http.post(f"{server.url}/api/chat", json=body)).status_code == 400


@pytest.mark.parametrize(
    ("keep_alive", "status"),
    [(-1, 200), (0, 200), (300, 200), ("5m", 200), ("1h30m", 200), ("-1s", 200), ("1.5h", 200), ("0", 200),
     ("-1", 400), ("5", 400), ("soon", 400), ("xs", 400), ("", 400), (True, 400), ([], 400), ({}, 400)],
)  # fmt: skip
async def test_how_long_to_keep_a_model_is_a_number_or_a_duration(
    server: StandInOllama, keep_alive: Any, status: int
) -> None:
    async with httpx.AsyncClient() as http:
        body = {"model": MODEL, "messages": SAY, "stream": False, "keep_alive": keep_alive}
        assert (await http.post(f"{server.url}/api/chat", json=body)).status_code == status


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b'"text"', b'{"model": 1}', b"\xff", b'{"stream": "yes"}']
)
@pytest.mark.parametrize("path", ["chat", "show", "pull"])
async def test_a_body_that_is_no_request_is_refused(server: StandInOllama, content: bytes, path: str) -> None:
    async with httpx.AsyncClient() as http:
        answer = await http.post(f"{server.url}/api/{path}", content=content)
        assert answer.status_code in {400, 404}
        assert isinstance(answer.json()["error"], str)


async def test_each_place_keeps_the_prefix_of_its_own_home() -> None:
    other = "some other home. " * 60
    async with StandInOllama(parallel=2) as server, ollama.AsyncClient(server.url) as client:
        for said in (LONG, other, LONG, other):
            await client.chat(model=MODEL, messages=user(said))
        assert [call.prompt_tokens == call.whole_prompt_tokens for call in server.calls[:2]] == [True, True]
        assert [call.prompt_tokens for call in server.calls[2:]] == [1, 1]


async def test_a_fetching_can_fail_in_the_middle(client: ollama.AsyncClient, server: StandInOllama) -> None:
    server.pull_error = "max retries exceeded"
    with pytest.raises(ollama.ResponseError, match="max retries"):
        _ = [line async for line in await client.pull("small:1b", stream=True)]
    assert "small:1b" not in server.models


async def test_a_fetching_can_come_to_rest_in_the_middle(server: StandInOllama) -> None:
    server.pull_stalls = True
    async with ollama.AsyncClient(server.url, timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            _ = [line async for line in await client.pull("small:1b", stream=True)]
    assert "small:1b" not in server.models


async def test_an_object_that_is_cut_is_cut_for_one_who_wants_it_in_one_piece(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    server.answer = lambda _call: ScriptedAnswer(content={"a": "x" * 40}, fault=Fault.CUT_JSON)
    answer = await client.chat(model=MODEL, messages=SAY)
    assert (answer.done, answer.done_reason) == (True, "length")
    assert not (answer.message.content or "").endswith("}")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RESET_MIDWAY, httpx.TransportError),
        (Fault.HANG_MIDWAY, httpx.ReadTimeout),
        (Fault.ERROR_LINE, ollama.ResponseError),
        (Fault.GARBLED_LINE, ValueError),
        (Fault.WRONG_SHAPE, ValueError),
    ],
)
async def test_what_goes_wrong_midway_goes_wrong_for_one_who_wants_it_in_one_piece(
    server: StandInOllama, fault: Fault, error: type[Exception]
) -> None:
    server.answer = lambda _call: ScriptedAnswer(content="a text of some length", fault=fault)
    async with ollama.AsyncClient(server.url, timeout=0.2) as client:
        with pytest.raises(error):
            await client.chat(model=MODEL, messages=SAY)
