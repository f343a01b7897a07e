"""`llm`: what we cost around a call to the model, how fairly users share it, how soon its absence is told.

The model is the stand-in for Ollama in a process of its own, which answers the same after the same time; all
else is ours. What a model's own wit and speed are, `wyoming-central evaluate` shows.

- *overhead*: a sentence through the model's stage (linking, prompt, schema, call, checks), and the bare HTTP
  client making the very same call, in turns. The difference of their medians, and of their 95th percentiles,
  is ours.
- *fairness*: over TCP to our whole server. One user says 200 sentences at once, from as many satellites;
  another says one a second. `fairness_growth` is by how much the 95th percentile of the other's turns exceeds
  that of the same turns alone plus one call of the model.
- *breaker*: the model goes away and, when that is known, sentences are timed until they are answered. Then it
  comes back: `recovery_s` is how long until a sentence reaches it again, against the interval of probes.
- *hang-up*: a satellite closes its connection in mid-call; how soon the stand-in sees its call cancelled.
- *prompt*: the characters of a prompt for a home of 100 things, beside those that Home Assistant gives a
  model for the very same home: its instructions, the home, its tools (`assist_prompt.py` has the rule of
  counting). The schema beside the prompt is read by the server, not by the model: the table has it apart.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

import httpx
import orjson

from config.languages import SUPPORTED
from handlers.frames.stage import FrameStage
from handlers.interpret import parse_home
from handlers.llm.answer_schema import answer_schema
from handlers.llm.home_text import home_text
from handlers.llm.links import links_of
from handlers.llm.pool import ModelPool
from handlers.llm.prompt import instructions, prompt_of
from handlers.llm.question import ModelOptions
from handlers.llm.shortlist import shortlist
from handlers.llm.stage import ModelStage, ModelUse
from handlers.understanding import Utterance
from provisioning.home.registry import HomePicture
from tests.bench.assist_prompt import AssistPrompt, assist_prompt
from tests.bench.described_homes import picture_of
from tests.bench.figures import Figure, Listing, Results, median, number
from tests.bench.load import percentile
from tests.bench.options import Options, Steps
from tests.bench.processes import ServerProcess, homes_server, placed, processors, program
from tests.ollama.stand_in_ollama import ScriptedAnswer, StandInOllama
from wyoming_central.client import Client, connect

CALL_SECONDS: Final = 0.05
CALLS: Final = 200
FLOOD: Final = 200
FLOOD_CALL_SECONDS: Final = 0.1
OTHERS_TURNS: Final = 15
PROBE_SECONDS: Final = 1.0
_MODEL: Final = "ministral-3:3b-instruct-2512-q4_K_M"
_HOME: Final = 100
_CANDIDATES: Final = 24
# Nothing that rules understand, so that it goes all the way to the model.
_SENTENCE: Final = "pop the desk lamp thingy on would you love {}"
_WORDS: Final = "Hm, I wonder."
_NOTHING: Final = f'{{"outcome":"none","response":"{_WORDS}","confidence":0.9}}'
_PATIENCE: Final = 300.0
_RECOVERY_PATIENCE: Final = 30.0

FIGURES: Final = (
    Figure("overhead_p50_ms", "ms", "a bare HTTP client making the same call", "≤ 2.5"),
    Figure("overhead_p95_ms", "ms", "the same", "≤ 6"),
    Figure("fairness_growth", "", "its turn alone plus one call of the model", "≤ 0.1"),
    Figure("breaker_ms", "ms", "a whole turn over TCP while the model is away", "≤ 20"),
    Figure("recovery_s", "s", f"probes every {PROBE_SECONDS:g} s", f"≤ {PROBE_SECONDS + 0.5:g}"),
    Figure("hang_up_ms", "ms", "from closing the connection to the cancelled call", "≤ 100"),
    Figure("prompt_ratio_100", "x", "Home Assistant's own prompt for the same home", "≤ 0.4"),
    Figure("common_share", "", "two turns of one user in a row", "≥ 0.9"),
)


async def measure(options: Options, steps: Steps) -> Results:
    """Measure all of it."""
    steps.expect(5)
    steps.begin("overhead")
    overhead = await _overhead(options.rounds or CALLS)
    steps.done()
    steps.begin("fairness")
    fairness = await _fairness()
    steps.done()
    steps.begin("the model goes away")
    breaker = await _breaker()
    steps.done()
    steps.begin("a satellite hangs up")
    hang_up = await _hang_up()
    steps.done()
    steps.begin("Home Assistant's own prompt")
    ratios, common, tables = [], [], []
    for language in SUPPORTED:
        theirs = await assist_prompt(language)
        ours = await _prompt_sizes(parse_home(theirs.home), language)
        ratios.append(ours.prompt / theirs.prompt.characters)
        tables.append(_prompts(language, ours, theirs.prompt))
        common.append(ours.common)
    steps.done()
    values = {
        "overhead_p50_ms": overhead.p50,
        "overhead_p95_ms": overhead.p95,
        "fairness_growth": fairness.growth,
        "breaker_ms": breaker.answer_ms,
        "recovery_s": breaker.recovery_s,
        "hang_up_ms": hang_up,
        "prompt_ratio_100": max(ratios),
        "common_share": min(common),
    }
    return Results(values, (_calls(overhead, fairness, breaker), *tables))


# --- overhead ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Overhead:
    """Milliseconds of the same call, bare and with all of ours around it, in order."""

    bare: Sequence[float]
    ours: Sequence[float]

    @property
    def p50(self) -> float:
        """What we add to the median."""
        return median(self.ours) - median(self.bare)

    @property
    def p95(self) -> float:
        """What we add to the 95th percentile."""
        return percentile(self.ours, 0.95) - percentile(self.bare, 0.95)


async def _overhead(calls: int) -> _Overhead:
    picture = picture_of("en", _HOME)
    target = picture.registry.exposed_entities()[0].id
    answer = {
        "outcome": "commands",
        "commands": [{"action": "turn_on", "targets": [target]}],
        "response": "",
        "confidence": 0.9,
    }
    cpu = processors()
    with placed(cpu.load):
        async with _ollama(CALL_SECONDS, json.dumps(answer), cpu=cpu.server) as url:
            return await _both(calls, url, picture)


async def _both(calls: int, url: str, picture: HomePicture) -> _Overhead:
    frames = FrameStage()
    pool = ModelPool((url,), ModelOptions(_MODEL))
    stage = ModelStage(ModelUse(pool, candidates=_CANDIDATES), frames)
    bare, ours = [], []
    timeout = httpx.Timeout(None)
    try:
        async with httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False) as client:
            for call in range(calls + 5):
                utterance = Utterance(_SENTENCE.format(call), "en")
                body = await _body(utterance, picture, frames)
                first = time.perf_counter()
                async with client.stream("POST", "/api/chat", content=body) as response:
                    async for _ in response.aiter_lines():
                        pass
                second = time.perf_counter()
                understanding = await stage.recognize(utterance, picture)
                third = time.perf_counter()
                if understanding.question is None:
                    raise RuntimeError(f"the model was not understood: {understanding.stages}")
                if call >= 5:
                    bare.append((second - first) * 1000)
                    ours.append((third - second) * 1000)
    finally:
        await pool.close()
        frames.close()
    return _Overhead(sorted(bare), sorted(ours))


async def _body(utterance: Utterance, picture: HomePicture, frames: FrameStage) -> bytes:
    """The very request that our stage makes of a sentence."""
    lexicon, index = await frames.words_for(utterance.language, picture)
    candidates = shortlist(links_of(utterance, index, lexicon), _CANDIDATES)
    prompt = prompt_of(utterance, candidates, picture, home_text(picture.registry, 12_000))
    options = ModelOptions(_MODEL)
    return orjson.dumps(
        {
            "model": _MODEL,
            "messages": list(prompt.messages),
            "stream": True,
            "format": answer_schema(candidates, picture),
            "options": options.as_json(),
            "keep_alive": options.keep_alive,
        }
    )


# --- fairness, absence, hanging up -------------------------------------------------------------------------

_ROOMY: Final = {
    "DEVICE_TURNS_PER_SECOND": "10000",
    "DEVICE_TURNS_BURST": "10000",
    "ADDRESS_TURNS_PER_SECOND": "100000",
    "ADDRESS_TURNS_BURST": "100000",
    "MAX_TURNS": "1000",
    "MAX_TURNS_PER_USER": "1000",
    "MAX_CONNECTIONS_PER_ADDRESS": "1000",
    "LLM_QUEUE_SIZE": "1000",
    "LLM_TIMEOUT_SECONDS": "200",
    "TURN_DEADLINE_SECONDS": "220",
    "LLM_PROBE_SECONDS": str(PROBE_SECONDS),
    "OLLAMA_PULL": "never",
    "LOG_LEVEL": "error",
}


@dataclass(frozen=True, slots=True)
class _Fairness:
    """Milliseconds of one user's turns, alone and while another floods."""

    alone: Sequence[float]
    flooded: Sequence[float]

    @property
    def growth(self) -> float:
        """By how much a flood makes them longer than they are alone, with one call in front."""
        fair = percentile(self.alone, 0.95) + FLOOD_CALL_SECONDS * 1000
        return percentile(self.flooded, 0.95) / fair - 1


