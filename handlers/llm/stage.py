"""The last stage of recognition: the model proposes, evidence decides, and the speaker has the last word."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import structlog

from config.languages import SUPPORTED
from handlers.frames.home_index import HomeIndex
from handlers.frames.lexicon import Lexicon
from handlers.frames.stage import FrameStage
from handlers.frames.tokens import MAX_TOKENS, folded, tokens_of
from handlers.listener import HungUpError, while_there
from handlers.llm.answer_schema import answer_schema
from handlers.llm.corroboration import corroborated, deeds_of
from handlers.llm.errors import Failure, ModelError
from handlers.llm.evidence import NOT_EVEN_ASKED, Doubt, doubts_about
from handlers.llm.evidence_words import evidence_words
from handlers.llm.home_text import HomeText, home_text
from handlers.llm.links import Links, links_of
from handlers.llm.prompt import Prompt, instructions, prompt_of
from handlers.llm.proposal import Proposal, RefusedError, proposal_of
from handlers.llm.question import Question, Written
from handlers.llm.shortlist import shortlist
from handlers.llm.words import speakable
from handlers.newest_of_each_home import NewestOfEachHome
from handlers.resolve import resolve
from handlers.status import Status
from handlers.understanding import OpenQuestion, Outcome, StageReport, Understanding, Utterance, Verdict
from provisioning.home.registry import Entity, HomePicture

_log = structlog.get_logger(__name__)

MAX_HOMES: Final = 256


class Model(Protocol):
    """Whoever answers questions."""

    async def answer(self, question: Question, owner: str, *, within: float) -> Written:
        """What the model writes.

        Raises:
            ModelError: There is no answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelUse:
    """How the cascade uses a language model.

    Attributes:
        model: Who answers.
        candidates: The most things that it may choose among.
        within: Seconds for one sentence, waiting included.
        home_characters: Of a home that is told as a whole.
    """

    model: Model
    candidates: int = 24
    within: float = 30.0
    home_characters: int = 12_000


@dataclass(frozen=True, slots=True)
class _Heard:
    """A sentence on its way to the model and back."""

    utterance: Utterance
    picture: HomePicture
    index: HomeIndex
    lexicon: Lexicon
    links: Links
    candidates: tuple[Entity, ...]
    prompt: Prompt


class ModelStage:
    """Recognition by a language model that is not trusted.

    What it proposes is checked against the home (`proposal`), then against the sentence (`evidence`). It is
    done at once only where the rules understand the same of a part of the sentence (`corroboration`);
    otherwise the speaker is asked. Its words are spoken where nothing is to be done.

    Args:
        use: Who answers, and how long that may take.
        frames: The frame parser, whose words and indexes say what a sentence has to do with a home.
    """

    name = "llm"

    def __init__(self, use: ModelUse, frames: FrameStage) -> None:
        self._use = use
        self._frames = frames
        self._homes: NewestOfEachHome[HomeText] = NewestOfEachHome(MAX_HOMES)

    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        """What the model makes of a sentence, as far as it is believed."""
        if utterance.language not in SUPPORTED:
            return _passed_on("no words in this language")
        if not 0 < len(tokens_of(folded(utterance.text))) <= MAX_TOKENS:
            return _passed_on("too long, or no words")
        heard = await self._heard(utterance, picture)
        schema = answer_schema(heard.candidates, picture)
        try:
            async with while_there(utterance.listener):
                written = await self._use.model.answer(
                    Question(heard.prompt.messages, schema), picture.registry.key, within=self._use.within
                )
        except HungUpError:
            return _no_answer(ModelError(Failure.HUNG_UP), heard)
        except ModelError as error:
            if error.failure not in {Failure.OFF, Failure.OPEN}:
                _log.warning("the language model gave no answer", reason=error.message)
            return _no_answer(error, heard)
        return _understanding(heard, written)

    async def warm(self, languages: Iterable[str], picture: HomePicture | None = None) -> None:
        """Read what the prompts begin with and the words of evidence, and put the home into words."""
        spoken = [language for language in languages if language in SUPPORTED]
        await asyncio.to_thread(_read_files, spoken)
        if picture is not None and spoken:
            await self._text_of(picture)

    async def _heard(self, utterance: Utterance, picture: HomePicture) -> _Heard:
        lexicon, index = await self._frames.words_for(utterance.language, picture)
        links = links_of(utterance, index, lexicon)
        candidates = shortlist(links, self._use.candidates)
        prompt = prompt_of(utterance, candidates, picture, await self._text_of(picture))
        return _Heard(utterance, picture, index, lexicon, links, candidates, prompt)

    async def _text_of(self, picture: HomePicture) -> HomeText:
        text = self._homes.get(picture.registry)
        if text is None:
            text = await asyncio.to_thread(home_text, picture.registry, self._use.home_characters)
            self._homes.put(picture.registry, text)
        return text


def _read_files(languages: Iterable[str]) -> None:
    for language in languages:
        instructions(language)
        evidence_words(language)


# --- from what was written to what is understood ----------------------------------------------------------


