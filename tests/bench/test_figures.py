"""What programs rely on: the JSON that is printed, and the options that are understood."""

from __future__ import annotations

import io
import json
from importlib import import_module

import pytest

from tests.bench.__main__ import BENCHMARKS, main, options_of, parser
from tests.bench.figures import Figure, Results, filled, print_json, significant
from tests.bench.options import Options
from tests.bench.sentences import LANGUAGES, SENTENCES_AT_ONCE, Conversation
from tests.bench.turn import ROUNDS_MOST

RATIO = Figure("ping_ratio_50", "x", "stock wyoming server", "≥ 3")

# What others were promised.
PROMISED = {
    "protocol": {"ping_ratio_50", "turn_ratio_50"},
    "turn": {
        "first_seen_ratio_p50",
        "repeated_ratio_p50",
        "slow_first_seen_ratio_p50",
        "slow_repeated_ratio_p50",
    },
    "idle": {"bytes_per_connection", "open_seconds", "idle_ping_p99_ms", "answered"},
    "flood": {"flood_p95_ratio", "home_flood_p95_ratio"},
    "hostile": {"hostile_ping_p99_ms", "hostile_memory_mb", "hostile_wrong_cases"},
    "provision": {"overhead_ratio", "hundred_users_s", "hundred_users_p95_s", "memory_per_instance_mb"},
    "parse": {
        "frames_p50_ms",
        "frames_p95_ms",
        "growth_ratio_2000_50",
        "templates_ratio",
        "repeated_us",
        "rebuild_ms",
        "rebuild_loop_ms",
        "renamed_ms",
    },
    "llm": {
        "overhead_p50_ms",
        "overhead_p95_ms",
        "fairness_growth",
        "breaker_ms",
        "prompt_ratio_100",
    },
    "accuracy": {"right_percent_en", "right_percent_hu", "wrong_percent", "frames_percent"},
    "audit": {"audit_rows_per_s", "audit_ratio", "turn_p95_ms_with_writer", "turn_p95_ratio"},
}


def lines_of(figures: list[Figure]) -> list[dict[str, object]]:
    out = io.StringIO()
    print_json(figures, out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_figure_is_one_line_of_json() -> None:
    assert lines_of(filled([RATIO], Results({"ping_ratio_50": 3.4}))) == [
        {"figure": "ping_ratio_50", "value": 3.4, "unit": "x", "beside": "stock wyoming server"}
    ]


def test_what_could_not_be_measured_is_null_and_says_why() -> None:
    assert lines_of(filled([RATIO], Results(), note="LoadError: no answer")) == [
        {
            "figure": "ping_ratio_50",
            "value": None,
            "unit": "x",
            "beside": "stock wyoming server",
            "note": "LoadError: no answer",
        }
    ]


def test_a_measured_figure_has_no_note_even_where_another_failed() -> None:
    other = Figure("turn_ratio_50", "x", "stock wyoming server")
    measured, missing = lines_of(filled([RATIO, other], Results({"ping_ratio_50": 3.4}), note="it broke"))
    assert "note" not in measured
    assert missing["note"] == "it broke"


def test_a_run_can_say_more_of_what_it_measured_beside() -> None:
    results = Results({"ping_ratio_50": 3.4}, beside={"ping_ratio_50": "stock wyoming server 1.10"})
    assert lines_of(filled([RATIO], results))[0]["beside"] == "stock wyoming server 1.10"


def test_a_figure_that_nobody_declared_is_refused() -> None:
    with pytest.raises(KeyError, match="pong_ratio"):
        filled([RATIO], Results({"pong_ratio": 1.0}))


@pytest.mark.parametrize(
    ("wanted", "value", "met"),
    [
        ("≥ 3", 3.0, True),
        ("≥ 3", 2.999, False),
        ("≤ 3,500", 3500.0, True),
        ("≤ 3,500", 3501.0, False),
        ("", 1.0, None),
        ("≥ 3", None, None),
    ],
)
def test_a_figure_is_met_or_not(wanted: str, value: float | None, met: bool | None) -> None:  # noqa: FBT001
    assert Figure("figure", "x", "peer", wanted, value).is_met is met


@pytest.mark.parametrize(
    ("value", "shown"), [(123456.7, 123457), (3.41234, 3.412), (41.239, 41.24), (0.0712345, 0.0712), (0.0, 0)]
)
def test_no_more_digits_are_shown_than_tell_anything(value: float, shown: float) -> None:
    assert significant(value) == shown


def test_the_options_are_understood() -> None:
    words = ["idle", "500", "--json", "--seconds", "0.5", "--rounds", "3", "--authenticated", "--rate", "5"]
    arguments = parser().parse_args(words)
    assert arguments.name == "idle"
    assert arguments.json
    assert options_of(arguments) == Options(
        seconds=0.5, rounds=3, connections=500, authenticated=True, rate=5.0
    )


def test_without_options_a_benchmark_decides_itself() -> None:
    assert options_of(parser().parse_args(["idle"])) == Options()


def test_without_a_name_every_benchmark_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown and summary[:40] in shown for name, summary in BENCHMARKS.items())


def test_an_unknown_name_is_a_mistake_in_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["speed"])
    assert left.value.code == 2
    assert "speed" in capsys.readouterr().err


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_declares_what_others_were_promised(name: str) -> None:
    figures = [figure.figure for figure in import_module(f"tests.bench.{name}").FIGURES]
    assert PROMISED[name] <= set(figures)
    assert len(figures) == len(set(figures))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_is_said_twice_in_the_longest_run(language: str) -> None:
    conversation = Conversation(language)
    # One to warm up with, and one for the slow Home Assistant.
    said = [one.text for _ in range(ROUNDS_MOST + 2) for one in conversation.fresh()]
    assert len(said) == len(set(said)) == (ROUNDS_MOST + 2) * SENTENCES_AT_ONCE
