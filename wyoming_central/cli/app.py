"""`wyoming-central` itself: its commands, its own options, and what becomes of errors."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import dropwhile, takewhile
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from config.errors import WyomingCentralError
from wyoming_central.cli.output import fail

PROGRAM: Final = "wyoming-central"

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
# 128 + SIGINT, as a shell reports it.
INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Entry:
    """One command of the first level: its module below this package has its Typer as `app`."""

    name: str
    section: str
    help: str


# In the order in which they are listed.
ENTRIES: Final = (
    Entry("serve", "Run", "Run the server."),
    Entry("demo", "Run", "Watch it work: a real Home Assistant, switched by a sentence."),
    Entry("ping", "Run", "See whether a server answers."),
    Entry("doctor", "Run", "Find out what is missing, and what to do about it."),
    Entry(
        "user",
        "People and devices",
        "Users: each has a Home Assistant and any number of devices.",
    ),
    Entry("device", "People and devices", "Devices: the satellites of a user, and their tokens."),
    Entry("binding", "People and devices", "Bindings: let a device in by its address, without a token."),
    Entry("instance", "People and devices", "Instances: the users' Home Assistants."),
    Entry("reconcile", "People and devices", "See what is to be done about instances, and is left over."),
    Entry("say", "Sentences", "Say a sentence to a server, as a device."),
    Entry("interpret", "Sentences", "Show what a sentence would do, without doing it."),
    Entry("evaluate", "Sentences", "Measure what is understood of sentences that say what is expected."),
    Entry("explain", "Sentences", "Show how a sentence that was said was understood."),
    Entry("audit", "Sentences", "The audit log: what was said, understood and done."),
    Entry("config", "Upkeep", "Show and check the settings."),
    Entry("db", "Upkeep", "Bring the database up to date, or copy it."),
)


class Root(TyperGroup):
    """A group whose commands are imported when they are called, and whose errors are one line each."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        for entry in ENTRIES:
            self.add_command(_listed(entry), entry.name)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Give the command that `args` begin with; the real one, no longer the one that is listed."""
        if args and args[0] in self.commands:
            self.add_command(load(args[0]), args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the commands by section."""
        del ctx
        width = max(len(entry.name) for entry in ENTRIES)
        for section in dict.fromkeys(entry.section for entry in ENTRIES):
            with formatter.section(section):
                formatter.write_dl(
                    [(f"{entry.name:{width}}", entry.help) for entry in ENTRIES if entry.section == section]
                )

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any) -> None:  # type: ignore[override]
        """Run the command line `args`; always ends in `SystemExit`."""
        given = list(sys.argv[1:] if args is None else args)
        extra.pop("standalone_mode", None)
        try:
            code = super().main(given, prog_name or PROGRAM, standalone_mode=False, **extra)
            # Here a reader that went away is still an error that can be handled.
            sys.stdout.flush()
        except typer.TyperException as error:
            if type(error).__name__ == "NoArgsIsHelpError":
                # Its message is the help itself.
                typer.echo(error.format_message(), err=True)
                sys.exit(USAGE)
            message = " ".join(error.format_message().split())
            code = fail(message, remedy=f"see `{self._path(given)} --help`", code=error.exit_code)
        except typer.Abort:
            # A question that was answered with Ctrl-C or Ctrl-D.
            code = INTERRUPTED
        except BrokenPipeError:
            code = _reader_gone()
        except Exception as error:
            foreseen = _foreseen(error)
            if not foreseen and "--debug" in takewhile(_is_option, given):
                raise
            for one in foreseen:
                fail(one.message, remedy=one.remedy)
            if not foreseen:
                remedy = f"run `{PROGRAM} --debug …` for the traceback"
                fail(f"unexpected {type(error).__name__}: {error}", remedy=remedy)
            code = FAILED
        sys.exit(code if isinstance(code, int) else OK)

    def _path(self, given: Sequence[str]) -> str:
        """The command that a command line is about, as far as there is one."""
        words = [PROGRAM]
        commands: Mapping[str, Any] = self.commands
        for word in dropwhile(_is_option, given):
            if word not in commands:
                break
            words.append(word)
            commands = getattr(commands[word], "commands", {})
        return " ".join(words)


def load(name: str) -> Any:
    """Import the command `name` of `ENTRIES`."""
    module = importlib.import_module(f"wyoming_central.cli.{name}")
    command = typer.main.get_command(module.app)
    command.name = name
    return command


def main() -> None:
    """The entry point of the program."""
    typer.main.get_command(app)()


app = typer.Typer(
    cls=Root,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    no_args_is_help=True,
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - Typer calls it with the flag
    if asked:
        typer.echo(f"{PROGRAM} {version(PROGRAM)}")
        raise typer.Exit


@app.callback()
def root(
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback where an error is a bug.")
    ] = False,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """A private voice assistant for many people, each with a Home Assistant of their own."""
    del debug


def _listed(entry: Entry) -> TyperCommand:
    return TyperCommand(entry.name, help=entry.help, rich_markup_mode=None)


def _foreseen(error: Exception) -> list[WyomingCentralError]:
    """What went wrong, each thing once, if all of it was foreseen; empty if any of it is a bug."""
    if isinstance(error, WyomingCentralError):
        return [error]
    if not isinstance(error, ExceptionGroup):
        return []
    # Tasks that fail together come as a group.
    inner = [_foreseen(one) for one in error.exceptions]
    return [one for ones in inner for one in ones] if all(inner) else []


def _is_option(word: str) -> bool:
    return word.startswith("-")


def _reader_gone() -> int:
    # What is still buffered has no reader either: without this the interpreter complains at its exit.
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())
    return FAILED
