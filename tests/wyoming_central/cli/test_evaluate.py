from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ollama.stand_in_ollama import ChatCall, Fault, ScriptedAnswer, StandInOllama
from tests.wyoming_central.evaluation.small_data import (
    EVENING,
    GLARE,
    SENTENCES,
    right_answer,
    write_both,
    write_effects,
)
from wyoming_central.evaluation.run import MOST_FAILURES

pytestmark = pytest.mark.slow

PROGRAM = Path(sys.executable).with_name("wyoming-central")
ASKED_OF_THE_MODEL = 2
RULES = ("--stages", "frames,templates")


@pytest.fixture(autouse=True)
def no_model_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_URLS", "off")


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_both(tmp_path / "sets"))


@pytest.fixture
def ollama() -> Iterator[StandInOllama]:
    """A server in a thread of its own, for the commands have their own event loop."""
    stand_in = StandInOllama(answer=lambda call: ScriptedAnswer(content=right_answer(call.prompt)))
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(stand_in.start(), loop).result(10)
    yield stand_in
    asyncio.run_coroutine_threadsafe(stand_in.stop(), loop).result(10)
    loop.call_soon_threadsafe(loop.stop)
    thread.join(10)
    loop.close()


def asked(ollama: StandInOllama) -> list[str]:
    """The sentences that the model was asked about, without what only loads it."""
    return [call.body["messages"][-1]["content"] for call in ollama.calls if "format" in call.body]


def by_name(figures: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in figures}


def test_people_see_what_each_stage_took_and_each_set_came_to(cli: Any, data: str) -> None:
    shown = cli("evaluate", data, *RULES).stdout.splitlines()
    assert shown[0] == "frames, templates, without a model"
    table = [line.split() for line in shown]
    heads = "STAGE SENTENCES RIGHT WRONG ASKED MISSED SHARE P50 MS P95 MS"
    assert heads in [" ".join(row) for row in table]
    assert ["nobody", "2", "1", "0", "0", "1", "20.0", "%", "–", "–"] in table
    assert ["flats/en-flat", "7", "6", "0", "0", "1", "85.7", "%"] in [row[:8] for row in table]
    assert ["all", "10", "9", "0", "0", "1", "90.0", "%"] in [row[:8] for row in table]


def test_programs_get_one_object_with_everything(cli: Any, data: str) -> None:
    found = json.loads(cli("evaluate", data, *RULES, "--json").stdout)
    assert list(found) == ["stages", "model", "candidates", "all", "by_stage", "data", "misses"]
    assert (found["stages"], found["model"], found["candidates"]) == (["frames", "templates"], None, None)
    times = found["all"].pop("p50_ms"), found["all"].pop("p95_ms")
    assert 0 < times[0] <= times[1]
    assert found["all"] == {
        "name": "all",
        "sentences": SENTENCES,
        "right": 9,
        "wrong": 0,
        "asked": 0,
        "missed": 1,
        "failures": 0,
        "share": 1.0,
        "prompt_tokens": None,
        "prefix_hits": None,
    }
    assert [one["name"] for one in found["by_stage"]] == ["frames", "templates", "nobody"]
    assert [(one["name"], one["kind"], one["language"]) for one in found["data"]] == [
        ("flats/en-flat", "natural", "en"),
        ("own/hu", "intents", "hu"),
    ]
    assert [one["name"] for one in found["data"][0]["by_stage"]] == ["frames", "templates", "nobody"]
    assert found["misses"] == []


def test_the_same_again_is_the_same_to_the_letter(cli: Any, data: str) -> None:
    once = cli("evaluate", data, *RULES, "--json", "--misses", "5")
    again = cli("evaluate", data, *RULES, "--json", "--misses", "5")
    assert again.stdout == once.stdout
    assert once.stderr == ""
    assert again.stderr == "10 of 10 sentences are known from before; --fresh begins anew.\n"


def test_what_was_not_right_is_shown_on_demand(cli: Any, data: str) -> None:
    assert GLARE not in cli("evaluate", data, *RULES).stdout
    [line] = [
        one for one in cli("evaluate", data, *RULES, "--misses", "1").stdout.splitlines() if GLARE in one
    ]
    assert line.startswith("missed   flats/en-flat  ")
    assert "none: Sorry" in line
    found = json.loads(cli("evaluate", data, *RULES, "--misses", "9", "--json").stdout)
    assert [(one["text"], one["verdict"], one["parser"]) for one in found["misses"]] == [
        (GLARE, "missed", None)
    ]


def test_a_page_gets_markdown_and_nothing_else(cli: Any, data: str) -> None:
    result = cli("evaluate", data, *RULES, "--markdown", "--misses", "1")
    lines = result.stdout.splitlines()
    assert lines[0] == "**frames, templates, without a model**"
    assert all(line == "" or line[0] in "*|" for line in lines)
    assert [line for line in lines if line.startswith("| all | 10 | 9 | 0 | 0 | 1 | 90.0 % |")]
    assert GLARE in result.stderr


