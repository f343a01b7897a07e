from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from handlers.interpret import Interpreter
from handlers.llm.errors import Failure, ModelError
from handlers.llm.question import Question
from tests.handlers.llm.scripted_model import ScriptedModel
from tests.wyoming_central.evaluation.small_data import right_answer, write_both, write_effects
from wyoming_central.evaluation.conditions import Conditions, program_digest
from wyoming_central.evaluation.data import data_sets
from wyoming_central.evaluation.outcome import Outcome
from wyoming_central.evaluation.record import Record
from wyoming_central.evaluation.run import MOST_FAILURES, ModelAwayError, Part, chosen, run


def parts_of(folder: Path, data: Path, limit: int | None = None) -> list[Part]:
    sets = data_sets([data])
    records = [Record(folder / f"{one.digest}.jsonl") for one in sets]
    return [
        Part(one, which, record, record.read())
        for one, which, record in zip(sets, chosen(sets, limit), records, strict=True)
    ]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_both(tmp_path / "data")


def test_a_limit_is_spread_evenly_over_all_sets(data: Path) -> None:
    sets = data_sets([data])
    assert [tuple(one) for one in chosen(sets, None)] == [tuple(range(7)), tuple(range(3))]
    assert [tuple(one) for one in chosen(sets, 99)] == [tuple(range(7)), tuple(range(3))]
    assert chosen(sets, 5) == [(0, 2, 4, 6), (1,)]
    assert chosen(sets, 1) == [(0,), ()]


async def test_a_run_that_ended_early_goes_on_and_comes_to_the_same(
    tmp_path: Path, data: Path, asking: Interpreter, model: ScriptedModel
) -> None:
    at_once = await run(parts_of(tmp_path / "at once", data), asking, lambda _one: None)
    asked_at_once = len(model.questions)
    model.questions.clear()
    told: list[Outcome] = []

    def interrupt(outcome: Outcome) -> None:
        told.append(outcome)
        if outcome.parser == "llm":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await run(parts_of(tmp_path / "twice", data), asking, interrupt)
    before = len(told)
    again = await run(parts_of(tmp_path / "twice", data), asking, told.append)
    assert len(told) == 10
    assert 0 < before < 10
    assert len(model.questions) == asked_at_once
    assert [verdicts(one.outcomes) for one in again] == [verdicts(one.outcomes) for one in at_once]


async def test_a_quick_look_is_a_part_of_the_whole(
    tmp_path: Path, data: Path, interpreter: Interpreter
) -> None:
    told: list[Outcome] = []
    await run(parts_of(tmp_path, data, limit=4), interpreter, told.append)
    assert len(told) == 4
    await run(parts_of(tmp_path, data), interpreter, told.append)
    assert len(told) == 10


async def test_a_model_that_failed_ten_times_in_a_row_is_away(
    tmp_path: Path, asking: Interpreter, model: ScriptedModel
) -> None:
    told: list[Outcome] = []
    parts = parts_of(tmp_path, hints(tmp_path / "en", 12))
    model.failure = ModelError(Failure.REFUSED)
    with pytest.raises(ModelAwayError, match=r"10 times in a row: the connection was refused") as failed:
        await run(parts, asking, told.append)
    assert len(told) == MOST_FAILURES
    assert failed.value.remedy
    model.failure = None
    [result] = await run(parts_of(tmp_path, tmp_path / "en"), asking, lambda _one: None)
    assert not [one for one in result.outcomes if one.failure]


async def test_a_model_that_answers_now_and_then_is_not_away(
    tmp_path: Path, asking: Interpreter, model: ScriptedModel
) -> None:
    def now_and_then(question: Question) -> Any:
        if len(model.questions) % MOST_FAILURES:
            raise ModelError(Failure.TIMEOUT)
        return right_answer(question.messages[-1]["content"])

    model.answering = now_and_then
    [result] = await run(parts_of(tmp_path, hints(tmp_path / "en", 30)), asking, lambda _one: None)
    assert sum(one.failure is not None for one in result.outcomes) == 27


def hints(folder: Path, number: int) -> Path:
    """A set of which rules understand nothing, with a sentence in between that they do."""
    said = ", ".join(f"so what about number {one} then" for one in range(number - 1))
    return write_effects(folder, tests=f"- {{sentences: [{said}, what a day], outcome: none}}\n")


def verdicts(outcomes: tuple[Outcome, ...]) -> list[Any]:
    return [(one.index, one.text, one.verdict, one.parser, one.came) for one in outcomes]


def test_other_conditions_other_data_and_another_program_have_records_of_their_own(data: Path) -> None:
    one, other = data_sets([data])
    program = program_digest()
    conditions = Conditions(("frames", "llm"), model="a", candidates=24)
    keys = {
        conditions.key(one, program),
        conditions.key(other, program),
        conditions.key(one, "another"),
        Conditions(("frames", "llm"), model="b", candidates=24).key(one, program),
        Conditions(("frames", "llm"), model="a", candidates=12).key(one, program),
        Conditions(("frames",)).key(one, program),
    }
    assert len(keys) == 6
    assert conditions.key(one, program_digest()) == conditions.key(one, program)
