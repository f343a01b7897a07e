"""Secrets that come in: from a terminal without echo, from stdin or from a file; never from an argument."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Final

import typer

from config.errors import WyomingCentralError
from wyoming_central.cli.output import fail

SHORTEST_PASSWORD: Final = 8
# Random bytes of a generated password: 96 bits, 16 characters.
_GENERATED_BYTES: Final = 12
# More than any token or password has.
_LONGEST_LINE: Final = 4096


def first_line(file: Path | None = None) -> str:
    """Give the first line of a file, or of stdin for None, without its end.

    Raises:
        WyomingCentralError: It cannot be read, is empty or too long to be a secret.
    """
    source = str(file) if file else "stdin"
    try:
        line = _read_line(file).strip()
    except OSError as error:
        raise WyomingCentralError(f"cannot read {source}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise WyomingCentralError(f"{source} is no UTF-8 text") from None
    if not line:
        raise WyomingCentralError(f"{source} is empty", remedy="its first line has to be the secret")
    if len(line) >= _LONGEST_LINE:
        raise WyomingCentralError(f"the first line of {source} is too long to be a secret")
    return line


def generated_password() -> str:
    """Make a password that nobody guesses."""
    return secrets.token_urlsafe(_GENERATED_BYTES)


def asked_password() -> str:
    """Ask for a new password in the terminal, twice and without echo.

    Raises:
        WyomingCentralError: There is no terminal.
    """
    if not sys.stdin.isatty():
        raise WyomingCentralError(
            "no password was given, and there is no terminal to ask for one",
            remedy="use --password-stdin or --generate-password",
        )
    while True:
        password = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
        if len(password) >= SHORTEST_PASSWORD:
            return password
        fail(_too_short())


def password_from_stdin() -> str:
    """Give the password that stands in the first line of stdin.

    Raises:
        WyomingCentralError: It is missing or too short.
    """
    password = first_line()
    if len(password) < SHORTEST_PASSWORD:
        raise WyomingCentralError(_too_short())
    return password


def _read_line(file: Path | None) -> str:
    if file is None:
        return sys.stdin.readline(_LONGEST_LINE)
    with file.open(encoding="utf-8") as opened:
        return opened.readline(_LONGEST_LINE)


def _too_short() -> str:
    return f"the password is shorter than {SHORTEST_PASSWORD} characters"
