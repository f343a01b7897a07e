"""The run: every sentence that is not known yet is said, judged and written down, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from handlers.interpret import Interpreter
from handlers.llm.stage import ModelStage
from wyoming_central.evaluation.data import DataSet
from wyoming_central.evaluation.errors import EvaluationError
from wyoming_central.evaluation.judge import judged
from wyoming_central.evaluation.outcome import Outcome, outcome_of
from wyoming_central.evaluation.record import Record

MOST_FAILURES: Final = 10
"""Of the model, in a row: then it is away, and every further sentence would only count as missed."""


@dataclass(frozen=True, slots=True)
class Part:
    """One set in a run.

    Attributes:
        data: The set.
        chosen: Which of its sentences are said.
        record: Where their outcomes are kept.
        known: Outcomes from before, by sentence.
    """

    data: DataSet
    chosen: Sequence[int]
    record: Record
    known: Mapping[int, Outcome]

    @property
    def taken_over(self) -> list[Outcome]:
        """The outcomes from before that are of the chosen sentences."""
        return [self.known[index] for index in self.chosen if index in self.known]


@dataclass(frozen=True, slots=True)
class Result:
    """What came of the chosen sentences of a set."""

    data: DataSet
    outcomes: tuple[Outcome, ...]


class ModelAwayError(EvaluationError):
    """The model failed too often in a row.

    Args:
        reason: How it failed last.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the language model failed {MOST_FAILURES} times in a row: {reason}",
            remedy="see that it answers; the same command goes on from here",
        )


def chosen(sets: Sequence[DataSet], limit: int | None) -> list[range | tuple[int, ...]]:
    """Which sentences of each set are said: all of them, or `limit` that are spread evenly over all sets."""
    sizes = [len(one.sentences.said) for one in sets]
    total = sum(sizes)
    if limit is None or limit >= total:
        return [range(size) for size in sizes]
    spread = [number * total // limit for number in range(limit)]
    chosen: list[range | tuple[int, ...]] = []
    begin = 0
    for size in sizes:
        chosen.append(tuple(one - begin for one in spread if begin <= one < begin + size))
        begin += size
    return chosen


async def run(
    parts: Iterable[Part], interpreter: Interpreter, told: Callable[[Outcome], None]
) -> list[Result]:
    """Say what is not known yet, and keep what comes of it.

    Args:
        parts: What is to be said.
        interpreter: Understands it.
        told: Told of each sentence, as soon as its outcome is written down.

    Raises:
        ModelAwayError: The model failed too often in a row.
        EvaluationError: The outcomes cannot be written down.
    """
    results: list[Result] = []
    failures = 0
    for part in parts:
        outcomes: list[Outcome] = []
        sentences = part.data.sentences
        for index in part.chosen:
            outcome = part.known.get(index)
            if outcome is None:
                outcome = outcome_of(index, await judged(sentences.said[index], sentences, interpreter))
                part.record.append(outcome)
                told(outcome)
                failures = _failures(failures, outcome)
            outcomes.append(outcome)
        results.append(Result(part.data, tuple(outcomes)))
    return results


def _failures(before: int, outcome: Outcome) -> int:
    """How often the model has failed in a row; a sentence that it was not asked says nothing of it.

    Raises:
        ModelAwayError: Too often.
    """
    if outcome.failure is None:
        return 0 if any(one.stage == ModelStage.name for one in outcome.stages) else before
    if before + 1 >= MOST_FAILURES:
        raise ModelAwayError(outcome.failure)
    return before + 1
