from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import FailureReason, InstanceError
from storage.errors import PortsExhaustedError
from storage.instances import Instances
from storage.records import InstanceStatus
from wyoming_central.cli import home_check


def test_adding_a_user_requests_their_home(cli: Any, rows: Any) -> None:
    result = cli("user", "add", "Anna@Example.org", "--no-check", "--password-stdin", typed="correct horse\n")
    assert result.stdout == ""
    assert "wyoming-central serve" in result.stderr
    [user] = rows("user", "list")
    assert user["email"] == "anna@example.org"
    assert user["home"] == {"driver": "process", "status": "requested", "url": None, "has_token": False}
    [instance] = rows("instance", "list")
    assert (instance["language"], instance["country"], instance["timezone"]) == (
        "hu",
        "HU",
        "Europe/Budapest",
    )
    assert instance["port"] == 8200


def test_language_country_and_time_zone_can_be_said(cli: Any, rows: Any) -> None:
    place = ("--timezone", "Europe/London", "--country", "gb")
    arguments = ("-l", "en", *place, "--no-check", "--generate-password")
    cli("user", "add", "b@example.org", *arguments)
    [instance] = rows("instance", "list")
    assert (instance["language"], instance["country"], instance["timezone"]) == ("en", "GB", "Europe/London")


@pytest.mark.parametrize(
    "option",
    [
        ("--timezone", "Mars/Base"),
        ("--country", "Hungary"),
        ("-l", "de"),
        ("--driver", "docker"),
        ("--url", "http://a"),
    ],
    ids=" ".join,
)
def test_what_makes_no_sense_is_wrong_usage(cli: Any, option: tuple[str, str]) -> None:
    result = cli("user", "add", "a@example.org", *option, "--generate-password", code=2)
    assert len(result.stderr.splitlines()) == 1


def test_a_generated_password_is_all_that_stdout_gets(cli: Any) -> None:
    result = cli("user", "add", "a@example.org", "--no-check", "--generate-password")
    [password] = result.stdout.splitlines()
    assert len(password) >= 16
    assert password not in result.stderr


def test_as_json_it_is_one_document_with_the_password_in_it(cli: Any) -> None:
    result = cli("user", "add", "a@example.org", "--no-check", "--generate-password", "--json")
    user = json.loads(result.stdout)
    assert user["email"] == "a@example.org"
    assert user["password"]


def test_a_given_password_is_never_shown(cli: Any) -> None:
    arguments = ("--no-check", "--password-stdin", "--json")
    result = cli("user", "add", "a@example.org", *arguments, typed="correct horse\n")
    assert "correct horse" not in result.output


def test_nobody_is_asked_for_a_password_that_nothing_needs(cli: Any, rows: Any) -> None:
    assert "assword" not in cli("user", "add", "a@example.org", "--no-check").output
    assert [one["email"] for one in rows("user", "list")] == ["a@example.org"]


def test_without_a_terminal_a_password_cannot_be_asked_for(cli: Any, rows: Any) -> None:
    [line] = cli("user", "add", "a@example.org", "--no-check", "--ask-password", code=1).stderr.splitlines()
    assert "--password-stdin" in line
    assert rows("user", "list") == []


@pytest.mark.parametrize(
    "typed", ["\n", "short\n", "", "a" * 5000], ids=["blank", "short", "nothing", "long"]
)
def test_a_password_that_is_none_is_refused(cli: Any, typed: str) -> None:
    arguments = ("--no-check", "--password-stdin")
    assert "error:" in cli("user", "add", "a@example.org", *arguments, typed=typed, code=1).stderr


def test_nobody_is_added_twice_and_nobody_is_asked_for_a_password_first(cli: Any, anna: str) -> None:
    [line] = cli("user", "add", anna.upper(), code=1).stderr.splitlines()
    assert "already" in line


