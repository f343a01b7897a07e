"""The fuzz targets hold on what a campaign begins with, and notice what they are there to notice."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from wyoming.event import Event

from handlers.device_token import Claims, TokenKeys
from handlers.sentence import Sentence
from tests.fuzz import campaign, events, frames
from tests.fuzz.campaign import TARGETS, Outcome, inputs, seeds
from wyoming_central.frame import FrameDecoder

OneInput = Callable[[bytes], None]


def target(name: str) -> OneInput:
    found: OneInput = importlib.import_module(f"tests.fuzz.{name}").one_input
    return found


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_holds_on_everything_that_a_campaign_begins_with(name: str) -> None:
    for data in inputs(name).values():
        target(name)(data)


@pytest.mark.parametrize("seed", seeds())
def test_a_target_holds_on_every_seed_however_short_it_is_cut(seed: str) -> None:
    frame = seeds()[seed]
    for end in range(len(frame) + 1):
        events.one_input(frame[:end])
        frames.one_input(bytes(frames.HOW_BYTES) + frame[:end])


def test_a_campaign_begins_with_every_bound_of_the_decoder() -> None:
    assert {data[0] for data in inputs("frames").values()} == set(range(len(frames._BOUNDS)))
    assert all(data[frames.HOW_BYTES :] in seeds().values() for data in inputs("frames").values())


def try_every_seed(name: str, how: bytes = b"") -> None:
    for frame in seeds().values():
        target(name)(how + frame)


class Hoarder(FrameDecoder):
    __slots__ = ()

    @property
    def held_bytes(self) -> int:
        return 10**9


class Forgetful(FrameDecoder):
    """Loses a byte that comes alone."""

    __slots__ = ()

    def feed(self, chunk: bytes) -> None:
        super().feed(chunk if len(chunk) > 1 else b"")


class Inventive(FrameDecoder):
    __slots__ = ()

    def next_event(self) -> Event | None:
        event = super().next_event()
        return event and Event(event.type, {**event.data, "made": "up"}, event.payload)


@pytest.mark.parametrize("decoder", [Hoarder, Forgetful, Inventive])
def test_a_decoder_that_breaks_its_word_is_found(
    decoder: type[FrameDecoder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frames, "FrameDecoder", decoder)
    with pytest.raises(AssertionError):
        try_every_seed("frames", b"\0\1\1\1\1")


def test_a_token_that_is_taken_unsigned_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def credulous(_keys: TokenKeys, text: str, *, now: float) -> Claims:
        return Claims("d", "t", now + 1)

    monkeypatch.setattr(TokenKeys, "verify", credulous)
    with pytest.raises(AssertionError, match="did not sign"):
        try_every_seed("events")


def test_a_sentence_that_is_not_cleaned_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def dirty(event: Event) -> Sentence:
        text: Any = event.data.get("text")
        return Sentence(str(text))

    monkeypatch.setattr(events, "sentence_of", dirty)
    with pytest.raises(AssertionError):
        try_every_seed("events")


def test_an_error_that_is_not_declared_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(_event: Event) -> Sentence:
        raise KeyError("text")

    monkeypatch.setattr(events, "sentence_of", careless)
    with pytest.raises(KeyError):
        try_every_seed("events")


def test_without_atheris_a_campaign_is_skipped_and_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(campaign.importlib.util, "find_spec", lambda _name: None)
    assert campaign.main([]) == 0
    assert capsys.readouterr().out == "skipped: atheris is not installed here\n"


@pytest.mark.parametrize("arguments", [["a minute"], ["0"], ["10", "20"]])
def test_a_campaign_that_is_called_wrongly_says_how(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert campaign.main(arguments) == 2
    assert capsys.readouterr().err.startswith("usage: ")


def test_a_find_is_told_with_its_input_and_how_to_try_it_again(tmp_path: Path) -> None:
    find = tmp_path / "crash-1"
    find.write_bytes(b"\xff\n")
    output = "=== Uncaught Python exception: ===\nValueError: broken\n"
    told = campaign._told(Outcome("frames", ended_well=False, output=output, finds=(find,)))
    assert "1 find" in told
    assert "ValueError: broken" in told
    assert r"b'\xff\n'" in told
    assert f"-m tests.fuzz.engine frames {find}" in told


@pytest.mark.slow
def test_an_engine_that_does_not_end_well_fails_the_campaign(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("atheris", reason="atheris is not installed here")
    monkeypatch.setattr(campaign.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(campaign, "TARGETS", ("no_such_target",))
    assert campaign.main(["1"]) == 1
    assert "ModuleNotFoundError" in capsys.readouterr().out


@pytest.mark.slow
def test_the_inputs_of_a_campaign_are_guided_by_what_they_reach() -> None:
    pytest.importorskip("atheris", reason="atheris is not installed here")
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.engine", "frames", "-runs=20000", "-seed=1"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    steps = [int(covered) for covered, _ in campaign._COVERAGE.findall(done.stderr)]
    assert "Instrumenting wyoming_central.frame" in done.stderr
    # From nothing, without a seed.
    assert steps[-1] > steps[0]
