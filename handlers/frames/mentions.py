"""What of a home was meant by what was said of it.

Every word of a mention must be explained: by an entity's name, by the place where it is, or by the kind of
thing that it is. So a mention reaches exactly what all of it fits, and a word too many reaches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.frames.case import Case
from handlers.frames.clause import Mention
from handlers.frames.home_index import HomeIndex, Place, any_of, bits
from handlers.frames.lexicon import Lexicon, Role
from handlers.frames.link import Piece, Word
from handlers.understanding import SlotValue
from provisioning.home.registry import Entity


@dataclass(frozen=True, slots=True)
class Meant:
    """The entities that a mention fits.

    Attributes:
        mask: Which.
        by_name: Whether their names were said, not only their kind and place.
        exactly: Whether a whole name was said.
        kinds: The kinds that were said.
        places: The places that were said.
        nouns: The nouns of `kinds`, as names of this home have them.
    """

    mask: int
    by_name: bool = False
    exactly: bool = False
    kinds: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    nouns: tuple[str, ...] = ()

    @property
    def where(self) -> dict[str, SlotValue]:
        """The first floor and the first area that were said, as slots."""
        slots: dict[str, SlotValue] = {}
        for place in self.places:
            slots.setdefault("floor" if place.is_floor else "area", place.name)
        return slots


def kinds_of(entities: Sequence[Entity], *, classed: frozenset[str]) -> dict[str, SlotValue]:
    """The domains of some entities as a slot, and their classes, where all are of domains that have some.

    Args:
        entities: One at least.
        classed: The domains of which the class says what a thing is.
    """
    domains = tuple(dict.fromkeys(entity.domain for entity in entities))
    classes = tuple(dict.fromkeys(entity.device_class for entity in entities if entity.device_class))
    slots: dict[str, SlotValue] = {"domain": _one_or_all(domains)}
    if classes and set(domains) <= classed:
        slots["device_class"] = _one_or_all(classes)
    return slots


def _one_or_all(values: tuple[str, ...]) -> SlotValue:
    return values[0] if len(values) == 1 else values


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one piece of a mention can be explained by: masks of entities.

    `others` are called by another noun of the same kind: an extractor, where "the fan" was said.
    """

    named: int
    placed: int
    kind: int
    near: int
    places: tuple[Place, ...]
    is_placed: bool
    is_loose: bool
    kinds: tuple[str, ...]
    others: int = 0
    is_plural: bool = False
    stems: tuple[str, ...] = ()


def meant_by(mention: Mention, allowed: int, index: HomeIndex, lexicon: Lexicon) -> Meant:
    """The entities, among those allowed, that all of a mention fits; none is an empty mask."""
    whole = _by_whole_name(mention, allowed, index, lexicon)
    if whole is not None and whole.mask:
        return whole
    for pieces in _readings(mention):
        meant = _by_words(pieces, mention, allowed, index, lexicon)
        if meant.mask:
            return meant
    return Meant(0, kinds=mention.kinds, places=_places(mention.pieces))


def _readings(mention: Mention) -> list[tuple[Piece, ...]]:
    """The mention with its soft words as parts of a name, and without them."""
    if not mention.pieces and any(piece.sense(Role.VAGUE) for piece in mention.soft):
        return [mention.soft]
    if mention.soft:
        return [(*mention.pieces, *mention.soft), mention.pieces]
    return [mention.pieces]


def _by_whole_name(mention: Mention, allowed: int, index: HomeIndex, lexicon: Lexicon) -> Meant | None:
    """What is called exactly as was said, what else was said fitting it."""
    for position, piece in enumerate(mention.pieces):
        if not piece.entities or position in mention.placed:
            continue
        called = piece.entities & allowed
        others = tuple(one for one in mention.pieces if one is not piece)
        if others:
            rest = _by_words(others, mention, called, index, lexicon)
            called = rest.mask
        if not called:
            continue
        if _says_several(piece) and not _names_several(piece, called, index):
            group = _by_words(mention.pieces, mention, allowed, index, lexicon)
            if group.mask.bit_count() >= called.bit_count() and group.kinds and not group.by_name:
                return group
        if len(piece.words) == 1 and piece.words[0].kinds and not others and not _is_only_name(piece):
            # "the lamp", where one happens to be called just that.
            return Meant(called, by_name=True, exactly=True, kinds=mention.kinds)
        return Meant(called, by_name=True, exactly=True, kinds=mention.kinds, places=_places(others))
    return None


def _is_only_name(piece: Piece) -> bool:
    return bool(piece.words[0].stems)


def _says_several(piece: Piece) -> bool:
    return bool(piece.words) and piece.words[-1].plural and bool(piece.words[-1].kinds)


