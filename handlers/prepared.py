"""What a sentence comes to, worked out once and used again for as long as nothing changes that it depends on.

An understanding that may be kept is the same for the same words at the same revision of a home. What it
comes to depends on the states that were looked at besides, and those are noted (`handlers.reads`). So a
sentence that was said before needs neither to be understood nor to be resolved nor put into words again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from handlers.answer import Answers
from handlers.last_used import LastUsed
from handlers.reads import ReadLog, Reads
from handlers.resolve import resolve
from handlers.session import intent_to_json
from handlers.understanding import Resolution, Understanding, Utterance
from provisioning.home.registry import HomePicture

# An entry is about two kilobytes; what falls out is worked out again.
DEFAULT_SIZE: Final = 4096
# "Turn everything off" in a large house is worked out every time: it would fill the memory.
MOST_TARGETS_KEPT: Final = 64

_Key = tuple[str, str, str | None, str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is to be done and said about a sentence, and how that stands in the audit.

    Attributes:
        understanding: What was understood.
        resolution: What it comes to in this home.
        speech: What is said; where something is to be done, what is said when all of it succeeded.
        targets: The entities to which something is done, each once.
        intents_json, calls_json: What was understood, and the calls, as bare JSON data for the audit.
        reads: What the resolution depends on besides; None if it may not be used again.
    """

    understanding: Understanding
    resolution: Resolution
    speech: str
    targets: tuple[str, ...]
    intents_json: Sequence[Mapping[str, Any]]
    calls_json: Sequence[Mapping[str, Any]]
    reads: Reads | None


class Preparer:
    """Prepares turns, and keeps what it prepared; the least lately used goes first.

    Args:
        answers: The sentences to say.
        size: How much is kept, over all homes.
    """

    def __init__(self, answers: Answers, *, size: int = DEFAULT_SIZE) -> None:
        self._answers = answers
        self._kept: LastUsed[_Key, Prepared] = LastUsed(size)

    def __len__(self) -> int:
        return len(self._kept)

    def known(self, utterance: Utterance, picture: HomePicture) -> Prepared | None:
        """What was prepared for this sentence before, if it would come to the same now."""
        if utterance.session.open_question is not None:
            # The same words may be the answer to it.
            return None
        key = _key(utterance, picture)
        prepared = self._kept.get(key)
        if prepared is None or prepared.reads is None or not prepared.reads.hold(picture):
            return None
        self._kept.move_to_end(key)
        return prepared

    def prepare(self, understanding: Understanding, utterance: Utterance, picture: HomePicture) -> Prepared:
        """Work out what an understanding comes to, and keep it if it may be used again.

        It may, where the understanding is `cacheable` and what it comes to depends neither on the time nor
        on the session.
        """
        log = ReadLog(utterance, picture)
        resolution = resolve(understanding, log.utterance, log.picture)
        targets = resolution.targets
        may_keep = (
            understanding.cacheable
            and utterance.session.open_question is None
            and len(targets) <= MOST_TARGETS_KEPT
        )
        prepared = Prepared(
            understanding=understanding,
            resolution=resolution,
            speech=self._answers.speak(resolution.said, utterance.language),
            targets=targets,
            intents_json=tuple(intent_to_json(intent) for intent in understanding.intents),
            calls_json=tuple(call.as_json() for call in resolution.calls),
            reads=log.reads if may_keep else None,
        )
        if prepared.reads is not None:
            self._kept[_key(utterance, picture)] = prepared
        return prepared


def _key(utterance: Utterance, picture: HomePicture) -> _Key:
    return picture.registry.revision, utterance.language, utterance.area_id, utterance.text