async def _fairness() -> _Fairness:
    cpu = processors()
    with placed(cpu.load):
        async with _ollama(FLOOD_CALL_SECONDS, _NOTHING, cpu=cpu.load) as url:
            settings = {**_ROOMY, "OLLAMA_URLS": url}
            with homes_server(
                "--users", "2", "--devices", str(FLOOD), settings=settings, cpu=cpu.server
            ) as it:
                return await _flooded(it)


async def _flooded(server: ServerProcess) -> _Fairness:
    devices = server.said["devices"]
    flood = [one["token"] for one in devices if one["user"] == 0]
    other = next(one["token"] for one in devices if one["user"] == 1)
    async with AsyncExitStack() as stack:
        speaker = await _speaker(stack, server, other)
        crowd = [await _speaker(stack, server, token) for token in flood]
        await _until_the_model_answers(speaker, "at first")
        alone = [await _turn(speaker, f"alone {turn}") for turn in range(OTHERS_TURNS)]
        async with asyncio.TaskGroup() as group:
            for place, one in enumerate(crowd):
                group.create_task(_turn(one, f"flood {place}"))
            flooded = []
            for turn in range(OTHERS_TURNS):
                await asyncio.sleep(1.0)
                flooded.append(await _turn(speaker, f"flooded {turn}"))
    return _Fairness(sorted(alone), sorted(flooded))


