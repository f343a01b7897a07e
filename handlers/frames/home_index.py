"""The words of one home: which entities bear them in a name, which are at a place of that name.

Entities have a bit each, so that "the lights upstairs" is three masks and two `&`, in a home of fifty things
as in one of two thousand.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from handlers.frames.case import Case
from handlers.frames.lexicon import Kind, Lexicon
from handlers.frames.slips import Slips
from handlers.frames.tokens import plain, words_of
from provisioning.home.registry import Area, Entity, Floor, Registry

if TYPE_CHECKING:
    from handlers.frames.options import OptionIndex

SHORTEST_OBJECT: Final = 5
"""Letters that are left of an object in a name, for it to be found by them."""

SHORTEST_PART: Final = 3
"""Letters that a part of a compound must have to be one."""


@dataclass(frozen=True, slots=True)
class Place:
    """An area or a floor, and the entities there."""

    id: str
    name: str
    is_floor: bool
    mask: int


@dataclass(slots=True)
class NameNode:
    """A word of names: what may come next, and what is called by the words so far."""

    below: dict[str, NameNode] = field(default_factory=dict)
    entities: int = 0
    places: tuple[Place, ...] = ()


@dataclass(slots=True)
class HomeIndex:
    """What is known of the words of one home, in one language.

    Attributes:
        entities: Those exposed; a bit of a mask is a place in this tuple.
        named: The entities that have a word in a name or alias.
        placed: The entities at a place that has a word in its name or alias.
        places: The places that have a word in their name or alias.
        domains, classes: The entities of a domain, of a device class.
        names: Whole names, of entities and places.
        words_of: For each entity the words of its name and of each alias.
        slips: Finds the word that was meant.
        plain: Words with accents, by what they are without.
        options: What can be chosen on its things, as far as that was looked for.
    """

    registry: Registry
    entities: tuple[Entity, ...]
    named: dict[str, int] = field(default_factory=dict)
    placed: dict[str, int] = field(default_factory=dict)
    places: dict[str, tuple[Place, ...]] = field(default_factory=dict)
    domains: dict[str, int] = field(default_factory=dict)
    classes: dict[str, int] = field(default_factory=dict)
    areas: dict[str, Place] = field(default_factory=dict)
    floors: dict[str, Place] = field(default_factory=dict)
    names: NameNode = field(default_factory=NameNode)
    words_of: list[tuple[frozenset[str], ...]] = field(default_factory=list)
    slips: Slips = field(default_factory=Slips)
    plain: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, tuple[int, int]] = field(default_factory=dict)
    ordered: list[str] | None = None
    options: OptionIndex | None = None

    @property
    def everything(self) -> int:
        """All entities."""
        return (1 << len(self.entities)) - 1

    def knows(self, word: str) -> bool:
        """Whether something here has this word in its name."""
        return word in self.named or word in self.places

    def knows_form(self, word: str, lexicon: Lexicon) -> bool:
        """Whether it knows a word that this one may be a form of."""
        return any(self.knows(form.stem) for form in lexicon.forms_of(word))

    def beginning_with(self, start: str) -> list[str]:
        """The words that begin so, in order; two of them are enough to know that there are several."""
        if self.ordered is None:
            self.ordered = sorted({*self.named, *self.places})
        at = bisect_left(self.ordered, start)
        return [word for word in self.ordered[at : at + 2] if word.startswith(start)]

    def of_kind(self, kind: Kind) -> tuple[int, int]:
        """The entities that are certainly of a kind, and those that people may also call so."""
        known = self.kinds.get(kind.name)
        if known is None:
            known = self.kinds[kind.name] = self._of_kind(kind)
        return known

    def _of_kind(self, kind: Kind) -> tuple[int, int]:
        mask = any_of(self.domains, kind.domains)
        mask |= any_of(self.domains, kind.named_domains) & any_of(self.named, kind.words)
        exact = any_of(self.classes, kind.classes)
        if kind.only_named:
            called = any_of(self.named, kind.words) | exact
            return mask & called, mask & called
        if not kind.classes:
            return mask, mask
        # What has no class may be anything of its domain; a lock needs none to be a door.
        without = mask & ~any_of(self.classes, self.classes)
        if "lock" in kind.domains:
            exact |= self.domains.get("lock", 0)
        return mask & exact, mask & (exact | (without & ~self.domains.get("binary_sensor", 0)))

    def at(self, area_id: str | None) -> int:
        """The entities in an area; none where it is None or not one of this home."""
        area = self.areas.get(area_id or "")
        return 0 if area is None else area.mask

    def members(self, mask: int) -> list[Entity]:
        """The entities of a mask, in the registry's order."""
        return [self.entities[bit] for bit in bits(mask)]


