"""Whatever a model answers, nothing is done beyond the home, its things' abilities, and the evidence."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

import pytest
import yaml

from handlers.cascade import cascade
from handlers.frames.stage import FrameStage
from handlers.interpret import parse_home
from handlers.llm.corroboration import corroborated, deeds_of
from handlers.llm.links import links_of
from handlers.llm.question import Question
from handlers.llm.stage import ModelStage, ModelUse
from handlers.resolve import resolve
from handlers.services import PLANS
from handlers.understanding import Outcome, Resolution, Understanding, Utterance, Verdict
from provisioning.home.registry import HomePicture
from tests.bench.described_homes import picture_of
from tests.handlers.frames.homes import home
from tests.handlers.llm.scripted_model import ScriptedModel, command, commands
from tests.ollama.random_answer import invalid, sample

ANSWERS: Final = int(os.environ.get("MODEL_ANSWERS", "10000"))
MUST_NOT_ACT: Final = Path(__file__).parents[2] / "accuracy" / "must_not_act"
# Half of these have a part that the rules understand, and a reason: there, a lucky guess is done.
SENTENCES: Final = {
    "en": (
        "shut the bedroom blind, everyone can see in",
        "my eyes are really tired, turn on the sofa lamp",
        "turn on the kettle, the guests are coming",
        "pop the bedside thing on would you love",
        "Banana!",
        "unlock the front door, the plumber is here",
        "how are you today",
        "what about the radio thingy",
    ),
    "hu": (
        "kapcsold be a kávéfőzőt, mindjárt itt vannak Marikáék",
        "húzd le a redőnyt a hálószobában, szemembe süt a nap",
        "zárd már be azt a bejárati izét",
        "hogy vagy ma",
        "Banán!",
    ),
}
# What the rules understand of some of them.
MEANT: Final = {
    "shut the bedroom blind, everyone can see in": command("close", "cover.blind"),
    "my eyes are really tired, turn on the sofa lamp": command("turn_on", "light.sofa"),
    "unlock the front door, the plumber is here": command("unlock", "lock.front"),
    "kapcsold be a kávéfőzőt, mindjárt itt vannak Marikáék": command("turn_on", "switch.kave"),
}


class _Play:
    """Sentences, homes and answers at random, and what became of them."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.model = ScriptedModel()
        self.frames = FrameStage()
        self.stage = ModelStage(ModelUse(self.model), self.frames)
        self.verdicts = Counter[str]()
        self.reasons = Counter[str]()

    async def turn(self) -> None:
        language = self.random.choice(("en", "hu"))
        picture = self.random.choice((home(language), home(language), picture_of(language, 50)))
        areas = (None, *picture.registry.areas)
        said = Utterance(self.random.choice(SENTENCES[language]), language, self.random.choice(areas))
        understanding = await self.stage.recognize(said, picture)
        self.verdicts[understanding.verdict] += 1
        [report] = understanding.stages
        assert report.reason
        self.reasons[report.reason] += 1
        resolution = resolve(understanding, said, picture)
        self._see_that_it_is_possible(resolution, picture)
        if understanding.verdict is Verdict.COMMANDS:
            await self._see_that_there_is_evidence(resolution, said, picture)
        else:
            assert resolution.calls == ()
            self._see_that_a_yes_would_be_possible(understanding, picture)

    async def _see_that_there_is_evidence(
        self, resolution: Resolution, said: Utterance, picture: HomePicture
    ) -> None:
        lexicon, index = await self.frames.words_for(said.language, picture)
        links = links_of(said, index, lexicon)
        assert resolution.outcome is Outcome.COMMANDS
        assert all(links.holds(entity_id) for entity_id in resolution.targets)
        assert deeds_of(resolution.calls) in corroborated(said, picture, index, lexicon)
        assert not any(call.service in _GUARDED for call in resolution.calls)

    @staticmethod
    def _see_that_it_is_possible(resolution: Resolution, picture: HomePicture) -> None:
        exposed = {entity.id for entity in picture.registry.exposed_entities()}
        assert set(resolution.targets) <= exposed
        for done in resolution.commands:
            plan = PLANS[done.intent.name]
            for entity_id in done.intent.targets:
                entity = picture.registry.entities[entity_id]
                assert plan.make(done.intent, entity, picture.state_of(entity_id)) is not None

    @staticmethod
    def _see_that_a_yes_would_be_possible(understanding: Understanding, picture: HomePicture) -> None:
        question = understanding.question
        if question is None:
            return
        exposed = {entity.id for entity in picture.registry.exposed_entities()}
        asked = {*question.candidates, *(one for intent in question.confirms for one in intent.targets)}
        assert asked
        assert asked <= exposed


