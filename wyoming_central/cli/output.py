"""What the command line prints: results on stdout, everything said about them on stderr.

Piped, the same words come without colours and without being cut to the width of a terminal.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wider than any line of ours: a reader that is not a terminal gets whole lines.
_PIPED_WIDTH: Final = 10_000

# Makes a line read otherwise than it is written.
_REORDERING: Final = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a listing for people.

    Attributes:
        title: Its heading.
        right: Whether it is aligned to the right, as numbers are.
        whole: Whether it is never wrapped; for ids and words that somebody copies.
    """

    title: str
    right: bool = False
    whole: bool = False


def stdout() -> Console:
    """Where results go. Made anew each time: tests and pipes replace the stream."""
    return _console(stderr=False)


def stderr() -> Console:
    """Where everything goes that is not the result itself."""
    return _console(stderr=True)


def fail(message: str, *, remedy: str | None = None, code: int = 1) -> int:
    """Say in one line on stderr what went wrong and what to do about it; gives the exit status."""
    line = Text("error: ", style="bold red")
    line.append(plain(message), style="default not bold")
    if remedy:
        line.append(f" — {plain(remedy)}", style="default not bold")
    stderr().print(line, soft_wrap=True)
    return code


def note(message: str, *, style: str = "") -> None:
    """Say something beside the result: one line on stderr."""
    stderr().print(Text(plain(message), style=style), soft_wrap=True)


def show_json(value: Any) -> None:
    """Write one JSON document to stdout."""
    json.dump(jsonable(value), sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def show_json_line(value: Any) -> None:
    """Write one JSON document in one line to stdout, at once."""
    sys.stdout.write(json.dumps(jsonable(value), ensure_ascii=False) + "\n")
    sys.stdout.flush()


def jsonable(value: Any) -> Any:
    """Give `value` in JSON's own types: times in ISO 8601 with their zone, enums as their values.

    Raises:
        TypeError: There is something else in it; a record must be spelt out field by field, so that none
            shows by accident.
    """
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(key): jsonable(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(member) for member in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} is not for JSON")


def show_line(line: str) -> None:
    """Write one line for people to stdout, at once."""
    stdout().print(Text(plain(line)), soft_wrap=True)
    sys.stdout.flush()


def show_table(columns: Sequence[Column], rows: Iterable[Sequence[str | Text]]) -> None:
    """Write a listing for people to stdout."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=column.whole,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console = stdout()
    if console.is_terminal:
        console.print(table)
        return
    # Rich fills the last column with blanks, which are in the way of whoever reads lines.
    with console.capture() as captured:
        console.print(table)
    sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def show_fields(fields: Iterable[tuple[str, str | Text]]) -> None:
    """Write one thing for people to stdout: a line for each of its fields."""
    pairs = list(fields)
    width = max(len(name) for name, _ in pairs)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, min_width=width, style="bold")
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, _cell(value))
    console = stdout()
    if console.is_terminal:
        console.print(table)
        return
    sys.stdout.writelines(f"{name:{width}}  {value}".rstrip() + "\n" for name, value in pairs)


def several(name: str, lines: Sequence[str]) -> list[tuple[str, str]]:
    """Give a field of several lines for `show_fields`, its name beside the first one; a dash for none."""
    names = [name, *[""] * len(lines)]
    return [(name, line.rstrip()) for name, line in zip(names, lines or ["–"], strict=False)]


def plain(text: str) -> str:
    """Give `text` with control characters replaced: what others wrote must not steer a terminal."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(character) else character for character in text)


def moment(at: datetime | None) -> str:
    """Give a time for people, in the zone of this machine; a dash for none."""
    return "–" if at is None else at.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def day(at: datetime | None) -> str:
    """Give the day of a time for people, in the zone of this machine; a dash for none."""
    return "–" if at is None else f"{at.astimezone():%Y-%m-%d}"


def ago(at: datetime | None, *, now: datetime | None = None) -> str:
    """Give how long ago a moment was, in its largest unit; `never` for none."""
    if at is None:
        return "never"
    seconds = max(0, int(((now or datetime.now(UTC)) - at).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def or_dash(value: object) -> str:
    """Give a value for people; a dash where there is none."""
    return "–" if value is None or value == "" else str(value)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    return console


def _cell(value: str | Text) -> Text:
    return Text(plain(value)) if isinstance(value, str) else value


def _steers(character: str) -> bool:
    return unicodedata.category(character) == "Cc" or character in _REORDERING
