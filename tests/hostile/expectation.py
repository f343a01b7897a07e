"""What a case expects: the answers that its peers get, how their connections end, what the log says.

An answer is `TYPE` or `TYPE DETAIL`, or `{answer: …, count: N}`; a count may be `[LEAST, MOST]`. The detail
is the `code` of an `error`, the name of a `user-event` or an intent, the text of a `pong`, and for `handled`,
`not-handled` and `not-recognized` the status whose sentence (of `config/answers/`) is said.

A line of the log is a mapping of what has to stand in it, `level` and `event` at least, and a `count` as
above.

    refused: CODE           the codec refused it: `error` CODE, closed, one warning
    closed: CODE            a limit ended it: `error` CODE, closed, one line
    wrong: CODE             an event was refused: `error` CODE, closed, one warning
    bad-token: REASON       `authenticate` failed: `error` unauthenticated, closed, one warning; `any` reason
    unknown-speaker: REASON a turn's own token failed, or (`none`) there is no credential: one warning, open
    turn: STATUS            a turn was answered, with one line; open
    ignored: true           no answer, no line; open
    expect: {…}             in full: `answers` (in order; in any order, those of all peers, as `together`),
                            `end` (open: it still answers a ping; closed: by the server, in good order;
                            cut: by the server, without a word; gone: the peer left by itself and is not
                            asked), `log`: all lines of the act; those above are one for each peer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Final

from wyoming.event import Event

from config.data_file import read_yaml
from config.languages import SUPPORTED
from handlers.status import Status
from tests.hostile.yaml_node import Node


class End(StrEnum):
    """How a connection ends; the module's docstring says what each means."""

    OPEN = "open"
    CLOSED = "closed"
    CUT = "cut"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Answer:
    """An event that a peer gets, `least` to `most` times in a row."""

    type: str
    detail: str | None = None
    least: int = 1
    most: int = 1

    def fits(self, event: Event) -> bool:
        """Whether an event is this answer."""
        if event.type != self.type:
            return False
        if self.detail is None:
            return True
        match self.type:
            case "error":
                return bool(event.data.get("code") == self.detail and event.data.get("text"))
            case "handled" | "not-handled" | "not-recognized":
                return event.data.get("text") in _sentences(self.detail)
            case "user-event" | "intent":
                return bool(event.data.get("name") == self.detail)
            case _:
                return bool(event.data.get("text") == self.detail)

    def __str__(self) -> str:
        said = self.type if self.detail is None else f"{self.type} {self.detail}"
        return said if self.most == 1 else f"{self.least} to {self.most} × {said}"


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of the log, `least` to `most` of them."""

    fields: tuple[tuple[str, Any], ...]
    least: int = 1
    most: int = 1

    def fits(self, line: Mapping[str, Any]) -> bool:
        """Whether a line of the log is this one."""
        return all(line.get(key) == value for key, value in self.fields)

    def __str__(self) -> str:
        said = " ".join(f"{key}={value}" for key, value in self.fields)
        return f"{self.least} to {self.most} × ({said})"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one act of a case expects.

    Attributes:
        answers: In order, of every peer; with `together` those of all peers, in any order.
        end: How every connection ends; None where that differs among them.
        log: All lines that the act leaves.
    """

    answers: tuple[Answer, ...]
    end: End | None
    log: tuple[LogLine, ...]
    together: bool = False


def misfit(wanted: Sequence[Answer], events: Sequence[Event]) -> str | None:
    """What is wrong with the events that a peer got, in this order; None if nothing is."""
    position = 0
    for answer in wanted:
        count = 0
        while count < answer.most and position < len(events) and answer.fits(events[position]):
            position += 1
            count += 1
        if count < answer.least:
            rest = _shown(events[position:])
            return f"wanted {answer}, and after {position} fitting answers got {count} and then {rest}"
    return f"got more than was wanted: {_shown(events[position:])}" if position < len(events) else None


def misfit_together(wanted: Sequence[Answer], events: Iterable[Event]) -> str | None:
    """The same for events in any order."""
    left = list(events)
    for answer in wanted:
        found = [event for event in left if answer.fits(event)]
        if not answer.least <= len(found) <= answer.most:
            return f"wanted {answer}, and got {len(found)} of them"
        left = [event for event in left if not answer.fits(event)]
    return f"got more than was wanted: {_shown(left)}" if left else None