def test_only_the_stages_that_are_named_are_used(cli: Any, data: str) -> None:
    found = json.loads(cli("evaluate", data, "--stages", "templates", "--json").stdout)
    assert [one["name"] for one in found["by_stage"]] == ["templates", "nobody"]
    in_order = json.loads(cli("evaluate", data, "--stages", "templates, frames", "--json").stdout)
    assert in_order["stages"] == ["frames", "templates"]


def test_without_a_server_only_rules_are_used_by_themselves(cli: Any, data: str) -> None:
    assert cli("evaluate", data).stdout.startswith("frames, templates, without a model\n")


def test_a_few_sentences_are_of_all_sets(cli: Any, data: str) -> None:
    found = json.loads(cli("evaluate", data, *RULES, "--limit", "5", "--json").stdout)
    assert [one["sentences"] for one in found["data"]] == [4, 1]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "Missing argument"),
        (("nowhere",), "does not exist"),
        (("--stages", "frames,words"), "'words' is none of frames, templates, llm"),
        (("--stages", ""), "is none of"),
        (("--ollama-url", "127.0.0.1:11434"), "write it like http://"),
        (("--ollama-url", "http://[::1"), "write it like http://"),
        (("--limit", "0"), "Invalid value for '--limit'"),
        (("--candidates", "0"), "Invalid value for '--candidates'"),
        (("--json", "--markdown"), "either JSON or Markdown"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_usage_is_one_line(cli: Any, data: str, arguments: tuple[str, ...], word: str) -> None:
    given = arguments if arguments in {(), ("nowhere",)} else (data, *arguments)
    result = cli("evaluate", *given, code=2)
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert word in line
    assert line.endswith("see `wyoming-central evaluate --help`")


def test_a_mistake_in_the_data_is_one_line_with_its_place(cli: Any, tmp_path: Path) -> None:
    folder = write_effects(tmp_path / "en", tests="- {sentences: [a], area: attic}")
    [line] = cli("evaluate", str(folder), code=1).stderr.splitlines()
    assert f"{folder}/tests.yaml: 1 › area: attic is no area of the home — " in line


def test_a_model_without_a_server_is_refused_with_a_way_out(cli: Any, data: str) -> None:
    [line] = cli("evaluate", data, "--stages", "llm", code=1).stderr.splitlines()
    assert "no server of language models is set up" in line
    assert "--stages frames,templates" in line


def test_a_server_that_is_not_there_is_refused_with_a_way_out(
    cli: Any, data: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_URLS", "http://someone:secret@127.0.0.1:9")
    [line] = cli("evaluate", data, code=1).stderr.splitlines()
    assert "http://someone:***@127.0.0.1:9 does not answer" in line
    assert "--stages frames,templates" in line


def test_a_model_that_the_server_has_not_is_refused_with_a_way_out(
    cli: Any, data: str, ollama: StandInOllama
) -> None:
    arguments = ("evaluate", data, "--ollama-url", ollama.url, "--model", "other:3b")
    [line] = cli(*arguments, code=1).stderr.splitlines()
    assert f"{ollama.url} does not have other:3b" in line
    assert "`ollama pull other:3b`" in line


def test_the_model_is_asked_what_no_rule_understands(cli: Any, data: str, ollama: StandInOllama) -> None:
    found = json.loads(cli("evaluate", data, "--ollama-url", ollama.url, "--json").stdout)
    assert found["model"] == ollama.models[0]
    assert found["candidates"] == 24
    assert [said.splitlines()[-1] for said in asked(ollama)] == [f'Said: "{GLARE}"', f'Said: "{EVENING}"']
    llm = by_name(found["by_stage"])["llm"]
    assert (llm["sentences"], llm["right"], llm["asked"], llm["missed"]) == (ASKED_OF_THE_MODEL, 1, 1, 0)
    assert by_name(found["by_stage"])["nobody"]["sentences"] == 0
    read = [call.prompt_tokens for call in ollama.calls if "format" in call.body]
    assert llm["prompt_tokens"] == min(read)
    assert llm["prefix_hits"] == pytest.approx(1 - sum(read) / (2 * max(read)), abs=1e-4)
    assert llm["prefix_hits"] > 0.4
    assert llm["p50_ms"] > 0


def test_the_server_of_the_settings_is_the_one_that_is_asked(
    cli: Any, data: str, ollama: StandInOllama, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_URLS", f"{ollama.url},http://127.0.0.1:9")
    shown = cli("evaluate", data, "--candidates", "3").stdout
    assert shown.startswith(f"frames, templates, llm with {ollama.models[0]} (3 candidates)\n")
    assert "tokens read anew (median)" in shown
    assert len(asked(ollama)) == ASKED_OF_THE_MODEL


def test_what_is_known_is_not_asked_again_and_comes_to_the_same(
    cli: Any, tmp_path: Path, ollama: StandInOllama
) -> None:
    data = str(hints(tmp_path / "en", 12))
    at_once = json.loads(cli("evaluate", data, "--ollama-url", ollama.url, "--json", "--fresh").stdout)
    ollama.calls.clear()
    part = ("evaluate", data, "--ollama-url", ollama.url, "--json")
    cli(*part, "--fresh", "--limit", "5")
    first = asked(ollama)
    assert len(first) == 5
    ollama.calls.clear()
    rest = cli(*part)
    assert rest.stderr == "5 of 12 sentences are known from before; --fresh begins anew.\n"
    assert len(asked(ollama)) == 7
    assert not set(first) & set(asked(ollama))
    assert counts(json.loads(rest.stdout)) == counts(at_once)
    ollama.calls.clear()
    cli(*part)
    assert ollama.calls == []
    cli(*part, "--fresh")
    assert len(asked(ollama)) == 12


@pytest.mark.parametrize(
    "more", [("--model", "other:3b"), ("--candidates", "2"), ("--stages", "llm")], ids=" ".join
)
def test_under_other_conditions_nothing_is_known(
    cli: Any, tmp_path: Path, ollama: StandInOllama, more: tuple[str, ...]
) -> None:
    ollama.models = (*ollama.models, "other:3b")
    data = str(hints(tmp_path / "en", 3))
    cli("evaluate", data, "--ollama-url", ollama.url)
    ollama.calls.clear()
    cli("evaluate", data, "--ollama-url", ollama.url, *more)
    assert len(asked(ollama)) == 3


def test_a_model_that_fails_again_and_again_ends_it_and_later_it_goes_on(
    cli: Any, tmp_path: Path, ollama: StandInOllama
) -> None:
    data = str(hints(tmp_path / "en", 14))
    right, answered = ollama.answer, 2

    def fail(call: ChatCall) -> ScriptedAnswer:
        assert right is not None
        return right(call) if len(asked(ollama)) < answered else ScriptedAnswer(fault=Fault.OUT_OF_MEMORY)

    ollama.answer = fail
    [line] = cli("evaluate", data, "--ollama-url", ollama.url, code=1).stderr.splitlines()
    assert f"failed {MOST_FAILURES} times in a row: the model does not fit into the server's memory" in line
    ollama.answer = right
    ollama.calls.clear()
    found = json.loads(cli("evaluate", data, "--ollama-url", ollama.url, "--json").stdout)
    assert len(asked(ollama)) == 12
    assert (found["all"]["right"], found["all"]["failures"]) == (14, 0)


def test_one_failure_is_a_miss_and_counted_as_a_failure(
    cli: Any, tmp_path: Path, ollama: StandInOllama
) -> None:
    right = ollama.answer

    def fail(call: ChatCall) -> ScriptedAnswer:
        assert right is not None
        fault = Fault.RESET_MIDWAY if "number 1 " in call.prompt else None
        return ScriptedAnswer(content=right(call).content, fault=fault)

    ollama.answer = fail
    result = cli("evaluate", str(hints(tmp_path / "en", 4)), "--ollama-url", ollama.url, "--misses", "9")
    assert "To 1 of the missed the model gave no answer" in result.stderr
    [row] = [line for line in result.stdout.splitlines() if line.startswith("missed ")]
    assert "the answer was broken off" in row


def test_a_record_whose_last_line_was_cut_goes_on_before_it(cli: Any, data: str, tmp_path: Path) -> None:
    before = cli("evaluate", data, *RULES, "--json").stdout
    [record] = [
        path for path in (tmp_path / "cache" / "evaluate").iterdir() if path.read_bytes().count(b"\n") == 7
    ]
    record.write_bytes(record.read_bytes()[:-9])
    result = cli("evaluate", data, *RULES, "--json")
    assert result.stderr == "9 of 10 sentences are known from before; --fresh begins anew.\n"
    assert counts(json.loads(result.stdout)) == counts(json.loads(before))


@pytest.mark.slow
def test_ctrl_c_is_one_line_and_nothing_is_lost(cli: Any, tmp_path: Path, ollama: StandInOllama) -> None:
    data = str(hints(tmp_path / "en", 6))
    right = ollama.answer
    ollama.answer = lambda call: (
        ScriptedAnswer(fault=Fault.HANG) if "number 3 " in call.prompt else right(call)  # type: ignore[misc]
    )
    with subprocess.Popen(
        [PROGRAM, "evaluate", data, "--ollama-url", ollama.url],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            wait_until(lambda: len(asked(ollama)) == 4)
            process.send_signal(signal.SIGINT)
            shown, said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 130
    assert shown == ""
    assert said == "Interrupted after 3 of 6 sentences; the same command goes on from there.\n"
    ollama.answer = right
    ollama.calls.clear()
    cli("evaluate", data, "--ollama-url", ollama.url)
    assert len(asked(ollama)) == 3


def hints(folder: Path, number: int) -> Path:
    """A set of which rules understand nothing, and for which nothing is to be done."""
    said = ", ".join(f"so what about number {one} then" for one in range(number))
    return write_effects(folder, tests=f"- {{sentences: [{said}], outcome: none}}\n")


def counts(found: dict[str, Any]) -> Any:
    """All of it but times, and tokens, which depend on what was asked before."""
    apart = {"p50_ms", "p95_ms", "prompt_tokens", "prefix_hits"}
    if isinstance(found, dict):
        return {key: counts(value) for key, value in found.items() if key not in apart}
    return [counts(one) for one in found] if isinstance(found, list) else found


def wait_until(is_so: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)
