"""An evaluation as a whole: what was evaluated, its figures, and what was not right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from wyoming_central.evaluation.conditions import Conditions
from wyoming_central.evaluation.figures import Figures, by_set, by_stage, in_all
from wyoming_central.evaluation.outcome import Outcome
from wyoming_central.evaluation.run import Result
from wyoming_central.evaluation.verdict import Verdict


@dataclass(frozen=True, slots=True)
class Miss:
    """A sentence that was not right, and where it is from."""

    label: str
    outcome: Outcome

    def as_json(self) -> dict[str, Any]:
        """The miss as it stands in the output of `evaluate --json`."""
        return {
            "data": self.label,
            "text": self.outcome.text,
            "verdict": self.outcome.verdict.value,
            "parser": self.outcome.parser,
            "came": self.outcome.came,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found.

    Attributes:
        conditions: How the sentences were understood.
        results: What came of them.
        misses: The first of those that were not right.
    """

    conditions: Conditions
    results: Sequence[Result]
    misses: Sequence[Miss] = ()

    @property
    def title(self) -> str:
        """With what the sentences were understood, in a few words."""
        stages = ", ".join(self.conditions.stages)
        if self.conditions.model is None:
            return f"{stages}, without a model"
        return f"{stages} with {self.conditions.model} ({self.conditions.candidates} candidates)"

    @property
    def sets(self) -> list[Figures]:
        """The figures by set, those of all at the end."""
        return [*by_set(self.results), in_all(self.results)]

    @property
    def stages(self) -> list[Figures]:
        """The figures by stage, those of all at the end."""
        return [*by_stage(self.results, self.conditions.stages), in_all(self.results)]

    def as_json(self) -> dict[str, Any]:
        """The report as `evaluate --json` prints it."""
        return {
            "stages": list(self.conditions.stages),
            "model": self.conditions.model,
            "candidates": self.conditions.candidates,
            "all": in_all(self.results).as_json(),
            "by_stage": [one.as_json() for one in by_stage(self.results, self.conditions.stages)],
            "data": [
                {
                    **figures.as_json(),
                    "kind": result.data.kind.value,
                    "language": result.data.sentences.language,
                    "by_stage": [one.as_json() for one in by_stage([result], self.conditions.stages)],
                }
                for figures, result in zip(by_set(self.results), self.results, strict=True)
            ],
            "misses": [one.as_json() for one in self.misses],
        }


def first_misses(results: Sequence[Result], most: int) -> list[Miss]:
    """The first sentences that were not right, those that were only asked back included."""
    return list(islice(_misses(results), most))


def _misses(results: Sequence[Result]) -> Iterator[Miss]:
    for result in results:
        for outcome in result.outcomes:
            if outcome.verdict is not Verdict.RIGHT:
                yield Miss(result.data.label, outcome)
