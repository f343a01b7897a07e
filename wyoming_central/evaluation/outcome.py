"""What is kept of one sentence that was said: enough to sum up, and to show what was missed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.llm.stage import ModelStage
from handlers.understanding import StageReport
from handlers.understanding import Verdict as StageVerdict
from wyoming_central.evaluation.judge import Judged
from wyoming_central.evaluation.verdict import Verdict

_DIGITS: Final = 3
"""Of a millisecond."""


@dataclass(frozen=True, slots=True)
class StageTime:
    """One stage that a sentence came to.

    Attributes:
        stage: Its name.
        ms: What it took.
        took: Whether the sentence went no further.
    """

    stage: str
    ms: float
    took: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one sentence.

    Attributes:
        index: Which sentence of its set.
        text: The sentence.
        verdict: What it came to.
        parser: The stage that took it; None where none did.
        ms: What understanding and resolving took.
        stages: Those that it came to.
        prompt_tokens: How many tokens of its prompt the model's server read anew; None where the model was
            not asked, or it is not known.
        answer_tokens: How many the model wrote.
        failure: Why the model gave no answer; None where it did, or was not asked.
        came: What would be done or said, for people.
    """

    index: int
    text: str
    verdict: Verdict
    parser: str | None
    ms: float
    stages: tuple[StageTime, ...]
    prompt_tokens: int | None
    answer_tokens: int | None
    failure: str | None
    came: str

    def as_json(self) -> dict[str, Any]:
        """The outcome as it is written down."""
        return {
            "index": self.index,
            "text": self.text,
            "verdict": self.verdict.value,
            "parser": self.parser,
            "ms": self.ms,
            "stages": [{"stage": one.stage, "ms": one.ms, "took": one.took} for one in self.stages],
            "prompt_tokens": self.prompt_tokens,
            "answer_tokens": self.answer_tokens,
            "failure": self.failure,
            "came": self.came,
        }


def outcome_of(index: int, judged: Judged) -> Outcome:
    """What is kept of a sentence of a set that was said and judged."""
    understanding = judged.interpreted.understanding
    asked = next((one for one in understanding.stages if one.stage == ModelStage.name), None)
    return Outcome(
        index=index,
        text=judged.said.text,
        verdict=judged.verdict,
        parser=judged.parser,
        ms=round(judged.interpreted.ms, _DIGITS),
        stages=tuple(map(_time, understanding.stages)),
        prompt_tokens=_tokens(asked, "prompt_tokens"),
        answer_tokens=_tokens(asked, "answer_tokens"),
        failure=judged.failure,
        came=_came(judged),
    )


def outcome_from(data: Mapping[str, Any]) -> Outcome:
    """The outcome that was written down.

    Raises:
        KeyError, TypeError, ValueError: It is none.
    """
    return Outcome(
        index=int(data["index"]),
        text=str(data["text"]),
        verdict=Verdict(data["verdict"]),
        parser=_text(data["parser"]),
        ms=float(data["ms"]),
        stages=tuple(
            StageTime(str(one["stage"]), float(one["ms"]), bool(one["took"])) for one in data["stages"]
        ),
        prompt_tokens=_number(data["prompt_tokens"]),
        answer_tokens=_number(data["answer_tokens"]),
        failure=_text(data["failure"]),
        came=str(data["came"]),
    )


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _time(report: StageReport) -> StageTime:
    return StageTime(report.stage, round(report.ms, _DIGITS), report.verdict is not StageVerdict.PASS_ON)


def _tokens(report: StageReport | None, key: str) -> int | None:
    value = (report.detail or {}).get(key) if report is not None else None
    return value if isinstance(value, int) else None


def _came(judged: Judged) -> str:
    if judged.failure is not None:
        return judged.failure
    resolution = judged.interpreted.resolution
    return "; ".join(_calls(judged)) or f"{resolution.outcome.value}: {judged.interpreted.speech}"


def _calls(judged: Judged) -> Iterator[str]:
    for call in judged.interpreted.resolution.calls:
        data = "".join(f" {name}={value}" for name, value in call.data.items())
        yield f"{call.domain}.{call.service} {', '.join(call.entity_ids)}{data}"
