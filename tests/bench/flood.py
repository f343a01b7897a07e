"""`flood`: how long one user waits for answers while another user's device, or Home Assistant, floods.

The server runs with its default limits, on stand-in homes (`stand_in_homes_server.py`). One device of one
user sends 1,000 transcripts a second, pipelined; a device of another user says one sentence a second, every
other one a sentence that was never heard before. Stretches in which it speaks alone and stretches with a
flood alternate in one run. `flood_p95_ratio` is its p95 during the worst of the floods, divided by its p95
alone:

- *distinct*: every sentence of the flood is a new one, half of them nobody understands;
- *the same*: always the same sentence;
- *four connections*: as *distinct*, spread over four connections of that device;
- *same address*: as *distinct*, from the address that the speaker has, too (as Home Assistants have that the
  server runs itself). The other floods come from another address.

`flood_speaker_refused` counts the sentences of the speaker that were not carried out; how quickly they were
refused does not count.

`home_flood_p95_ratio` is the same where another user's Home Assistant (a stand-in in a process of its own,
mirrored by a real `LiveHome`) tells of changed states as fast as it can.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from itertools import count, cycle, product
from random import Random
from typing import Final

from wyoming.handle import Handled

from handlers.answer import Answers
from handlers.status import Status
from handlers.understanding import Phrase
from tests.bench.figures import Figure, Listing, Results
from tests.bench.flooder import Flooded, FloodJob
from tests.bench.load import LoadError, percentile
from tests.bench.options import Options, Steps
from tests.bench.processes import ServerProcess, homes_server, placed, processors, program
from wyoming_central.client import Client, connect

RATE: Final = 1000.0
STRETCH_SECONDS: Final = 10.0
ROUNDS: Final = 3
# Never heard before, and understood by the stand-in home.
_LIGHTS: Final = {
    "en": ("the desk lamp", "the ceiling light", "the garage light", "the office"),
    "hu": ("a nappali lámpa", "az állólámpa", "a konyhai lámpa", "az olvasólámpa"),
}
_BRIGHTNESS: Final = {
    "en": ("Set {} brightness to {} percent", "Set the brightness of {} to {} percent"),
    "hu": ("Állítsd {} fényerejét {} százalékra", "Állítsd be {} fényerejét {}%-ra"),
}
_KNOWN: Final = (("en", "Turn on the desk lamp"), ("hu", "Kapcsold le a nappali lámpát"))

_ALONE: Final = "alone"
_SPEAKERS_ADDRESS: Final = "127.0.0.1"
_ANSWERS: Final = Answers.load()
# What stands in the table instead of a whole sentence.
_TOLD: Final = {
    f"not-handled: {_ANSWERS.speak(Phrase(f'status.{status}'), 'en')}": f"not-handled: {status}"
    for status in (Status.ONE_MOMENT, Status.BUSY, Status.NOT_UNDERSTOOD)
}
FIGURES: Final = (
    Figure("flood_p95_ratio", "x", "the same speaker alone; the worst of the floods", "≤ 2"),
    Figure("flood_alone_p95_ms", "ms", "nothing else"),
    Figure("flood_speaker_refused", "sentences", "all that were said during floods", "≤ 0"),
    Figure("home_flood_p95_ratio", "x", "the same speaker alone", "≤ 2"),
)


@dataclass(frozen=True, slots=True)
class Variant:
    """A way to flood."""

    name: str
    distinct: bool = True
    connections: int = 1
    address: str = "127.0.0.2"


VARIANTS: Final = (
    Variant("distinct sentences"),
    Variant("the same sentence", distinct=False),
    Variant("distinct, four connections", connections=4),
    Variant("distinct, same address", address=_SPEAKERS_ADDRESS),
)


@dataclass(slots=True)
class Waits:
    """What was found in all stretches of one kind.

    Attributes:
        new, known: How long the speaker waited for a sentence that was carried out, in milliseconds.
        refused: How many sentences were not carried out.
        floods, changes: What the floods came to.
        busy: How many processors the server used.
    """

    new: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    refused: int = 0
    floods: list[Flooded] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)

    @property
    def ordered(self) -> list[float]:
        """All of them."""
        return sorted(self.new + self.known)

    @property
    def p95(self) -> float:
        """95 of 100 waits were shorter."""
        return percentile(self.ordered, 0.95)


async def measure(options: Options, steps: Steps) -> Results:
    """Measure the floods of a device, then the flood of a Home Assistant."""
    rounds = options.rounds or ROUNDS
    steps.expect(rounds * (len(VARIANTS) * 3 // 2 + 2))
    with placed(processors().load):
        by_device = await _device_floods(options, rounds, steps)
        by_home = await _home_floods(options, rounds, steps)
    ratios = {name: waits.p95 / by_device[_ALONE].p95 for name, waits in by_device.items() if name != _ALONE}
    values = {
        "flood_p95_ratio": max(ratios.values()),
        "flood_alone_p95_ms": by_device[_ALONE].p95,
        "flood_speaker_refused": sum(waits.refused for waits in (*by_device.values(), *by_home.values())),
        "home_flood_p95_ratio": by_home[_HOME_FLOODS].p95 / by_home[_ALONE].p95,
    }
    listings = (
        _listing(by_device, "a device floods"),
        _answers(by_device),
        _listing(by_home, "a Home Assistant floods"),
    )
    return Results(values, listings)


# --- the stretches --------------------------------------------------------------------------------------


async def _device_floods(options: Options, rounds: int, steps: Steps) -> dict[str, Waits]:
    found = {name: Waits() for name in (_ALONE, *(variant.name for variant in VARIANTS))}
    numbers = count(start=1, step=1_000_000)
    with homes_server("--users", "2", "--devices", "1", settings={}, cpu=processors().server) as server:
        flooding, speaking = (one["token"] for one in server.said["devices"])
        job = FloodJob(
            server.host, server.port, flooding, 1, RATE, True, 0, _SPEAKERS_ADDRESS, processors().load
        )
        async with _speaker(server, speaking, options) as speaker:
            for index, variant in enumerate(VARIANTS * rounds):
                if index % 2 == 0:
                    # Every flood has a quiet stretch on one side.
                    await _stretch(server, speaker, found[_ALONE], nullcontext(), steps, _ALONE)
                this = replace(
                    job,
                    connections=variant.connections,
                    distinct=variant.distinct,
                    start=next(numbers),
                    address=variant.address,
                )
                waits = found[variant.name]
                await _stretch(server, speaker, waits, _flood(this, waits), steps, variant.name)
    return found


_HOME_FLOODS: Final = "state events"


async def _home_floods(options: Options, rounds: int, steps: Steps) -> dict[str, Waits]:
    found = {_ALONE: Waits(), _HOME_FLOODS: Waits()}
    cpu = processors()
    with (
        program("tests.bench.flooding_home_assistant", cpu=cpu.load, gives_way=True) as home,
        homes_server(
            *("--users", "2", "--devices", "1", "--live-home", "0", home.said["url"], home.said["token"]),
            settings={},
            cpu=cpu.server,
        ) as server,
    ):
        _, speaking = (one["token"] for one in server.said["devices"])
        async with _speaker(server, speaking, options) as speaker:
            for _ in range(rounds):
                await _stretch(server, speaker, found[_ALONE], nullcontext(), steps, _ALONE)
                waits = found[_HOME_FLOODS]
                await _stretch(server, speaker, waits, _state_flood(home, waits), steps, _HOME_FLOODS)
    return found


async def _stretch(
    server: ServerProcess,
    speaker: _Speaker,
    waits: Waits,
    flood: AbstractAsyncContextManager[None] | nullcontext[None],
    steps: Steps,
    what: str,
) -> None:
    steps.begin(what)
    await asyncio.to_thread(server.until_quiet)
    async with flood:
        used, began = server.cpu_seconds, time.perf_counter()
        await speaker.speak(waits)
        waits.busy.append((server.cpu_seconds - used) / (time.perf_counter() - began))
    steps.done()


@asynccontextmanager
async def _flood(job: FloodJob, waits: Waits) -> AsyncIterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.flooder"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    if process.stdin is None or process.stdout is None:
        raise LoadError("no pipes")
    try:
        process.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
        process.stdin.flush()
        yield
        process.stdin.close()
        waits.floods.append(Flooded(**json.loads(await asyncio.to_thread(process.stdout.readline))))
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@asynccontextmanager
async def _state_flood(home: ServerProcess, waits: Waits) -> AsyncIterator[None]:
    home.signal(signal.SIGUSR1)
    yield
    home.signal(signal.SIGUSR2)
    said = await asyncio.to_thread(home.next_line)
    waits.changes.append(said["changes"] / said["seconds"])


class _Speaker:
    """The one who is measured: says a new sentence and a known one in turn, at a steady pace."""

    def __init__(self, client: Client, *, pace: float, seconds: float) -> None:
        self._client = client
        self._pace = pace
        self._seconds = seconds
        self._new = _new_sentences()
        self._known = cycle(_KNOWN)

    async def warm_up(self) -> None:
        """Say every known sentence, and a few others."""
        for language, text in (*_KNOWN, *(next(self._new) for _ in range(10))):
            _, handled = await self._wait_for(language, text)
            if not handled:
                raise LoadError(f"the stand-in home did not understand {text!r}")

    async def speak(self, waits: Waits) -> None:
        """Speak for one stretch."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        for index in range(round(self._seconds / self._pace)):
            # In the middle of each interval: a flood has begun by the first sentence.
            await asyncio.sleep(began + (index + 0.5) * self._pace - loop.time())
            kind, sentences = (waits.known, self._known) if index % 2 else (waits.new, self._new)
            milliseconds, handled = await self._wait_for(*next(sentences))
            if handled:
                kind.append(milliseconds)
            else:
                # An answer that does nothing is quickly given.
                waits.refused += 1

    async def _wait_for(self, language: str, text: str) -> tuple[float, bool]:
        # The clock of uvloop tells milliseconds only.
        began = time.perf_counter()
        answer = (await self._client.say(text, language=language))[-1]
        return (time.perf_counter() - began) * 1000, Handled.is_type(answer.type)


