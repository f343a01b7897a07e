"""A furnished home in two languages, and more sentences for it than one run says.

Every thing has an English name and a Hungarian one (one is its name, the other an alias), so that both
languages have the same to say. `Conversation.fresh` never gives a sentence twice, and always gives the same
mixture of kinds: switching, brightness, colour, covers, temperatures, rooms, questions. They are sentences
that Home Assistant's own agent understands, too: of Hungarian, that leaves out names and rooms whose last
vowel changes with the ending (`lámpa`, `lámpát`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, product
from random import Random
from typing import Any, Final

from wyoming_central.demo.script import Furniture, Preparation, Script, read_script

LANGUAGES: Final = ("en", "hu")


@dataclass(frozen=True, slots=True)
class Thing:
    """A device of the home.

    Attributes:
        names: By language.
        object: The Hungarian name as an object (`csillárt`).
    """

    entity_id: str
    room: str
    names: Mapping[str, str]
    object: str


@dataclass(frozen=True, slots=True)
class Room:
    """A room; `within` is how each language says that something is in it."""

    names: Mapping[str, str]
    within: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Call:
    """A service call."""

    domain: str
    service: str
    entity_ids: tuple[str, ...]
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence.

    Attributes:
        kind: What kind of a sentence it is, for the table.
        before: What is done first, unmeasured, so that the sentence has something to change.
    """

    language: str
    kind: str
    text: str
    before: Call | None = None


def _thing(entity_id: str, room: str, english: str, hungarian: str, ending: str = "t") -> Thing:
    return Thing(entity_id, room, {"en": english, "hu": hungarian}, hungarian.lower() + ending)


def _room(english: str, hungarian: str, within: str) -> Room:
    return Room(
        {"en": english, "hu": hungarian},
        {"en": f"in the {english.lower()}", "hu": f"{_the(within)} {within}"},
    )


def _the(hungarian: str) -> str:
    return "az" if hungarian[0].lower() in "aáeéiíoóöőuúüű" else "a"


ROOMS: Final[Mapping[str, Room]] = {
    "living": _room("Living Room", "Nappali", "nappaliban"),
    "kitchen": _room("Kitchen", "Konyha", "konyhában"),
    "bedroom": _room("Bedroom", "Hálószoba", "hálószobában"),
    "office": _room("Office", "Műterem", "műteremben"),
    "hall": _room("Hallway", "Előtér", "előtérben"),
    "garage": _room("Garage", "Garázs", "garázsban"),
}
_LIT_ROOMS: Final = ("living", "kitchen", "bedroom", "office", "hall")
_HEATED_ROOMS: Final = ("living", "office")

LIGHTS: Final = (
    _thing("light.ceiling_lights", "living", "Ceiling Light", "Csillár"),
    _thing("light.living_room_rgbww_lights", "living", "Floor Lamp", "Hangulatfény"),
    _thing("light.kitchen_lights", "kitchen", "Counter Light", "Pultvilágítás"),
    _thing("light.bed_light", "bedroom", "Reading Lamp", "Olvasófény"),
    _thing("light.office_rgbw_lights", "office", "Desk Lamp", "Asztali fény"),
    _thing("light.entrance_color_white_lights", "hall", "Mirror Light", "Tükörvilágítás"),
)
SWITCHES: Final = (
    _thing("switch.decorative_lights", "living", "Christmas Tree", "Fényfüzér"),
    _thing("switch.ac", "kitchen", "Coffee Maker", "Kávégép", "et"),
    _thing("fan.living_room_fan", "living", "Table Fan", "Ventilátor"),
    _thing("fan.ceiling_fan", "bedroom", "Bedroom Fan", "Légkeverő"),
    _thing("input_boolean.radio", "kitchen", "Radio", "Hangszóró"),
    _thing("input_boolean.printer", "office", "Printer", "Nyomtató"),
    _thing("input_boolean.towel", "bedroom", "Towel Warmer", "Törölközőszárító"),
    _thing("input_boolean.charger", "garage", "Car Charger", "Autótöltő"),
)
# The two covers of the demo that know no position: they are open or closed at once, others move for seconds.
COVERS: Final = (
    _thing("cover.kitchen_window", "kitchen", "Terrace Blind", "Teraszredőny"),
    _thing("cover.garage_door", "garage", "Garage Gate", "Garázskapu"),
)
THERMOSTATS: Final = (
    _thing("climate.heatpump", "living", "Heat Pump", "Hőszivattyú"),
    _thing("climate.hvac", "office", "Office Thermostat", "Termosztát"),
)
THINGS: Final = (*LIGHTS, *SWITCHES, *COVERS, *THERMOSTATS)

_CONFIGURATION: Final = """
frontend:
config:
conversation:
demo:
zeroconf:
input_boolean:
  radio:
  printer:
  towel:
  charger:
"""


