"""What people say in homes made up for it: understood for the most part, and never to a wrong effect."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.interpret import Interpreter
from tests.accuracy.own_sets import SETS
from wyoming_central.evaluation.judge import judged_all
from wyoming_central.evaluation.sentences import read_set, sets_in, states_of
from wyoming_central.evaluation.verdict import Verdict

MUST_NOT_ACT = Path(__file__).with_name("must_not_act")
LEAST_RIGHT = 0.9
"""Of each set; fewer is a step back."""


@pytest.mark.slow
@pytest.mark.parametrize("folder", sets_in(SETS), ids=lambda folder: str(folder.name))
async def test_sentences_are_understood_and_none_has_a_wrong_effect(folder: Path) -> None:
    with cascade() as recognizer:
        results = await judged_all(
            read_set(folder), Interpreter(recognizer=recognizer, answers=Answers.load())
        )
    wrong = [one.said.text for one in results if one.verdict is Verdict.WRONG]
    assert wrong == []
    plain = [one for one in results if not one.said.explained]
    right = Counter(one.verdict for one in plain)[Verdict.RIGHT]
    missed = [one.said.text for one in plain if one.verdict is Verdict.MISSED]
    assert right / len(plain) >= LEAST_RIGHT, missed


def test_there_are_enough_sentences_in_each_language() -> None:
    said = Counter[str]()
    for one in map(read_set, sets_in(SETS)):
        said[one.language] += len(one.said)
    assert all(number >= 400 for number in said.values()), said
    assert set(said) == {"en", "hu"}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "hu"])
async def test_what_is_only_overheard_never_acts(language: str) -> None:
    home = yaml.safe_load((MUST_NOT_ACT / f"{language}-home.yaml").read_text(encoding="utf-8"))
    for entity in home["entities"]:
        entity["state"] = str(entity.get("state", "unknown"))
    sentences = yaml.safe_load((MUST_NOT_ACT / f"{language}.yaml").read_text(encoding="utf-8"))
    acted = []
    with cascade() as recognizer:
        interpreter = Interpreter(recognizer=recognizer, answers=Answers.load())
        for text in (text for texts in sentences.values() for text in texts):
            for area in (None, home["areas"][0]["id"]):
                answer = await interpreter.answer(
                    {
                        "home": home,
                        "text": text,
                        "language": language,
                        "area": area,
                        "states": states_of(home),
                    }
                )
                if answer["calls"]:
                    acted.append((text, area, answer["calls"]))
    assert acted == []
