"""What the outcomes of an evaluation come to: in all, by set, and by the stage that took a sentence.

The share of a prompt that the model's server did not have to read again is an estimate. The server tells how
many tokens it read; how many the whole prompt has is taken from that one, of all prompts in the same home, of
which most was read: the first is read completely. So a sentence that is shorter than that one counts as a
little better known than it was; where the first began like a prompt that was read before it (the same
instructions, with another home), all count as less well known. Of a server that always tells of whole prompts
nothing can be estimated: the share is near nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.llm.stage import ModelStage
from wyoming_central.evaluation.outcome import Outcome
from wyoming_central.evaluation.run import Result
from wyoming_central.evaluation.verdict import Verdict

NOBODY: Final = "nobody"
"""Stands for the stage of sentences that no stage took."""

ALL: Final = "all"

_DIGITS: Final = 4
"""Of a share."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Some sentences, summed up.

    Attributes:
        name: What they have in common: a set, a stage, or nothing.
        sentences: How many.
        right, wrong, asked, missed: How many came to what.
        failures: How many of the missed the model gave no answer to.
        share: Theirs of all sentences, from 0 to 1.
        p50_ms, p95_ms: For a stage its own time, of every sentence that came to it; else the time of a
            sentence. None where there is none.
        prompt_tokens: What the model's server read anew of a prompt, the median.
        prefix_hits: The share of prompts that it did not have to read again, from 0 to 1.
    """

    name: str
    sentences: int
    right: int
    wrong: int
    asked: int
    missed: int
    failures: int
    share: float
    p50_ms: float | None
    p95_ms: float | None
    prompt_tokens: int | None
    prefix_hits: float | None

    @property
    def right_share(self) -> float | None:
        """The share that is right; None of nothing."""
        return self.right / self.sentences if self.sentences else None

    def as_json(self) -> dict[str, Any]:
        """The figures as they stand in the output of `evaluate --json`."""
        return {
            "name": self.name,
            "sentences": self.sentences,
            "right": self.right,
            "wrong": self.wrong,
            "asked": self.asked,
            "missed": self.missed,
            "failures": self.failures,
            "share": self.share,
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "prompt_tokens": self.prompt_tokens,
            "prefix_hits": self.prefix_hits,
        }


def in_all(results: Sequence[Result]) -> Figures:
    """All sentences together."""
    return _of_results(ALL, results, of=_number(results))


def by_set(results: Sequence[Result]) -> list[Figures]:
    """The sentences of each set."""
    total = _number(results)
    return [_of_results(result.data.label, [result], of=total) for result in results]


def by_stage(results: Sequence[Result], stages: Sequence[str]) -> list[Figures]:
    """The sentences that each stage took, in the order of the stages; what nobody took comes last.

    Args:
        results: What came of them.
        stages: Those that have a row even where they took nothing.
    """
    outcomes = list(_outcomes(results))
    taken = dict.fromkeys(one.parser for one in outcomes if one.parser is not None)
    names = [*(name for name in taken if name not in stages), *stages]
    rows = [_of_stage(name, outcomes, results) for name in names]
    untaken = [one for one in outcomes if one.parser is None]
    return [*rows, _figures(NOBODY, untaken, (), (), of=len(outcomes))]


def _of_stage(name: str, outcomes: Sequence[Outcome], results: Sequence[Result]) -> Figures:
    times = [stage.ms for outcome in outcomes for stage in outcome.stages if stage.stage == name]
    taken = [outcome for outcome in outcomes if outcome.parser == name]
    asked = results if name == ModelStage.name else ()
    return _figures(name, taken, times, asked, of=len(outcomes))


def _of_results(name: str, results: Sequence[Result], *, of: int) -> Figures:
    outcomes = list(_outcomes(results))
    return _figures(name, outcomes, [one.ms for one in outcomes], results, of=of)


def _figures(
    name: str, outcomes: Sequence[Outcome], times: Sequence[float], asked: Iterable[Result], *, of: int
) -> Figures:
    """The figures of some sentences.

    Args:
        name: What they are called.
        outcomes: What came of them.
        times: Those to tell of.
        asked: The sets whose prompts are told of.
        of: How many sentences there are in all.
    """
    verdicts = [one.verdict for one in outcomes]
    prompts = [prompt for result in asked for prompt in _prompts(result)]
    return Figures(
        name=name,
        sentences=len(outcomes),
        right=verdicts.count(Verdict.RIGHT),
        wrong=verdicts.count(Verdict.WRONG),
        asked=verdicts.count(Verdict.ASKED),
        missed=verdicts.count(Verdict.MISSED),
        failures=sum(one.failure is not None for one in outcomes),
        share=round(len(outcomes) / of, _DIGITS) if of else 0.0,
        p50_ms=round(statistics.median(times), 3) if times else None,
        p95_ms=_percentile(times) if times else None,
        prompt_tokens=statistics.median_low([read for read, _ in prompts]) if prompts else None,
        prefix_hits=_known_share(prompts) if prompts else None,
    )


def _prompts(result: Result) -> list[tuple[int, int]]:
    """Of each prompt in a home: the tokens that were read anew, and how long it was by the estimate."""
    read = [one.prompt_tokens for one in result.outcomes if one.prompt_tokens is not None]
    return [(one, max(read)) for one in read]


def _known_share(prompts: Sequence[tuple[int, int]]) -> float:
    whole = sum(length for _, length in prompts)
    return round(1 - sum(read for read, _ in prompts) / whole, _DIGITS) if whole else 1.0


def _percentile(times: Sequence[float]) -> float:
    return sorted(times)[round(0.95 * (len(times) - 1))]


def _outcomes(results: Iterable[Result]) -> Iterator[Outcome]:
    return (outcome for result in results for outcome in result.outcomes)


def _number(results: Iterable[Result]) -> int:
    return sum(len(result.outcomes) for result in results)
