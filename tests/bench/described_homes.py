"""Homes of any size, with names as people give them, and what is said in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice, product
from typing import Any, Final

from handlers.hungarian import accusative
from handlers.interpret import parse_home
from provisioning.home.registry import HomePicture


@dataclass(frozen=True, slots=True)
class _Words:
    """What homes of a language are made of, and what is said in them.

    Attributes:
        rooms: Names of rooms; with numbers where there are not enough.
        things: Domain, device class, and the noun of a thing.
        which: Words that tell things of the same noun apart.
        name: How room, word and noun make a name.
        said: Sentences, with `{name}`, `{name_acc}`, `{room}`, `{room_in}`, by the domain they are for.
    """

    rooms: tuple[str, ...]
    things: tuple[tuple[str, str | None, str], ...]
    which: tuple[str, ...]
    said: tuple[tuple[str, str], ...]


_ENGLISH: Final = _Words(
    rooms=(
        "Kitchen",
        "Lounge",
        "Bedroom",
        "Office",
        "Cellar",
        "Attic",
        "Nursery",
        "Porch",
        "Pantry",
        "Library",
    ),
    things=(
        ("light", None, "lamp"),
        ("light", None, "light"),
        ("switch", None, "socket"),
        ("cover", "blind", "blind"),
        ("fan", None, "fan"),
        ("climate", None, "radiator"),
        ("lock", None, "door"),
        ("media_player", None, "speaker"),
        ("sensor", "temperature", "temperature"),
        ("binary_sensor", "window", "window"),
    ),
    which=(
        "corner",
        "desk",
        "north",
        "old",
        "marble",
        "tall",
        "spare",
        "round",
        "left",
        "oak",
        "brass",
        "wicker",
    ),
    said=(
        ("light", "turn on the {name}"),
        ("light", "could you switch the {name} off please"),
        ("light", "{name} to forty percent"),
        ("light", "{name} blue"),
        ("light", "make the {name} a bit brighter"),
        ("light", "all the lights off in the {room} except the {name}"),
        ("switch", "put the {name} on for me"),
        ("cover", "lower the {name} half way"),
        ("fan", "set the {name} to 75 percent"),
        ("climate", "turn the {name} up by two degrees"),
        ("lock", "is the {name} locked"),
        ("media_player", "pause the {name}"),
        ("sensor", "what is the {name}"),
        ("binary_sensor", "did i leave the {name} open"),
    ),
)
_HUNGARIAN: Final = _Words(
    rooms=(
        "Konyha",
        "Nappali",
        "Hálószoba",
        "Iroda",
        "Pince",
        "Padlás",
        "Gyerekszoba",
        "Terasz",
        "Kamra",
        "Könyvtár",
    ),
    things=(
        ("light", None, "lámpa"),
        ("light", None, "fény"),
        ("switch", None, "konnektor"),
        ("cover", "shutter", "redőny"),
        ("fan", None, "ventilátor"),
        ("climate", None, "radiátor"),
        ("lock", None, "ajtó"),
        ("media_player", None, "hangszóró"),
        ("sensor", "temperature", "hőmérséklet"),
        ("binary_sensor", "window", "ablak"),
    ),
    which=(
        "sarok",
        "íróasztali",
        "északi",
        "régi",
        "márvány",
        "magas",
        "tartalék",
        "kerek",
        "bal",
        "tölgy",
        "réz",
        "nádfonatos",
    ),
    said=(
        ("light", "kapcsold be a {name_acc}"),
        ("light", "lekapcsolnád kérlek a {name_acc}"),
        ("light", "{name} negyven százalék"),
        ("light", "állítsd kékre a {name_acc}"),
        ("light", "vedd egy kicsit feljebb a {name_acc}"),
        ("light", "oltsd le az összes lámpát, kivéve a {name_acc}"),
        ("switch", "{name_acc} légy szíves kapcsold be"),
        ("cover", "húzd le félig a {name_acc}"),
        ("fan", "állítsd a {name_acc} 75 százalékra"),
        ("climate", "vedd feljebb két fokkal a {name_acc}"),
        ("lock", "be van zárva a {name}"),
        ("media_player", "szüneteltesd a {name_acc}"),
        ("sensor", "mennyi a {name}"),
        ("binary_sensor", "nyitva hagytam a {name_acc}"),
    ),
)
WORDS: Final = {"en": _ENGLISH, "hu": _HUNGARIAN}

_ROOM_OF_THINGS: Final = 12


def described(language: str, entities: int) -> dict[str, Any]:
    """A home with so many entities, as `interpret` takes one; about twelve to a room."""
    words = WORDS[language]
    rooms = list(islice(_rooms(words), max(1, entities // _ROOM_OF_THINGS)))
    areas = [{"id": f"room_{number}", "name": name} for number, name in enumerate(rooms)]
    things = list(islice(cycle(product(words.which, words.things)), entities))
    found: dict[str, Any] = {"areas": areas, "entities": []}
    for number, (which, (domain, device_class, noun)) in enumerate(things):
        room = number % len(rooms)
        attributes = {"device_class": device_class} if device_class else {}
        found["entities"].append(
            {
                "id": f"{domain}.thing_{number}",
                "name": f"{rooms[room]} {which} {noun}",
                "area": f"room_{room}",
                "state": "on",
                "attributes": attributes,
            }
        )
    return found


def picture_of(language: str, entities: int) -> HomePicture:
    """The same, as the stages of recognition take it."""
    return parse_home(described(language, entities))


def sentences(language: str, picture: HomePicture, number: int) -> list[str]:
    """So many different sentences that are said in such a home."""
    words = WORDS[language]
    entities = picture.registry.entities.values()
    by_domain = {
        domain: cycle([one.name for one in entities if one.domain == domain]) for domain, _, _ in words.things
    }
    rooms = cycle(area.name for area in picture.registry.areas.values())
    found: dict[str, None] = {}
    for domain, template in islice(cycle(words.said), number * 20):
        name = next(by_domain[domain]).lower()
        room = next(rooms).lower()
        acc = accusative(name) if language == "hu" else name
        found[template.format(name=name, name_acc=acc, room=room)] = None
        if len(found) == number:
            break
    return list(found)


def _rooms(words: _Words) -> Iterator[str]:
    yield from words.rooms
    number = 2
    while True:
        yield from (f"{room} {number}" for room in words.rooms)
        number += 1
