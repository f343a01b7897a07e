from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config import data_file
from config.data_file import read_text, read_yaml
from config.errors import DataFileError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    class Resources:
        @staticmethod
        def files(package: str) -> Any:
            assert package == "config"
            return tmp_path

    monkeypatch.setattr(data_file, "resources", Resources)
    return tmp_path


def test_a_file_of_the_package_is_found_from_any_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert "Settings from the environment" in read_text("__init__.py")


def test_yaml_is_read_as_plain_data(folder: Path) -> None:
    (folder / "answers").mkdir()
    (folder / "answers" / "hu.yaml").write_text("kész: [1, igen]\n", encoding="utf-8")
    assert read_yaml("answers/hu.yaml") == {"kész": [1, "igen"]}


def test_a_missing_file_is_an_error_with_a_remedy() -> None:
    with pytest.raises(DataFileError, match=r"config/nothing\.yaml cannot be read") as caught:
        read_yaml("nothing.yaml")
    assert caught.value.remedy


def test_broken_yaml_names_the_line(folder: Path) -> None:
    (folder / "broken.yaml").write_text("a: 1\nb: [\n", encoding="utf-8")
    with pytest.raises(DataFileError, match=r"config/broken\.yaml is no YAML: .* in line 3"):
        read_yaml("broken.yaml")


def test_yaml_makes_no_objects(folder: Path) -> None:
    (folder / "evil.yaml").write_text("!!python/object/apply:os.getpid []\n", encoding="utf-8")
    with pytest.raises(DataFileError):
        read_yaml("evil.yaml")


def test_text_that_is_not_utf_8_is_an_error(folder: Path) -> None:
    (folder / "latin.yaml").write_bytes("é".encode("latin-1"))
    with pytest.raises(DataFileError, match="UnicodeDecodeError"):
        read_yaml("latin.yaml")


@pytest.mark.parametrize("name", ["../pyproject.toml", "/etc/passwd", "answers/../../README.md"])
def test_a_path_out_of_the_package_is_refused(name: str) -> None:
    with pytest.raises(DataFileError, match=r"leaves config/"):
        read_text(name)
