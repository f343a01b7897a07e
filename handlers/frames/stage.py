"""The stage of recognition that compiles sentences; it comes before the templates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from config.languages import SUPPORTED
from handlers.fair_worker import FairWorker
from handlers.frames.clauses import sentence_of
from handlers.frames.compiler import Compiler, PassOnError
from handlers.frames.home_index import HomeIndex, index_of, updated
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import pieces_of
from handlers.frames.tokens import MAX_TOKENS, folded, tokens_of
from handlers.newest_of_each_home import NewestOfEachHome
from handlers.understanding import StageReport, Understanding, Utterance, Verdict
from provisioning.home.registry import HomePicture, Registry

MAX_INDEXED_HOMES: Final = 256


class FrameStage:
    """Recognition by the frame parser: deterministic, and fast enough for the event loop."""

    name = "frames"

    def __init__(self) -> None:
        self._indexing = FairWorker("frame indexes")
        self._lexicons: dict[str, Lexicon] = {}
        self._indexes = {language: NewestOfEachHome[HomeIndex](MAX_INDEXED_HOMES) for language in SUPPORTED}

    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        """What the sentence means, or `PASS_ON` with the reason."""
        if utterance.language not in SUPPORTED:
            return _passed_on("no lexicon in this language")
        lexicon = await self._lexicon_of(utterance.language)
        index = await self._index_of(picture.registry, lexicon)
        return understood(utterance, picture, index, lexicon)

    async def warm(self, languages: Iterable[str], picture: HomePicture | None = None) -> None:
        """Read the lexicons, and the names of this home."""
        for language in languages:
            if language in SUPPORTED:
                lexicon = await self._lexicon_of(language)
                if picture is not None:
                    await self._index_of(picture.registry, lexicon)

    def close(self) -> None:
        """Let the thread go."""
        self._indexing.close()

    async def _lexicon_of(self, language: str) -> Lexicon:
        known = self._lexicons.get(language)
        if known is None:
            known = await self._indexing.run(
                "", lambda: self._lexicons.get(language) or Lexicon.load(language)
            )
            self._lexicons[language] = known
        return known

    async def _index_of(self, registry: Registry, lexicon: Lexicon) -> HomeIndex:
        kept = self._indexes[lexicon.language]
        index = kept.get(registry)
        if index is None:
            older = kept.latest(registry)
            index = await self._indexing.run(
                registry.key, lambda: kept.get(registry) or _indexed(registry, lexicon, older)
            )
            kept.put(registry, index)
        return index


def _indexed(registry: Registry, lexicon: Lexicon, older: HomeIndex | None) -> HomeIndex:
    return index_of(registry, lexicon) if older is None else updated(older, registry, lexicon)


def understood(
    utterance: Utterance, picture: HomePicture, index: HomeIndex, lexicon: Lexicon
) -> Understanding:
    """Compile one sentence."""
    tokens = tokens_of(folded(utterance.text))
    if not tokens or len(tokens) > MAX_TOKENS:
        return _passed_on("too long" if tokens else "no words")
    pieces = pieces_of(tokens, index, lexicon)
    compiler = Compiler(index, lexicon, picture, utterance, tokens)
    try:
        return compiler.understand(sentence_of(pieces, lexicon))
    except PassOnError as reason:
        passed_on = _passed_on(str(reason))
    if not any(piece.sense(Role.INDIRECT) for piece in pieces):
        return passed_on
    # A phrase that asks for something by itself may have hidden what its words say.
    try:
        return compiler.understand(sentence_of(pieces_of(tokens, index, lexicon, literally=True), lexicon))
    except PassOnError:
        return passed_on


def _passed_on(reason: str) -> Understanding:
    return Understanding(
        Verdict.PASS_ON, stages=(StageReport(FrameStage.name, Verdict.PASS_ON, 0.0, reason),)
    )
