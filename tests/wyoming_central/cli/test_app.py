from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from config.errors import WyomingCentralError
from wyoming_central.cli import app as app_module
from wyoming_central.cli import db

PROGRAM = Path(sys.executable).with_name("wyoming-central")


def command_lines(entry: app_module.Entry) -> list[tuple[str, ...]]:
    command = app_module.load(entry.name)
    inner = command.commands if isinstance(command, TyperGroup) else {}
    return [(entry.name,), *((entry.name, name) for name in inner)]


@pytest.mark.parametrize("entry", app_module.ENTRIES, ids=lambda entry: entry.name)
def test_every_command_explains_itself(cli: Any, entry: app_module.Entry) -> None:
    for arguments in command_lines(entry):
        shown = cli(*arguments, "--help").stdout
        assert f"Usage: wyoming-central {' '.join(arguments)}" in shown
        assert max(len(line) for line in shown.splitlines()) <= 80
        assert not [line for line in shown.splitlines() if line.endswith("...") and "Usage" not in line]


@pytest.mark.parametrize("entry", app_module.ENTRIES, ids=lambda entry: entry.name)
def test_what_is_listed_of_a_group_is_how_its_own_help_begins(entry: app_module.Entry) -> None:
    command = app_module.load(entry.name)
    if isinstance(command, TyperGroup):
        assert (command.help or "").startswith(entry.help.rstrip("."))


def test_the_commands_are_listed_by_section(cli: Any) -> None:
    shown = cli("--help").stdout
    for entry in app_module.ENTRIES:
        assert f"{entry.section}:" in shown
        assert entry.name in shown


def test_alone_it_shows_its_help(cli: Any) -> None:
    assert "interpret" in cli(code=2).stderr


def test_the_version_is_told(cli: Any) -> None:
    assert cli("--version").stdout.startswith("wyoming-central ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("usr",),
        ("user", "ad"),
        ("user", "show"),
        ("user", "show", "a", "--colour"),
        ("say", "a", "--within", "x"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_with_a_way_out_and_exit_status_2(
    cli: Any, arguments: tuple[str, ...]
) -> None:
    result = cli(*arguments, code=2)
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "--help`" in line


def test_wrong_usage_names_the_help_of_its_command(cli: Any) -> None:
    line = cli("user", "add", "a@example.org", "--url", "http://a", code=2).stderr
    assert line.endswith("see `wyoming-central user add --help`\n")


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def raise_it() -> None:
        raise error

    monkeypatch.setattr(db, "load_settings", raise_it)


def test_a_foreseen_error_is_one_line_with_its_remedy(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, WyomingCentralError("the sky fell", remedy="hold it up"))
    assert cli("db", "upgrade", code=1).stderr == "error: the sky fell — hold it up\n"


def test_errors_of_tasks_that_failed_together_are_told_one_by_one(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = ExceptionGroup("", [WyomingCentralError("the port is taken", remedy="free it")])
    fail_with(monkeypatch, ExceptionGroup("", [inner, WyomingCentralError("and more")]))
    expected = "error: the port is taken — free it\nerror: and more\n"
    assert cli("db", "upgrade", code=1).stderr == expected


def test_a_bug_among_the_errors_of_tasks_is_a_bug(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ExceptionGroup("", [WyomingCentralError("foreseen"), KeyError("bug")]))
    assert "unexpected ExceptionGroup" in cli("db", "upgrade", code=1).stderr


def test_an_unforeseen_error_is_one_line_too(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ZeroDivisionError("division\nby zero"))
    [line] = cli("db", "upgrade", code=1).stderr.splitlines()
    assert line.startswith("error: unexpected ZeroDivisionError: division")
    assert "--debug" in line


def test_debug_shows_the_traceback(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fail_with(monkeypatch, ZeroDivisionError())
    assert isinstance(cli("--debug", "db", "upgrade", code=1).exception, ZeroDivisionError)


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt(), typer.Abort()], ids=["Ctrl-C", "Ctrl-C at a question"]
)
def test_an_interruption_is_quiet(cli: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    fail_with(monkeypatch, error)
    assert cli("db", "upgrade", code=130).stderr == ""


@pytest.mark.parametrize(
    "arguments", [["config", "show"], ["config", "show", "--json"], ["--help"]], ids=" ".join
)
def test_a_reader_that_goes_away_is_no_error(arguments: list[str]) -> None:
    # A pipe whose reading end is closed before anything is written.
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [PROGRAM, *arguments], stdout=writing, stderr=subprocess.PIPE, timeout=60, check=False
        )
    finally:
        os.close(writing)
    assert ended.stderr == b""


@pytest.mark.parametrize(
    "arguments", [["--help"], ["interpret", "--jsonl"], ["ping", "--help"]], ids=" ".join
)
def test_what_must_start_fast_loads_no_database_and_no_network(arguments: list[str]) -> None:
    slow = {"sqlalchemy", "alembic", "pydantic_settings", "aiohttp", "zeroconf", "cryptography", "argon2"}
    program = (
        "import sys\n"
        "from wyoming_central.cli import main\n"
        f"sys.argv = ['wyoming-central', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.exit(' '.join(sorted({slow!r} & set(sys.modules))) or 0)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr == ""
    assert ended.returncode == 0
