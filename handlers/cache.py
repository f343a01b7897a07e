"""The exact cache: the same sentence in the same unchanged home is understood only once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from handlers.last_used import LastUsed
from handlers.understanding import Understanding, Utterance
from provisioning.home.registry import HomePicture

# An entry is about a kilobyte; what falls out is understood again in a few milliseconds.
DEFAULT_SIZE: Final = 4096

_Key = tuple[str, str, str | None, str]


@dataclass(slots=True)
class ExactCache:
    """Understandings by home revision, language, area and text; the least lately used goes first.

    Only an understanding that says it is `cacheable` is kept: one that depends on states, session or an
    open question would be wrong the next time.

    Args:
        size: How many understandings are kept, over all homes; at least one.
    """

    size: int = DEFAULT_SIZE
    _kept: LastUsed[_Key, Understanding] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError("the cache keeps at least one understanding")
        self._kept = LastUsed(self.size)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, utterance: Utterance, picture: HomePicture) -> Understanding | None:
        """What this sentence was understood as before, or None."""
        key = _key(utterance, picture)
        understanding = self._kept.get(key)
        if understanding is not None:
            self._kept.move_to_end(key)
        return understanding

    def put(self, utterance: Utterance, picture: HomePicture, understanding: Understanding) -> None:
        """Keep an understanding, if it is one that may be kept."""
        if not understanding.cacheable:
            return
        self._kept[_key(utterance, picture)] = understanding


def _key(utterance: Utterance, picture: HomePicture) -> _Key:
    # The text keeps its case: what is written onto a list is written as it was said.
    return picture.registry.revision, utterance.language, utterance.area_id, " ".join(utterance.text.split())
