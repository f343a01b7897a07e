from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.describe import describe_settings
from config.schema import Origin, Settings
from config.settings import ensure_secrets, load_settings


def _of(settings: Settings) -> dict[str, object]:
    return {one.name: one.value for one in describe_settings(settings)}


def test_every_setting_is_there_with_its_text() -> None:
    described = describe_settings(load_settings())
    assert [one.name for one in described] == [name.upper() for name in Settings.model_fields]
    assert all(one.text.endswith(".") for one in described)


def test_values_are_plain_and_in_the_form_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN", "kitchen=tcp://127.0.0.1:1")
    values = _of(load_settings())
    assert json.loads(json.dumps(values)) == values
    assert values["LISTEN"] == ["kitchen=tcp://127.0.0.1:1"]
    assert values["HA_MEMORY_LIMIT"] == "512m"
    assert values["HA_NETWORK_POOL"] == "10.213.0.0/16"
    assert values["LOG_UTTERANCES"] is False
    assert values["JWT_SECRET"] is None


def test_secrets_are_masked_wherever_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "hunter2,hunter2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:hunter2@h/x?password=hunter2")
    monkeypatch.setenv("OLLAMA_URLS", "http://u:hunter2@h:1")
    values = _of(load_settings())
    assert "hunter2" not in str(values)
    assert values["JWT_SECRET"] == "***"
    assert values["DATABASE_URL"] == "postgresql+asyncpg://u:***@h/x"
    assert values["OLLAMA_URLS"] == ["http://u:***@h:1"]


def test_a_generated_secret_is_said_to_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    ensure_secrets(load_settings())
    described = {one.name: one for one in describe_settings(load_settings())}
    assert described["JWT_SECRET"].value == "***"
    assert described["JWT_SECRET"].origin is Origin.GENERATED
