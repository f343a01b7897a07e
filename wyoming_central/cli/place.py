"""Where a home stands: time zone and country, as Home Assistant wants to know them."""

from __future__ import annotations

import os
import re
import zoneinfo
from pathlib import Path
from typing import Annotated, TypeAlias

import typer

_COUNTRY = re.compile(r"[A-Z]{2}")
_COUNTRY_OF_LANGUAGE = {"hu": "HU"}


def check_timezone(value: str | None) -> str | None:
    """Give the time zone that was asked for.

    Raises:
        typer.BadParameter: There is no such one.
    """
    if value is None or value in zoneinfo.available_timezones():
        return value
    raise typer.BadParameter(f"{value!r} is no time zone, such as Europe/Budapest")


def check_country(value: str | None) -> str | None:
    """Give the country that was asked for, in capitals.

    Raises:
        typer.BadParameter: It is not two letters.
    """
    if value is None or _COUNTRY.fullmatch(value.upper()):
        return value.upper() if value else None
    raise typer.BadParameter(f"{value!r} is no country code of two letters, such as HU")


TimeZone: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="ZONE", callback=check_timezone, help="Of the home. Default: this machine's."),
]
Country: TypeAlias = Annotated[
    str | None,
    typer.Option(metavar="CC", callback=check_country, help="Of the home, two letters. Default: HU for hu."),
]


def local_timezone() -> str:
    """Give the time zone of this machine, or UTC where it does not say."""
    for name in (os.environ.get("TZ", "").lstrip(":"), _from_file(), _from_link()):
        if name in zoneinfo.available_timezones():
            return name
    return "UTC"


def country_of(language: str) -> str | None:
    """Give the country that a language is spoken in, where that is one."""
    return _COUNTRY_OF_LANGUAGE.get(language)


def _from_file() -> str:
    try:
        return Path("/etc/timezone").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _from_link() -> str:
    try:
        return str(Path("/etc/localtime").readlink()).partition("zoneinfo/")[2]
    except OSError:
        return ""
