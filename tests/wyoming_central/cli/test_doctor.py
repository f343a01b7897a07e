from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from provisioning.errors import FailureReason, InstanceError
from provisioning.process.interpreter import Interpreter
from storage.records import InstanceStatus
from wyoming_central.cli import examination


@pytest.fixture(autouse=True)
def one_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    async def found(_forced: str | None) -> list[Interpreter]:
        return [Interpreter((3, 13, 0), Path("/usr/bin/python3.13"))]

    monkeypatch.setattr(examination, "find_interpreters", found)


@pytest.fixture(autouse=True)
def short_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(examination, "_LOOK_SECONDS", 0.2)


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    monkeypatch.setenv("LISTEN", f"tcp://127.0.0.1:{port}")
    return port


def examined(cli: Any, code: int = 0) -> dict[str, dict[str, Any]]:
    findings = json.loads(cli("doctor", "--json", code=code).stdout)
    return {one["subject"]: one for one in findings}


def test_on_a_fresh_machine_nothing_is_wrong(cli: Any) -> None:
    findings = examined(cli)
    assert {subject for subject, one in findings.items() if one["grade"] != "ok"} == {"server"}
    assert "2025.4" in findings["interpreter"]["message"]
    assert findings["secrets"]["message"] == "JWT_SECRET and ENCRYPTION_KEY will be generated"
    assert "doctor" not in cli("doctor").stdout


def test_a_listener_that_is_taken_is_a_problem(cli: Any, free_port: int) -> None:
    with socket.create_server(("127.0.0.1", free_port)):
        finding = examined(cli, code=1)["listener default"]
    assert finding["grade"] == "problem"
    assert "LISTEN" in finding["remedy"]


def test_where_nothing_runs_as_a_process_no_interpreter_is_looked_for(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HA_DRIVER", "external")
    assert not {"interpreter", "Home Assistant"} & set(examined(cli))


def test_a_machine_without_an_interpreter_is_told_what_to_install(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none(_forced: str | None) -> None:
        raise InstanceError(FailureReason.NO_INTERPRETER, "there is none", remedy="install one")

    monkeypatch.setattr(examination, "find_interpreters", none)
    assert examined(cli, code=1)["interpreter"]["remedy"] == "install one"


def test_settings_that_cannot_be_used_do_not_keep_it_from_looking_at_the_rest(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRAIN_SECONDS", "soon")
    findings = examined(cli, code=1)
    assert findings["settings"]["grade"] == "problem"
    assert findings["database"]["grade"] == "ok"


def test_a_failed_instance_is_a_problem_with_its_remedy(cli: Any, stored: Any, anna: str) -> None:
    async def fail(store: Any) -> None:
        user = await store.users.by_email(anna)
        await store.instances.observed(user.id, status=InstanceStatus.FAILED, failure_reason="disk-full")

    stored(fail)
    finding = examined(cli, code=1)[f"home of {anna}"]
    assert "disk-full" in finding["message"]
    assert "room" in finding["remedy"]


def test_tokens_that_nobody_can_decrypt_any_more_are_a_problem(
    cli: Any, stored: Any, anna: str, data_dir: Path
) -> None:
    async def give_home(store: Any) -> None:
        user = await store.users.by_email(anna)
        await store.users.set_home(user.id, url="http://127.0.0.1:8200", token="a token")

    stored(give_home)
    assert examined(cli)["secrets"]["grade"] == "ok"
    (data_dir / "secrets" / "encryption_key").unlink()
    assert "ENCRYPTION_KEY" in examined(cli, code=1)["secrets"]["remedy"]
    assert not (data_dir / "secrets" / "encryption_key").exists()


def test_a_database_that_is_none_is_a_problem(cli: Any, data_dir: Path) -> None:
    data_dir.mkdir(mode=0o700)
    (data_dir / "wyoming-central.db").write_bytes(b"something else, and long enough to be looked at" * 100)
    assert examined(cli, code=1)["database"]["grade"] == "problem"


def test_a_server_that_holds_the_lease_but_does_not_answer_is_warned_of(
    cli: Any, anna: str, server: None
) -> None:
    del anna, server
    findings = examined(cli)
    assert findings["server"]["grade"] == "ok"
    assert findings["listener default"]["grade"] == "warning"


def test_an_engine_that_is_wanted_and_not_there_is_a_problem(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "Docker" not in examined(cli)
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/docker.sock")
    finding = examined(cli, code=1)["Docker"]
    assert "cannot be reached" in finding["message"]
    assert "DOCKER_HOST" in finding["remedy"]


def test_words_of_ones_own_are_read(cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    assert "lexicon" not in examined(cli)
    words = tmp_path / "lexicon" / "hu.yaml"
    words.parent.mkdir()
    words.write_text("fillers: [tündérkém]\n", encoding="utf-8")
    assert examined(cli)["lexicon"] == {
        "subject": "lexicon",
        "grade": "ok",
        "message": f"{words} can be used",
        "remedy": None,
    }
    words.write_text("filler: [tündérkém]\n", encoding="utf-8")
    finding = examined(cli, code=1)["lexicon"]
    assert finding["grade"] == "problem"
    assert "is no group of the lexicon" in finding["message"]
    assert "docs/lexicon.md" in finding["remedy"]


def test_a_model_that_nobody_asked_for_is_no_warning_and_one_that_was_is(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        nowhere = f"http://127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("OLLAMA_URLS", nowhere)
    finding = examined(cli)["language model"]
    assert finding["grade"] == "warning"
    assert f"{nowhere} does not answer" in finding["message"]
    assert "OLLAMA_URLS" in finding["remedy"]
    monkeypatch.setenv("OLLAMA_URLS", "off")
    assert examined(cli)["language model"]["message"] == "is off (OLLAMA_URLS)"