async def _speaker(stack: AsyncExitStack, server: ServerProcess, token: str) -> Client:
    client = await stack.enter_async_context(connect(f"tcp://{server.host}:{server.port}"))
    await client.authenticate(token)
    return client


async def _turn(client: Client, mark: str) -> float:
    """Say something for the model; milliseconds until it was answered."""
    return (await _timed_turn(client, mark))[0]


async def _timed_turn(client: Client, mark: str) -> tuple[float, bool]:
    """The same, and whether it was the model that answered."""
    began = time.perf_counter()
    answer = (await client.say(_SENTENCE.format(mark), language="en", within=_PATIENCE))[-1]
    return (time.perf_counter() - began) * 1000, answer.data["text"] == _WORDS


@dataclass(frozen=True, slots=True)
class _Absence:
    """How soon it is told that the model is away, and how soon it is asked again."""

    answer_ms: float
    recovery_s: float


async def _breaker() -> _Absence:
    cpu = processors()
    with placed(cpu.load):
        async with AsyncExitStack() as stack:
            model = await stack.enter_async_context(
                StandInOllama(answer=lambda _call: ScriptedAnswer(content=_NOTHING))
            )
            settings = {**_ROOMY, "OLLAMA_URLS": model.url}
            server = stack.enter_context(
                homes_server("--users", "1", "--devices", "1", settings=settings, cpu=cpu.server)
            )
            client = await _speaker(stack, server, server.said["devices"][0]["token"])
            await _until_the_model_answers(client, "at first")
            await model.stop()
            for turn in range(5):
                await _turn(client, f"going {turn}")
            waits = sorted([await _turn(client, f"away {turn}") for turn in range(50)])
            await model.start()
            began = time.perf_counter()
            await _until_the_model_answers(client, "back")
            return _Absence(percentile(waits, 0.95), time.perf_counter() - began)


