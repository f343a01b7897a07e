"""Which things of a home one mention is about, or among which the speaker has to choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from handlers.frames.actions import NUMBERS, Draft, PerEntity, implied_domains
from handlers.frames.clause import Clause, Mention
from handlers.frames.home_index import any_of
from handlers.frames.lexicon import Role
from handlers.frames.mentions import Meant, meant_by
from handlers.frames.pass_on import PassOnError
from handlers.frames.surroundings import Surroundings

# Turned off with everything, where nobody says what everything is.
_LEFT_ON: Final = frozenset({"light", "fan", "switch", "input_boolean", "media_player"})
_LIT: Final = frozenset({"light"})
_BUSY: Final = frozenset({"playing", "paused", "on", "buffering"})
_GUARDED_CLASSES: Final = frozenset({"garage", "garage_door", "gate", "door"})
_BOTH: Final = 2
# "Set the bedroom to 19" is a temperature, "to 50" is none.
_COLDEST: Final = 5
_WARMEST: Final = 32
# "Shut the garage" is about the one thing there that can be shut.
_OPENING: Final = frozenset({"open", "close", "lock", "unlock"})
# Any lamp is a light, any lock is at a door, whatever they are called.
_NEVER_BY_NOUN: Final = ("light", "lock")
_NAMED_ONLY: Final = (*NUMBERS, "select", "input_select")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The entities of one mention, or among which one is to be chosen."""

    mask: int
    is_open: bool = False
    meant: Meant = field(default_factory=lambda: Meant(0))


