"""What was agreed on with others, where that data is at hand."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from handlers.interpret import Interpreter
from wyoming_central.evaluation.data import data_sets
from wyoming_central.evaluation.judge import judged_all
from wyoming_central.evaluation.verdict import Verdict

DATA = Path(os.environ.get("PARSER_DATA", "")) / "natural"

pytestmark = pytest.mark.skipif(
    "PARSER_DATA" not in os.environ, reason="PARSER_DATA names no folder with the sentence data natural"
)


@pytest.mark.parametrize(("language", "sentences"), [("en", 75), ("hu", 82)])
async def test_natural_sentences_are_all_right(
    interpreter: Interpreter, language: str, sentences: int
) -> None:
    [one] = data_sets([DATA / language])
    results = await judged_all(one.sentences, interpreter)
    missed = [each.said.text for each in results if each.verdict is not Verdict.RIGHT]
    assert Counter(each.verdict for each in results) == {Verdict.RIGHT: sentences}, missed
