from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.wyoming_central.evaluation.small_data import write_both
from wyoming_central.evaluation.conditions import Conditions
from wyoming_central.evaluation.data import data_sets
from wyoming_central.evaluation.figures import by_set, by_stage, in_all
from wyoming_central.evaluation.outcome import Outcome, StageTime
from wyoming_central.evaluation.report import Report, first_misses
from wyoming_central.evaluation.run import Result
from wyoming_central.evaluation.table import markdown
from wyoming_central.evaluation.verdict import Verdict

STAGES = ("frames", "templates", "llm")


def outcome(index: int, verdict: str, parser: str | None, ms: float, **more: Any) -> Outcome:
    reached = STAGES if parser is None else STAGES[: STAGES.index(parser) + 1]
    return Outcome(
        index=index,
        text=f"sentence {index}",
        verdict=Verdict(verdict),
        parser=parser,
        ms=ms,
        stages=tuple(StageTime(stage, ms / len(reached), took=stage == parser) for stage in reached),
        prompt_tokens=more.get("prompt_tokens"),
        answer_tokens=more.get("answer_tokens"),
        failure=more.get("failure"),
        came="nothing",
    )


@pytest.fixture
def results(tmp_path: Path) -> list[Result]:
    one, other = data_sets([write_both(tmp_path)])
    return [
        Result(
            one,
            (
                outcome(0, "right", "frames", 1),
                outcome(1, "wrong", "templates", 4),
                outcome(2, "asked", "llm", 900, prompt_tokens=1000, answer_tokens=40),
                outcome(3, "right", "llm", 300, prompt_tokens=100, answer_tokens=40),
                outcome(4, "missed", None, 9000, failure="took too long"),
            ),
        ),
        Result(
            other,
            (
                outcome(0, "right", "frames", 3),
                outcome(1, "missed", "llm", 600, prompt_tokens=500, answer_tokens=40),
                outcome(2, "missed", None, 600, prompt_tokens=100, answer_tokens=40),
            ),
        ),
    ]


def test_each_stage_has_the_sentences_that_it_took_and_its_own_time(results: list[Result]) -> None:
    frames, templates, llm, nobody = by_stage(results, STAGES)
    assert (frames.name, frames.sentences, frames.right, frames.share) == ("frames", 2, 2, 0.25)
    assert (templates.sentences, templates.wrong) == (1, 1)
    assert (llm.sentences, llm.right, llm.asked, llm.missed) == (3, 1, 1, 1)
    assert (nobody.name, nobody.sentences, nobody.missed, nobody.failures) == ("nobody", 2, 2, 1)
    # Its time is that of every sentence that came to it, taken or not.
    assert llm.p50_ms == 200
    assert llm.p95_ms == 3000
    assert nobody.p50_ms is None


def test_a_stage_that_took_nothing_has_its_row_and_others_only_where_they_took_something(
    results: list[Result],
) -> None:
    [result] = results[1:]
    cached = Result(result.data, (*result.outcomes[:1], outcome(3, "right", "frames", 1)))
    assert [one.name for one in by_stage([cached], STAGES)] == [*STAGES, "nobody"]
    assert [one.name for one in by_stage([cached], ())] == ["frames", "nobody"]


def test_what_was_not_read_again_is_held_against_the_fullest_prompt_of_the_home(
    results: list[Result],
) -> None:
    first, second = by_set(results)
    assert first.prompt_tokens == 100
    assert first.prefix_hits == pytest.approx(1 - 1100 / 2000)
    assert second.prefix_hits == pytest.approx(1 - 600 / 1000)
    everything = in_all(results)
    assert everything.prefix_hits == pytest.approx(1 - 1700 / 3000, abs=1e-4)
    llm = by_stage(results, STAGES)[2]
    assert (llm.prompt_tokens, llm.prefix_hits) == (everything.prompt_tokens, everything.prefix_hits)
    assert by_stage(results, STAGES)[0].prompt_tokens is None


def test_the_rows_of_stages_and_those_of_sets_add_up_to_all(results: list[Result]) -> None:
    everything = in_all(results)
    for rows in (by_stage(results, STAGES), by_set(results)):
        for name in ("sentences", "right", "wrong", "asked", "missed", "failures"):
            assert sum(getattr(one, name) for one in rows) == getattr(everything, name)
        assert sum(one.share for one in rows) == pytest.approx(1)


def test_of_nothing_there_are_no_figures(results: list[Result]) -> None:
    nothing = in_all([Result(results[0].data, ())])
    assert (nothing.sentences, nothing.share, nothing.right_share, nothing.p50_ms) == (0, 0.0, None, None)


def test_what_was_not_right_is_told_in_order_up_to_a_number(results: list[Result]) -> None:
    found = [(one.label, one.outcome.index, one.outcome.verdict) for one in first_misses(results, 3)]
    assert found == [
        ("flats/en-flat", 1, "wrong"),
        ("flats/en-flat", 2, "asked"),
        ("flats/en-flat", 4, "missed"),
    ]
    assert len(first_misses(results, 99)) == 5


def test_a_page_gets_both_tables_and_no_date(results: list[Result]) -> None:
    report = Report(Conditions(STAGES, model="a|b:3b", candidates=24), results)
    counted = "sentences | right | wrong | asked | missed"
    told = "p50 ms | p95 ms | prompt tokens | prefix hits"
    assert list(markdown(report)) == [
        "**frames, templates, llm with a|b:3b (24 candidates)**",
        "",
        f"| stage | {counted} | share | {told} |",
        f"| --- |{' ---: |' * 10}",
        "| frames | 2 | 2 | 0 | 0 | 0 | 25.0 % | 150 | 3000 | – | – |",
        "| templates | 1 | 0 | 1 | 0 | 0 | 12.5 % | 200 | 3000 | – | – |",
        "| llm | 3 | 1 | 0 | 1 | 1 | 37.5 % | 200 | 3000 | 100 | 43.3 % |",
        "| nobody | 2 | 0 | 0 | 0 | 2 | 25.0 % | – | – | – | – |",
        "| all | 8 | 3 | 1 | 1 | 3 | 100 % | 450 | 9000 | 100 | 43.3 % |",
        "",
        f"| data | {counted} | right % | {told} |",
        f"| --- |{' ---: |' * 10}",
        "| flats/en-flat | 5 | 2 | 1 | 1 | 1 | 40.0 % | 300 | 9000 | 100 | 45.0 % |",
        "| own/hu | 3 | 1 | 0 | 0 | 2 | 33.3 % | 600 | 600 | 100 | 40.0 % |",
        "| all | 8 | 3 | 1 | 1 | 3 | 37.5 % | 450 | 9000 | 100 | 43.3 % |",
    ]


def test_without_a_model_the_table_has_no_columns_for_it(results: list[Result]) -> None:
    lines = list(markdown(Report(Conditions(("frames",)), results[1:])))
    assert lines[0] == "**frames, without a model**"
    assert not [line for line in lines if "tokens" in line]