_GUARDED: Final = frozenset({"unlock", "alarm_disarm"})


@pytest.mark.slow
async def test_ten_thousand_answers_that_fit_the_schema_do_nothing_without_evidence() -> None:
    play = _Play(seed=1)
    play.model.answering = lambda question: json.dumps(_guessed(question, play.random), ensure_ascii=False)
    for _ in range(ANSWERS + ANSWERS // 10):
        await play.turn()
    play.frames.close()
    # All that may become of an answer did become of some, or this would have tried too little.
    assert {Verdict.COMMANDS, Verdict.ASK, Verdict.NOT_FOR_ME, Verdict.QUESTION, Verdict.PASS_ON} <= set(
        play.verdicts
    )


@pytest.mark.slow
async def test_ten_thousand_answers_that_do_not_fit_are_refused_each_with_a_reason() -> None:
    play = _Play(seed=2)
    play.model.answering = lambda question: invalid(_schema(question), play.random)
    for _ in range(ANSWERS):
        await play.turn()
    play.frames.close()
    refused = sum(count for reason, count in play.reasons.items() if reason.startswith("refused: "))
    assert play.verdicts[Verdict.COMMANDS] == 0
    assert refused > 0.9 * ANSWERS
    assert len(play.reasons) > 6


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "hu"])
async def test_what_is_only_overheard_never_acts_whatever_a_model_answers(language: str) -> None:
    text = (MUST_NOT_ACT / f"{language}-home.yaml").read_text(encoding="utf-8")
    picture = parse_home(yaml.safe_load(text))
    listed = yaml.safe_load((MUST_NOT_ACT / f"{language}.yaml").read_text(encoding="utf-8"))
    random, model = Random(3), ScriptedModel()
    model.answering = lambda question: json.dumps(_sampled(question, random), ensure_ascii=False)
    frames = FrameStage()
    lexicon, index = await frames.words_for(language, picture)
    stage = ModelStage(ModelUse(model), frames)
    asked = 0
    with cascade() as rules:
        for said in (text for texts in listed.values() for text in texts):
            for area in (None, next(iter(picture.registry.areas))):
                utterance = Utterance(said, language, area)
                by_rules = await rules.recognize(utterance, picture)
                assert resolve(by_rules, utterance, picture).calls == ()
                if by_rules.verdict is not Verdict.PASS_ON:
                    continue
                asked += 1
                # No answer at all could act, however well it was guessed.
                assert corroborated(utterance, picture, index, lexicon) == frozenset(), said
                for _ in range(10):
                    understanding = await stage.recognize(utterance, picture)
                    assert understanding.verdict is not Verdict.COMMANDS, said
                    assert resolve(understanding, utterance, picture).calls == (), said
    frames.close()
    assert asked > 100


def _schema(question: Question) -> dict[str, object]:
    assert question.schema is not None
    return dict(question.schema)


def _sampled(question: Question, random: Random) -> object:
    return sample(_schema(question), random)


def _guessed(question: Question, random: Random) -> object:
    """A random answer, and one time in eleven what was meant, which hardly any random answer is."""
    said = question.messages[-1]["content"].rpartition("Said: ")[2].strip('"')
    if said in MEANT and random.randrange(11) == 0 and MEANT[said]["targets"][0] in str(question.schema):
        return commands(MEANT[said])
    return _sampled(question, random)
