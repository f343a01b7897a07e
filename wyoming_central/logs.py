"""The log: one JSON object a line on stderr, or coloured text where a person looks on.

Every module logs through `structlog.get_logger(__name__)`; an event is a short constant phrase, and what
varies goes into keys. The request, connection, device and user it belongs to come from
`handlers.log_context`. What libraries log with the
standard library's `logging` comes out the same; our own lines do not take the way through it, which would
double what the line of a turn costs.

Three rules are kept here, for all, so that no caller can forget them:

- Text is cleaned of control characters and cut: a peer can neither forge a line nor fill the disk.
- What was said (the keys of `UTTERANCE_KEYS`) is left out, unless it was asked for.
- What looks like a secret, by its key or by its form, is masked. That is the last line of defence: a
  secret should not have come here.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Final, Literal, TextIO, TypeAlias

import orjson
import structlog
from structlog.typing import EventDict, Processor

from handlers.log_context import log_context
from wyoming_central.redaction import MASK, clean, clean_lines, is_secret_key, redact

Level: TypeAlias = Literal["debug", "info", "warning", "error"]
Format: TypeAlias = Literal["auto", "json", "console"]

UTTERANCE_KEYS: Final = frozenset(
    {"answer", "input_text", "sentence", "speech", "text", "transcript", "utterance"}
)

_OWN_PACKAGES: Final = ("config", "storage", "provisioning", "handlers", "wyoming_central")
# Libraries never log below INFO, however low our own level is; these not below WARNING: beneath, they
# write down every statement, request or frame, and with it what was said.
_QUIET_LIBRARIES: Final = (
    "aiohttp.access",
    "aiosqlite",
    "alembic",
    "httpcore",
    "httpx",
    "sqlalchemy",
    "zeroconf",
)
# First on a line of JSON, in this order; the other keys follow as they were given.
_FIRST_KEYS: Final = (
    "timestamp",
    "level",
    "event",
    "request_id",
    "connection_id",
    "device_id",
    "user_id",
    "logger",
)
# Set by the processors above, over whatever a caller gave under the same name.
_OUR_KEYS: Final = frozenset({"timestamp", "level", "logger"})
_MAX_KEY: Final = 64
_MAX_VALUE: Final = 500
_MAX_WORD: Final = 40
_MAX_PLAIN: Final = 8192
_MAX_WAITING: Final = 256
# Events of which a busy server has thousands a second.
_MANY: Final = frozenset({"turn"})
_MAX_RULES: Final = 1024
_MAX_EXCEPTION: Final = 8_000
_MAX_MEMBERS: Final = 50
_MAX_DEPTH: Final = 4
_MAX_INTEGER: Final = 1 << 63  # beyond it JSON's readers differ, and orjson refuses

_PROCESSORS: Final[list[Processor]] = []


def configure_logs(
    *,
    level: Level = "info",
    log_format: Format = "auto",
    utterances: bool = False,
    stream: TextIO | None = None,
) -> None:
    """Set up the log of this process; may be called again, which replaces what was set up before.

    Args:
        level: What is less grave is not logged. It also bounds libraries, some of which are kept quieter.
        log_format: `auto` is `console` where the stream is a terminal, and `json` elsewhere.
        utterances: Whether the keys of `UTTERANCE_KEYS` are logged.
        stream: Where to; stderr by default.
    """
    target = sys.stderr if stream is None else stream
    console = log_format == "console" or (log_format == "auto" and target.isatty())
    threshold = logging.getLevelNamesMapping()[level.upper()]
    first: list[Processor] = [
        add_log_context,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        _Timestamps(),
    ]
    last: list[Processor] = [
        structlog.processors.format_exc_info,
        _Guard(utterances=utterances),
        _console(colours=target.isatty()) if console else _json,
    ]
    handler = _LOGGERS.handler = _Handler(target)
    _LOGGERS.threshold = threshold
    # Changed in place: loggers that were made before hold on to this list.
    _PROCESSORS[:] = [*first, *last]
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=_BoundLogger,
        logger_factory=_LOGGERS,
        cache_logger_on_first_use=False,
    )
    without_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=first, processors=[without_meta, *last])
    )
    _route(handler, threshold)


class _Handler(logging.StreamHandler[TextIO]):
    """The one handler of this module, to be told from those of others at the root.

    The lines that every turn has (`_MANY`) are written when the event loop has done what it is at: all of its
    round together, since to write each by itself would cost more than to make it. Whatever else is logged is
    written at once, with all that waits before it.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__(stream)
        self._waiting: list[str] = []
        self._called_by: asyncio.AbstractEventLoop | None = None

    def write(self, line: str, *, at_once: bool) -> None:
        """Write a line that is ready; one that cannot be written is lost, as anybody's is."""
        self.acquire()
        try:
            self._waiting.append(line)
            if at_once or len(self._waiting) >= _MAX_WAITING or not self._is_called_soon():
                self._write_waiting()
        finally:
            self.release()

    def emit(self, record: logging.LogRecord) -> None:
        """Write what a library logged, after what was logged before it."""
        self._write_waiting()
        super().emit(record)

    def flush(self) -> None:
        """Write everything that was logged."""
        self.acquire()
        try:
            self._called_by = None
            self._write_waiting()
        finally:
            self.release()

    def _is_called_soon(self) -> bool:
        """Have the loop of this thread call `flush`; False where no loop runs."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._called_by is not loop:
            self._called_by = loop
            loop.call_soon(self.flush)
        return True

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            if waiting:
                self.stream.write(self.terminator.join(waiting) + self.terminator)
            self.stream.flush()
        except (OSError, ValueError):
            # A pipe whose reader is gone, a file that was closed.
            pass


class _BoundLogger(structlog.BoundLoggerBase):
    """What `structlog.get_logger` gives: the usual methods, with the shortest way from a call to its line."""

    _logger: _Logger

    def debug(self, event: str, **values: Any) -> None:
        """Log what is of interest to developers."""
        self._say("debug", logging.DEBUG, event, values)

    def info(self, event: str, **values: Any) -> None:
        """Log what happens all the time."""
        self._say("info", logging.INFO, event, values)

    def warning(self, event: str, **values: Any) -> None:
        """Log what somebody should know."""
        self._say("warning", logging.WARNING, event, values)

    def error(self, event: str, **values: Any) -> None:
        """Log what went wrong."""
        self._say("error", logging.ERROR, event, values)

    def exception(self, event: str, **values: Any) -> None:
        """Log what went wrong, with the trace of the exception that is being handled."""
        self._say("error", logging.ERROR, event, {"exc_info": True, **values})

    def _say(self, method: str, level: int, event: str, values: EventDict) -> None:
        if level < _LOGGERS.threshold:
            return
        line: Any = values
        line["event"] = event
        try:
            for processor in self._processors:
                line = processor(self._logger, method, line)
        except structlog.DropEvent:
            return
        self._logger.write(line, at_once=event not in _MANY)


class _Loggers:
    """Makes the logger of a module; one that gives no name has that of its module.

    Attributes:
        handler: Where their lines go; replaced when the log is set up anew.
        threshold: The level below which nothing is logged.
    """

    def __init__(self) -> None:
        self.handler = _Handler()
        self.threshold = logging.INFO
        self._known: dict[str, _Logger] = {}
        self._named_by_caller = structlog.stdlib.LoggerFactory(ignore_frame_names=[__name__])

    def __call__(self, *names: str) -> _Logger:
        name = names[0] if names else self._named_by_caller().name
        logger = self._known.get(name)
        if logger is None:
            logger = self._known[name] = _Logger(name, self)
        return logger


class _Logger:
    """What takes the finished lines of one module."""

    __slots__ = ("_loggers", "name")

    def __init__(self, name: str, loggers: _Loggers) -> None:
        self.name = name
        self._loggers = loggers

    def write(self, line: str, *, at_once: bool) -> None:
        """Write a line, as `_Handler.write` does."""
        self._loggers.handler.write(line, at_once=at_once)


_LOGGERS: Final = _Loggers()


def _route(handler: _Handler, threshold: int) -> None:
    """Have everything that is logged in this process end at `handler`."""
    root = logging.getLogger()
    for old in [known for known in root.handlers if isinstance(known, _Handler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(max(threshold, logging.INFO))
    for name in _OWN_PACKAGES:
        logging.getLogger(name).setLevel(threshold)
    for name in _QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    logging.captureWarnings(capture=True)


def add_log_context(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Add what the line belongs to; what the line says of itself comes first. A processor of structlog."""
    return {**log_context(), **event}


