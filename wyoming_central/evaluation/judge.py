"""Saying a sentence in the home that it is said in, and judging what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from handlers.interpret import Interpreted, Interpreter
from handlers.status import Status
from wyoming_central.evaluation.effects import after
from wyoming_central.evaluation.judge_effect import verdict_by_effect
from wyoming_central.evaluation.judge_intent import verdict_by_intent
from wyoming_central.evaluation.sentences import ExpectedEffect, Said, SentenceSet
from wyoming_central.evaluation.verdict import Verdict

_MODEL_FAILED: Final = frozenset({Status.MODEL_UNREACHABLE, Status.MODEL_SLOW, Status.MODEL_BUSY})


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence with its verdict.

    Attributes:
        said: The sentence.
        verdict: What it came to.
        interpreted: What came of it.
        failure: Why the language model gave no answer to it, or to what was said before it; None where it
            did, or was not asked.
    """

    said: Said
    verdict: Verdict
    interpreted: Interpreted
    failure: str | None = None

    @property
    def parser(self) -> str | None:
        """The stage that took the sentence; None where none did."""
        return self.interpreted.understanding.parser


async def judged_all(one: SentenceSet, interpreter: Interpreter) -> list[Judged]:
    """Say every sentence of a set, and judge what comes of each."""
    return [await judged(said, one, interpreter) for said in one.said]


async def judged(said: Said, one: SentenceSet, interpreter: Interpreter) -> Judged:
    """Say a sentence of a set after what was said, and carried out, before it; judge what comes of it.

    Raises:
        RequestError: It cannot be said at all.
    """
    request = {"home": one.home, "language": one.language, "area": said.area}
    states, context, failure = said.states, list[str](), None
    for earlier in said.context:
        before = await interpreter.interpreted(
            request | {"text": earlier, "states": states, "context": context}
        )
        failure = failure or _failure(before)
        states = after(states, before.resolution.calls)
        context = [*context, earlier]
    interpreted = await interpreter.interpreted(
        request | {"text": said.text, "states": states, "context": context}
    )
    expected = said.expected
    verdict = (
        verdict_by_effect(expected, states, interpreted)
        if isinstance(expected, ExpectedEffect)
        else verdict_by_intent(expected, interpreted)
    )
    failure = failure or _failure(interpreted)
    if failure is not None and verdict is not Verdict.WRONG:
        # Nothing done is no merit of whoever was away.
        verdict = Verdict.MISSED
    return Judged(said, verdict, interpreted, failure)


def _failure(interpreted: Interpreted) -> str | None:
    """Why the language model gave no answer; None where that is not what happened."""
    understanding = interpreted.understanding
    if understanding.status not in _MODEL_FAILED:
        return None
    return understanding.stages[-1].reason or understanding.status.value