def home_script() -> Script:
    """The home for `furnish`: the demo's devices under the names of this file."""
    return replace(
        read_script(),
        configuration=_CONFIGURATION,
        rooms={key: room.names["en"] for key, room in ROOMS.items()},
        furniture=tuple(Furniture(thing.entity_id, thing.names["en"], thing.room) for thing in THINGS),
        preparations=(
            Preparation("light", "turn_off", tuple(thing.entity_id for thing in LIGHTS), {}),
            Preparation("homeassistant", "turn_off", tuple(thing.entity_id for thing in SWITCHES), {}),
        ),
        lines=(),
    )


# --- what is said ---------------------------------------------------------------------------------------
# {name} is the name, {the} the name after the article; {object} the same as an object, which English does
# not tell apart.

_Forms = Mapping[str, Sequence[str]]

_ON: Final[_Forms] = {
    "en": ("Turn on {the}", "Switch on {the}", "Turn {the} on", "Switch {the} on", "{name} on"),
    "hu": ("Kapcsold be {object}", "Kapcsold fel {object}", "Kapcsolj be {object}", "{name} be"),
}
_OFF: Final[_Forms] = {
    "en": ("Turn off {the}", "Switch off {the}", "Turn {the} off", "Switch {the} off", "{name} off"),
    "hu": ("Kapcsold ki {object}", "Kapcsold le {object}", "Kapcsolj ki {object}", "{name} ki"),
}
_OPEN: Final[_Forms] = {
    "en": ("Open {the}", "Raise {the}"),
    "hu": ("Nyisd ki {object}", "Húzd fel {object}", "Nyisd meg {object}"),
}
_CLOSE: Final[_Forms] = {
    "en": ("Close {the}", "Lower {the}"),
    "hu": ("Csukd be {object}", "Zárd be {object}", "Húzd le {object}"),
}
_BRIGHTNESS: Final[_Forms] = {
    "en": (
        "Set {the} brightness to {number} percent",
        "Set the brightness of {the} to {number} percent",
        "Set {the} to {number}% brightness",
        "Change {the} brightness to {number}%",
    ),
    "hu": (
        "Állítsd {the} fényerejét {number} százalékra",
        "Állítsd be {the} fényerejét {number}%-ra",
        "Állítsd {number} százalékra {the} fényerejét",
        "Állítsd {object} {number} százalékra",
    ),
}
_COLOURS: Final[_Forms] = {
    "en": ("red", "green", "blue", "yellow", "orange", "purple", "white", "brown"),
    "hu": ("pirosra", "zöldre", "kékre", "sárgára", "narancsra", "lilára", "fehérre", "barnára"),
}
_COLOUR: Final[_Forms] = {
    "en": ("Set {the} to {colour}", "Set {the} color to {colour}", "Turn {the} {colour}"),
    "hu": (
        "Állítsd {the} színét {colour}",
        "Állítsd {colour} {the} színét",
        "Változtasd {the} színét {colour}",
    ),
}
_TEMPERATURE: Final[_Forms] = {
    "en": (
        "Set the {room} temperature to {number} degrees",
        "Change the temperature {within} to {number} degrees",
    ),
    "hu": (
        "Állítsd {a_room} hőmérsékletét {number} fokra",
        "Állítsd {number} fokra {a_room} hőmérsékletét",
        "{room} hőmérséklet {number} fok",
    ),
}
_ROOM_BRIGHTNESS: Final[_Forms] = {
    "en": ("Set the {room} brightness to {number} percent", "Set the brightness {within} to {number}%"),
    "hu": ("Állítsd a fényerőt {within} {number} százalékra", "Állítsd {within} a fényerőt {number}%-ra"),
}
_ROOM_ON: Final[_Forms] = {
    "en": ("Turn on the lights {within}", "Turn on the {room} lights", "Switch on all lights {within}"),
    "hu": (
        "Kapcsold fel a lámpákat {within}",
        "Kapcsold be a világítást {within}",
        "Kapcsold be az összes lámpát {within}",
    ),
}
_ROOM_OFF: Final[_Forms] = {
    "en": ("Turn off the lights {within}", "Turn off the {room} lights", "Switch off all lights {within}"),
    "hu": (
        "Kapcsold le a lámpákat {within}",
        "Kapcsold ki a világítást {within}",
        "Kapcsold ki az összes lámpát {within}",
    ),
}
_IS_IT: Final[_Forms] = {
    "en": ("Is {the} on", "Is {the} off"),
    "hu": ("{the} be van kapcsolva", "{the} ki van kapcsolva"),
}
_ROOM_QUESTIONS: Final[_Forms] = {
    "en": (
        "Are any lights on {within}",
        "Which lights are on {within}",
        "How many lights are on {within}",
        "Are all the lights off {within}",
    ),
    "hu": (
        "Melyik lámpa van bekapcsolva {within}",
        "Hány lámpa van bekapcsolva {within}",
        "Milyen lámpák vannak bekapcsolva {within}",
        "Minden lámpa ki van kapcsolva {within}",
    ),
}
_HEAT_QUESTIONS: Final[_Forms] = {
    "en": ("What is the temperature {within}", "What's the temperature {within}"),
    "hu": ("Hány fok van {within}", "Mennyi a hőmérséklet {within}"),
}

