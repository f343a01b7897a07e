"""A cache that keeps nothing."""

from __future__ import annotations

from handlers.cache import ExactCache
from handlers.understanding import Understanding, Utterance
from provisioning.home.registry import HomePicture


class NoCache(ExactCache):
    """For figures: which stage is seen to understand a sentence must not depend on what was said before."""

    def put(self, utterance: Utterance, picture: HomePicture, understanding: Understanding) -> None:
        """Keep nothing."""
