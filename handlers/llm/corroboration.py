"""Where the rules say the same as the model: of the part of a sentence that they understand.

What rules leave over may change everything ("turn on the *sauna* heater", "open the gate *at half past
five*"), so a model by itself is no reason to act. Two witnesses are: in "shut the curtains, everyone can see
in" the rules understand the part before the comma, and what follows it is but a reason. Whatever may make a
condition, an exception or a report of it is in `config/evidence/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from handlers.frames.home_index import HomeIndex
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import Piece, pieces_of
from handlers.frames.stage import understood
from handlers.frames.tokens import MAX_TOKENS, Token, folded, said_at, tokens_of
from handlers.llm.evidence_words import EvidenceWords, evidence_words
from handlers.resolve import resolve
from handlers.understanding import Outcome, ServiceCall, Understanding, Utterance, Verdict
from provisioning.home.registry import HomePicture

MOST_PARTS: Final = 6
"""Parts of a sentence; one with more is a story."""

FEWEST_WORDS_FIRST: Final = 3
"""Of a reason that comes first: shorter ones address somebody ("Oliver, …")."""

FEWEST_WORDS_LAST: Final = 2
"""Of a reason that comes last: a single word addresses somebody, or thinks twice ("…, wait")."""

_SIGNS: Final = frozenset(",;:.!?")
# Of these, none may stand in a reason: it would be about something to be done, or not to be done.
_WEIGHTY: Final = frozenset({
    Role.VERB, Role.NEGATION, Role.NEVER_MIND, Role.CORRECTION, Role.EXCEPT, Role.EXCEPT_BEFORE, Role.OR,
    Role.THEN, Role.REMARK, Role.REPORT, Role.OTHERS, Role.ONLY, Role.INDIRECT, Role.STEP, Role.LIST_PHRASE,
})  # fmt: skip


Deeds: TypeAlias = frozenset[tuple[str, str, str, tuple[tuple[str, str], ...]]]
"""What service calls do, one entity at a time, whatever their order."""


def deeds_of(calls: Iterable[ServiceCall]) -> Deeds:
    """What these calls do."""
    return frozenset(
        (
            call.domain,
            call.service,
            entity_id,
            tuple(sorted((key, repr(value)) for key, value in call.data.items())),
        )
        for call in calls
        for entity_id in call.entity_ids
    )


def corroborated(
    utterance: Utterance, picture: HomePicture, index: HomeIndex, lexicon: Lexicon
) -> frozenset[Deeds]:
    """What may be done at once if a model says so, too.

    That is what the rules understand of a part of the sentence, where all the rest is but a reason for it.
    """
    tokens = tokens_of(folded(utterance.text))
    if len(tokens) > MAX_TOKENS:
        return frozenset()
    words = evidence_words(lexicon.language)
    found = set()
    for part in _parts_with_reasons(tokens, words):
        if _has_weight(part.rest, index, lexicon, words):
            continue
        said = replace(utterance, text=_said(utterance.text, part.command))
        calls = _calls(understood(said, picture, index, lexicon), said, picture)
        if calls:
            found.add(deeds_of(calls))
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a sentence that may be a command, and the tokens around it."""

    command: tuple[Token, ...]
    rest: tuple[Token, ...]


def _parts_with_reasons(tokens: Sequence[Token], words: EvidenceWords) -> Iterator[_Part]:
    """Every way to see a sentence as a command with a reason behind it, or in front of it."""
    cuts = [at for at, token in enumerate(tokens) if token.text in _SIGNS or token.text in words.because]
    inner = [at for at in cuts if 0 < at < len(tokens) - 1]
    if len(inner) > MOST_PARTS:
        return
    for cut in inner:
        before, after = _bare(tokens[:cut]), _bare(tokens[cut + 1 :])
        if tokens[cut].text in words.because:
            after = (tokens[cut], *after)
        if len(after) >= FEWEST_WORDS_LAST and words.looks_like_a_reason(_texts(after), comes_first=False):
            yield _Part(before, after)
        if len(before) >= FEWEST_WORDS_FIRST and words.looks_like_a_reason(_texts(before), comes_first=True):
            yield _Part(_bare(tokens[cut + 1 :]), before)


def _texts(tokens: Sequence[Token]) -> list[str]:
    return [token.text for token in tokens]


def _said(text: str, tokens: Sequence[Token]) -> str:
    return said_at(text, tokens[0].start, tokens[-1].end) if tokens else ""


def _bare(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """Tokens without the signs at their ends."""
    kept = list(tokens)
    while kept and kept[0].text in _SIGNS:
        kept.pop(0)
    while kept and kept[-1].text in _SIGNS:
        kept.pop()
    return tuple(kept)


def _has_weight(rest: Sequence[Token], index: HomeIndex, lexicon: Lexicon, words: EvidenceWords) -> bool:
    """Whether a rest may be more than a reason; an empty one is none at all."""
    if not rest or any(token.number is not None or token.text in words.conditions for token in rest):
        return True
    pieces = pieces_of(rest, index, lexicon)
    # "The windows are streaming" is a reason, "are the windows open" is none.
    return pieces[0].sense(Role.ASK) is not None or any(map(_is_weighty, pieces))


def _is_weighty(piece: Piece) -> bool:
    return piece.number is not None or any(sense.role in _WEIGHTY for sense in piece.senses)


def _calls(
    understanding: Understanding, utterance: Utterance, picture: HomePicture
) -> tuple[ServiceCall, ...]:
    if understanding.verdict is not Verdict.COMMANDS:
        return ()
    resolution = resolve(understanding, utterance, picture)
    return resolution.calls if resolution.outcome is Outcome.COMMANDS else ()
