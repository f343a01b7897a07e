"""What is derived from a home's registry, kept for its newest revision only."""

from __future__ import annotations

from typing import Generic, TypeVar

from handlers.last_used import LastUsed
from provisioning.home.registry import Registry

Derived = TypeVar("Derived")


class NewestOfEachHome(Generic[Derived]):
    """Keeps one value for each home; of more homes than fit, the least lately used goes first.

    A home that changes its names every few seconds keeps no more here than one that never does.

    Args:
        most: How many homes.
    """

    def __init__(self, most: int) -> None:
        self._kept: LastUsed[str, tuple[str, Derived]] = LastUsed(most)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, registry: Registry) -> Derived | None:
        """What was derived from this very revision, or None."""
        kept = self._kept.get(registry.key)
        if kept is None or kept[0] != registry.revision:
            return None
        self._kept.move_to_end(registry.key)
        return kept[1]

    def latest(self, registry: Registry) -> Derived | None:
        """What was derived from the newest revision of this home that is known, whichever that is."""
        kept = self._kept.get(registry.key)
        return None if kept is None else kept[1]

    def put(self, registry: Registry, derived: Derived) -> None:
        """Keep what was derived from a revision, instead of what was from another one of the same home."""
        self._kept[registry.key] = (registry.revision, derived)
