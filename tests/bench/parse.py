"""`parse`: how long the frame parser takes for a sentence, beside the sentence templates.

Homes of 50, 500 and 2,000 entities, English and Hungarian (`described_homes.py`); every sentence is new to
both, and both know the home already. The templates are `hassil` with `home-assistant-intents`, on the same
sentences in the same process, without the thread that they are matched in; which of the two is first
alternates.

- *repeated*: what was understood and worked out is used again (`handlers/prepared.py`), as in a turn;
- *rebuild*: the index of a home of 500, whole, and after one entity was renamed; and how long an event loop
  that does nothing else is at most kept waiting while the stage makes indexes of such homes, one by one.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from hassil.intents import TextSlotList

from handlers.answer import Answers
from handlers.frames.home_index import HomeIndex, index_of, updated
from handlers.frames.lexicon import Lexicon
from handlers.frames.stage import FrameStage, understood
from handlers.prepared import Preparer
from handlers.template_lists import lists_of
from handlers.templates import TemplateStage
from handlers.understanding import Understanding, Utterance, Verdict
from provisioning.home.registry import HomePicture, Registry
from tests.bench.described_homes import WORDS, picture_of, sentences
from tests.bench.figures import Figure, Listing, Results, median
from tests.bench.load import percentile
from tests.bench.options import Options, Steps
from wyoming_central.collector import settle_collector
from wyoming_central.event_loop import SWITCH_SECONDS

SIZES: Final = (50, 500, 2_000)
MEASURED_SIZE: Final = 500
SENTENCES: Final = 300
WARMING: Final = 30
REPEATS: Final = 200
REBUILDS: Final = 20

_BESIDE: Final = "hassil with home-assistant-intents, same sentences, same run"
_HOME: Final = f"a home of {MEASURED_SIZE} entities, both languages"
FIGURES: Final = (
    Figure("frames_p50_ms", "ms", _HOME, "≤ 0.5"),
    Figure("frames_p95_ms", "ms", _HOME, "≤ 1.5"),
    Figure("templates_ratio", "x", _BESIDE, "≥ 8"),
    Figure("growth_ratio_2000_50", "x", "p95 in a home of 50 entities", "≤ 1.5"),
    Figure("repeated_us", "µs", _HOME, "≤ 20"),
    Figure("rebuild_ms", "ms", _HOME, "≤ 60"),
    Figure("rebuild_loop_ms", "ms", "an event loop's longest wait while homes of 500 are indexed", "≤ 5"),
    Figure("renamed_ms", "ms", f"one of {MEASURED_SIZE} entities is renamed", "≤ 2"),
)


@dataclass(slots=True)
class _Times:
    """Milliseconds, by language and size of the home."""

    frames: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    templates: dict[tuple[str, int], list[float]] = field(default_factory=dict)
    taken: dict[tuple[str, int], int] = field(default_factory=dict)
    repeated: list[float] = field(default_factory=list)
    rebuilt: list[float] = field(default_factory=list)
    renamed: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def of_size(self, size: int) -> list[float]:
        """What the frames took in homes of a size, both languages."""
        return [one for (_, entities), times in self.frames.items() if entities == size for one in times]


def measure(options: Options, steps: Steps) -> Results:
    """Measure both parsers in every home."""
    del options
    steps.expect(len(WORDS) * (len(SIZES) + 1))
    times = _Times()
    for language in WORDS:
        lexicon = Lexicon.load(language)
        with _templates() as templates:
            for size in SIZES:
                steps.begin(f"{language}, {size} entities")
                _measure_home(language, size, lexicon, templates, times)
                steps.done()
        steps.begin(f"{language}, what is known already")
        _measure_known(language, lexicon, times)
        _measure_waits(language, times)
        steps.done()
    return _results(times)


@contextmanager
def _templates() -> Iterator[TemplateStage]:
    stage = TemplateStage()
    try:
        yield stage
    finally:
        stage.close()


def _measure_home(
    language: str, size: int, lexicon: Lexicon, templates: TemplateStage, times: _Times
) -> None:
    picture = picture_of(language, size)
    index, lists = index_of(picture.registry, lexicon), lists_of(picture.registry, language)
    said = sentences(language, picture, SENTENCES)
    # Other sentences, so that what a language needs once is not measured.
    for text in said[:WARMING]:
        _by_frames(f"{text} {text}", language, picture, index, lexicon)
        _by_templates(f"{text} {text}", language, picture.registry, lists, templates)
    key = language, size
    for number, text in enumerate(said):

        def frames(text: str = text) -> Understanding:
            return _by_frames(text, language, picture, index, lexicon)

        def matched(text: str = text) -> Understanding:
            return _by_templates(text, language, picture.registry, lists, templates)

        if number % 2:
            matched_ms, _ = _timed(matched)
            frames_ms, understanding = _timed(frames)
        else:
            frames_ms, understanding = _timed(frames)
            matched_ms, _ = _timed(matched)
        times.frames.setdefault(key, []).append(frames_ms)
        times.templates.setdefault(key, []).append(matched_ms)
        times.taken[key] = times.taken.get(key, 0) + (understanding.verdict is not Verdict.PASS_ON)


def _by_frames(
    text: str, language: str, picture: HomePicture, index: HomeIndex, lexicon: Lexicon
) -> Understanding:
    return understood(Utterance(text, language), picture, index, lexicon)


def _by_templates(
    text: str,
    language: str,
    registry: Registry,
    lists: Mapping[str, TextSlotList],
    templates: TemplateStage,
) -> Understanding:
    return templates.match(Utterance(text, language), registry, lists)


def _timed(work: Callable[[], Understanding]) -> tuple[float, Understanding]:
    started = time.perf_counter()
    result = work()
    return (time.perf_counter() - started) * 1000, result


def _measure_known(language: str, lexicon: Lexicon, times: _Times) -> None:
    """What was said before, and the index of a home."""
    picture = picture_of(language, MEASURED_SIZE)
    registry = picture.registry
    index = index_of(registry, lexicon)
    preparer = Preparer(Answers.load())
    for text in sentences(language, picture, SENTENCES)[:REPEATS]:
        utterance = Utterance(text, language)
        understanding = understood(utterance, picture, index, lexicon)
        if understanding.verdict is not Verdict.COMMANDS or not understanding.cacheable:
            continue
        preparer.prepare(understanding, utterance, picture)
        started = time.perf_counter()
        prepared = preparer.known(utterance, picture)
        if prepared is not None:
            times.repeated.append((time.perf_counter() - started) * 1000)
    entities = list(registry.entities.values())
    for number in range(REBUILDS):
        started = time.perf_counter()
        index_of(registry, lexicon)
        times.rebuilt.append((time.perf_counter() - started) * 1000)
        renamed = replace(entities[number], name=f"Zebra xylophone {number}")
        newer = replace(
            registry, revision=f"renamed {number}", entities={**registry.entities, renamed.id: renamed}
        )
        started = time.perf_counter()
        updated(index, newer, lexicon)
        times.renamed.append((time.perf_counter() - started) * 1000)


def _measure_waits(language: str, times: _Times) -> None:
    before = sys.getswitchinterval()
    # As the server has it.
    sys.setswitchinterval(SWITCH_SECONDS)
    settle_collector()
    try:
        times.waits += asyncio.run(_waits(language))
    finally:
        sys.setswitchinterval(before)


async def _waits(language: str) -> list[float]:
    """How long the loop waits for its turn, milliseconds, while the stage makes one index after another."""
    stage = FrameStage()
    picture = picture_of(language, MEASURED_SIZE)
    waits: list[float] = []
    try:
        await stage.warm((language,))
        ticking = asyncio.create_task(_tick(waits))
        for number in range(REBUILDS):
            # A home of its own, and none that changed.
            other = replace(picture.registry, revision=f"home-{number}")
            await stage.warm((language,), replace(picture, registry=other))
        ticking.cancel()
    finally:
        stage.close()
    return waits


async def _tick(waits: list[float]) -> None:
    while True:
        started = time.perf_counter()
        await asyncio.sleep(0)
        waits.append((time.perf_counter() - started) * 1000)


def _p95(times: list[float]) -> float:
    return percentile(sorted(times), 0.95)


def _results(times: _Times) -> Results:
    measured = times.of_size(MEASURED_SIZE)
    matched = [one for (_, size), each in times.templates.items() if size == MEASURED_SIZE for one in each]
    rows = [
        (
            language,
            f"{size:,}",
            f"{median(each):.3f}",
            f"{_p95(each):.3f}",
            f"{median(times.templates[language, size]):.2f}",
            f"{times.taken[language, size]} of {len(each)}",
        )
        for (language, size), each in times.frames.items()
    ]
    return Results(
        values={
            "frames_p50_ms": median(measured),
            "frames_p95_ms": _p95(measured),
            "templates_ratio": median(matched) / median(measured),
            "growth_ratio_2000_50": _p95(times.of_size(SIZES[-1])) / _p95(times.of_size(SIZES[0])),
            "repeated_us": median(times.repeated) * 1000,
            "rebuild_ms": median(times.rebuilt),
            "rebuild_loop_ms": max(times.waits),
            "renamed_ms": median(times.renamed),
        },
        listings=(
            Listing(
                "first-seen sentences, milliseconds",
                ("language", "entities", "frames p50", "frames p95", "templates p50", "taken by frames"),
                rows,
            ),
        ),
    )
