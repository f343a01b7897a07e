from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wyoming_central.cli import interpret

HOME = {
    "floors": [{"id": "ground", "name": "Földszint"}],
    "areas": [{"id": "konyha", "name": "Konyha", "floor": "ground"}],
    "entities": [
        {"id": "light.konyha", "name": "Konyhai lámpa", "area": "konyha", "state": "off"},
        {"id": "switch.kave", "name": "Kávéfőző", "area": "konyha", "state": "on"},
    ],
}
PROGRAM = Path(sys.executable).with_name("wyoming-central")


@pytest.fixture
def home(tmp_path: Path) -> str:
    path = tmp_path / "home.yaml"
    path.write_text(
        "areas: [{id: konyha, name: Konyha}]\n"
        "entities:\n"
        "  - {id: light.konyha, name: Konyhai lámpa, area: konyha, state: off}\n"
    )
    return str(path)


def lines(*requests: Any) -> str:
    return "".join(f"{one if isinstance(one, str) else json.dumps(one)}\n" for one in requests)


def test_people_see_what_was_understood_and_what_would_be_done(cli: Any, home: str) -> None:
    shown = cli("interpret", "--home", home, "kapcsold fel a konyhai lámpát").stdout
    assert "Outcome     commands (by frames" in shown
    assert "HassTurnOn" in shown
    assert "light.turn_on  light.konyha" in shown


def test_on_demand_people_see_how_it_was_understood(cli: Any, home: str) -> None:
    shown = cli("interpret", "--home", home, "--explain", "kapcsold fel a konyhai lámpát").stdout
    assert "Stages      question: pass-on" in shown
    assert "konyhai lámpát  called so: light.konyha" in shown
    assert "Frames say  commands" in shown


def test_words_of_ones_own_are_understood(cli: Any, home: str, tmp_path: Path) -> None:
    phrase = 'indirect: [{says: ["hókuszpókusz"], do: turn_on, kind: light}]\n'
    (tmp_path / "hu.yaml").write_text(phrase, encoding="utf-8")
    arguments = ("interpret", "--home", home, "--area", "konyha", "hókuszpókusz")
    assert "light.turn_on" not in cli(*arguments).stdout
    assert "light.turn_on  light.konyha" in cli(*arguments, "--lexicon", str(tmp_path)).stdout


def test_a_mistake_in_words_of_ones_own_is_one_line(cli: Any, home: str, tmp_path: Path) -> None:
    (tmp_path / "hu.yaml").write_text("nonsense: [a]\n", encoding="utf-8")
    shown = cli("interpret", "--home", home, "bármi", "--lexicon", str(tmp_path), code=1).stderr
    assert "nonsense is no group" in shown
    assert shown.count("\n") == 1


@pytest.mark.parametrize("area", ["konyha", "Konyha", "KONYHA"])
def test_the_area_is_an_id_or_a_name(cli: Any, home: str, area: str) -> None:
    shown = cli("interpret", "--home", home, "--area", area, "kapcsold fel a lámpát", "--json").stdout
    assert json.loads(shown)["calls"][0]["entity_id"] == ["light.konyha"]


@pytest.mark.parametrize(
    ("content", "word"),
    [("a: [", "YAML"), ("- 1", "home"), ("entities: 5", "entities"), ("\udcff", "YAML")],
    ids=["broken", "a list", "no list", "bytes"],
)
def test_a_home_that_is_none_is_one_line(cli: Any, tmp_path: Path, content: str, word: str) -> None:
    path = tmp_path / "home.yaml"
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    [line] = cli("interpret", "--home", str(path), "hello", code=1).stderr.splitlines()
    assert word in line
    assert line.endswith("`wyoming-central interpret --help` shows a home")


def test_the_home_in_the_help_is_one(cli: Any, tmp_path: Path) -> None:
    _, _, example = cli("interpret", "--help").stdout.partition("A home.yaml:\n")
    path = tmp_path / "home.yaml"
    path.write_text(example, encoding="utf-8")
    assert "light.konyha" in cli("interpret", "--home", str(path), "kapcsold fel a konyhai lámpát").stdout


