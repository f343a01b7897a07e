"""The stage of recognition that compiles sentences; it comes before the templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from config.languages import SUPPORTED
from handlers.fair_worker import FairWorker
from handlers.frames.clause import Sentence
from handlers.frames.clauses import sentence_of
from handlers.frames.compiler import Compiler
from handlers.frames.home_index import HomeIndex, index_of, updated
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.lexicon_file import lexicon_of
from handlers.frames.link import Piece, pieces_of
from handlers.frames.options import options_in
from handlers.frames.pass_on import PassOnError
from handlers.frames.tokens import MAX_TOKENS, Token, folded, tokens_of
from handlers.newest_of_each_home import NewestOfEachHome
from handlers.understanding import StageReport, Understanding, Utterance, Verdict
from provisioning.home.registry import HomePicture

MAX_INDEXED_HOMES: Final = 256


class FrameStage:
    """Recognition by the frame parser: deterministic, and fast enough for the event loop.

    Args:
        lexicons: By language, those that are not as they come, since an admin put words on top.
    """

    name = "frames"

    def __init__(self, lexicons: Mapping[str, Lexicon] = MappingProxyType({})) -> None:
        self._indexing = FairWorker("frame indexes")
        self._lexicons = dict(lexicons)
        self._indexes = {language: NewestOfEachHome[HomeIndex](MAX_INDEXED_HOMES) for language in SUPPORTED}

    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        """What the sentence means, or `PASS_ON` with the reason."""
        if utterance.language not in SUPPORTED:
            return _passed_on("no lexicon in this language")
        lexicon, index = await self.words_for(utterance.language, picture)
        return understood(utterance, picture, index, lexicon)

    async def words_for(self, language: str, picture: HomePicture) -> tuple[Lexicon, HomeIndex]:
        """The words of a language that is spoken here, and those of a home in it."""
        lexicon = await self._lexicon_of(language)
        return lexicon, await self._index_of(picture, lexicon)

    async def warm(self, languages: Iterable[str], picture: HomePicture | None = None) -> None:
        """Read the lexicons, and the names of this home."""
        for language in languages:
            if language in SUPPORTED:
                lexicon = await self._lexicon_of(language)
                if picture is not None:
                    await self._index_of(picture, lexicon)

    def close(self) -> None:
        """Let the thread go."""
        self._indexing.close()

    async def _lexicon_of(self, language: str) -> Lexicon:
        known = self._lexicons.get(language)
        if known is None:
            known = await self._indexing.run("", lambda: self._lexicons.get(language) or lexicon_of(language))
            self._lexicons[language] = known
        return known

    async def _index_of(self, picture: HomePicture, lexicon: Lexicon) -> HomeIndex:
        registry = picture.registry
        kept = self._indexes[lexicon.language]
        index = kept.get(registry)
        if index is None:
            older = kept.latest(registry)
            index = await self._indexing.run(
                registry.key, lambda: kept.get(registry) or _indexed(picture, lexicon, older)
            )
            kept.put(registry, index)
        return index


def _indexed(picture: HomePicture, lexicon: Lexicon, older: HomeIndex | None) -> HomeIndex:
    registry = picture.registry
    index = index_of(registry, lexicon) if older is None else updated(older, registry, lexicon)
    options_in(picture, index, lexicon)
    return index


def understood(
    utterance: Utterance, picture: HomePicture, index: HomeIndex, lexicon: Lexicon
) -> Understanding:
    """Compile one sentence."""
    return read(utterance, picture, index, lexicon).understanding


@dataclass(frozen=True, slots=True)
class Reading:
    """One sentence on its way through the parser.

    Attributes:
        tokens: What it was taken apart into.
        pieces: Its links; none where it is too long.
        sentence: Its clauses, if it came to that.
        understanding: What it means.
    """

    tokens: tuple[Token, ...]
    pieces: tuple[Piece, ...]
    sentence: Sentence | None
    understanding: Understanding


def read(utterance: Utterance, picture: HomePicture, index: HomeIndex, lexicon: Lexicon) -> Reading:
    """Compile one sentence, and give what was made of it on the way."""
    tokens = tuple(tokens_of(folded(utterance.text)))
    if not tokens or len(tokens) > MAX_TOKENS:
        return Reading(tokens, (), None, _passed_on("too long" if tokens else "no words"))
    first: Reading | None = None
    for pieces in _linked(tokens, picture, index, lexicon):
        reading = _compiled(tokens, pieces, utterance, picture, index, lexicon)
        if reading.understanding.verdict is not Verdict.PASS_ON:
            return reading
        first = first or reading
    return first or Reading(tokens, (), None, _passed_on("no words"))


def _linked(
    tokens: Sequence[Token], picture: HomePicture, index: HomeIndex, lexicon: Lexicon
) -> Iterator[tuple[Piece, ...]]:
    """Every way to link a sentence, each to be tried only where the one before led nowhere."""
    pieces = pieces_of(tokens, index, lexicon)
    yield pieces
    if _is_indirect(pieces):
        # A phrase that asks for something by itself may have hidden what its words say.
        yield pieces_of(tokens, index, lexicon, literally=True)
    options = options_in(picture, index, lexicon)
    for said in (options.whole, options.parts):
        if said:
            pieces = pieces_of(tokens, index, lexicon, options=said)
            chosen = sum(piece.sense(Role.OPTION) is not None for piece in pieces)
            if chosen:
                yield pieces
            if chosen > 1:
                # One of them may be the name of a thing: `a hőszivattyút tedd csendes módba`.
                yield pieces_of(tokens, index, lexicon, options=said, names_first=True)


def _is_indirect(pieces: Iterable[Piece]) -> bool:
    return any(piece.sense(Role.INDIRECT) for piece in pieces)


def _compiled(
    tokens: tuple[Token, ...],
    pieces: tuple[Piece, ...],
    utterance: Utterance,
    picture: HomePicture,
    index: HomeIndex,
    lexicon: Lexicon,
) -> Reading:
    sentence = sentence_of(pieces, lexicon)
    try:
        understanding = Compiler(index, lexicon, picture, utterance, tokens).understand(sentence)
    except PassOnError as reason:
        understanding = _passed_on(str(reason))
    return Reading(tokens, pieces, sentence, understanding)


def _passed_on(reason: str) -> Understanding:
    return Understanding(
        Verdict.PASS_ON, stages=(StageReport(FrameStage.name, Verdict.PASS_ON, 0.0, reason),)
    )
