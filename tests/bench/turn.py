"""`turn`: sentences to one real Home Assistant, through us and through its own agent.

Each sentence goes to the same Home Assistant twice: over Wyoming/TCP through our server, and as
`conversation/process` over Home Assistant's WebSocket to its own agent. Which of the two hears it first
alternates from sentence to sentence. Before each, unmeasured, a service call puts things so that the sentence
has something to change. Fifty English and fifty Hungarian sentences make a round; `sentences.py` has their
kinds.

- *first seen*: neither has heard the sentence before (both were warmed up with others);
- *repeated*: both have heard the same words before;
- *slow*: both of these with a proxy between Home Assistant and whoever speaks to it, that adds `SLOW_MS` in
  each direction. Our server has a second user for that, whose home is external and lies behind the proxy.

A ratio is our median divided by Home Assistant's, over the sentences that both understood and carried out
(ours: `handled`; Home Assistant's: `action_done` or `query_answer`). How many those were is in the table.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from wyoming.handle import Handled

from provisioning.home.socket import HomeAssistantSocket
from storage.records import AuditRow
from tests.bench.figures import Figure, Listing, Results, median
from tests.bench.load import percentile
from tests.bench.options import Options, Steps
from tests.bench.processes import UNLIMITED, Disturbance, ProcessError, ServerProcess, program, running_server
from tests.bench.sentences import (
    LANGUAGES,
    ROOMS,
    SENTENCES_AT_ONCE,
    SWITCHES,
    THINGS,
    Conversation,
    Said,
    home_script,
)
from tests.real.conftest import RunningServer
from wyoming_central.client import Client
from wyoming_central.demo.furnish import furnish

ROUNDS: Final = 3
# There are sentences for no more.
ROUNDS_MOST: Final = 6
REPEATS: Final = 3
# Where everything takes a tenth of a second, half of the sentences have to do.
SLOW_SENTENCES: Final = SENTENCES_AT_ONCE
WARMING_SENTENCES: Final = 40
# Added in each direction.
SLOW_MS: Final = 50.0
# After what is done beforehand, until everybody has heard of it; the slow ones later by the delay.
SETTLED_SECONDS: Final = 0.02

_AGENT: Final = "conversation.home_assistant"
_DONE: Final = frozenset({"action_done", "query_answer"})
_WITHIN: Final = 20.0
_FIRST, _SLOW = "anna@example.org", "slow@example.org"

_BESIDE: Final = "Home Assistant's own agent over its WebSocket"
FIGURES: Final = (
    Figure("first_seen_ratio_p50", "x", _BESIDE, "≤ 0.25"),
    Figure("repeated_ratio_p50", "x", _BESIDE, "≤ 0.4"),
    Figure("slow_first_seen_ratio_p50", "x", f"{_BESIDE}, {SLOW_MS:g} ms slower each way"),
    Figure("slow_repeated_ratio_p50", "x", f"{_BESIDE}, {SLOW_MS:g} ms slower each way"),
    *(
        Figure(f"{what}_ratio_p50_{language}", "x", _BESIDE)
        for what in ("first_seen", "repeated")
        for language in LANGUAGES
    ),
    *(
        Figure(f"{what}_{share}_ms", "ms", _BESIDE)
        for what in ("first_seen", "repeated")
        for share in ("p50", "p95")
    ),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one sentence on one of the two ways."""

    milliseconds: float
    understood: bool
    answer: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class Pair:
    """One sentence on both ways."""

    said: Said
    ours: Heard
    theirs: Heard


