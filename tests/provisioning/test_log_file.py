from __future__ import annotations

from pathlib import Path

from provisioning.process.log_file import MAX_LINE_CHARACTERS, tail, trim


def test_the_last_lines_come_cleaned_and_cut(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\n\n\x1b[31mtwo\x1b[0m\n\xffthree\n" + b"x" * 2000 + b"\n")
    assert tail(log, 10)[0] == "one"
    assert "\x1b" not in "".join(tail(log, 10))
    assert tail(log, 1) == ["x" * MAX_LINE_CHARACTERS]


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert tail(tmp_path / "none", 10) == []
    trim(tmp_path / "none")


def test_a_short_log_stays_as_it_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntwo\n")
    trim(log, max_bytes=100)
    assert log.read_text() == "one\ntwo\n"


def test_a_long_log_keeps_its_last_whole_lines_and_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("a") as writer:
        for number in range(1000):
            writer.write(f"line {number}\n")
        writer.flush()
        trim(log, max_bytes=1000)
        assert log.stat().st_size <= 250
        writer.write("the last one\n")
    lines = log.read_text().splitlines()
    assert lines[-2:] == ["line 999", "the last one"]
    assert lines[0].startswith("line ")
