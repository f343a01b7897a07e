from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from wyoming_central.evaluation import record as module
from wyoming_central.evaluation.errors import EvaluationError
from wyoming_central.evaluation.outcome import Outcome, StageTime
from wyoming_central.evaluation.record import Record
from wyoming_central.evaluation.verdict import Verdict

ONE = Outcome(
    index=3,
    text="húzd be a függönyt — most",
    verdict=Verdict.ASKED,
    parser="llm",
    ms=812.125,
    stages=(StageTime("frames", 0.3, took=False), StageTime("llm", 811.5, took=True)),
    prompt_tokens=61,
    answer_tokens=40,
    failure=None,
    came="ask: Behúzzam?",
)


def record_in(folder: Path) -> Record:
    return Record(folder / "below" / "record.jsonl")


def test_what_was_written_is_read_to_the_last_digit(tmp_path: Path) -> None:
    record = record_in(tmp_path)
    assert record.read() == {}
    record.append(ONE)
    record.append(replace(ONE, index=4, parser=None, prompt_tokens=None, answer_tokens=None))
    known = record_in(tmp_path).read()
    assert known[3] == ONE
    assert known[4] == replace(ONE, index=4, parser=None, prompt_tokens=None, answer_tokens=None)


def test_a_line_that_was_not_written_to_its_end_is_dropped_and_written_over(tmp_path: Path) -> None:
    record = record_in(tmp_path)
    record.append(ONE)
    path = tmp_path / "below" / "record.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole[:-20])
    assert record.read() == {3: ONE}
    assert path.read_bytes() == whole
    record.append(replace(ONE, index=4))
    assert set(record.read()) == {3, 4}


@pytest.mark.parametrize(
    "line", [b"garbage\n", b"[]\n", b"5\n", b"{}\n", b'{"index": "x"}\n', b"\xff\n", b"\n"]
)
def test_a_line_that_says_something_else_is_passed_over(tmp_path: Path, line: bytes) -> None:
    record = record_in(tmp_path)
    record.append(ONE)
    path = tmp_path / "below" / "record.jsonl"
    path.write_bytes(line + path.read_bytes())
    assert record.read() == {3: ONE}


def test_where_the_model_failed_is_tried_again(tmp_path: Path) -> None:
    record = record_in(tmp_path)
    record.append(replace(ONE, failure="took too long", verdict=Verdict.MISSED))
    assert record.read() == {}
    record.append(ONE)
    assert record.read() == {3: ONE}


def test_what_was_forgotten_is_gone(tmp_path: Path) -> None:
    record = record_in(tmp_path)
    record.append(ONE)
    record.forget()
    record.forget()
    assert record.read() == {}


def test_a_record_is_its_owners_alone(tmp_path: Path) -> None:
    record_in(tmp_path).append(ONE)
    assert (tmp_path / "below").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_place_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "below"
    folder.mkdir(mode=0o500)
    with pytest.raises(EvaluationError, match="cannot be kept"):
        record_in(tmp_path).append(ONE)


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "below" / "record.jsonl").mkdir(parents=True)
    for do in (record_in(tmp_path).read, lambda: record_in(tmp_path).append(ONE), record_in(tmp_path).forget):
        with pytest.raises(EvaluationError, match="cannot be kept"):
            do()


def test_a_record_beyond_all_measure_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record_in(tmp_path).append(ONE)
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    with pytest.raises(EvaluationError, match="more than 10 bytes"):
        record_in(tmp_path).read()