@dataclass(frozen=True, slots=True)
class Ways:
    """The two ways to one Home Assistant, and a third by which things are put in order beforehand.

    Attributes:
        settled: Seconds until both know what was done beforehand.
    """

    ours: Client
    theirs: HomeAssistantSocket
    aside: HomeAssistantSocket
    settled: float

    async def both(self, said: Said, *, ours_first: bool) -> Pair:
        """Say a sentence on both ways."""
        order = [self._through_us, self._through_its_agent]
        if not ours_first:
            order.reverse()
        heard = {}
        for way in order:
            await self._put_in_order(said)
            heard[way.__name__] = await way(said)
        return Pair(said, heard["_through_us"], heard["_through_its_agent"])

    async def _put_in_order(self, said: Said) -> None:
        call = said.before
        if call is not None:
            await self.aside.command(
                "call_service",
                within=_WITHIN,
                domain=call.domain,
                service=call.service,
                service_data=dict(call.data),
                target={"entity_id": list(call.entity_ids)},
            )
        await asyncio.sleep(self.settled)

    async def _through_us(self, said: Said) -> Heard:
        began = time.perf_counter()
        answer = (await self.ours.say(said.text, language=said.language, within=_WITHIN))[-1]
        taken = (time.perf_counter() - began) * 1000
        context = answer.data.get("context") or {}
        return Heard(
            taken, Handled.is_type(answer.type), str(answer.data.get("text")), context.get("request_id")
        )

    async def _through_its_agent(self, said: Said) -> Heard:
        began = time.perf_counter()
        result = await self.theirs.command(
            "conversation/process", within=_WITHIN, text=said.text, language=said.language, agent_id=_AGENT
        )
        taken = (time.perf_counter() - began) * 1000
        response = result["response"]
        speech = response.get("speech", {}).get("plain", {}).get("speech", "")
        return Heard(taken, response["response_type"] in _DONE, str(speech))


async def measure(options: Options, steps: Steps) -> Results:
    """Measure on one Home Assistant."""
    rounds = min(options.rounds or ROUNDS, ROUNDS_MOST)
    at_once = len(LANGUAGES) * SENTENCES_AT_ONCE
    steps.expect(2 * WARMING_SENTENCES + (rounds + REPEATS) * at_once + 2 * SLOW_SENTENCES)
    steps.begin("starting a Home Assistant (the first time it is installed, about a minute)")
    async with _household() as household:
        disturbance = Disturbance(household.server)
        quick, slow, rows = await _said(household, rounds, steps)
        others = disturbance.share()
    return _results(household.version, quick, slow, rows, others)


@dataclass(frozen=True, slots=True)
class _Household:
    quick: Ways
    slow: Ways
    version: str
    server: ServerProcess
    audit: Callable[[], Any]


@dataclass(slots=True)
class _Heap:
    """What was said, by how: first seen, or repeated."""

    first: list[Pair] = field(default_factory=list)
    repeated: list[Pair] = field(default_factory=list)