def test_an_area_that_is_not_in_the_home_is_one_line(cli: Any, home: str) -> None:
    arguments = ("--home", home, "--area", "pince", "kapcsold fel a lámpát")
    assert len(cli("interpret", *arguments, code=1).stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("hello",),
        ("--home", "x"),
        ("--jsonl", "hello"),
        ("--jsonl", "--home", "x"),
        ("--jsonl", "--explain"),
    ],
    ids=" ".join,
)
def test_either_a_sentence_and_a_home_or_lines(cli: Any, arguments: tuple[str, ...]) -> None:
    assert len(cli("interpret", *arguments, code=2).stderr.splitlines()) == 1


def test_every_line_gets_its_answer_in_order_and_a_bad_one_ends_nothing(cli: Any) -> None:
    requests = lines(
        "garbage",
        {"home": HOME, "text": "kapcsold fel a konyhai lámpát", "language": "hu"},
        "[]",
        "",
        {"text": "kapcsold le a kávéfőzőt", "language": "hu"},
        {"text": 5, "language": "hu"},
        {"text": "x", "language": "hu", "area": "pince"},
        "{" * 10_000,
    )
    answers = [json.loads(line) for line in cli("interpret", "--jsonl", typed=requests).stdout.splitlines()]
    outcomes = [answer["outcome"] for answer in answers]
    assert outcomes == ["error", "commands", "error", "error", "commands", "error", "error", "error"]
    assert all(set(answer) >= {"outcome", "intents", "calls", "speech", "parser", "ms"} for answer in answers)
    assert answers[1]["calls"] == [
        {"domain": "light", "service": "turn_on", "entity_id": ["light.konyha"], "data": {}}
    ]
    assert answers[4]["calls"][0]["entity_id"] == ["switch.kave"]


def test_a_line_that_is_too_long_is_an_error_and_the_next_one_is_read(
    cli: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpret, "MAX_LINE_BYTES", 2000)
    good = {"home": HOME, "text": "kapcsold fel a konyhai lámpát", "language": "hu"}
    shown = cli("interpret", "--jsonl", typed=lines("x" * 7000, good, "x" * 1999, "x" * 2000)).stdout
    assert [json.loads(line)["outcome"] for line in shown.splitlines()] == [
        "error",
        "commands",
        "error",
        "error",
    ]


def test_what_is_unforeseen_is_an_error_of_that_line_alone(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_self: Any, _request: Any) -> None:
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(interpret.Interpreter, "answer", broken)
    shown = cli("interpret", "--jsonl", typed=lines({}, {})).stdout.splitlines()
    assert [json.loads(line)["error"] for line in shown] == ["unexpected ZeroDivisionError: by zero"] * 2


@pytest.mark.slow
def test_each_answer_is_there_before_the_next_request_and_the_process_stays_up() -> None:
    with subprocess.Popen(
        [PROGRAM, "interpret", "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for request in (
            {"home": HOME, "text": "kapcsold fel a konyhai lámpát", "language": "hu"},
            {"text": ""},
        ):
            process.stdin.write(lines(request))
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["outcome"]
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_the_language_model_is_asked_on_demand_and_its_absence_is_told(
    cli: Any, home: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = ("interpret", "--home", home, "pattintsd már be azt a konyhai lámpa izét")
    assert "llm" not in cli(*said, "--json").stdout
    monkeypatch.setenv("OLLAMA_URLS", "off")
    refused = cli(*said, "--llm", code=1)
    assert "OLLAMA_URLS" in refused.stderr
    with socket.create_server(("127.0.0.1", 0)) as probe:
        monkeypatch.setenv("OLLAMA_URLS", f"http://127.0.0.1:{probe.getsockname()[1]}")
    answer = json.loads(cli(*said, "--llm", "--json").stdout)
    [stage] = [stage for stage in answer["stages"] if stage["stage"] == "llm"]
    assert "refused" in stage["reason"]
    assert answer["outcome"] == "none"