async def _until_the_model_answers(client: Client, mark: str) -> None:
    async with asyncio.timeout(_RECOVERY_PATIENCE):
        for turn in count():
            _, is_the_models = await _timed_turn(client, f"{mark} {turn}")
            if is_the_models:
                return
            await asyncio.sleep(0.01)


async def _hang_up() -> float:
    """Milliseconds from a closed connection to a cancelled call, the longest of ten."""
    cpu = processors()
    with placed(cpu.load):
        async with AsyncExitStack() as stack:
            model = await stack.enter_async_context(
                StandInOllama(answer=lambda _call: ScriptedAnswer(content=_NOTHING, first_seconds=60.0))
            )
            settings = {**_ROOMY, "OLLAMA_URLS": model.url}
            server = stack.enter_context(
                homes_server("--users", "1", "--devices", "1", settings=settings, cpu=cpu.server)
            )
            token = server.said["devices"][0]["token"]
            return max([await _hung_up(model, server, token) for _ in range(10)])


async def _hung_up(model: StandInOllama, server: ServerProcess, token: str) -> float:
    async with connect(f"tcp://{server.host}:{server.port}") as client:
        await client.authenticate(token)
        turn = asyncio.create_task(_turn(client, "and off"))
        call = await model.next_call()
        while _SENTENCE[:20] not in call.prompt:
            call = await model.next_call()
        turn.cancel()
        await asyncio.wait([turn])
        began = time.perf_counter()
    await call.over.wait()
    return (time.perf_counter() - began) * 1000


@asynccontextmanager
async def _ollama(seconds: float, content: str, *, cpu: int | None) -> AsyncIterator[str]:
    """The stand-in in a process of its own."""
    arguments = ("--first-seconds", str(seconds), "--content", content)
    with program("tests.bench.stand_in_ollama_server", *arguments, cpu=cpu) as server:
        yield f"http://{server.host}:{server.port}"


# --- the prompt -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Characters of what we ask, without the sentence; and how much of it two turns have in common."""

    instructions: int
    home: int
    schema: int
    common: float

    @property
    def prompt(self) -> int:
        """What the model reads."""
        return self.instructions + self.home


async def _prompt_sizes(picture: HomePicture, language: str) -> _Sizes:
    frames = FrameStage()
    try:
        lexicon, index = await frames.words_for(language, picture)
        prompts = []
        schema: dict[str, Any] = {}
        for text in ("my knitting is hard to see", "that is not what I meant at all"):
            utterance = Utterance(text, language)
            candidates = shortlist(links_of(utterance, index, lexicon), _CANDIDATES)
            schema = answer_schema(candidates, picture)
            prompts.append(prompt_of(utterance, candidates, picture, home_text(picture.registry, 12_000)))
    finally:
        frames.close()
    first, second = ("".join(one["content"] for one in prompt.messages) for prompt in prompts)
    shared = next((at for at, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), 0)
    said = len(instructions(language))
    return _Sizes(said, len(prompts[0].system) - said, len(orjson.dumps(schema)), shared / len(second))


def _calls(overhead: _Overhead, fairness: _Fairness, breaker: _Absence) -> Listing:
    rows = [
        ("a bare call", *_both_percentiles(overhead.bare)),
        ("the same with all of ours", *_both_percentiles(overhead.ours)),
        ("a turn alone", *_both_percentiles(fairness.alone)),
        (f"the same while another says {FLOOD} sentences", *_both_percentiles(fairness.flooded)),
        ("a turn while the model is away (p95)", "", number(breaker.answer_ms)),
    ]
    return Listing("milliseconds", ("what", "p50", "p95"), rows)


def _both_percentiles(values: Sequence[float]) -> tuple[str, str]:
    return number(median(values)), number(percentile(values, 0.95))


def _prompts(language: str, ours: _Sizes, theirs: AssistPrompt) -> Listing:
    rows = [
        ("instructions", number(ours.instructions), number(theirs.instructions)),
        ("home", number(ours.home), number(theirs.home)),
        ("tools", "", number(theirs.tools)),
        ("all that the model reads", number(ours.prompt), number(theirs.characters)),
        ("schema, for the server", number(ours.schema), ""),
    ]
    return Listing(
        f"characters for {theirs.entities} things, {language}", ("part", "ours", "Home Assistant's"), rows
    )
