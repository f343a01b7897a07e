from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.interpret import Interpreter
from handlers.llm.stage import ModelUse
from tests.handlers.llm.scripted_model import ScriptedModel
from tests.wyoming_central.evaluation.small_data import right_answer
from wyoming_central.evaluation.no_cache import NoCache


@pytest.fixture
def interpreter() -> Iterator[Interpreter]:
    """By rules alone."""
    with cascade(cache=NoCache()) as recognizer:
        yield Interpreter(recognizer=recognizer, answers=Answers.load())


@pytest.fixture
def model() -> ScriptedModel:
    return ScriptedModel(lambda question: right_answer(question.messages[-1]["content"]))


@pytest.fixture
def asking(model: Any) -> Iterator[Interpreter]:
    """By rules, then by the model."""
    with cascade(model=ModelUse(model), cache=NoCache()) as recognizer:
        yield Interpreter(recognizer=recognizer, answers=Answers.load())
