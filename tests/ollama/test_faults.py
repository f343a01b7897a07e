"""Each way to go wrong, as the real client meets it: what it raises, and what it takes for an answer."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import ollama
import pytest

from tests.ollama.stand_in_ollama import Fault, ScriptedAnswer, StandInOllama

pytestmark = pytest.mark.slow

MODEL = "ministral-3:3b-instruct-2512-q4_K_M"
SAY = [{"role": "user", "content": "hello"}]
OBJECT = {"outcome": "none", "response": "a text of some length"}
WHOLE = json.dumps(OBJECT)


@pytest.fixture
async def server() -> AsyncIterator[StandInOllama]:
    async with StandInOllama() as one:
        yield one


@pytest.fixture
async def client(server: StandInOllama) -> AsyncIterator[ollama.AsyncClient]:
    one = ollama.AsyncClient(server.url)
    yield one
    await one.close()


def script(server: StandInOllama, fault: Fault, **more: Any) -> None:
    server.answer = lambda _call: ScriptedAnswer(content=OBJECT, fault=fault, **more)


async def streamed(client: ollama.AsyncClient) -> tuple[str, ollama.ChatResponse]:
    """What was written in all, and the last part."""
    parts = [part async for part in await client.chat(model=MODEL, messages=SAY, stream=True)]
    return "".join(part.message.content or "" for part in parts), parts[-1]


async def heard(client: ollama.AsyncClient, into: list[str]) -> None:
    """Listen to the end; what was written until then is in `into`, however it ends."""
    async with aclosing(await client.chat(model=MODEL, messages=SAY, stream=True)) as parts:
        async for part in parts:
            into.append(part.message.content or "")  # noqa: PERF401 - kept when the next one fails


@pytest.mark.parametrize(
    ("fault", "status", "word"),
    [
        (Fault.BUSY, 503, "maximum pending requests exceeded"),
        (Fault.OUT_OF_MEMORY, 500, "more system memory"),
        (Fault.NOT_FOUND, 404, "not found"),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
async def test_a_refusal_has_its_status_and_its_reason(
    client: ollama.AsyncClient, server: StandInOllama, fault: Fault, status: int, word: str, *, stream: bool
) -> None:
    script(server, fault)
    with pytest.raises(ollama.ResponseError, match=word) as caught:
        await (streamed(client) if stream else client.chat(model=MODEL, messages=SAY))
    assert caught.value.status_code == status


async def test_an_error_in_the_middle_of_a_stream_has_no_status(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    script(server, Fault.ERROR_LINE)
    with pytest.raises(ollama.ResponseError) as caught:
        await streamed(client)
    assert caught.value.status_code == -1


@pytest.mark.parametrize("fault", [Fault.RESET_MIDWAY, Fault.ERROR_LINE, Fault.GARBLED_LINE, Fault.NO_DONE])
async def test_what_goes_wrong_midway_does_so_after_a_part_of_the_answer(
    client: ollama.AsyncClient, server: StandInOllama, fault: Fault
) -> None:
    script(server, fault)
    into: list[str] = []
    with contextlib.suppress(ollama.ResponseError, httpx.HTTPError, ValueError):
        await heard(client, into)
    seen = "".join(into)
    assert seen
    assert WHOLE.startswith(seen)
    assert seen != WHOLE


async def test_an_empty_answer_is_done_and_holds_nothing(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    script(server, Fault.EMPTY)
    text, last = await streamed(client)
    assert (text, last.done, last.done_reason) == ("", True, "stop")


async def test_prose_is_done_as_any_answer_is_and_holds_no_json(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    script(server, Fault.PROSE)
    text, last = await streamed(client)
    assert (last.done, last.done_reason) == (True, "stop")
    assert "{" not in text


async def test_between_fences_the_object_is_whole_with_words_around(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    script(server, Fault.FENCED)
    text, last = await streamed(client)
    before, fenced, after = text.split("```")
    assert json.loads(fenced.removeprefix("json")) == OBJECT
    assert before.strip()
    assert after.strip()
    assert last.done_reason == "stop"


async def test_an_object_that_is_cut_says_that_the_tokens_ran_out(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    script(server, Fault.CUT_JSON)
    text, last = await streamed(client)
    assert (last.done, last.done_reason) == (True, "length")
    assert text
    assert WHOLE.startswith(text)
    assert text != WHOLE


@pytest.mark.parametrize("fault", [Fault.BABBLE, Fault.HUGE])
async def test_what_never_ends_goes_on_long_after_an_answer_would_have_ended(
    client: ollama.AsyncClient, server: StandInOllama, fault: Fault
) -> None:
    script(server, fault)
    size = 0
    async with aclosing(await client.chat(model=MODEL, messages=SAY, stream=True)) as parts:
        async for part in parts:
            size += len(part.message.content or "")
            assert not part.done
            if size > 20 * len(WHOLE):
                break
    async with asyncio.timeout(1):
        await server.calls[0].over.wait()
    assert server.calls[0].cancelled


async def test_babble_begins_where_the_object_has_closed(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    script(server, Fault.BABBLE)
    text = ""
    async with aclosing(await client.chat(model=MODEL, messages=SAY, stream=True)) as parts:
        async for part in parts:
            text += part.message.content or ""
            if len(text) > 2 * len(WHOLE):
                break
    assert json.JSONDecoder().raw_decode(text)[0] == OBJECT
    assert text[len(WHOLE) :].strip()


async def test_a_dripping_answer_is_in_time_for_every_read_and_in_all_too_late(server: StandInOllama) -> None:
    script(server, Fault.SLOW_DRIP, token_seconds=0.01)
    into: list[str] = []
    async with ollama.AsyncClient(server.url, timeout=5) as client:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(heard(client, into), 0.2)
    assert len(into) > 3


@pytest.mark.parametrize(
    ("fault", "begins"), [(Fault.HANG, False), (Fault.HANG_MIDWAY, True)], ids=["at-once", "midway"]
)
async def test_one_that_hangs_is_given_up_by_the_timeout_of_a_read(
    server: StandInOllama, fault: Fault, *, begins: bool
) -> None:
    script(server, fault)
    into: list[str] = []
    async with ollama.AsyncClient(server.url, timeout=0.2) as client:
        with pytest.raises(httpx.ReadTimeout):
            await heard(client, into)
    assert bool(into) is begins
    async with asyncio.timeout(1):
        await server.calls[0].over.wait()
    assert server.calls[0].cancelled


async def test_a_script_decides_for_each_call_by_what_it_asks(
    client: ollama.AsyncClient, server: StandInOllama
) -> None:
    server.answer = lambda call: (
        ScriptedAnswer(fault=Fault.EMPTY) if "quiet" in call.prompt else ScriptedAnswer(content="loud")
    )
    for said, answered in (("be quiet", ""), ("be loud", "loud")):
        answer = await client.chat(model=MODEL, messages=[{"role": "user", "content": said}])
        assert answer.message.content == answered
