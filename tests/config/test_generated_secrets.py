from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.errors import SettingsError
from config.schema import Origin, Settings
from config.secret_strength import fault_of_fernet_key, weakness_of_fernet_key, weakness_of_secret
from config.settings import ensure_secrets


def _settings(data_dir: Path, **values: object) -> Settings:
    return Settings(data_dir=data_dir, **values)  # type: ignore[arg-type]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_missing_secrets_are_generated_strong_and_private(tmp_path: Path) -> None:
    settings = ensure_secrets(_settings(tmp_path / "deep" / "data"))
    (secret,), (key,) = settings.jwt_secrets, settings.encryption_keys
    assert weakness_of_secret(secret) is None
    assert fault_of_fernet_key(key) is None
    assert weakness_of_fernet_key(key) is None
    folder = tmp_path / "deep" / "data" / "secrets"
    assert _mode(folder.parent.parent) == _mode(folder.parent) == _mode(folder) == 0o700
    assert [_mode(path) for path in sorted(folder.iterdir())] == [0o600, 0o600]
    assert settings.origin("jwt_secret") is Origin.GENERATED


def test_they_are_generated_once(tmp_path: Path) -> None:
    first, second = ensure_secrets(_settings(tmp_path)), ensure_secrets(_settings(tmp_path))
    assert first.jwt_secrets == second.jwt_secrets
    assert first.encryption_keys == second.encryption_keys


def test_what_is_set_is_left_alone(tmp_path: Path) -> None:
    settings = ensure_secrets(_settings(tmp_path, jwt_secret=SecretStr("my own")))
    assert settings.jwt_secrets == ("my own",)
    assert settings.encryption_keys
    assert not (tmp_path / "secrets" / "jwt_secret").exists()


def test_nothing_is_touched_where_nothing_is_missing(tmp_path: Path) -> None:
    settings = _settings(tmp_path / "none", jwt_secret=SecretStr("a"), encryption_key=SecretStr("b"))
    assert ensure_secrets(settings) is settings
    assert not (tmp_path / "none").exists()


def test_production_generates_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        ensure_secrets(_settings(tmp_path / "data", environment="production"))
    assert {problem.name for problem in caught.value.problems} == {"JWT_SECRET", "ENCRYPTION_KEY"}
    assert not (tmp_path / "data").exists()


def test_a_secret_that_became_readable_for_others_is_closed_again(tmp_path: Path) -> None:
    ensure_secrets(_settings(tmp_path))
    (tmp_path / "secrets" / "jwt_secret").chmod(0o644)
    ensure_secrets(_settings(tmp_path))
    assert _mode(tmp_path / "secrets" / "jwt_secret") == 0o600


def test_an_empty_file_is_an_error_rather_than_an_empty_secret(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "jwt_secret").touch()
    with pytest.raises(SettingsError, match="is empty"):
        ensure_secrets(_settings(tmp_path))


def test_a_data_folder_that_is_a_file_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(SettingsError, match="cannot be made") as caught:
        ensure_secrets(_settings(tmp_path / "data"))
    assert caught.value.remedy


@pytest.mark.slow
def test_processes_that_start_together_agree_on_the_secrets(tmp_path: Path) -> None:
    program = (
        "import sys; from config.settings import Settings, ensure_secrets; sys.stdin.readline();"
        "s = ensure_secrets(Settings(data_dir=sys.argv[1])); print(s.jwt_secrets, s.encryption_keys)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / "data")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    assert len({process.communicate(timeout=30)[0] for process in processes}) == 1
    assert sorted(path.name for path in (tmp_path / "data" / "secrets").iterdir()) == [
        "encryption_key",
        "jwt_secret",
    ]