def test_a_user_without_a_home_is_not_left_behind(
    cli: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no_port(*_: Any, **__: Any) -> None:
        raise PortsExhaustedError("every port is taken", remedy="widen the range")

    monkeypatch.setattr(Instances, "request", no_port)
    arguments = ("--no-check", "--generate-password")
    assert "widen the range" in cli("user", "add", "a@example.org", *arguments, code=1).stderr
    assert rows("user", "list") == []


def test_a_home_that_cannot_be_had_is_told_before_anything_is_stored(
    cli: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(*_: Any, **__: Any) -> None:
        raise InstanceError(FailureReason.NO_INTERPRETER, "there is no Python for it", remedy="install one")

    monkeypatch.setattr(home_check, "find_interpreters", none)
    result = cli("user", "add", "a@example.org", "--generate-password", code=1)
    assert result.stderr == "error: there is no Python for it — install one\n"
    assert rows("user", "list") == []


def test_a_home_of_their_own_needs_its_address_and_token(cli: Any) -> None:
    arguments = ("--driver", "external", "--generate-password")
    assert "--url" in cli("user", "add", "a@example.org", *arguments, code=2).stderr


def test_a_home_of_their_own_is_stored_with_its_token(cli: Any, rows: Any, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("the token of the home\n")
    where = (
        "--driver",
        "external",
        "--url",
        "http://192.168.1.5:8123/",
        "--token-file",
        str(tmp_path / "token"),
    )
    cli("user", "add", "a@example.org", *where, "--no-check", "--generate-password")
    user = rows("user", "show", "a@example.org")
    assert user["home"]["driver"] == "external"
    assert user["home"]["url"] == "http://192.168.1.5:8123"
    assert user["home"]["has_token"] is True


def test_adding_a_home_of_their_own_shows_it_as_it_was_stored(cli: Any) -> None:
    where = ("--driver", "external", "--url", "http://192.168.1.5:8123", "--token-stdin")
    arguments = ("--no-check", "--generate-password", "--json")
    result = cli("user", "add", "a@example.org", *where, *arguments, typed="the token of the home\n")
    home = json.loads(result.stdout)["home"]
    assert (home["url"], home["has_token"]) == ("http://192.168.1.5:8123", True)


@pytest.mark.parametrize(
    "url", ["http://anna:geheim@home:8123", "http://home/?token=x", "ftp://home", "home"]
)
def test_an_address_that_is_none_or_says_more_is_not_even_stored_unseen(
    cli: Any, rows: Any, url: str
) -> None:
    where = ("--driver", "external", "--url", url, "--token-stdin", "--no-check", "--generate-password")
    result = cli("user", "add", "a@example.org", *where, typed="a token\n", code=1)
    assert "geheim" not in result.stderr
    assert rows("user", "list") == []


def test_a_home_of_their_own_that_does_not_answer_is_refused(cli: Any, rows: Any) -> None:
    where = ("--driver", "external", "--url", "http://127.0.0.1:9", "--token-stdin")
    result = cli("user", "add", "a@example.org", *where, "--generate-password", typed="a token\n", code=1)
    assert "no Home Assistant at http://127.0.0.1:9" in result.stderr
    assert rows("user", "list") == []


def test_waiting_without_a_server_is_an_error_but_the_user_is_there(cli: Any, rows: Any) -> None:
    result = cli("user", "add", "a@example.org", "--no-check", "--generate-password", "--wait", code=1)
    assert "no server is running" in result.stderr
    assert len(rows("user", "list")) == 1


@pytest.mark.parametrize("wanted", ["anna@example.org", "ANNA@example.org", "id"])
def test_a_user_is_found_by_address_and_by_the_beginning_of_the_id(
    cli: Any, rows: Any, anna: str, ben: str, wanted: str
) -> None:
    del ben
    [user_id] = [user["id"] for user in rows("user", "list") if user["email"] == anna]
    assert rows("user", "show", user_id[:6] if wanted == "id" else wanted)["id"] == user_id


def test_an_unknown_user_is_told_as_such(cli: Any, anna: str) -> None:
    del anna
    [line] = cli("user", "show", "carl@example.org", code=1).stderr.splitlines()
    assert "user list" in line


def test_a_table_that_is_piped_has_neither_colours_nor_cuts(cli: Any) -> None:
    email = f"{'a' * 120}@example.org"
    cli("user", "add", email, "--no-check", "--generate-password")
    heading, row = cli("user", "list").stdout.splitlines()
    assert heading.startswith("EMAIL")
    assert row.startswith(email)
    assert "\x1b" not in row


def test_removing_asks_and_without_a_terminal_it_refuses(cli: Any, rows: Any, anna: str) -> None:
    cli("device", "add", anna, "kitchen")
    result = cli("user", "remove", anna, code=1)
    assert "kitchen" in result.stderr
    assert "--yes" in result.stderr
    assert len(rows("user", "list")) == 1


def test_removing_takes_the_devices_and_keeps_the_other_user(
    cli: Any, rows: Any, anna: str, ben: str
) -> None:
    cli("device", "add", anna, "kitchen")
    cli("user", "remove", anna, "--yes")
    assert [user["email"] for user in rows("user", "list")] == [ben]
    assert rows("device", "list", "--all") == []
    assert rows("instance", "list")[0]["desired"] == "removed"


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 1)])
def test_in_a_terminal_the_answer_decides(
    cli: Any, rows: Any, anna: str, answer: str, left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wyoming_central.cli.confirm._is_terminal", lambda: True)
    result = cli("user", "remove", anna, typed=answer, code=1 if left else 0)
    assert "Remove anna@example.org?" in result.stderr
    assert len(rows("user", "list")) == left


def test_with_a_server_the_home_is_said_to_be_made(cli: Any, server: None) -> None:
    del server
    result = cli("user", "add", "a@example.org", "--no-check", "--generate-password", "--no-wait")
    assert "instance list" in result.stderr


def test_how_to_furnish_a_home_is_told_where_the_server_makes_it(cli: Any, tmp_path: Path) -> None:
    own = cli("user", "add", "a@example.org", "--no-check", "--generate-password")
    assert "wyoming-central instance login a@example.org" in own.stderr
    token = tmp_path / "token"
    token.write_text("t", encoding="utf-8")
    arguments = ("--driver", "external", "--url", "http://127.0.0.1:9", "--token-file", str(token))
    theirs = cli("user", "add", "b@example.org", "--no-check", "--generate-password", *arguments)
    assert "instance login" not in theirs.stderr


def test_a_failed_home_is_told_with_its_remedy(cli: Any, stored: Any, anna: str) -> None:
    async def fail(store: Any) -> None:
        user = await store.users.by_email(anna)
        await store.instances.observed(
            user.id, status=InstanceStatus.FAILED, failure_reason="boot-timeout", failure_detail="no answer"
        )

    stored(fail)
    shown = cli("instance", "list").stdout
    assert "boot-timeout: no answer" in shown
    assert "HA_BOOT_TIMEOUT_SECONDS" in shown
