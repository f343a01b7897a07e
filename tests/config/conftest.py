from __future__ import annotations

import os
from pathlib import Path

import pytest

from config.schema import Settings
from config.secret_files import SUFFIX


@pytest.fixture(autouse=True)
def bare_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment that sets nothing, in a folder without `.env`, with a home of its own."""
    for name in list(os.environ):
        if name.lower().removesuffix(SUFFIX.lower()) in Settings.model_fields:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path
