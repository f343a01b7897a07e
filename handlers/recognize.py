"""Recognition is a cascade: the exact cache, then one stage after another until one has an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import structlog

from handlers.cache import ExactCache
from handlers.status import Status
from handlers.understanding import StageReport, Understanding, Utterance, Verdict
from provisioning.home.registry import HomePicture

_log = structlog.get_logger(__name__)

CACHE = "cache"

# A stage that took so long, its wait for others included, is worth a line in the log.
SLOW_STAGE_MS = 250.0
# A model takes a second, or two.
_SLOW_BY_NATURE = frozenset({"llm"})


class Stage(Protocol):
    """One way to understand a sentence.

    A stage ends the cascade with any verdict but `PASS_ON`. It may put one report into `stages`, whose
    `reason` says why it passed on and whose `detail` is kept; name, verdict and time are filled in by the
    cascade. Of a stage that passes on and says why nothing can be understood, `status` is kept.
    """

    @property
    def name(self) -> str:
        """Its word in the audit: `frames`, `templates`, `llm`, …."""
        ...

    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        """Understand a sentence, or pass it on."""
        ...

    async def warm(self, languages: Iterable[str], picture: HomePicture | None) -> None:
        """Do beforehand what would make the first sentence of these languages, or of this home, slow."""
        ...


class Recognizer:
    """The cascade.

    Args:
        stages: Tried in this order.
        cache: Asked before them, and fed by what they find; left aside while a question waits for its
            answer, because then the same words may mean something else.
        timer: A monotonic clock in seconds.
    """

    def __init__(
        self,
        stages: Sequence[Stage],
        *,
        cache: ExactCache,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._stages = tuple(stages)
        self._cache = cache
        self._timer = timer

    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        """What a sentence means in this home; `PASS_ON` if no stage knows.

        Never raises but for cancellation: a stage that fails has passed on, and its report says so.
        """
        started = self._timer()
        may_cache = utterance.session.open_question is None
        if may_cache and (known := self._cache.get(utterance, picture)) is not None:
            report = StageReport(CACHE, known.verdict, self._milliseconds_since(started))
            return replace(known, parser=CACHE, stages=(report,))
        reports: list[StageReport] = []
        status: Status | None = None
        for stage in self._stages:
            understanding, report = await self._ask(stage, utterance, picture)
            reports.append(report)
            if understanding.verdict is not Verdict.PASS_ON:
                understanding = replace(understanding, parser=stage.name, stages=tuple(reports))
                if may_cache:
                    self._cache.put(utterance, picture, understanding)
                return understanding
            status = understanding.status or status
        return Understanding(Verdict.PASS_ON, stages=tuple(reports), status=status)

    async def warm(self, languages: Iterable[str], picture: HomePicture | None = None) -> None:
        """Make the first sentence as fast as the second: for these languages and, if given, this home."""
        wanted = tuple(languages)
        for stage in self._stages:
            await stage.warm(wanted, picture)

    async def _ask(
        self, stage: Stage, utterance: Utterance, picture: HomePicture
    ) -> tuple[Understanding, StageReport]:
        started = self._timer()
        reason: str | None
        detail: Mapping[str, Any] | None = None
        try:
            understanding = await stage.recognize(utterance, picture)
        except Exception as error:  # noqa: BLE001 - one stage's bug must not keep the next from understanding
            _log.exception("a stage of recognition failed", stage=stage.name)
            reason = f"failed: {type(error).__name__}"
            understanding = Understanding(Verdict.PASS_ON)
        else:
            said = understanding.stages[0] if understanding.stages else None
            reason, detail = (said.reason, said.detail) if said is not None else (None, None)
        milliseconds = self._milliseconds_since(started)
        if milliseconds >= SLOW_STAGE_MS and stage.name not in _SLOW_BY_NATURE:
            _log.warning("a stage of recognition was slow", stage=stage.name, ms=round(milliseconds, 1))
        return understanding, StageReport(stage.name, understanding.verdict, milliseconds, reason, detail)

    def _milliseconds_since(self, started: float) -> float:
        return (self._timer() - started) * 1000