def unexpected_lines(wanted: Sequence[LogLine], lines: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with the lines that were logged."""
    left = list(lines)
    for line in wanted:
        found = [entry for entry in left if line.fits(entry)]
        if not line.least <= len(found) <= line.most:
            yield f"the log has {len(found)} lines where there should be {line}"
        left = [entry for entry in left if not line.fits(entry)]
    for entry in left[:3]:
        yield f"the log has a line too many: {dict(entry)}"
    if len(left) > 3:
        yield f"and {len(left) - 3} more"


# What is said then names the thing.
_SAID_OF_SOMETHING: Final = frozenset(
    {Status.NO_TARGET, Status.CANNOT, Status.ENTITY_GONE, Status.CALL_FAILED, Status.NOT_CONFIRMED}
)

# --- reading --------------------------------------------------------------------------------------------

_OUTCOMES: Final[Mapping[str, Callable[[str], Expectation]]] = {
    "refused": lambda code: _ended("peer refused", "warning", code),
    "closed": lambda code: _ended("connection closed", "info", code),
    "wrong": lambda code: _ended("an event was refused", "warning", code),
    "bad-token": lambda reason: Expectation(
        (Answer("error", "unauthenticated"),), End.CLOSED, (_failed(reason),)
    ),
    "unknown-speaker": lambda reason: Expectation(
        (Answer("not-handled", "unauthenticated"),), End.OPEN, (_failed(reason),)
    ),
    "turn": lambda status: Expectation(
        (Answer("handled" if Status(status).handled else "not-handled", _spoken(status)),),
        End.OPEN,
        (_line("info", "turn", status=status),),
    ),
}
OUTCOMES: Final = frozenset({*_OUTCOMES, "ignored", "expect"})


def expectation_of(fields: Mapping[str, Node], here: Node, *, each: int) -> Expectation:
    """What an act expects: exactly one of `OUTCOMES` among its `fields`.

    Args:
        fields: Of the act.
        here: The act, for messages.
        each: How often an outcome's line is logged: once for every connection.

    Raises:
        CorpusError: There is none, or more than one, or it is not described as it has to be.
    """
    found = OUTCOMES & fields.keys()
    if len(found) != 1:
        here.fail(f"needs exactly one of {', '.join(sorted(OUTCOMES))}")
    [kind] = found
    node = fields[kind]
    if kind == "expect":
        return _in_full(node)
    if kind == "ignored":
        if not node.flag():
            node.fail("can only be true")
        return Expectation((), End.OPEN, ())
    if kind == "turn":
        node.text(among=frozenset(Status))
    whole = _OUTCOMES[kind](node.text())
    return replace(whole, log=tuple(replace(line, least=each, most=each) for line in whole.log))


def answer_of(node: Node) -> Answer:
    """An answer.

    Raises:
        CorpusError: It is not described as it has to be.
    """
    if isinstance(node.value, str):
        kind, _, detail = node.value.partition(" ")
        return Answer(kind, detail or None)
    fields = node.fields(required=("answer", "count"))
    least, most = _counts(fields["count"])
    return replace(answer_of(fields["answer"]), least=least, most=most)


def _in_full(node: Node) -> Expectation:
    fields = node.fields(required=("log",), optional=("answers", "together", "end"))
    if ("answers" in fields) == ("together" in fields):
        node.fail("needs either answers or together")
    answers = fields.get("answers") or fields["together"]
    return Expectation(
        answers=tuple(answer_of(member) for member in answers.items()),
        end=End(fields["end"].text(among=frozenset(End))) if "end" in fields else None,
        log=tuple(_line_of(member) for member in fields["log"].items()),
        together="together" in fields,
    )


def _line_of(node: Node) -> LogLine:
    optional = ("code", "status", "reason", "type", "count")
    fields = dict(node.fields(required=("level", "event"), optional=optional))
    least, most = _counts(fields.pop("count")) if "count" in fields else (1, 1)
    return LogLine(tuple((key, value.text()) for key, value in fields.items()), least, most)


def _counts(node: Node) -> tuple[int, int]:
    if not isinstance(node.value, list):
        return node.whole(), node.whole()
    counts = [member.whole() for member in node.items()]
    if len(counts) != 2 or counts[0] > counts[1]:
        node.fail("is neither a number nor [LEAST, MOST]")
    return counts[0], counts[1]


def _line(level: str, event: str, **more: str) -> LogLine:
    return LogLine((("level", level), ("event", event), *more.items()))


def _ended(event: str, level: str, code: str) -> Expectation:
    return Expectation((Answer("error", code),), End.CLOSED, (_line(level, event, code=code),))


def _failed(reason: str) -> LogLine:
    if reason == "none":
        return _line("warning", "a turn without a valid credential was refused")
    if reason == "any":
        return _line("warning", "authentication failed")
    return _line("warning", "authentication failed", reason=reason)


def _spoken(status: str) -> str | None:
    """The detail of a turn's answer; None where words of its own say what was done, or what was not found."""
    return None if Status(status).handled or status in _SAID_OF_SOMETHING else status


@cache
def _sentences(status: str) -> frozenset[str]:
    """What is said at a status, in each language."""
    return frozenset(
        sentence
        for language in SUPPORTED
        if (sentence := read_yaml(f"answers/{language}.yaml")["status"].get(status)) is not None
    )


def _shown(events: Sequence[Event]) -> str:
    shown = [f"{event.type} {str(event.data)[:120]}" for event in events[:3]]
    return f"{len(events)} events: {'; '.join(shown)}" if shown else "nothing"