class _Timestamps:
    """Adds the time, in UTC; the part that is the same for a whole second is worked out once."""

    def __init__(self) -> None:
        # Replaced as one, since threads log too.
        self._begun = (0, "")

    def __call__(self, _logger: Any, _method: str, event: EventDict) -> EventDict:
        second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        of_second, begin = self._begun
        if second != of_second:
            begin = time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))
            self._begun = second, begin
        event["timestamp"] = f"{begin}{nanoseconds // 1000:06}Z"
        return event


@dataclass(frozen=True, slots=True)
class _KeyRule:
    """What is done with the value of a key, worked out once.

    Attributes:
        name: The key as it is written.
        is_wanted: Whether it is written at all.
        is_ours: Whether the value is this module's own.
        is_secret: Whether the value is masked, whatever it is.
    """

    name: str
    is_wanted: bool
    is_ours: bool
    is_secret: bool


class _Guard:
    """Keeps the three rules of this module, on every value of a line; gives the keys their order."""

    def __init__(self, *, utterances: bool) -> None:
        self._utterances = utterances
        self._rules: dict[str, _KeyRule] = {}
        # Ids and words that were looked at: the same few make up nearly all lines.
        self._plain: set[str] = set()

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> EventDict:
        guarded: EventDict = {key: None for key in _FIRST_KEYS if key in event}
        rules = self._rules
        for key, value in event.items():
            rule = rules.get(key) or self._new_rule(key)
            if not rule.is_wanted:
                continue
            # Nearly all values of nearly all lines are of the first kind; this is on a turn's path.
            if rule.is_ours or (not rule.is_secret and self._is_plain(value)):
                guarded[rule.name] = value
            else:
                guarded[rule.name] = self._guarded(key, value, depth=0)
        return guarded

    def _is_plain(self, value: Any) -> bool:
        """Whether a value is written as it is: a number, or an id or a word."""
        kind = type(value)
        if kind is not str:
            return value is None or kind is float
        if value in self._plain:
            return True
        if not _is_plain_id(value):
            return False
        if len(self._plain) >= _MAX_PLAIN:
            self._plain.clear()
        self._plain.add(value)
        return True

    def _new_rule(self, key: str) -> _KeyRule:
        if len(self._rules) >= _MAX_RULES:
            self._rules.clear()
        rule = self._rules[key] = _KeyRule(
            name=clean(key, limit=_MAX_KEY),
            is_wanted=self._wanted(key),
            is_ours=key in _OUR_KEYS,
            is_secret=is_secret_key(key),
        )
        return rule

    def _wanted(self, key: str) -> bool:
        return self._utterances or key not in UTTERANCE_KEYS

    def _guarded(self, key: str, value: Any, *, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if is_secret_key(key):
            return MASK
        if type(value) is str and len(value) <= _MAX_WORD:
            return _guarded_word(value)
        if key == "exception":
            return _guarded_exception(str(value))
        return self._guarded_value(value, depth=depth)

    def _guarded_value(self, value: Any, *, depth: int) -> Any:
        match value:
            case None | bool() | float():
                return value
            case int():
                return value if abs(value) < _MAX_INTEGER else str(value)[:_MAX_VALUE]
            case list() | tuple() | set() | frozenset() if depth < _MAX_DEPTH:
                return [
                    member if self._is_plain(member) else self._guarded_value(member, depth=depth + 1)
                    for member in islice(value, _MAX_MEMBERS)
                ]
            case bytes() | bytearray() | memoryview():
                return f"{len(value)} bytes"
            case Mapping() if depth < _MAX_DEPTH:
                return {
                    clean(str(key), limit=_MAX_KEY): self._guarded(str(key), member, depth=depth + 1)
                    for key, member in islice(value.items(), _MAX_MEMBERS)
                    if self._wanted(str(key))
                }
            case _:
                return _guarded_text(_text_of(value))


def _text_of(value: object) -> str:
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - a log line must not fail for what it tells about
        return f"<{type(value).__name__} that cannot be shown: {type(error).__name__}>"


def _is_plain_id(text: str) -> bool:
    """Whether a text is an id, a word or an address, and no beginning of a token: it is written as it is."""
    return (
        len(text) <= _MAX_WORD
        and text.isascii()
        and text.replace(".", "x").isalnum()
        and "eyJ" not in text
        and "gAAAA" not in text
    )


@lru_cache(maxsize=4096)
def _guarded_word(text: str) -> str:
    # The same few ids and words make up nearly all lines, and looking through them is what costs.
    return _guarded_text(text)


def _guarded_text(text: str) -> str:
    # Masked before it is cut, since half a secret no longer looks like one; but not all of a huge text.
    return clean(redact(text[: 4 * _MAX_VALUE]), limit=_MAX_VALUE)


def _guarded_exception(text: str) -> str:
    # The end of a traceback says most.
    return clean_lines(redact(text[-_MAX_EXCEPTION:]))


def _json(_logger: Any, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS).decode()


def _console(*, colours: bool) -> Processor:
    # The plain formatter, since the others show local variables, and with them secrets.
    return structlog.dev.ConsoleRenderer(
        colors=colours, exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )
