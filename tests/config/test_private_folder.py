from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from config.errors import SettingsError
from config.private_folder import make_private_folder


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_folder_that_is_made_is_private(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        assert make_private_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    finally:
        os.umask(previous)
    assert _mode(tmp_path / "a") == _mode(tmp_path / "a" / "b") == 0o700


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir(mode=0o755)
    make_private_folder(tmp_path / "a")
    assert _mode(tmp_path / "a") == 0o755


def test_a_file_in_the_way_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(SettingsError, match="cannot be made"):
        make_private_folder(tmp_path / "a")
