from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from handlers.log_context import belong_to, no_longer
from wyoming_central.logs import UTTERANCE_KEYS, Level, _is_plain_id, configure_logs
from wyoming_central.redaction import clean, redact

_NAMES = (
    "",
    "config",
    "storage",
    "provisioning",
    "handlers",
    "wyoming_central",
    "sqlalchemy",
    "aiohttp.access",
)


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Put back what `configure_logs` changes for the whole process."""
    root = logging.getLogger()
    handlers, levels = list(root.handlers), {name: logging.getLogger(name).level for name in _NAMES}
    yield
    root.handlers[:] = handlers
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class Log:
    def __init__(self, **options: Any) -> None:
        self.stream = io.StringIO()
        configure_logs(stream=self.stream, **{"log_format": "json", **options})

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]

    @property
    def line(self) -> dict[str, Any]:
        (line,) = self.lines
        return line


def test_an_event_is_one_line_of_json_with_time_level_and_logger() -> None:
    log = Log()
    structlog.get_logger("handlers.turn").info("answered", latency_ms=4.5)
    line = log.line
    assert line.pop("timestamp").endswith("Z")
    assert line == {"level": "info", "event": "answered", "logger": "handlers.turn", "latency_ms": 4.5}


def test_a_logger_without_a_name_has_that_of_its_module() -> None:
    log = Log()
    structlog.get_logger().info("x")
    assert log.line["logger"] == __name__


def test_the_ids_of_the_context_are_on_every_line_in_a_fixed_order() -> None:
    log = Log()
    before = belong_to(user_id="u", device_id="d", connection_id="c", request_id="r")
    structlog.get_logger("a").info("x", other=1)
    logging.getLogger("aiohttp.server").warning("from a library")
    no_longer(before)
    structlog.get_logger("a").info("after")
    expected = [
        "timestamp",
        "level",
        "event",
        "request_id",
        "connection_id",
        "device_id",
        "user_id",
        "logger",
    ]
    assert [list(line)[:8] for line in log.lines[:2]] == [expected, expected]
    assert "user_id" not in log.lines[2]


async def test_turns_of_one_round_of_the_loop_are_written_together_and_in_their_order() -> None:
    log = Log()
    logger = structlog.get_logger("a")
    for number in range(3):
        logger.info("turn", number=number)
    assert log.stream.getvalue() == ""
    await asyncio.sleep(0)
    assert [line["number"] for line in log.lines] == [0, 1, 2]
    logger.info("turn", number=3)
    await asyncio.sleep(0)
    assert [line["number"] for line in log.lines] == [0, 1, 2, 3]


@pytest.mark.parametrize("other", ["info", "warning", "exception", "of a library", "a turn in a thread"])
async def test_whatever_else_is_written_at_once_after_the_turns_before_it(other: str) -> None:
    log = Log()
    logger = structlog.get_logger("a")
    logger.info("turn")
    if other == "of a library":
        logging.getLogger("aiohttp.server").warning("second")
    elif other == "a turn in a thread":
        thread = threading.Thread(target=logger.info, args=("turn",))
        thread.start()
        thread.join()
    else:
        getattr(logger, other)("second")
    assert len(log.lines) == 2
    assert log.lines[0]["event"] == "turn"


async def test_a_flood_of_lines_does_not_wait_for_the_loop() -> None:
    log = Log()
    for _ in range(300):
        structlog.get_logger("a").info("turn")
    assert len(log.lines) == 256


def test_what_a_loop_did_not_come_to_write_is_written_in_the_end() -> None:
    log = Log()
    loop = asyncio.new_event_loop()

    def log_and_stop() -> None:
        structlog.get_logger("a").info("turn")
        loop.stop()

    loop.call_soon(log_and_stop)
    loop.run_forever()
    loop.close()
    assert log.lines == []
    logging.shutdown()
    assert log.line["event"] == "turn"
    structlog.get_logger("a").info("after it")
    assert len(log.lines) == 2


def test_libraries_speak_the_same_way() -> None:
    log = Log()
    logging.getLogger("aiohttp.server").error("Error handling %s", "request", exc_info=ValueError("no"))
    assert (log.line["event"], log.line["logger"]) == ("Error handling request", "aiohttp.server")
    assert "ValueError: no" in log.line["exception"]


def test_a_warning_of_python_is_a_line_like_any_other() -> None:
    log = Log()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    assert "old ways" in log.line["event"]
    assert log.line["logger"] == "py.warnings"


@pytest.mark.parametrize(
    ("level", "told"),
    [("debug", ["debug", "info", "error"]), ("info", ["info", "error"]), ("error", ["error"])],
)
def test_what_is_less_grave_than_the_level_is_not_logged(level: Level, told: list[str]) -> None:
    log = Log(level=level)
    logger = structlog.get_logger("storage.audit")
    logger.debug("x")
    logger.info("x")
    logger.error("x")
    assert [line["level"] for line in log.lines] == told


@pytest.mark.parametrize(
    "name", ["sqlalchemy.engine", "aiosqlite", "aiohttp.access", "zeroconf", "alembic.runtime"]
)
def test_libraries_that_write_down_every_statement_are_kept_quiet(name: str) -> None:
    log = Log(level="debug")
    logging.getLogger(name).debug("SELECT 'what was said'")
    logging.getLogger(name).info("SELECT 'what was said'")
    logging.getLogger(name).warning("trouble")
    assert [line["event"] for line in log.lines] == ["trouble"]


def _refuse(password: str) -> None:
    raise RuntimeError(f"refused, password={password}")


def test_an_exception_is_told_with_its_trace_and_without_the_values_in_it() -> None:
    log = Log()
    try:
        _refuse("hunter2")
    except RuntimeError:
        structlog.get_logger("a").exception("failed")
    told = log.line["exception"]
    assert told.startswith("Traceback")
    assert "RuntimeError: refused, password=***" in told
    assert "hunter2" not in told.replace('_refuse("hunter2")', "")


@pytest.mark.parametrize("key", sorted(UTTERANCE_KEYS))
def test_what_was_said_is_logged_only_when_asked_for(key: str) -> None:
    quiet = Log()
    structlog.get_logger("a").info("turn", **{key: "Jó reggelt!"}, nested={key: "Jó reggelt!"})
    assert "reggelt" not in quiet.stream.getvalue()
    open_log = Log(utterances=True)
    structlog.get_logger("a").info("turn", **{key: "Jó reggelt!"})
    assert open_log.line[key] == "Jó reggelt!"


@pytest.mark.parametrize(
    "values",
    [
        {"token": "hunter2"},
        {"ha_password": b"hunter2"},
        {"data": {"context": {"token": "hunter2"}}},
        {"data": [{"secret": "hunter2"}]},
        {"secret": ["hunter2"]},
        {"wrapped": SecretStr("hunter2")},
        {"url": "postgresql://u:hunter2@h/x"},
        {"reason": "password=hunter2 was wrong"},
        {"reason": ValueError("password=hunter2")},
    ],
)
def test_a_secret_that_comes_here_goes_no_further(values: dict[str, Any]) -> None:
    log = Log()
    structlog.get_logger("a").info("x", **values)
    assert log.lines
    assert "hunter2" not in log.stream.getvalue()


def test_whether_there_is_a_secret_may_be_told() -> None:
    log = Log()
    structlog.get_logger("a").info("x", has_token=True, token=None)
    assert (log.line["has_token"], log.line["token"]) == (True, None)


def test_a_peer_can_neither_forge_a_line_nor_fill_the_disk() -> None:
    log = Log()
    structlog.get_logger("a").warning(
        "refused\n{}", type='x"}\n{"level":"error"}\x1b[2J', address="y" * 100_000
    )
    assert log.line["level"] == "warning"
    assert log.line["type"] == 'x"} {"level":"error"}\ufffd[2J'
    assert len(log.line["address"]) == 500


@given(st.text("abyJgAZ09.", max_size=60) | st.from_regex(r"(eyJ|gAAAA)?[a-zA-Z0-9.]{0,60}", fullmatch=True))
def test_what_is_written_without_a_closer_look_would_have_passed_it(text: str) -> None:
    if _is_plain_id(text):
        assert clean(redact(text), limit=500) == text


def test_a_secret_at_the_cut_does_not_show_its_half() -> None:
    log = Log()
    structlog.get_logger("a").info("x", reason="z" * 440 + " Bearer " + "S3cr3t" * 50)
    assert "S3cr3t" not in log.stream.getvalue()


class Unshowable:
    def __str__(self) -> str:
        raise RuntimeError("no")


def test_a_value_that_cannot_be_shown_does_not_stop_the_line() -> None:
    log = Log()
    recursive: list[Any] = []
    recursive.append(recursive)
    structlog.get_logger("a").info(
        "x",
        bad=Unshowable(),
        huge=2**80,
        nan=float("nan"),
        data=b"\0" * 7,
        loop=recursive,
        half="\ud800",
        many=range(3),
    )
    assert log.line["bad"] == "<Unshowable that cannot be shown: RuntimeError>"
    assert log.line["huge"] == str(2**80)
    assert log.line["nan"] is None
    assert log.line["data"] == "7 bytes"


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


@given(value=_VALUES, event=st.text())
def test_every_value_makes_one_line_of_json(value: Any, event: str) -> None:
    log = Log()
    structlog.get_logger("a").info("{}".format("event"), value=value, other=event)
    assert isinstance(log.line, dict)


def test_percent_signs_of_a_stranger_are_not_a_format() -> None:
    log = Log()
    structlog.get_logger("a").info("x %s %d", code="%s")
    assert log.line["event"] == "x %s %d"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_text_and_everything_else_json() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        configure_logs(stream=stream)
        structlog.get_logger("a").info("listening", port=10500)
    assert "listening" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert json.loads(pipe.getvalue())["port"] == 10500


def test_the_console_masks_too_and_shows_no_local_variables() -> None:
    log = Log(log_format="console")
    try:
        _refuse("hunter2")
    except RuntimeError:
        structlog.get_logger("a").exception("failed", token="t0ken")
    assert "Traceback" in log.stream.getvalue()
    # Neither the argument of _refuse nor what its message says; only the line of source has it.
    assert "t0ken" not in log.stream.getvalue()
    assert "hunter2" not in log.stream.getvalue().replace('_refuse("hunter2")', "")


def test_set_up_twice_every_line_is_still_written_once_and_by_the_newer_rules() -> None:
    first = Log()
    logger = structlog.get_logger("a").bind(bound=1)
    second = Log()
    logger.info("x")
    logging.getLogger("library").warning("y")
    assert not first.lines
    assert [line["event"] for line in second.lines] == ["x", "y"]