@asynccontextmanager
async def _speaker(server: ServerProcess, token: str, options: Options) -> AsyncIterator[_Speaker]:
    async with connect(server.uri) as client:
        await client.authenticate(token)
        speaker = _Speaker(client, pace=1 / options.rate, seconds=options.seconds or STRETCH_SECONDS)
        await speaker.warm_up()
        yield speaker


def _new_sentences() -> Iterator[tuple[str, str]]:
    every = [
        (language, form.format(light, number))
        for language in _LIGHTS
        for form, light, number in product(_BRIGHTNESS[language], _LIGHTS[language], range(1, 101))
    ]
    Random(1).shuffle(every)
    return iter(every)


# --- what came of it ------------------------------------------------------------------------------------


def _listing(found: dict[str, Waits], title: str) -> Listing:
    alone = found[_ALONE].p95
    return Listing(
        title,
        (
            "the speaker",
            "said",
            "refused",
            "new p50",
            "known p50",
            "p50",
            "p95",
            "most",
            "p95 ratio",
            "server busy",
        ),
        [
            (
                name,
                str(len(waits.ordered) + waits.refused),
                str(waits.refused),
                f"{percentile(sorted(waits.new), 0.5):.2f}",
                f"{percentile(sorted(waits.known), 0.5):.2f}",
                f"{percentile(waits.ordered, 0.5):.2f}",
                f"{waits.p95:.2f}",
                f"{percentile(waits.ordered, 1.0):.2f}",
                f"{waits.p95 / alone:.2f}",
                f"{sum(waits.busy) / len(waits.busy):.0%}",
            )
            for name, waits in found.items()
        ],
        f"milliseconds; {processors()}{_changes(found)}",
    )


def _changes(found: dict[str, Waits]) -> str:
    rates = [rate for waits in found.values() for rate in waits.changes]
    return f"; {sum(rates) / len(rates):,.0f} changed states a second" if rates else ""


def _answers(found: dict[str, Waits]) -> Listing:
    """How the floods were answered, a second."""
    rows = []
    for name, waits in found.items():
        if not waits.floods:
            continue
        seconds = sum(flood.seconds for flood in waits.floods)
        counted: Counter[str] = Counter()
        for flood in waits.floods:
            counted["sent"] += flood.sent
            counted["held back: the server took no more"] += flood.held_back
            for answer, number in flood.answers.items():
                counted[_TOLD.get(answer, answer)] += number
        counted["no answer yet at the end"] = counted["sent"] - sum(
            number for flood in waits.floods for number in flood.answers.values()
        )
        rows += [(name, what, f"{number / seconds:,.1f}") for what, number in counted.items()]
    return Listing("how the floods were answered", ("flood", "what", "a second"), rows)