def _understanding(heard: _Heard, written: Written) -> Understanding:
    detail = _detail(heard.prompt, written)
    try:
        proposal = proposal_of(written.text, heard.candidates, heard.utterance, heard.picture)
    except RefusedError as refused:
        return _passed_on(f"refused: {refused.refusal.value}", detail)
    detail["proposal"] = proposal.as_json()
    words = speakable(proposal.words, heard.utterance.language)
    if proposal.outcome == "none":
        return _said(Verdict.NOT_FOR_ME, words, detail)
    if proposal.outcome == "ask":
        return _asked_back(heard, proposal, words, detail)
    if proposal.only_looks:
        return _looked(heard, proposal, detail)
    return _commanded(heard, proposal, detail)


def _commanded(heard: _Heard, proposal: Proposal, detail: dict[str, Any]) -> Understanding:
    """Do what was proposed, ask whether to, or neither."""
    doubts = doubts_about(proposal, heard.links)
    if unasked := NOT_EVEN_ASKED & set(doubts):
        return _passed_on(min(unasked), detail, Status.UNSURE)
    understanding = Understanding(Verdict.COMMANDS, proposal.intents)
    resolution = resolve(understanding, heard.utterance, heard.picture)
    if resolution.outcome is not Outcome.COMMANDS:
        return _passed_on("refused: the home cannot do it", detail)
    if not doubts and deeds_of(resolution.calls) in corroborated(
        heard.utterance, heard.picture, heard.index, heard.lexicon
    ):
        return _reported(understanding, "the rules say the same", detail)
    why = ", ".join(doubt.value for doubt in doubts) or "the model alone says so"
    return _reported(_confirming(heard, proposal), why, detail)


def _confirming(heard: _Heard, proposal: Proposal) -> Understanding:
    intents = proposal.intents
    question = OpenQuestion(intents[0], (), heard.utterance.now, confirms=intents)
    # Without intents: nothing of it was meant yet, so nothing may refer to it.
    return Understanding(Verdict.ASK, question=question)


def _asked_back(
    heard: _Heard, proposal: Proposal, words: str | None, detail: dict[str, Any]
) -> Understanding:
    """Ask which of several things, or whether to do it to the only one, or what the model asks by itself."""
    if not proposal.commands:
        return _said(Verdict.ASK, words, detail)
    if proposal.only_looks:
        return _looked(heard, proposal, detail)
    doubts = doubts_about(proposal, heard.links)
    if unasked := NOT_EVEN_ASKED & set(doubts):
        return _passed_on(min(unasked), detail, Status.UNSURE)
    command = proposal.commands[0]
    one_way = len(command.intents) == 1 and Doubt.GUARDED not in doubts
    if len(command.entities) < _CHOICE or not one_way:
        return _reported(_confirming(heard, proposal), "the model asks", detail)
    intent = command.intents[0]
    slots = {name: value for name, value in intent.slots.items() if name != "name"}
    question = OpenQuestion(
        replace(intent, slots=slots, targets=()),
        tuple(entity.id for entity in command.entities),
        heard.utterance.now,
    )
    return _reported(Understanding(Verdict.ASK, (), question=question), "the model asks which", detail)


_CHOICE: Final = 2


def _looked(heard: _Heard, proposal: Proposal, detail: dict[str, Any]) -> Understanding:
    """Tell how something is, if that was spoken of at all."""
    if Doubt.UNFOUNDED in doubts_about(proposal, heard.links):
        return _passed_on(Doubt.UNFOUNDED.value, detail, Status.UNSURE)
    return _reported(Understanding(Verdict.QUESTION, proposal.intents), "to be looked at", detail)


def _said(verdict: Verdict, words: str | None, detail: dict[str, Any]) -> Understanding:
    if words is None and verdict is Verdict.ASK:
        return _passed_on("asks nothing that can be spoken", detail, Status.UNSURE)
    return _reported(Understanding(verdict, words=words), "nothing to be done", detail)


def _reported(understanding: Understanding, reason: str, detail: dict[str, Any]) -> Understanding:
    report = StageReport(ModelStage.name, understanding.verdict, 0.0, reason, detail)
    return replace(understanding, stages=(report,))


def _passed_on(
    reason: str, detail: dict[str, Any] | None = None, status: Status | None = None
) -> Understanding:
    report = StageReport(ModelStage.name, Verdict.PASS_ON, 0.0, reason, detail)
    return Understanding(Verdict.PASS_ON, stages=(report,), status=status)


def _no_answer(error: ModelError, heard: _Heard) -> Understanding:
    status = None if error.failure is Failure.OFF else error.status
    return _passed_on(error.message, _detail(heard.prompt, None), status)


def _detail(prompt: Prompt, written: Written | None) -> dict[str, Any]:
    """How much was asked and answered."""
    detail: dict[str, Any] = {"prompt_characters": prompt.characters}
    if written is not None:
        detail["prompt_tokens"] = written.prompt_tokens
        detail["answer_tokens"] = written.answer_tokens
    return detail
