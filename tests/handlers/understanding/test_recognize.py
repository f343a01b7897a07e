from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
import structlog

from handlers import recognize as recognize_module
from handlers.cache import ExactCache
from handlers.recognize import Recognizer
from handlers.understanding import (
    Intent,
    OpenQuestion,
    SessionContext,
    StageReport,
    Understanding,
    Utterance,
    Verdict,
)
from provisioning.home.registry import HomePicture, Registry

HOME = HomePicture(Registry("one"))
HEARD = Utterance("turn on the lamp", "en")
UNDERSTOOD = Understanding(Verdict.COMMANDS, (Intent("HassTurnOn"),), cacheable=True)
PASSED_ON = Understanding(Verdict.PASS_ON, stages=(StageReport("", Verdict.PASS_ON, 0.0, "no idea"),))


class StandInStage:
    def __init__(self, name: str, result: Understanding | Exception) -> None:
        self.name = name
        self.result = result
        self.asked = 0
        self.warmed: list[str] = []

    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        self.asked += 1
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    async def warm(self, languages: Iterable[str], picture: HomePicture | None) -> None:
        self.warmed.extend(languages)


def ticking() -> object:
    moment = iter(range(1000))
    return lambda: float(next(moment))


async def test_the_first_stage_with_an_answer_ends_the_cascade() -> None:
    first, second, third = (
        StandInStage("first", PASSED_ON),
        StandInStage("second", UNDERSTOOD),
        StandInStage("third", UNDERSTOOD),
    )
    recognizer = Recognizer((first, second, third), cache=ExactCache(), timer=ticking())
    understanding = await recognizer.recognize(HEARD, HOME)
    assert understanding.parser == "second"
    assert third.asked == 0
    assert [(one.stage, one.verdict, one.reason) for one in understanding.stages] == [
        ("first", Verdict.PASS_ON, "no idea"),
        ("second", Verdict.COMMANDS, None),
    ]
    assert all(one.ms == 1000 for one in understanding.stages)


async def test_what_was_understood_once_comes_from_the_cache() -> None:
    stage = StandInStage("templates", UNDERSTOOD)
    recognizer = Recognizer((stage,), cache=ExactCache())
    await recognizer.recognize(HEARD, HOME)
    again = await recognizer.recognize(HEARD, HOME)
    assert stage.asked == 1
    assert again.parser == "cache"
    assert [one.stage for one in again.stages] == ["cache"]
    assert again.intents == UNDERSTOOD.intents


async def test_an_open_question_keeps_the_cache_out_of_it() -> None:
    stage = StandInStage("templates", UNDERSTOOD)
    recognizer = Recognizer((stage,), cache=ExactCache())
    await recognizer.recognize(HEARD, HOME)
    question = OpenQuestion(Intent("HassTurnOn"), ("light.a", "light.b"), 0.0)
    asked = replace(HEARD, session=SessionContext(open_question=question))
    assert (await recognizer.recognize(asked, HOME)).parser == "templates"
    assert stage.asked == 2


async def test_a_stage_that_fails_has_passed_on() -> None:
    broken, whole = StandInStage("broken", RuntimeError("boom")), StandInStage("whole", UNDERSTOOD)
    understanding = await Recognizer((broken, whole), cache=ExactCache()).recognize(HEARD, HOME)
    assert understanding.parser == "whole"
    assert understanding.stages[0].reason == "failed: RuntimeError"


async def test_nobody_understanding_is_said_with_every_reason() -> None:
    stages = (StandInStage("first", PASSED_ON), StandInStage("second", PASSED_ON))
    understanding = await Recognizer(stages, cache=ExactCache()).recognize(HEARD, HOME)
    assert understanding.verdict is Verdict.PASS_ON
    assert understanding.parser is None
    assert [one.stage for one in understanding.stages] == ["first", "second"]


async def test_warming_reaches_every_stage() -> None:
    stages = (StandInStage("first", PASSED_ON), StandInStage("second", PASSED_ON))
    await Recognizer(stages, cache=ExactCache()).warm(("hu", "en"))
    assert all(stage.warmed == ["hu", "en"] for stage in stages)


async def test_a_stage_that_takes_long_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognize_module, "_log", structlog.wrap_logger(structlog.PrintLogger()))
    times = iter([0.0, 0.0, 0.3, 0.3, 0.5])
    stages = (StandInStage("slow", PASSED_ON), StandInStage("quick", UNDERSTOOD))
    with structlog.testing.capture_logs() as lines:
        await Recognizer(stages, cache=ExactCache(), timer=lambda: next(times)).recognize(HEARD, HOME)
    assert [(line["event"], line["stage"], line["ms"]) for line in lines] == [
        ("a stage of recognition was slow", "slow", 300.0)
    ]
