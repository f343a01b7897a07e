"""A small home in each language, its words, and what the frame parser understands in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from handlers.frames.clause import Sentence
from handlers.frames.clauses import sentence_of
from handlers.frames.home_index import HomeIndex, index_of
from handlers.frames.lexicon import Lexicon
from handlers.frames.link import Piece, pieces_of
from handlers.frames.stage import understood
from handlers.frames.tokens import folded, tokens_of
from handlers.interpret import parse_home
from handlers.understanding import Intent, PastTurn, SessionContext, Understanding, Utterance
from provisioning.home.registry import HomePicture

ENGLISH: Final[dict[str, Any]] = {
    "floors": [{"id": "ground", "name": "Downstairs"}, {"id": "upper", "name": "Upstairs"}],
    "areas": [
        {"id": "kitchen", "name": "Kitchen", "floor": "ground"},
        {"id": "lounge", "name": "Lounge", "floor": "ground"},
        {"id": "bedroom", "name": "Bedroom", "floor": "upper"},
        {"id": "drive", "name": "Driveway"},
    ],
    "entities": [
        {"id": "light.spots", "name": "Kitchen spots", "area": "kitchen", "state": "off"},
        {"id": "light.worktop", "name": "Worktop light", "area": "kitchen", "state": "off"},
        {
            "id": "light.sofa",
            "name": "Sofa lamp",
            "area": "lounge",
            "state": "on",
            "aliases": ["Settee lamp"],
        },
        {"id": "light.bedside", "name": "Bedside lamp", "area": "bedroom", "state": "off"},
        {"id": "fan.ceiling", "name": "Ceiling fan", "area": "bedroom", "state": "off"},
        {"id": "switch.kettle", "name": "Kettle", "area": "kitchen", "state": "off"},
        {
            "id": "cover.blind",
            "name": "Bedroom blind",
            "area": "bedroom",
            "state": "open",
            "attributes": {"device_class": "blind"},
        },
        {
            "id": "cover.garage",
            "name": "Garage door",
            "area": "drive",
            "state": "closed",
            "attributes": {"device_class": "garage"},
        },
        {"id": "lock.front", "name": "Front door", "area": "lounge", "state": "locked"},
        {"id": "climate.lounge", "name": "Lounge heating", "area": "lounge", "state": "heat"},
        {"id": "media_player.radio", "name": "Radio", "area": "kitchen", "state": "playing"},
        {"id": "vacuum.hoover", "name": "Dusty", "area": "lounge", "state": "docked"},
        {
            "id": "sensor.outside",
            "name": "Driveway thermometer",
            "area": "drive",
            "state": "4",
            "attributes": {"device_class": "temperature"},
        },
        {
            "id": "binary_sensor.window",
            "name": "Bedroom window",
            "area": "bedroom",
            "state": "on",
            "attributes": {"device_class": "window"},
        },
        {"id": "scene.movie", "name": "Movie night", "state": "unknown"},
        {"id": "person.maude", "name": "Maude", "state": "home"},
        {"id": "todo.shopping", "name": "Shopping list", "state": "0"},
        {"id": "todo.chores", "name": "Chores", "state": "0"},
        {"id": "light.cellar", "name": "Wine cellar", "area": "kitchen", "state": "off", "exposed": False},
        {"id": "lock.safe", "name": "Strongbox", "area": "bedroom", "state": "locked", "exposed": False},
    ],
}
HUNGARIAN: Final[dict[str, Any]] = {
    "floors": [{"id": "also", "name": "Földszint"}, {"id": "felso", "name": "Emelet"}],
    "areas": [
        {"id": "konyha", "name": "Konyha", "floor": "also"},
        {"id": "nappali", "name": "Nappali", "floor": "also"},
        {"id": "halo", "name": "Hálószoba", "floor": "felso"},
        {"id": "kert", "name": "Kert"},
    ],
    "entities": [
        {"id": "light.konyha", "name": "Konyhai lámpa", "area": "konyha", "state": "off"},
        {"id": "light.pult", "name": "Pultvilágítás", "area": "konyha", "state": "off"},
        {"id": "light.olvaso", "name": "Olvasólámpa", "area": "nappali", "state": "on"},
        {"id": "light.ejjeli", "name": "Éjjeli lámpa", "area": "halo", "state": "off"},
        {"id": "fan.mennyezeti", "name": "Mennyezeti ventilátor", "area": "halo", "state": "off"},
        {"id": "switch.kave", "name": "Kávéfőző", "area": "konyha", "state": "off"},
        {
            "id": "cover.redony",
            "name": "Hálószobai redőny",
            "area": "halo",
            "state": "open",
            "attributes": {"device_class": "shutter"},
        },
        {
            "id": "cover.kapu",
            "name": "Garázskapu",
            "area": "kert",
            "state": "closed",
            "attributes": {"device_class": "garage"},
        },
        {"id": "lock.bejarat", "name": "Bejárati ajtó", "area": "nappali", "state": "locked"},
        {"id": "climate.nappali", "name": "Nappali termosztát", "area": "nappali", "state": "heat"},
        {"id": "media_player.radio", "name": "Rádió", "area": "konyha", "state": "playing"},
        {"id": "vacuum.porszivo", "name": "Gombóc", "area": "nappali", "state": "docked"},
        {"id": "scene.mozi", "name": "Mozi", "state": "unknown"},
        {"id": "person.zsofi", "name": "Zsófi", "state": "home"},
        {"id": "todo.bevasarlas", "name": "Bevásárlólista", "state": "0"},
        {"id": "light.borospince", "name": "Boroshordó", "area": "konyha", "state": "off", "exposed": False},
        {"id": "lock.szef", "name": "Páncélszekrény", "area": "halo", "state": "locked", "exposed": False},
    ],
}
DESCRIBED: Final = {"en": ENGLISH, "hu": HUNGARIAN}


@cache
def lexicon(language: str) -> Lexicon:
    return Lexicon.load(language)


@cache
def home(language: str) -> HomePicture:
    return parse_home(DESCRIBED[language])


@cache
def index(language: str) -> HomeIndex:
    return index_of(home(language).registry, lexicon(language))


def masked(known: HomeIndex, *entities: str) -> int:
    """The mask of these entities."""
    return sum(1 << bit for bit, entity in enumerate(known.entities) if entity.id in entities)


def ids(known: HomeIndex, mask: int) -> set[str]:
    return {entity.id for entity in known.members(mask)}


def pieces(text: str, language: str = "en", *, literally: bool = False) -> tuple[Piece, ...]:
    return pieces_of(tokens_of(folded(text)), index(language), lexicon(language), literally=literally)


def sentence(text: str, language: str = "en") -> Sentence:
    return sentence_of(pieces(text, language), lexicon(language))


def understand(
    text: str,
    language: str = "en",
    *,
    area: str | None = None,
    after: Sequence[Intent] = (),
    picture: HomePicture | None = None,
) -> Understanding:
    """What a sentence means in the home of this language, or in another one."""
    turns = (PastTurn("", "", tuple(after)),) if after else ()
    utterance = Utterance(text, language, area, SessionContext(turns))
    if picture is None:
        return understood(utterance, home(language), index(language), lexicon(language))
    return understood(utterance, picture, index_of(picture.registry, lexicon(language)), lexicon(language))


def targets(understanding: Understanding) -> set[str]:
    """Every entity that it is about, or that it asks to choose among."""
    found = {target for intent in understanding.intents for target in intent.targets}
    if understanding.question is not None:
        found.update(understanding.question.candidates)
    return found


def reason(understanding: Understanding) -> str:
    """Why it was passed on."""
    return understanding.stages[0].reason or ""
