from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.records import UserRecord
from wyoming_central.cli.output import ago, jsonable, plain

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@given(st.text())
def test_plain_text_is_one_line_of_the_same_length_that_steers_nothing(text: str) -> None:
    shown = plain(text)
    assert len(shown) == len(text)
    assert not any(character < " " or "\x7f" <= character <= "\x9f" for character in shown)


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (-5, "0 s ago"),
        (0, "0 s ago"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (7200, "2 h ago"),
        (90_000, "1 d ago"),
    ],
)
def test_how_long_ago_is_told_in_the_largest_unit(seconds: int, told: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), now=NOW) == told


def test_what_never_was_is_never() -> None:
    assert ago(None) == "never"


def test_a_record_is_never_shown_as_a_whole() -> None:
    record = UserRecord("1", "a@b", "hu", "user", None, False, NOW, NOW)
    with pytest.raises(TypeError):
        jsonable({"user": record})


LISTINGS = (
    ("user", "list"),
    ("user", "show", "anna@example.org"),
    ("device", "list", "--all"),
    ("binding", "list"),
    ("instance", "list"),
    ("instance", "show", "anna@example.org"),
    ("audit", "tail"),
    ("config", "show"),
    ("config", "check"),
    ("doctor",),
)


@pytest.mark.slow
def test_no_listing_holds_a_secret_and_each_is_one_document(
    cli: Any, anna: str, data_dir: Any, stored: Callable[..., Any]
) -> None:
    token = cli("device", "add", anna, "kitchen").stdout.strip()
    cli("binding", "add", "kitchen", "-n", "10.0.0.1")

    async def give_home(store: Any) -> None:
        user = await store.users.by_email(anna)
        await store.users.set_home(user.id, url="http://127.0.0.1:8200", token="token-of-the-home")
        await store.instances.set_owner_password(user.id, "password-of-the-owner")

    stored(give_home)
    generated = [path.read_text().strip() for path in (data_dir / "secrets").iterdir()]
    secrets = [token, "token-of-the-home", "password-of-the-owner", "correct horse", "a hash", *generated]
    for arguments in LISTINGS:
        shown = cli(*arguments, "--json")
        assert isinstance(json.loads(shown.stdout), list | dict)
        for_people = cli(*arguments).output
        for secret in secrets:
            assert secret not in shown.output, arguments
            assert secret not in for_people, arguments
