"""How much of Home Assistant's own sentence tests is understood, where that data is at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.accuracy.home_assistants_own import outcome_of

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
    outcome = await outcome_of(DATA / language)
    assert len(outcome.wrong) <= MAX_WRONG, outcome.wrong
    assert outcome.right_percent >= least_percent, outcome.missed