def any_of(masks: Mapping[str, int], names: Iterable[str]) -> int:
    """The entities that are in the mask of any of these names."""
    found = 0
    for name in names:
        found |= masks.get(name, 0)
    return found


def bits(mask: int) -> Iterator[int]:
    """The places of the ones in a mask, the lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def index_of(registry: Registry, lexicon: Lexicon) -> HomeIndex:
    """Read all names of a home; about 20 µs an entity."""
    index = HomeIndex(registry, registry.exposed_entities())
    _add_places(index, lexicon)
    for bit, entity in enumerate(index.entities):
        _add_entity(index, lexicon, bit, entity)
    for word in {*index.named, *index.places}:
        _note_word(index, word)
    return index


MOST_CHANGED: Final = 50
"""Entities that are changed in an index; where more changed, it is quicker to build it anew."""


def updated(index: HomeIndex, registry: Registry, lexicon: Lexicon) -> HomeIndex:
    """The index of a newer revision of the same home; what stayed is taken over.

    The old index stays as it is, for whoever is still using it.
    """
    if (registry.areas, registry.floors) != (index.registry.areas, index.registry.floors):
        return index_of(registry, lexicon)
    entities = registry.exposed_entities()
    pairs = list(zip(index.entities, entities, strict=False))
    changed = [bit for bit, (old, new) in enumerate(pairs) if old is not new and old != new]
    if len(entities) != len(index.entities) or len(changed) > MOST_CHANGED:
        return index_of(registry, lexicon)
    if any(_place_of(pairs[bit][0]) != _place_of(pairs[bit][1]) for bit in changed):
        return index_of(registry, lexicon)
    newer = replace(
        index,
        registry=registry,
        entities=entities,
        named=dict(index.named),
        classes=dict(index.classes),
        words_of=list(index.words_of),
        slips=index.slips.copied(),
        plain=dict(index.plain),
        kinds={},
        ordered=None,
    )
    for bit in changed:
        _forget(newer, lexicon, bit, pairs[bit][0])
        _rename(newer, lexicon, bit, pairs[bit][1])
    return newer


def _place_of(entity: Entity) -> tuple[str, str | None]:
    return entity.id, entity.area_id


def _forget(index: HomeIndex, lexicon: Lexicon, bit: int, entity: Entity) -> None:
    one = 1 << bit
    if entity.device_class:
        index.classes[entity.device_class] &= ~one
    for words in _spellings((entity.name, *entity.aliases), lexicon):
        index.names = _changed(index.names, words, ~one, add=0)
        for word in searched_words(words, lexicon):
            index.named[word] = index.named.get(word, 0) & ~one
            if not index.named[word]:
                del index.named[word]
                if word not in index.places:
                    _forget_word(index, word)


def _forget_word(index: HomeIndex, word: str) -> None:
    index.slips.remove(word)
    bare = plain(word)
    if index.plain.get(bare) == word:
        del index.plain[bare]


def _rename(index: HomeIndex, lexicon: Lexicon, bit: int, entity: Entity) -> None:
    one = 1 << bit
    if entity.device_class:
        index.classes[entity.device_class] = index.classes.get(entity.device_class, 0) | one
    all_words = []
    for words in _spellings((entity.name, *entity.aliases), lexicon):
        if words:
            index.names = _changed(index.names, words, -1, add=one)
            all_words.append(frozenset(words))
        for word in searched_words(words, lexicon):
            if word not in index.named:
                _note_word(index, word)
            index.named[word] = index.named.get(word, 0) | one
    index.words_of[bit] = tuple(all_words)


def _changed(node: NameNode, words: tuple[str, ...], keep: int, *, add: int) -> NameNode:
    """A copy of the nodes on the way to a name, in whose last the entities changed."""
    if not words:
        return NameNode(node.below, node.entities & keep | add, node.places)
    below = dict(node.below)
    below[words[0]] = _changed(node.below.get(words[0]) or NameNode(), words[1:], keep, add=add)
    return NameNode(below, node.entities, node.places)


def _note_word(index: HomeIndex, word: str) -> None:
    bare = plain(word)
    if bare != word:
        index.plain.setdefault(bare, word)
    index.slips.add(word)


def _add_places(index: HomeIndex, lexicon: Lexicon) -> None:
    at_area: dict[str, int] = {}
    at_floor: dict[str, int] = {}
    for bit, entity in enumerate(index.entities):
        if entity.area_id is None or (area := index.registry.areas.get(entity.area_id)) is None:
            continue
        at_area[area.id] = at_area.get(area.id, 0) | 1 << bit
        if area.floor_id is not None:
            at_floor[area.floor_id] = at_floor.get(area.floor_id, 0) | 1 << bit
    registry = index.registry
    taken = {" ".join(words_of(name)) for names in _names_of_places(registry) for name in names}
    for area in registry.areas.values():
        place = Place(area.id, area.name, is_floor=False, mask=at_area.get(area.id, 0))
        index.areas[area.id] = place
        _add_place(index, lexicon, place, area, taken)
    for floor in registry.floors.values():
        place = Place(floor.id, floor.name, is_floor=True, mask=at_floor.get(floor.id, 0))
        index.floors[floor.id] = place
        _add_place(index, lexicon, place, floor, taken)


def _names_of_places(registry: Registry) -> Iterator[tuple[str, ...]]:
    yield from ((area.name, *area.aliases) for area in registry.areas.values())
    yield from ((floor.name, *floor.aliases) for floor in registry.floors.values())


def _add_place(index: HomeIndex, lexicon: Lexicon, place: Place, of: Area | Floor, taken: set[str]) -> None:
    names = list(_spellings((of.name, *of.aliases), lexicon))
    others = [
        other
        for words in names
        for other in lexicon.same_places.get(" ".join(words), ())
        if " ".join(other) not in taken
    ]
    for number, words in enumerate((*names, *others)):
        node = index.names
        for word in words:
            node = node.below.setdefault(word, NameNode())
            if number >= len(names) and len(words) > 1:
                # What a place is not called is one word of it only if it is the only one.
                continue
            index.placed[word] = index.placed.get(word, 0) | place.mask
            if place not in (known := index.places.get(word, ())):
                index.places[word] = (*known, place)
        if words and place not in node.places:
            node.places = (*node.places, place)


def _spellings(names: Iterable[str], lexicon: Lexicon) -> Iterator[tuple[str, ...]]:
    """The words of names; with a hyphen also in one word ("Ebike"), with numbers in words and in digits."""
    for name in dict.fromkeys(names):
        spelled = (name, _HYPHEN.sub("", name)) if "-" in name else (name,)
        for words in dict.fromkeys(map(words_of, spelled)):
            yield words
            if not lexicon.counted.keys().isdisjoint(words):
                yield tuple(lexicon.counted.get(word, word) for word in words)


_HYPHEN: Final = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")


def _add_entity(index: HomeIndex, lexicon: Lexicon, bit: int, entity: Entity) -> None:
    one = 1 << bit
    index.domains[entity.domain] = index.domains.get(entity.domain, 0) | one
    if entity.device_class:
        index.classes[entity.device_class] = index.classes.get(entity.device_class, 0) | one
    all_words = []
    for words in _spellings((entity.name, *entity.aliases), lexicon):
        node = index.names
        for word in words:
            node = node.below.setdefault(word, NameNode())
        if words:
            node.entities |= one
            all_words.append(frozenset(words))
        for word in searched_words(words, lexicon):
            index.named[word] = index.named.get(word, 0) | one
    index.words_of.append(tuple(all_words))


def searched_words(words: tuple[str, ...], lexicon: Lexicon) -> set[str]:
    """The words by which a name is found: its own, their stems, their parts, and what means the same."""
    found = set(words)
    for word in words:
        if lexicon.language == "hu":
            found.update(_parts(word, lexicon))
            found.update(_owned(word, lexicon))
            if word.endswith("i") and len(word) > SHORTEST_PART + 1:
                found.add(word[:-1])
                found.update(_shortened(word[:-1]))
        else:
            found.update(form.stem for form in lexicon.forms_of(word)[1:])
    for length in (1, 2, 3):
        for start in range(len(words) - length + 1):
            for other in lexicon.same_things.get(" ".join(words[start : start + length]), ()):
                found.update(other)
    return found


def _owned(word: str, lexicon: Lexicon) -> Iterator[str]:
    """What is somebody's in a name, or an object: `lámpája` → `lámpa`, `éjszakát` → `éjszaka`."""
    for form in lexicon.forms_of(word)[1:]:
        if (form.case is Case.OWN and lexicon.is_kind(form.stem)) or (
            form.case is Case.OBJECT and len(form.stem) >= SHORTEST_OBJECT
        ):
            yield form.stem


def _shortened(stem: str) -> Iterable[str]:
    last = {"á": "a", "é": "e"}.get(stem[-1:])
    return (stem[:-1] + last,) if last else ()


def _parts(word: str, lexicon: Lexicon) -> Iterator[str]:
    """The parts of a compound whose last part is the name of a kind: `garázskapu` → `garázs`, `kapu`."""
    for length in range(len(word) - SHORTEST_PART, SHORTEST_PART - 1, -1):
        head = word[-length:]
        if head in lexicon.heads:
            yield head
            yield word[:-length]
            return
