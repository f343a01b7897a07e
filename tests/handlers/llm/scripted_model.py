"""A model that answers what a test says, without any server: for what becomes of an answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from handlers.cascade import cascade
from handlers.frames.stage import FrameStage
from handlers.llm.question import Question, Written
from handlers.llm.stage import ModelStage, ModelUse
from handlers.understanding import Understanding, Utterance
from provisioning.home.registry import HomePicture

Answering = Callable[[Question], str | Mapping[str, Any]]


class ScriptedModel:
    """Answers with one text, or with whatever a function makes of the question; or fails.

    Attributes:
        questions: All that it was asked.
        failure: Raised instead of an answer.
    """

    def __init__(self, answer: str | Mapping[str, Any] | Answering = "") -> None:
        self.answering = answer
        self.questions: list[Question] = []
        self.failure: Exception | None = None

    async def answer(self, question: Question, owner: str, *, within: float) -> Written:
        self.questions.append(question)
        if self.failure is not None:
            raise self.failure
        said = self.answering(question) if callable(self.answering) else self.answering
        text = said if isinstance(said, str) else orjson.dumps(said).decode()
        return Written(text, prompt_tokens=7, answer_tokens=5)


def commands(*several: Mapping[str, Any], response: str = "", confidence: float = 0.9) -> dict[str, Any]:
    return {
        "outcome": "commands",
        "commands": list(several),
        "response": response,
        "confidence": confidence,
    }


def command(action: str, *targets: str, value: Any = None) -> dict[str, Any]:
    said = {"action": action, "targets": list(targets)}
    return said if value is None else {**said, "value": value}


def ask(*several: Mapping[str, Any], response: str = "Which one?") -> dict[str, Any]:
    return {**commands(*several, response=response), "outcome": "ask"}


def nothing(response: str = "") -> dict[str, Any]:
    return {"outcome": "none", "response": response, "confidence": 0.9}


async def proposed(
    answer: str | Mapping[str, Any] | Answering,
    text: str,
    picture: HomePicture,
    language: str = "en",
    **utterance: Any,
) -> Understanding:
    """What the model's stage alone makes of an answer to a sentence."""
    frames = FrameStage()
    try:
        stage = ModelStage(ModelUse(ScriptedModel(answer)), frames)
        return await stage.recognize(Utterance(text, language, **utterance), picture)
    finally:
        frames.close()


async def cascaded(
    model: ScriptedModel, utterance: Utterance, picture: HomePicture, **use: Any
) -> Understanding:
    """What the whole cascade makes of a sentence with a model at its end."""
    with cascade(model=ModelUse(model, **use)) as recognizer:
        return await recognizer.recognize(utterance, picture)