def _names_several(piece: Piece, called: int, index: HomeIndex) -> bool:
    """Whether the name itself is a plural, as in "Kitchen lights"."""
    said = piece.words[-1].text
    return all(any(said in words for words in index.words_of[bit]) for bit in bits(called))


def _places(pieces: Sequence[Piece]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(place for piece in pieces for place in piece.places))


def _by_words(
    pieces: Sequence[Piece], mention: Mention, allowed: int, index: HomeIndex, lexicon: Lexicon
) -> Meant:
    units = [
        unit
        for piece in pieces
        for unit in _units(
            piece, index, lexicon, is_placed=_is_placed(piece, mention), at_place=bool(mention.placed)
        )
    ]
    mask = allowed
    for unit in units:
        mask &= _explained(unit)
    if not mask:
        return Meant(0)
    return _narrowed(units, mask)


def _is_placed(piece: Piece, mention: Mention) -> bool:
    return any(
        mention.pieces[position] is piece for position in mention.placed if position < len(mention.pieces)
    )


def _explained(unit: _Unit) -> int:
    if unit.is_placed and unit.placed:
        return unit.placed
    return unit.named | unit.placed | unit.near


def _units(
    piece: Piece, index: HomeIndex, lexicon: Lexicon, *, is_placed: bool, at_place: bool
) -> list[_Unit]:
    if piece.places:
        return [_place_unit(piece, index, lexicon, is_placed=is_placed)]
    return [
        _word_unit(word, index, lexicon, is_placed=is_placed or word.case is Case.PLACE, at_place=at_place)
        for word in piece.words
    ]


def _place_unit(piece: Piece, index: HomeIndex, lexicon: Lexicon, *, is_placed: bool) -> _Unit:
    placed = 0
    for place in piece.places:
        placed |= place.mask
    named = index.everything
    for word in piece.words:
        named &= any_of(index.named, word.stems)
    kind, near = _of_kinds(piece.words[-1].kinds if len(piece.words) == 1 else (), index, lexicon)
    return _Unit(named, placed, kind, near, piece.places, is_placed or piece.case is Case.PLACE, True, ())


def _word_unit(word: Word, index: HomeIndex, lexicon: Lexicon, *, is_placed: bool, at_place: bool) -> _Unit:
    named, placed = any_of(index.named, word.stems), any_of(index.placed, word.stems)
    places = tuple(place for stem in word.stems for place in index.places.get(stem, ()))
    kind, near = _of_kinds(word.kinds, index, lexicon)
    loose = any(
        lexicon.kinds[one].loose or (lexicon.kinds[one].loose_at_places and at_place) for one in word.kinds
    )
    others = _called_otherwise(word, index, lexicon)
    return _Unit(
        named, placed, kind, near, places, is_placed, loose, word.kinds, others, word.plural, word.stems
    )


def _called_otherwise(word: Word, index: HomeIndex, lexicon: Lexicon) -> int:
    mask = 0
    for name in word.kinds:
        kind = lexicon.kinds[name]
        if kind.alike:
            return 0
        said = {form.stem for form in lexicon.forms_of(word.text)}
        mask |= any_of(index.named, kind.words - said)
    return mask


def _of_kinds(kinds: Sequence[str], index: HomeIndex, lexicon: Lexicon) -> tuple[int, int]:
    exact = near = 0
    for name in kinds:
        certain, perhaps = index.of_kind(lexicon.kinds[name])
        exact |= certain
        near |= perhaps
    return exact, near


def _narrowed(units: Sequence[_Unit], mask: int) -> Meant:
    """What fits best: certain kinds before possible ones, those who bear the noun before the others."""
    by_name = False
    places: list[Place] = []
    kinds: list[str] = []
    for unit in units:
        if unit.kinds:
            kinds += unit.kinds
            certain = mask & (unit.kind | unit.named)
            mask = certain or mask
            bearing = mask & unit.named
            if bearing and not unit.is_loose:
                mask = bearing
            elif not unit.is_plural:
                mask = mask & ~(unit.others & ~unit.named) or mask
        elif unit.placed & mask and (unit.is_placed or not unit.named & mask or unit.placed & mask == mask):
            places += [place for place in unit.places if place.mask & mask]
        elif unit.named & mask:
            by_name = True
    named_words = [unit for unit in units if not unit.kinds and not unit.placed]
    if named_words:
        by_name = True
    return Meant(
        mask,
        by_name=by_name,
        kinds=tuple(dict.fromkeys(kinds)),
        places=tuple(dict.fromkeys(places)),
        nouns=tuple(stem for unit in units if unit.kinds for stem in unit.stems),
    )
