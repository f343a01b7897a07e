"""The things among which the model may choose for one sentence."""

from __future__ import annotations

from itertools import islice

from handlers.frames.home_index import bits
from handlers.llm.links import Links
from provisioning.home.registry import Entity

# How much each tie to the sentence counts: a name that was said outweighs all that only stands around.
_EXACTLY, _NAMED, _KIND, _PLACED, _SPOKEN_OF, _HERE = 16, 8, 4, 4, 4, 2


def shortlist(links: Links, most: int) -> tuple[Entity, ...]:
    """The entities that a sentence may be about, the likeliest first; all of them if the home is small.

    Args:
        links: What the sentence has to do with the home.
        most: How many at most; where fewer are tied to the sentence, others fill up, in the home's order.
    """
    entities = links.index.entities
    tied = sorted((-_score(links, bit), bit) for bit in bits(links.every))
    chosen = [bit for _, bit in tied[:most]]
    others = (bit for bit in range(len(entities)) if not links.every >> bit & 1)
    chosen.extend(islice(others, most - len(chosen)))
    return tuple(entities[bit] for bit in chosen)


def _score(links: Links, bit: int) -> int:
    ties = (
        (links.exactly, _EXACTLY),
        (links.named, _NAMED),
        (links.kinds, _KIND),
        (links.placed, _PLACED),
        (links.session, _SPOKEN_OF),
        (links.here, _HERE),
    )
    return sum(weight for mask, weight in ties if mask >> bit & 1)
