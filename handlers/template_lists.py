"""The lists that fill the slots of sentence templates from one home: names, areas, floors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from hassil.expression import TextChunk
from hassil.intents import TextSlotList, TextSlotValue
from hassil.util import normalize_whitespace, remove_punctuation

from handlers.hungarian import place_forms, spoken_forms
from provisioning.home.registry import Entity, Registry

# Under this key a matched name says which entity it is the name of, and how the owner spells it.
ENTITY_ID: Final = "entity_id"
SPELLING: Final = "spelling"

_Forms = Callable[[str], Iterable[str]]


def lists_of(registry: Registry, language: str) -> Mapping[str, TextSlotList]:
    """The slot lists `name`, `area` and `floor` of a home, in the forms that a language gives its names.

    Only exposed entities have a name here. Each value carries the entity's domain and device class as
    context, which the templates ask for, and the entity's id as metadata.
    """
    of_name, of_place = (spoken_forms, place_forms) if language == "hu" else (_as_it_is, _as_it_is)
    lists = {
        "name": _list(
            "name", (value for entity in registry.exposed_entities() for value in _names(entity, of_name))
        ),
        "area": _list("area", _places(registry.areas.values(), of_place)),
        "floor": _list("floor", _places(registry.floors.values(), of_place)),
    }
    for slot_list in lists.values():
        # hassil builds its index at first use; here it is built before any other thread can see the list.
        slot_list.get_candidates("")
    return lists


def _as_it_is(name: str) -> Iterable[str]:
    return (name,)


def _list(name: str, values: Iterable[TextSlotValue]) -> TextSlotList:
    return TextSlotList(name=name, values=list(values))


def _names(entity: Entity, forms: _Forms) -> Iterator[TextSlotValue]:
    context = {"domain": entity.domain}
    if entity.device_class:
        context["device_class"] = entity.device_class
    for spelling in dict.fromkeys((entity.name, *entity.aliases)):
        metadata = {ENTITY_ID: entity.id, SPELLING: spelling}
        for text in _spoken(spelling, forms):
            yield TextSlotValue(TextChunk(text), entity.name, context=context, metadata=metadata)


def _places(places: Iterable[Any], forms: _Forms) -> Iterator[TextSlotValue]:
    for place in places:
        for spelling in dict.fromkeys((place.name, *place.aliases)):
            for text in _spoken(spelling, forms):
                yield TextSlotValue(TextChunk(text), place.name)


def _spoken(spelling: str, forms: _Forms) -> Iterable[str]:
    """A name as hassil sees it when it is said: without punctuation, and never read as a template."""
    plain = normalize_whitespace(remove_punctuation(spelling)).strip()
    return forms(plain) if plain else ()
