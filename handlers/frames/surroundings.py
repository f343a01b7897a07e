"""Where and when a sentence is said: the home, its states, the room, what was spoken of before."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable

from handlers.frames.home_index import HomeIndex, any_of, bits
from handlers.frames.lexicon import Lexicon
from handlers.understanding import PastTurn, Utterance
from provisioning.home.registry import HomePicture


class Surroundings:
    """What may decide which things are meant, beside the words of the sentence.

    Args:
        index: The words of the home.
        lexicon: Those of the language.
        picture: The home, for states.
        utterance: Who said what where, and what was said before.

    Attributes:
        is_cacheable: Whether nothing that changes was asked for. What depends on the session or on states
            means something else the next time.
        named_before: What the clauses before were about: "the lamp blue and brighter".
    """

    def __init__(
        self, index: HomeIndex, lexicon: Lexicon, picture: HomePicture, utterance: Utterance
    ) -> None:
        self.index = index
        self.lexicon = lexicon
        self.picture = picture
        self.utterance = utterance
        self.is_cacheable = True
        self.named_before: set[str] = set()

    def among(self, mask: int, ids: Container[str]) -> int:
        """Of some entities, those with one of these ids."""
        return self._those(mask, lambda entity_id: entity_id in ids)

    def here(self) -> int:
        """The entities in the room where the sentence is heard."""
        return self.index.at(self.utterance.area_id)

    def of_domains(self, domains: Iterable[str]) -> int:
        """All entities of these domains."""
        return any_of(self.index.domains, domains)

    def in_state(self, mask: int, states: frozenset[str]) -> int:
        """Of some entities, those in one of these states now."""
        self.is_cacheable = False

        def is_so(entity_id: str) -> bool:
            state = self.picture.state_of(entity_id)
            return state is not None and state.state in states

        return self._those(mask, is_so)

    def _those(self, mask: int, are_meant: Callable[[str], bool]) -> int:
        """Of some entities, those whose ids are meant."""
        found = 0
        for bit in bits(mask):
            if are_meant(self.index.entities[bit].id):
                found |= 1 << bit
        return found

    def by_state(self, allowed: int) -> int:
        """What plays here, else what is lit here: "turn it down" where nothing was spoken of."""
        local = allowed & self.here()
        playing = self.in_state(local & self.index.domains.get("media_player", 0), frozenset({"playing"}))
        if playing:
            return playing
        return self.in_state(local & self.index.domains.get("light", 0), frozenset({"on"}))

    def playing(self, mask: int, actions: tuple[str, ...]) -> int:
        """Of several players, those that the action is for."""
        if mask.bit_count() < 2:
            return mask
        playing = self.in_state(mask, frozenset({"playing", "buffering"}))
        if "play" in actions:
            playing = self.in_state(mask, frozenset({"paused"})) or playing
        return playing or mask

    def last_turn(self) -> PastTurn | None:
        """The turn before, if it was understood."""
        turns = self.utterance.session.turns
        return turns[-1] if turns and turns[-1].intents else None

    def spoken_of(self, allowed: int) -> int:
        """What the last turn was about, of what this can be done to."""
        if self.named_before:
            return self.among(allowed, self.named_before)
        last = self.last_turn()
        if last is None:
            return 0
        return self.among(
            allowed, set(last.targets) or {target for intent in last.intents for target in intent.targets}
        )