async def _said(
    household: _Household, rounds: int, steps: Steps
) -> tuple[_Heap, _Heap, Mapping[str, AuditRow]]:
    conversations = [Conversation(language) for language in LANGUAGES]

    def fresh() -> list[Said]:
        # Languages take turns, sentence by sentence.
        return [said for both in zip(*(one.fresh() for one in conversations), strict=True) for said in both]

    async def say(ways: Ways, what: str, sentences: Iterable[Said]) -> list[Pair]:
        pairs = []
        for index, said in enumerate(sentences):
            steps.begin(what)
            pairs.append(await ways.both(said, ours_first=index // 2 % 2 == 0))
            steps.done()
        return pairs

    quick, slow = _Heap(), _Heap()
    known = fresh()
    await say(household.quick, "warming up", known[:WARMING_SENTENCES])
    for number in range(rounds):
        known = fresh()
        quick.first += await say(household.quick, f"first seen, round {number + 1} of {rounds}", known)
    for number in range(REPEATS):
        quick.repeated += await say(household.quick, f"repeated, {number + 1} of {REPEATS}", known)
    await say(household.slow, "warming up the slow one", known[:WARMING_SENTENCES])
    new = fresh()[:SLOW_SENTENCES]
    slow.first = await say(household.slow, "slow, first seen", new)
    slow.repeated = await say(household.slow, "slow, repeated", new)
    return quick, slow, await household.audit()


# --- what is spoken to ----------------------------------------------------------------------------------


@asynccontextmanager
async def _household() -> AsyncIterator[_Household]:
    """Our server, a furnished Home Assistant below it, and both ways to it, quick and slow."""
    async with AsyncExitStack() as stack:
        # One device says more here than any person does; its limits are not what is measured.
        server = stack.enter_context(running_server(UNLIMITED))
        await _add_user(server)
        token = server.add_device(_FIRST, "Bench")
        await asyncio.to_thread(server.until_ready, _FIRST)
        url, access = await server.access(_FIRST)
        http = await stack.enter_async_context(aiohttp.ClientSession())

        async def socket(at: str) -> HomeAssistantSocket:
            return await stack.enter_async_context(
                HomeAssistantSocket.connect(at, access, http=http, within=_WITHIN)
            )

        aside = await socket(url)
        await _furnish(url, access, aside, http)
        quick = Ways(
            await stack.enter_async_context(server.satellite(token)),
            await socket(url),
            aside,
            SETTLED_SECONDS,
        )
        proxy_url = stack.enter_context(_slow(url))
        slow_token = await _add_external_user(server, proxy_url, access)
        slow = Ways(
            await stack.enter_async_context(server.satellite(slow_token)),
            await socket(proxy_url),
            aside,
            SETTLED_SECONDS + SLOW_MS / 1000,
        )
        for ways in (quick, slow):
            await _until_furnished(ways)

        async def audit() -> Mapping[str, AuditRow]:
            async with server.stored() as stored:
                return {row.request_id: row for row in await stored.audit.tail(100_000)}

        if server.process is None:
            raise ProcessError("the server has ended")
        host, _, port = server.uri().removeprefix("tcp://").rpartition(":")
        measured = ServerProcess(host, int(port), server.process.pid, {})
        yield _Household(quick, slow, aside.version, measured, audit)


async def _add_user(server: RunningServer) -> None:
    async with server.stored() as stored:
        user = await stored.users.add(email=_FIRST, password_hash="none", language="en")
        await server.ask_for_instance(stored, user, driver="process", config_yaml=home_script().configuration)


async def _furnish(url: str, token: str, socket: HomeAssistantSocket, http: aiohttp.ClientSession) -> None:
    """Furnish it, and give everything its second name."""
    await furnish(url, token, home_script(), http=http)
    areas = {
        one["name"]: one["area_id"] for one in await socket.command("config/area_registry/list", within=10)
    }
    for room in ROOMS.values():
        await socket.command(
            "config/area_registry/update",
            within=_WITHIN,
            area_id=areas[room.names["en"]],
            aliases=[room.names["hu"]],
        )
    for thing in THINGS:
        await socket.command(
            "config/entity_registry/update",
            within=_WITHIN,
            entity_id=thing.entity_id,
            aliases=[thing.names["hu"]],
        )


@contextmanager
def _slow(url: str) -> Iterator[str]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    with program("tests.bench.slow_proxy", host, port, str(SLOW_MS)) as proxy:
        yield f"http://{proxy.host}:{proxy.port}"


async def _add_external_user(server: RunningServer, url: str, token: str) -> str:
    """A second user whose home is the same Home Assistant behind the proxy; the token of their satellite."""
    file = server.folder / "access.token"
    file.touch(mode=0o600)
    file.write_text(token)
    await asyncio.to_thread(
        server.run,
        *("user", "add", _SLOW, "--language", "en", "--driver", "external"),
        *("--url", url, "--token-file", str(file)),
    )
    device = await asyncio.to_thread(server.add_device, _SLOW, "Bench")
    await asyncio.to_thread(server.until_ready, _SLOW)
    return device


async def _until_furnished(ways: Ways) -> None:
    """The server's picture shows what was named last."""
    text = f"Kapcsold be az {SWITCHES[-1].object}"
    async with asyncio.timeout(60):
        while not Handled.is_type((await ways.ours.say(text, language="hu"))[-1].type):
            await asyncio.sleep(0.1)


# --- what came of it ------------------------------------------------------------------------------------


def _results(
    version: str, quick: _Heap, slow: _Heap, audit: Mapping[str, AuditRow], others: float
) -> Results:
    values: dict[str, float] = {}
    beside: dict[str, str] = {}
    rows: list[tuple[str, ...]] = []
    heaps = (
        ("first_seen", "first seen", quick.first),
        ("repeated", "repeated", quick.repeated),
        ("slow_first_seen", "slow, first seen", slow.first),
        ("slow_repeated", "slow, repeated", slow.repeated),
    )
    for figure, title, pairs in heaps:
        for language in (*LANGUAGES, None):
            chosen = [pair for pair in pairs if language in {pair.said.language, None}]
            rows.append(_row(title, language or "both", chosen))
            if language is None:
                values[f"{figure}_ratio_p50"] = _ratio(chosen)
            elif not figure.startswith("slow"):
                values[f"{figure}_ratio_p50_{language}"] = _ratio(chosen)
        if not figure.startswith("slow"):
            for share, name in ((0.5, "p50"), (0.95, "p95")):
                ours, theirs = _percentiles(pairs, share)
                values[f"{figure}_{name}_ms"] = ours
                beside[f"{figure}_{name}_ms"] = f"{_BESIDE}: {theirs:.3g}"
    listings = (
        Listing(
            f"sentences to one Home Assistant {version}",
            (
                "sentences",
                "language",
                "said",
                "we",
                "it",
                "both",
                "our p50",
                "its p50",
                "our p95",
                "its p95",
                "ratio",
            ),
            rows,
            "milliseconds from the sentence to its answer; we, it, both: how many each understood and carried"
            f" out. Other programs had {others:.0%} of the processors meanwhile.",
        ),
        _kinds(quick.first),
        _steps_of(quick, audit),
        *_not_understood([*quick.first, *quick.repeated, *slow.first, *slow.repeated]),
    )
    return Results(values, listings, beside)


def _understood(pairs: Iterable[Pair]) -> list[Pair]:
    return [pair for pair in pairs if pair.ours.understood and pair.theirs.understood]


def _percentiles(pairs: Iterable[Pair], share: float) -> tuple[float, float]:
    both = _understood(pairs)
    return (
        percentile(sorted(pair.ours.milliseconds for pair in both), share),
        percentile(sorted(pair.theirs.milliseconds for pair in both), share),
    )


def _ratio(pairs: Iterable[Pair]) -> float:
    ours, theirs = _percentiles(pairs, 0.5)
    return ours / theirs


def _row(title: str, language: str, pairs: Sequence[Pair]) -> tuple[str, ...]:
    (our_p50, its_p50), (our_p95, its_p95) = _percentiles(pairs, 0.5), _percentiles(pairs, 0.95)
    return (
        title,
        language,
        str(len(pairs)),
        str(sum(pair.ours.understood for pair in pairs)),
        str(sum(pair.theirs.understood for pair in pairs)),
        str(len(_understood(pairs))),
        *(f"{value:.2f}" for value in (our_p50, its_p50, our_p95, its_p95)),
        f"{our_p50 / its_p50:.2f}",
    )


def _kinds(pairs: Sequence[Pair]) -> Listing:
    """First-seen sentences by kind."""
    kinds = list(dict.fromkeys(pair.said.kind for pair in pairs))
    return Listing(
        "first seen, by kind",
        ("kind", "said", "both", "our p50", "its p50", "ratio"),
        [
            (
                kind,
                str(len(chosen)),
                str(len(_understood(chosen))),
                *(f"{value:.2f}" for value in _percentiles(chosen, 0.5)),
                f"{_ratio(chosen):.2f}",
            )
            for kind in kinds
            if (chosen := [pair for pair in pairs if pair.said.kind == kind])
        ],
    )


def _steps_of(heap: _Heap, audit: Mapping[str, AuditRow]) -> Listing:
    """Where our own time goes, by what the audit says of each turn."""
    rows = []
    for title, pairs in (("first seen", heap.first), ("repeated", heap.repeated)):
        for language in LANGUAGES:
            chosen = [
                (pair, row)
                for pair in _understood(pairs)
                if pair.said.language == language and (row := audit.get(pair.ours.request_id or ""))
            ]
            steps = [(row.ha_response or {}).get("steps_ms", {}) for _, row in chosen]
            rows.append(
                (
                    f"{title}, {language}",
                    *(f"{median(one[name] for one in steps if name in one):.2f}" for name in _STEPS),
                    f"{median(row.latency_ms for _, row in chosen):.2f}",
                    f"{median(pair.ours.milliseconds for pair, _ in chosen):.2f}",
                )
            )
    return Listing(
        "our steps, median ms", ("sentences", *_STEPS, "whole turn", "as the satellite sees it"), rows
    )


_STEPS: Final = ("recognize", "resolve", "execute")


def _not_understood(pairs: Iterable[Pair]) -> Iterator[Listing]:
    """What one of the two did not understand; none where there is nothing of it."""
    missed = [pair for pair in pairs if not (pair.ours.understood and pair.theirs.understood)]
    counted = Counter(pair.said.text for pair in missed)
    if counted:
        answers = {pair.said.text: pair for pair in missed}
        yield Listing(
            "not understood by both, and left out",
            ("sentence", "times", "we", "it"),
            [
                (
                    text,
                    str(times),
                    "✓" if answers[text].ours.understood else answers[text].ours.answer,
                    "✓" if answers[text].theirs.understood else answers[text].theirs.answer,
                )
                for text, times in counted.most_common(20)
            ],
        )
