from __future__ import annotations

import os
from pathlib import Path

import pytest

from config import secret_files
from config.secret_files import read_secret_files, readable_by_all

FIELDS = ("jwt_secret", "encryption_key")


def _file(path: Path, content: str | bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    path.chmod(mode)
    return path


def test_a_secret_is_read_without_the_line_break_at_its_end(tmp_path: Path) -> None:
    path = _file(tmp_path / "jwt", "sezám\n")
    found = read_secret_files(FIELDS, {"jwt_secret_file": str(path)})
    assert found.values == {"jwt_secret": "sezám"}
    assert not found.problems


def test_the_secret_is_not_in_the_repr(tmp_path: Path) -> None:
    path = _file(tmp_path / "jwt", "open-sesame")
    assert "open-sesame" not in repr(read_secret_files(FIELDS, {"jwt_secret_file": str(path)}))


def test_both_the_secret_and_its_file_are_a_problem(tmp_path: Path) -> None:
    path = _file(tmp_path / "jwt", "one")
    found = read_secret_files(FIELDS, {"jwt_secret": "two", "jwt_secret_file": str(path)})
    assert (
        str(found.problems["jwt_secret"]) == "JWT_SECRET_FILE: JWT_SECRET is set, too (remove one of the two)"
    )
    assert not found.values


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"\xff\xfe", "no UTF-8 text"),
        (b"a" * 70_000, "longer than"),
    ],
)
def test_a_file_without_a_usable_secret_is_a_problem_that_does_not_quote_it(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    path = _file(tmp_path / "jwt", content)
    problem = read_secret_files(FIELDS, {"jwt_secret_file": str(path)}).problems["jwt_secret"]
    assert reason in problem.message
    assert "xff" not in problem.message


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    problem = read_secret_files(FIELDS, {"encryption_key_file": str(tmp_path / "no")}).problems[
        "encryption_key"
    ]
    assert problem.name == "ENCRYPTION_KEY_FILE"
    assert "No such file" in problem.message


def test_a_path_below_the_home_of_nobody_is_a_problem() -> None:
    assert "jwt_secret" in read_secret_files(FIELDS, {"jwt_secret_file": "~nobody-of-this-name/jwt"}).problems


@pytest.mark.timeout(10)
def test_a_named_pipe_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert (
        "no regular file"
        in read_secret_files(FIELDS, {"jwt_secret_file": str(pipe)}).problems["jwt_secret"].message
    )


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "jwt_secret" in read_secret_files(FIELDS, {"jwt_secret_file": str(tmp_path)}).problems


@pytest.fixture
def open_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that everybody can reach, which those above a test's own are not."""
    reachable = Path.stat

    def stat(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        found = reachable(self, follow_symlinks=follow_symlinks)
        if self != tmp_path and tmp_path.is_relative_to(self):
            return os.stat_result((found.st_mode | 0o001, *tuple(found)[1:]))
        return found

    monkeypatch.setattr(Path, "stat", stat)
    tmp_path.chmod(0o755)
    return tmp_path


def test_a_file_that_everybody_can_read_is_exposed(open_folder: Path) -> None:
    path = _file(open_folder / "jwt", "x", 0o644)
    (problem,) = read_secret_files(FIELDS, {"jwt_secret_file": str(path)}).exposed
    assert problem.name == "JWT_SECRET_FILE"
    assert problem.remedy == f"chmod 600 {path}"


def test_a_file_of_its_owner_is_not_exposed(open_folder: Path) -> None:
    assert not readable_by_all(_file(open_folder / "jwt", "x", 0o640))


def test_a_folder_that_is_closed_to_others_protects_the_files_in_it(open_folder: Path) -> None:
    path = _file(open_folder / "jwt", "x", 0o644)
    open_folder.chmod(0o700)
    assert not readable_by_all(path)


def test_what_a_container_engine_mounted_is_not_exposed(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _file(open_folder / "jwt", "x", 0o444)
    monkeypatch.setattr(secret_files, "_ENGINE_FOLDER", open_folder)
    assert not readable_by_all(path)
