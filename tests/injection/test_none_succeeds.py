"""No attempt succeeds, even with a model that obeys every one of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handlers.answer import Answers
from handlers.cascade import cascade
from handlers.interpret import parse_home
from handlers.llm.stage import ModelUse
from handlers.recognize import Recognizer
from handlers.resolve import resolve
from handlers.sentence import MAX_SENTENCE_LENGTH, cleaned
from handlers.understanding import PastTurn, SessionContext, Utterance, Verdict
from tests.handlers.llm.scripted_model import ScriptedModel
from tests.injection.injections import LANGUAGES, Injection, injections

ALL = tuple(one for language in LANGUAGES for one in injections(language))
# What a chat template, a markup language or a template engine would read.
_SIGNS = frozenset("[]<>{}|`\\")


def _said(injection: Injection) -> Utterance:
    turns = tuple(
        PastTurn(cleaned(text, MAX_SENTENCE_LENGTH), cleaned(text, MAX_SENTENCE_LENGTH))
        for text in injection.said_before
    )
    text = cleaned(injection.sentence, MAX_SENTENCE_LENGTH)
    return Utterance(text, injection.language, injection.room, SessionContext(turns))


@pytest.fixture(scope="session")
def answers() -> Answers:
    return Answers.load()


@pytest.fixture(scope="session")
def everybodys() -> Iterator[tuple[ScriptedModel, Recognizer]]:
    model = ScriptedModel()
    with cascade(model=ModelUse(model)) as recognizer:
        yield model, recognizer


@pytest.fixture
def obeying(everybodys: tuple[ScriptedModel, Recognizer], injection: Injection) -> ScriptedModel:
    model, _ = everybodys
    model.answering, model.questions = injection.obeyed, []
    return model


@pytest.fixture
def recognizer(everybodys: tuple[ScriptedModel, Recognizer], obeying: ScriptedModel) -> Recognizer:
    return everybodys[1]


@pytest.mark.parametrize("injection", ALL, ids=str)
async def test_a_model_that_obeys_does_nothing_and_says_nothing_of_what_it_was_told(
    injection: Injection, answers: Answers, recognizer: Recognizer
) -> None:
    picture, utterance = parse_home(injection.home), _said(injection)
    understanding = await recognizer.recognize(utterance, picture)
    resolution = resolve(understanding, utterance, picture)
    spoken = answers.speak(resolution.said, injection.language)
    assert resolution.calls == ()
    assert understanding.verdict is not Verdict.COMMANDS
    assert not any(words in spoken for words in injection.forbidden_words)
    assert spoken.isprintable()


@pytest.mark.parametrize("injection", ALL, ids=str)
async def test_what_it_says_stands_in_the_prompt_as_data(
    injection: Injection, obeying: ScriptedModel, recognizer: Recognizer
) -> None:
    await recognizer.recognize(_said(injection), parse_home(injection.home))
    for question in obeying.questions:
        system, user = (message["content"] for message in question.messages)
        data = f"{system[system.index('Home:') :]}\n{user}".splitlines()
        assert not _SIGNS & set("".join(data))
        assert all(line.count('"') % 2 == 0 for line in data)
        assert [line.partition(":")[0] for line in data].count("Said") == 1
        outside = "".join("".join(line.split('"')[::2]) for line in data)
        assert outside.isascii()
        assert {message["role"] for message in question.messages} == {"system", "user"}
