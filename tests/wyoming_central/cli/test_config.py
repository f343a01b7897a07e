from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from config.schema import Settings
from storage.revision import CURRENT


def test_every_setting_is_shown_with_where_it_came_from(
    cli: Any, rows: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAIN_SECONDS", "3")
    Path(".env").write_text("LOG_LEVEL=debug\n")
    settings = {one["name"]: one for one in rows("config", "show")}
    assert set(settings) == {name.upper() for name in Settings.model_fields}
    assert (settings["DRAIN_SECONDS"]["value"], settings["DRAIN_SECONDS"]["origin"]) == (3, "environment")
    assert (settings["LOG_LEVEL"]["value"], settings["LOG_LEVEL"]["origin"]) == ("debug", ".env")
    assert settings["HA_CPU_LIMIT"]["origin"] == "default"
    assert all(one["description"] for one in settings.values())
    assert "DRAIN_SECONDS" in cli("config", "show").stdout


def test_some_settings_can_be_asked_for(cli: Any, rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LISTEN")
    assert [one["name"] for one in rows("config", "show", "listen", "ZEROCONF")] == ["LISTEN", "ZEROCONF"]
    shown = cli("config", "show", "LISTEN").stdout
    assert "tcp://127.0.0.1:10500" in shown
    assert "default; " in shown


def test_a_setting_that_does_not_exist_is_wrong_usage(cli: Any) -> None:
    assert "'LISTENER'" in cli("config", "show", "LISTENER", code=2).stderr


def test_of_secrets_only_their_being_there_is_shown(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "d0a8f3e94b6c47d2a1b5c9e07f31" * 2
    monkeypatch.setenv("JWT_SECRET", secret)
    monkeypatch.setenv("DATABASE_URL", "postgresql://anna:open-sesame@db/house")
    for shown in (cli("config", "show").stdout, cli("config", "show", "--json").stdout):
        assert secret not in shown
        assert "open-sesame" not in shown
        assert "anna" in shown


def test_settings_that_can_be_used_are_said_to_be(cli: Any) -> None:
    assert "can be used" in cli("config", "check").stderr


def test_every_problem_is_named_at_once(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN", "udp://nowhere")
    monkeypatch.setenv("DRAIN_SECONDS", "soon")
    monkeypatch.setenv("ENVIRONMENT", "production")
    result = cli("config", "check", code=1)
    assert all(line.startswith(("error: ", "warning: ")) for line in result.stderr.splitlines())
    for name in ("LISTEN", "DRAIN_SECONDS", "JWT_SECRET", "ENCRYPTION_KEY"):
        assert f"error: {name}: " in result.stderr
    told = json.loads(cli("config", "check", "--json", code=1).stdout)
    assert {"LISTEN", "DRAIN_SECONDS"} <= {one["name"] for one in told["problems"]}
    assert all(one["remedy"] for one in told["problems"])


def test_a_command_with_settings_that_cannot_be_used_is_one_line(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTEN", "udp://nowhere")
    monkeypatch.setenv("DRAIN_SECONDS", "soon")
    [line] = cli("user", "list", code=1).stderr.splitlines()
    assert "config check" in line


def test_showing_changes_nothing(cli: Any, data_dir: Path) -> None:
    cli("config", "show")
    cli("config", "check")
    cli("doctor")
    assert not data_dir.exists()


def test_a_listing_makes_no_database(cli: Any, data_dir: Path) -> None:
    [line] = cli("user", "list", code=1).stderr.splitlines()
    assert str(data_dir) in line
    assert not data_dir.exists()


def test_the_database_is_made_once(cli: Any, data_dir: Path) -> None:
    assert f"to revision {CURRENT}" in cli("db", "upgrade").stderr
    assert "up to date" in cli("db", "upgrade").stderr
    assert (data_dir / "wyoming-central.db").is_file()
    assert cli("user", "list").exit_code == 0


def test_a_database_of_an_older_version_is_left_to_db_upgrade(cli: Any, data_dir: Path, anna: str) -> None:
    del anna
    with sqlite3.connect(data_dir / "wyoming-central.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '0000'")
    database.close()
    [line] = cli("user", "list", code=1).stderr.splitlines()
    assert "wyoming-central db upgrade" in line


def test_a_backup_is_a_whole_database(cli: Any, data_dir: Path, tmp_path: Path, anna: str) -> None:
    for arguments in ((), (str(tmp_path / "copy.db"),), (str(tmp_path),)):
        made = Path(cli("db", "backup", *arguments).stdout.strip())
        with sqlite3.connect(made) as copy:
            assert copy.execute("SELECT email FROM users").fetchall() == [(anna,)]
        copy.close()
    assert len(list((data_dir / "backups").iterdir())) == 1


def test_a_backup_overwrites_nothing(cli: Any, tmp_path: Path, anna: str) -> None:
    del anna
    target = tmp_path / "copy.db"
    target.write_text("mine")
    assert "already" in cli("db", "backup", str(target), code=1).stderr
    assert target.read_text() == "mine"
