"""Two homes of this project's own, and what understands sentences in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from handlers.answer import Answers
from handlers.interpret import parse_home
from handlers.open_question import OpenQuestionStage
from handlers.resolve import resolve
from handlers.templates import TemplateStage
from handlers.understanding import (
    Intent,
    OpenQuestion,
    Phrase,
    Resolution,
    SessionContext,
    Understanding,
    Utterance,
    Verdict,
)
from provisioning.home.registry import HomePicture

HOMES = Path(__file__).parent / "homes"
# 14:05 in Budapest on Thursday, 5 March 2026.
NOW = 1772715900.0


def described_home(language: str) -> dict[str, Any]:
    return yaml.safe_load((HOMES / f"{language}.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def english() -> HomePicture:
    return parse_home(described_home("en"))


@pytest.fixture(scope="session")
def hungarian() -> HomePicture:
    return parse_home(described_home("hu") | {"time_zone": "Europe/Budapest"})


@pytest.fixture(scope="session")
def answers() -> Answers:
    return Answers.load()


@pytest.fixture(scope="session")
def templates() -> Iterator[TemplateStage]:
    stage = TemplateStage()
    yield stage
    stage.close()


@dataclass
class Listener:
    """Hears sentences in one of the homes and tells what they come to."""

    pictures: dict[str, HomePicture]
    templates: TemplateStage
    answers: Answers

    def resolve(
        self, intent: Intent, language: str = "en", *, area: str | None = None, now: float = NOW
    ) -> Resolution:
        utterance = Utterance("", language, area, now=now)
        return resolve(Understanding(Verdict.COMMANDS, (intent,)), utterance, self.pictures[language])

    async def understand(
        self,
        text: str,
        language: str = "en",
        *,
        area: str | None = None,
        question: OpenQuestion | None = None,
    ) -> Understanding:
        utterance = self._utterance(text, language, area, question)
        understanding = await OpenQuestionStage().recognize(utterance, self.pictures[language])
        if understanding.verdict is Verdict.PASS_ON:
            understanding = await self.templates.recognize(utterance, self.pictures[language])
        return understanding

    async def hear(
        self,
        text: str,
        language: str = "en",
        *,
        area: str | None = None,
        question: OpenQuestion | None = None,
    ) -> Resolution:
        understanding = await self.understand(text, language, area=area, question=question)
        utterance = self._utterance(text, language, area, question)
        return resolve(understanding, utterance, self.pictures[language])

    def say(self, resolution: Resolution, language: str = "en") -> str:
        said: list[Phrase] = [command.said for command in resolution.commands]
        if resolution.say is not None:
            said.append(resolution.say)
        return self.answers.speak(said, language)

    @staticmethod
    def _utterance(text: str, language: str, area: str | None, question: OpenQuestion | None) -> Utterance:
        return Utterance(text, language, area, SessionContext(open_question=question), now=NOW)


@pytest.fixture(scope="session")
def listener(
    english: HomePicture, hungarian: HomePicture, templates: TemplateStage, answers: Answers
) -> Listener:
    return Listener({"en": english, "hu": hungarian}, templates, answers)


@pytest.fixture
def reached() -> Callable[[Resolution], dict[str, list[str]]]:
    """What a resolution would reach: service by service, the entity ids."""

    def of(resolution: Resolution) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for call in resolution.calls:
            found.setdefault(f"{call.domain}.{call.service}", []).extend(call.entity_ids)
        return found

    return of