# How many of each kind there are in every fifty sentences.
MIXTURE: Final[Mapping[str, int]] = {
    "switch": 14,
    "brightness": 12,
    "colour": 7,
    "cover": 1,
    "temperature": 4,
    "room brightness": 4,
    "room lights": 3,
    "question": 5,
}
SENTENCES_AT_ONCE: Final = sum(MIXTURE.values())


class Conversation:
    """What is said in one language; never the same sentence twice.

    Args:
        language: Two letters.
        seed: Of the order.
    """

    def __init__(self, language: str, *, seed: int = 1) -> None:
        self.language = language
        random = Random(seed)
        self._left: dict[str, Iterator[Said]] = {}
        for kind, make in _KINDS.items():
            every = [
                Said(language, kind, text[0].upper() + text[1:], before) for text, before in make(language)
            ]
            random.shuffle(every)
            self._left[kind] = iter({said.text: said for said in every}.values())

    def fresh(self) -> list[Said]:
        """Fifty sentences, none of them said before.

        Raises:
            StopIteration: There are not so many left of a kind.
        """
        kinds = [kind for kind, count in MIXTURE.items() for _ in range(count)]
        Random(len(kinds)).shuffle(kinds)
        return [next(self._left[kind]) for kind in kinds]


_Made = Iterator[tuple[str, Call | None]]


def _of_thing(form: str, thing: Thing, language: str, **more: object) -> str:
    name = thing.names[language].lower()
    if language == "en":
        return form.format(name=name, the=f"the {name}", object=f"the {name}", **more)
    article = _the(name)
    return form.format(name=name, the=f"{article} {name}", object=f"{article} {thing.object}", **more)


def _of_room(form: str, key: str, language: str, **more: object) -> str:
    room = ROOMS[key]
    name = room.names[language].lower()
    return form.format(room=name, a_room=f"{_the(name)} {name}", within=room.within[language], **more)


def _call(service: str, *things: Thing, **data: Any) -> Call:
    domain, _, name = service.partition(".")
    return Call(domain, name, tuple(thing.entity_id for thing in things), data)


def _switching(language: str) -> _Made:
    for forms, opposite in ((_ON, "turn_off"), (_OFF, "turn_on")):
        for form, thing in product(forms[language], (*LIGHTS, *SWITCHES)):
            yield _of_thing(form, thing, language), _call(f"homeassistant.{opposite}", thing)


def _brightness(language: str) -> _Made:
    for form, thing, number in product(_BRIGHTNESS[language], LIGHTS, range(2, 100)):
        yield _of_thing(form, thing, language, number=number), _call("light.turn_on", thing, brightness_pct=1)


def _colour(language: str) -> _Made:
    for form, thing, colour in product(_COLOUR[language], LIGHTS, _COLOURS[language]):
        text = _of_thing(form, thing, language, colour=colour)
        yield text, _call("light.turn_on", thing, color_name="pink")


def _covers(language: str) -> _Made:
    for forms, opposite in ((_OPEN, "close_cover"), (_CLOSE, "open_cover")):
        for form, thing in product(forms[language], COVERS):
            yield _of_thing(form, thing, language), _call(f"cover.{opposite}", thing)


def _temperature(language: str) -> _Made:
    for form, key, number in product(_TEMPERATURE[language], _HEATED_ROOMS, range(15, 31)):
        text = _of_room(form, key, language, number=number)
        thermostats = [thing for thing in THERMOSTATS if thing.room == key]
        yield text, _call("climate.set_temperature", *thermostats, temperature=14)


def _room_brightness(language: str) -> _Made:
    for form, key, number in product(_ROOM_BRIGHTNESS[language], _LIT_ROOMS, range(2, 100)):
        text = _of_room(form, key, language, number=number)
        yield text, _call("light.turn_on", *_lights_in(key), brightness_pct=1)


def _room_lights(language: str) -> _Made:
    for forms, opposite in ((_ROOM_ON, "turn_off"), (_ROOM_OFF, "turn_on")):
        for form, key in product(forms[language], _LIT_ROOMS):
            yield _of_room(form, key, language), _call(f"light.{opposite}", *_lights_in(key))


def _questions(language: str) -> _Made:
    things = (
        _of_thing(form, thing, language) for form, thing in product(_IS_IT[language], (*LIGHTS, *SWITCHES))
    )
    rooms = (_of_room(form, key, language) for form, key in product(_ROOM_QUESTIONS[language], _LIT_ROOMS))
    heat = (_of_room(form, key, language) for form, key in product(_HEAT_QUESTIONS[language], _HEATED_ROOMS))
    for text in chain(things, rooms, heat):
        yield text, None


def _lights_in(key: str) -> list[Thing]:
    return [thing for thing in LIGHTS if thing.room == key]


_KINDS: Final[Mapping[str, Callable[[str], _Made]]] = {
    "switch": _switching,
    "brightness": _brightness,
    "colour": _colour,
    "cover": _covers,
    "temperature": _temperature,
    "room brightness": _room_brightness,
    "room lights": _room_lights,
    "question": _questions,
}
