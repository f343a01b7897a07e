from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from handlers.device_token import TokenKeys
from wyoming_central.cli.find import complete_device, complete_user


def keys(data_dir: Path) -> TokenKeys:
    return TokenKeys([(data_dir / "secrets" / "jwt_secret").read_text().strip()])


def test_the_token_is_all_that_stdout_gets(cli: Any, rows: Any, anna: str, data_dir: Path) -> None:
    result = cli("device", "add", anna, "kitchen", "--area", "Konyha", "--language", "en-GB")
    [token] = result.stdout.splitlines()
    [device] = rows("device", "list")
    claims = keys(data_dir).verify(token, now=time.time())
    assert claims.device_id == device["id"]
    assert (device["name"], device["area"], device["language"]) == ("kitchen", "Konyha", "en")
    assert token not in result.stderr


def test_as_json_the_token_is_one_of_the_fields(cli: Any, anna: str, data_dir: Path) -> None:
    device = json.loads(cli("device", "add", anna, "kitchen", "--json").stdout)
    assert keys(data_dir).verify(device["token"], now=time.time()).device_id == device["id"]
    assert device["user"] == anna


def test_a_device_that_is_bound_needs_no_token(cli: Any, rows: Any, anna: str) -> None:
    result = cli("device", "add", anna, "speaker", "--no-token")
    assert result.stdout == ""
    assert "binding add" in result.stderr
    assert rows("device", "list")[0]["has_token"] is False


def test_a_name_is_given_once_a_user(cli: Any, anna: str, ben: str) -> None:
    cli("device", "add", anna, "kitchen")
    cli("device", "add", ben, "kitchen")
    assert "already" in cli("device", "add", anna, "kitchen", code=1).stderr


def test_rotating_gives_another_token(cli: Any, anna: str, data_dir: Path) -> None:
    first = cli("device", "add", anna, "kitchen").stdout.strip()
    second = cli("device", "rotate", "kitchen").stdout.strip()
    assert keys(data_dir).verify(first, now=time.time()).token_id != (
        keys(data_dir).verify(second, now=time.time()).token_id
    )


def test_a_name_that_two_users_gave_needs_the_user(cli: Any, rows: Any, anna: str, ben: str) -> None:
    cli("device", "add", anna, "kitchen")
    cli("device", "add", ben, "kitchen")
    [line] = cli("device", "rotate", "kitchen", code=1).stderr.splitlines()
    assert anna in line
    assert ben in line
    cli("device", "rotate", "kitchen", "--user", anna)
    cli("device", "rotate", rows("device", "list", "--user", ben)[0]["id"][:8])


def test_revoking_asks(cli: Any, rows: Any, anna: str) -> None:
    cli("device", "add", anna, "kitchen")
    assert "--yes" in cli("device", "revoke", "kitchen", code=1).stderr
    cli("device", "revoke", "kitchen", "--yes")
    assert rows("device", "list") == []
    [device] = rows("device", "list", "--all")
    assert device["revoked_at"] is not None
    assert "revoked" in cli("device", "list", "--all").stdout


def test_only_one_users_devices_can_be_listed(cli: Any, rows: Any, anna: str, ben: str) -> None:
    cli("device", "add", anna, "kitchen")
    cli("device", "add", ben, "hall")
    assert [device["name"] for device in rows("device", "list", "--user", ben)] == ["hall"]


def test_a_binding_is_added_listed_and_removed(cli: Any, rows: Any, anna: str) -> None:
    cli("device", "add", anna, "kitchen", "--no-token")
    result = cli("binding", "add", "kitchen", "--network", "192.168.1.20", "--write-only")
    assert "192.168.1.20/32" in result.stderr
    [binding] = rows("binding", "list")
    assert (binding["network"], binding["listener"], binding["write_only"]) == (
        "192.168.1.20/32",
        "default",
        True,
    )
    assert "192.168.1.20/32" in cli("binding", "list").stdout
    cli("binding", "remove", binding["id"][:8], "--yes")
    assert rows("binding", "list") == []


def test_a_binding_to_a_listener_that_does_not_exist_is_warned_of(cli: Any, anna: str) -> None:
    cli("device", "add", anna, "kitchen", "--no-token")
    result = cli("binding", "add", "kitchen", "-n", "10.0.0.0/8", "--listener", "lan")
    assert "no listener lan" in result.stderr


@pytest.mark.parametrize("network", ["192.168.1", "192.168.1.5/24", "kitchen"])
def test_a_network_that_is_none_is_refused_in_one_line(cli: Any, anna: str, network: str) -> None:
    cli("device", "add", anna, "kitchen", "--no-token")
    assert len(cli("binding", "add", "kitchen", "-n", network, code=1).stderr.splitlines()) == 1


def test_completion_knows_addresses_and_device_names(cli: Any, anna: str) -> None:

    cli("device", "add", anna, "kitchen")
    assert complete_user("an") == [anna]
    assert complete_user("x") == []
    assert complete_device("kit") == ["kitchen"]


def test_completion_without_a_database_is_silent(data_dir: Path) -> None:

    assert complete_user("") == []
    assert not data_dir.exists()