class Choice:
    """Chooses the things that are meant.

    Args:
        surroundings: Where and when the sentence is said.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def allowed(self, drafts: Mapping[str, Draft]) -> int:
        """The entities to which something can be done."""
        mask = 0
        for domain, (_, slots) in drafts.items():
            of_domain = self._around.index.domains.get(domain, 0)
            for value in slots.values():
                if isinstance(value, PerEntity):
                    of_domain = self._around.among(of_domain, value.of)
            mask |= of_domain
        return mask

    def choose(
        self,
        mention: Mention,
        clause: Clause,
        actions: tuple[str, ...],
        drafts: Mapping[str, Draft],
        excluded: int,
    ) -> Chosen:
        """The entities that are meant by one mention, or those among which is to be chosen."""
        meant = meant_by(mention, self.allowed(drafts), self._around.index, self._around.lexicon)
        mask = self._without_unnamed(meant, mention) & ~excluded
        if clause.is_here:
            mask &= self._around.here()
        if not mask:
            said = " ".join(piece.text for piece in mention.pieces)
            raise PassOnError(f"nothing here is called so: {said}")
        if Role.EVERYTHING in clause.quantifiers and any(piece.slip for piece in mention.pieces):
            raise PassOnError("everything, or what may have been said besides")
        if clause.vague_place is not None and not self._is_elsewhere(clause.vague_place, meant, mask):
            raise PassOnError(f"no such place: {clause.vague_place}")
        several = self._wants_several(mention, clause)
        if Role.BOTH in clause.quantifiers:
            return self._both(mask, meant, actions)
        if meant.by_name or meant.exactly:
            return self._one_of(mask, meant, several=several)
        if not meant.places and not mask & ~self._around.index.domains.get("media_player", 0):
            return self._player(mask, actions, meant, several=several)
        if not meant.kinds:
            mask = self.for_number(mask, clause) or self.loosely(mask, actions, clause)
        return self._of_kind(mask, meant, clause, actions, several=several)

    def _without_unnamed(self, meant: Meant, mention: Mention) -> int:
        """Without numbers and selections whose name was not said: where they are does not say what they are.

        Of a number, an attribute that was said has to be in its name: "the pump speed" is no other number of
        the pump.
        """
        mask = meant.mask
        named_only = mask & self._around.of_domains(_NAMED_ONLY)
        if not named_only:
            return mask
        if not (meant.by_name or meant.exactly):
            return mask & ~named_only
        numbers = mask & self._around.of_domains(NUMBERS)
        for piece in mention.soft if numbers else ():
            if piece.sense(Role.ATTRIBUTE):
                stems = (stem for word in piece.words for stem in word.stems)
                named = any_of(self._around.index.named, stems)
                mask &= ~numbers | named
        return mask

    def _is_elsewhere(self, word: str, meant: Meant, mask: int) -> bool:
        """Whether "outside" says no more than the name or the place that was said, or is one itself."""
        if meant.places or meant.by_name or meant.exactly:
            return True
        named = self._around.index.named.get(word, 0) | self._around.index.placed.get(word, 0)
        return bool(mask) and not mask & ~named

    def _both(self, mask: int, meant: Meant, actions: tuple[str, ...]) -> Chosen:
        """Two things: here, or anywhere; else which two has to be asked."""
        local = mask & self._around.here()
        chosen = local if local.bit_count() == _BOTH else mask
        if chosen.bit_count() == 1:
            return self._of_place(chosen, meant, actions, several=True)
        return Chosen(chosen, is_open=chosen.bit_count() != _BOTH, meant=meant)

    def _of_kind(
        self, mask: int, meant: Meant, clause: Clause, actions: tuple[str, ...], *, several: bool
    ) -> Chosen:
        """Those of a kind: at the place that was said, here, everywhere, or the only one."""
        whole = bool(meant.places) or clause.is_here or bool(clause.quantifiers & {Role.ALL, Role.WHOLE})
        local = mask & self._around.here()
        if mask.bit_count() == 1 or whole:
            return self._of_place(mask, meant, actions, several=several)
        if local:
            if not several and local.bit_count() > 1 and self._bears_noun(local, meant):
                # "The lamp", where two are called so; "the light" is all of them.
                return Chosen(local, is_open=True, meant=meant)
            return self._of_place(local, meant, actions, several=several)
        if several and self._around.utterance.area_id is None:
            return Chosen(mask, meant=meant)
        return self._called_so(mask, meant) or Chosen(mask, is_open=True, meant=meant)

    def _called_so(self, mask: int, meant: Meant) -> Chosen | None:
        """The only one of several that bears the noun that was said: "the extractor"; no lamp, no lock."""
        kinds = [self._around.lexicon.kinds[name] for name in meant.kinds]
        general = {kind.general for kind in kinds if kind.alike}
        bearing = mask & any_of(self._around.index.named, (one for one in meant.nouns if one not in general))
        if bearing.bit_count() != 1 or mask & self._around.of_domains(_NEVER_BY_NOUN):
            return None
        return Chosen(bearing, meant=meant)

    def _bears_noun(self, mask: int, meant: Meant) -> bool:
        """Whether all of these are called by a noun that does not mean all of its kind."""
        kinds = [self._around.lexicon.kinds[name] for name in meant.kinds]
        if not kinds or any(kind.loose for kind in kinds):
            return False
        return not mask & ~any_of(self._around.index.named, (word for kind in kinds for word in kind.words))

    def _player(self, mask: int, actions: tuple[str, ...], meant: Meant, *, several: bool) -> Chosen:
        """What plays, here where something does: that is "the music"."""
        if several and self._around.utterance.area_id is None:
            return Chosen(mask, meant=meant)
        local = mask & self._around.here()
        if self._around.utterance.area_id is not None and not local:
            raise PassOnError("there is no such thing here")
        candidates = self._around.playing(local or mask, actions)
        return Chosen(candidates, is_open=candidates.bit_count() > 1, meant=meant)

    def _wants_several(self, mention: Mention, clause: Clause) -> bool:
        return mention.is_plural or bool(
            clause.quantifiers & {Role.ALL, Role.BOTH, Role.EVERYTHING, Role.WHOLE}
        )

    def _one_of(self, mask: int, meant: Meant, *, several: bool) -> Chosen:
        """What was named: all of them if several are meant, else the one, or the one that is here."""
        local = mask & self._around.here()
        if several or mask.bit_count() == 1:
            return Chosen(mask, meant=meant)
        if local.bit_count() == 1:
            return Chosen(local, meant=meant)
        return Chosen(local or mask, is_open=True, meant=meant)

    def _of_place(self, mask: int, meant: Meant, actions: tuple[str, ...], *, several: bool) -> Chosen:
        """All of a kind at a place; of what lets people in only one, unless all were asked for."""
        if several or mask.bit_count() == 1:
            return Chosen(mask, meant=meant)
        if set(actions) & {"open", "unlock", "raise"}:
            members = self._around.index.members(mask)
            if any(one.domain == "lock" or one.device_class in _GUARDED_CLASSES for one in members):
                return self._called_so(mask, meant) or Chosen(mask, is_open=True, meant=meant)
        return Chosen(mask, meant=meant)

    def loosely(self, mask: int, actions: tuple[str, ...], clause: Clause) -> int:
        """Of a place without any noun: its lights, what may be left on, or what the action is for.

        Nothing else is done to all that is somewhere: "go up to the bedroom" opens no blinds.
        """
        if Role.EVERYTHING in clause.quantifiers or "turn_off" in actions:
            wanted = _LEFT_ON if set(actions) & {"turn_off", "le"} else _LIT
        elif set(actions) & {"turn_on", "fel", "toggle", "set"}:
            wanted = _LIT
        elif not actions or (mask.bit_count() == 1 and set(actions) & _OPENING):
            return mask
        else:
            return mask & self._around.of_domains(implied_domains(actions, clause))
        others = mask if mask.bit_count() == 1 or clause.says_how else 0
        found = mask & self._around.of_domains(wanted) or others
        if wanted is _LEFT_ON:
            found = self._in_use(found) or found
        return found

    def _in_use(self, mask: int) -> int:
        """Without the players that do nothing anyway: what is idle need not be turned off with everything."""
        players = mask & self._around.index.domains.get("media_player", 0)
        if not players:
            return mask
        return mask & ~players | self._around.in_state(players, _BUSY)

    def for_number(self, mask: int, clause: Clause) -> int:
        """What a number without a unit is for, where only a place was said: degrees, if it may be some."""
        if not any(
            value.unit is None and value.number is not None and _COLDEST <= value.number <= _WARMEST
            for value in clause.values
        ):
            return 0
        return mask & self._around.index.domains.get("climate", 0)
