"""How entities are named aloud: by name while they are few, by number when they are many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from handlers.names import fold
from handlers.targets import KINDS
from handlers.understanding import Phrase
from provisioning.home.registry import Entity, Registry

# More names than these in one sentence are hard to listen to.
MAX_NAMES_SPOKEN: Final = 3
MAX_CANDIDATES_SPOKEN: Final = 5


def spoken(entities: Sequence[Entity]) -> tuple[str, ...] | Phrase:
    """The names of entities, or how many of which kind they are."""
    if len(entities) <= MAX_NAMES_SPOKEN:
        return tuple(dict.fromkeys(entity.name for entity in entities))
    domains = {entity.domain for entity in entities}
    kind = domains.pop() if len(domains) == 1 else "any"
    return Phrase(f"count.{kind if kind in KINDS else 'any'}", {"count": len(entities)})


def distinct_names(entities: Sequence[Entity], registry: Registry) -> tuple[str | Phrase, ...]:
    """Names that tell entities apart: those that share a name are given their area."""
    times = Counter(fold(entity.name) for entity in entities)
    names = (
        (_area_of(entity, registry) if times[fold(entity.name)] > 1 else None, entity) for entity in entities
    )
    distinct = dict.fromkeys((entity.name, area) for area, entity in names)
    return tuple(
        Phrase("name.in-place", {"name": name, "place": area}) if area else name for name, area in distinct
    )


def _area_of(entity: Entity, registry: Registry) -> str | None:
    area = registry.areas.get(entity.area_id or "")
    return area.name if area else None
