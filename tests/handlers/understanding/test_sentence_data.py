"""How much of Home Assistant's own sentence tests is understood, where that data is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.interpret import Interpreter
from wyoming_central.evaluation.home_assistants_own import read_intent_set
from wyoming_central.evaluation.judge import judged_all
from wyoming_central.evaluation.verdict import Verdict

DATA = Path(os.environ.get("PARSER_DATA", "")) / "intents-dev"
MAX_WRONG = 3

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "PARSER_DATA" not in os.environ,
        reason="PARSER_DATA names no folder with the sentence data intents-dev",
    ),
]


@pytest.mark.parametrize(("language", "least_percent"), [("en", 98.0), ("hu", 99.0)])
async def test_home_assistants_own_sentences_are_understood(language: str, least_percent: float) -> None:
    with cascade() as recognizer:
        interpreter = Interpreter(recognizer=recognizer, answers=Answers.load())
        results = await judged_all(read_intent_set(DATA / language), interpreter)
    wrong = [one.said.text for one in results if one.verdict is Verdict.WRONG]
    assert len(wrong) <= MAX_WRONG, wrong
    right = sum(one.verdict is Verdict.RIGHT for one in results)
    missed = [one.said.text for one in results if one.verdict is Verdict.MISSED]
    assert 100 * right / len(results) >= least_percent, missed
