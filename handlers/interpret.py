"""What would be done about a sentence in a home that is described rather than connected; nothing is done.

This is the computation behind `wyoming-central interpret`; reading lines and files is the command's part.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

import orjson

from config.languages import normalise_language
from handlers.answer import Answers
from handlers.errors import RequestError
from handlers.frames.explain import Explanation, explained
from handlers.frames.home_index import index_of
from handlers.frames.lexicon import Lexicon
from handlers.recognize import Recognizer
from handlers.resolve import resolve
from handlers.sentence import MAX_SENTENCE_LENGTH, cleaned
from handlers.understanding import (
    Outcome,
    PastTurn,
    Phrase,
    Resolution,
    SessionContext,
    Understanding,
    Utterance,
    Verdict,
)
from provisioning.home.registry import Area, Entity, EntityState, Floor, HomePicture, Registry

# Ten times the largest homes that are known of.
MAX_ENTITIES: Final = 20_000
MAX_PLACES: Final = 2_000
MAX_ALIASES: Final = 100
MAX_NAME_LENGTH: Final = 255
MAX_CONTEXT: Final = 20
_PARSERS: Final = frozenset({"cache", "frames", "templates", "llm"})


@dataclass(frozen=True, slots=True)
class Interpreted:
    """What a sentence would come to.

    Attributes:
        understanding: What recognition made of it.
        resolution: What that comes to in the home.
        on_yes: For a question that waits for a yes, what that would come to; None for everything else.
        speech: What would be said.
        ms: Milliseconds that it took.
    """

    understanding: Understanding
    resolution: Resolution
    on_yes: Resolution | None
    speech: str
    ms: float


class Interpreter:
    """Interprets one sentence after another; a sentence without a home is said in the home of the one before.

    Args:
        recognizer: The cascade.
        answers: The sentences to say.
        clock: Seconds since the epoch.
        timer: A monotonic clock in seconds.
    """

    def __init__(
        self,
        *,
        recognizer: Recognizer,
        answers: Answers,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._recognizer = recognizer
        self._answers = answers
        self._clock = clock
        self._timer = timer
        self._described: Any = None
        self._picture: HomePicture | None = None
        self._warmed: set[tuple[str, str]] = set()

    async def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What would be done and said about a request, as the JSON contract of `interpret` has it.

        Args:
            request: `text`, `language`, and optionally `home`, `area`, `states`, `context`.

        Returns:
            `outcome`, `intents`, `calls`, `speech`, `parser`, `stages`, `ms`; for a request that cannot be
            read the outcome is `error` and `error` says why.
        """
        try:
            interpreted = await self.interpreted(request)
        except RequestError as error:
            return self._refused(error, _spoken_language(request))
        understanding, resolution = interpreted.understanding, interpreted.resolution
        return {
            "outcome": resolution.outcome.value,
            "intents": [{"name": one.name, "slots": dict(one.slots)} for one in understanding.intents],
            "calls": [one.as_json() for one in resolution.calls],
            "speech": interpreted.speech,
            "parser": understanding.parser if understanding.parser in _PARSERS else None,
            "stages": [one.as_json() for one in understanding.stages],
            "ms": round(interpreted.ms, 3),
        }

    async def interpreted(self, request: Mapping[str, Any]) -> Interpreted:
        """What would be done and said about a request, for callers that want more than its JSON.

        Args:
            request: As `answer` takes it.

        Raises:
            RequestError: The request cannot be read.
        """
        utterance, picture = await self._heard(request)
        started = self._timer()
        understanding, resolution = await self._interpret(utterance, picture)
        milliseconds = (self._timer() - started) * 1000
        question = resolution.question
        on_yes = None
        if question is not None and question.confirms:
            on_yes = resolve(Understanding(Verdict.COMMANDS, question.confirms), utterance, picture)
        speech = self._answers.speak(resolution.said, utterance.language)
        return Interpreted(understanding, resolution, on_yes, speech, milliseconds)

    async def explain(self, request: Mapping[str, Any], lexicon: Lexicon) -> Explanation:
        """How the frame parser understands a request; the same for its words, whatever stage takes it.

        Args:
            request: As `answer` takes it.
            lexicon: That of its language.

        Raises:
            RequestError: The request cannot be read.
        """
        utterance, picture = await self._heard(request)
        index = await asyncio.to_thread(index_of, picture.registry, lexicon)
        return explained(utterance, picture, index, lexicon)

    async def _heard(self, request: Mapping[str, Any]) -> tuple[Utterance, HomePicture]:
        """What a request says, after what was said before it, and the home that it is said in."""
        language = _language(request)
        picture = self._picture_of(request)
        utterance = self._utterance(request, language, picture)
        context = _context(request)
        if (picture.registry.revision, language) not in self._warmed:
            # Building a home's index is no part of understanding a sentence.
            await self._recognizer.warm((language,), picture)
            self._warmed.add((picture.registry.revision, language))
        return await self._after(context, utterance, picture), picture

    async def _interpret(
        self, utterance: Utterance, picture: HomePicture
    ) -> tuple[Understanding, Resolution]:
        understanding = await self._recognizer.recognize(utterance, picture)
        return understanding, resolve(understanding, utterance, picture)

    async def _after(self, context: Sequence[str], utterance: Utterance, picture: HomePicture) -> Utterance:
        """The utterance as it is heard after the sentences of `context`, which are only understood."""
        session = SessionContext()
        for text in context:
            earlier = replace(utterance, text=text, session=session)
            understanding, resolution = await self._interpret(earlier, picture)
            turn = PastTurn(
                text=text,
                speech=self._answers.speak(resolution.said, utterance.language),
                intents=understanding.intents,
                targets=resolution.targets,
                at=utterance.now,
            )
            session = SessionContext((*session.turns, turn), resolution.question)
        return replace(utterance, session=session)

    def _utterance(self, request: Mapping[str, Any], language: str, picture: HomePicture) -> Utterance:
        text = request.get("text")
        if not isinstance(text, str):
            raise RequestError("the request has no text")
        area = request.get("area")
        if area is not None and (not isinstance(area, str) or area not in picture.registry.areas):
            raise RequestError("the area is not the id of an area of the home")
        return Utterance(cleaned(text, MAX_SENTENCE_LENGTH), language, area, now=self._clock())

    def _picture_of(self, request: Mapping[str, Any]) -> HomePicture:
        described = request.get("home")
        if described is not None and described != self._described:
            self._picture = parse_home(described)
            self._described = described
        if self._picture is None:
            raise RequestError("the first request has no home")
        states = request.get("states")
        if not states:
            return self._picture
        return replace(self._picture, states={**self._picture.states, **_states(states)})

    def _refused(self, error: RequestError, language: str) -> dict[str, Any]:
        return {
            "outcome": Outcome.ERROR.value,
            "intents": [],
            "calls": [],
            "speech": self._answers.speak(Phrase("status.internal"), language),
            "parser": None,
            "stages": [],
            "ms": 0.0,
            "error": str(error),
        }


def parse_home(data: Any) -> HomePicture:
    """A home as `interpret` takes it: lists `floors`, `areas`, `devices`, `entities` of objects with an `id`.

    An entity without an area is in the area of its device; without `exposed` it is exposed; without a state
    it is `unknown`.

    Raises:
        RequestError: Something is missing, of the wrong kind, too long or there twice; the text says what.
    """
    if not isinstance(data, Mapping):
        raise RequestError("the home is not an object")
    floors = {
        one["id"]: Floor(one["id"], _name(one), _aliases(one)) for one in _items(data, "floors", MAX_PLACES)
    }
    areas = {
        one["id"]: Area(one["id"], _name(one), _aliases(one), _reference(one, "floor"))
        for one in _items(data, "areas", MAX_PLACES)
    }
    areas_of_devices = {one["id"]: _reference(one, "area") for one in _items(data, "devices", MAX_ENTITIES)}
    described = _items(data, "entities", MAX_ENTITIES)
    entities = {one["id"]: _entity(one, areas_of_devices) for one in described}
    states = {one["id"]: _state(one) for one in described}
    registry = Registry(
        revision=_revision(data),
        floors=MappingProxyType(floors),
        areas=MappingProxyType(areas),
        entities=MappingProxyType(entities),
        time_zone=_text(data, "time_zone") or "UTC",
        temperature_unit=_text(data, "temperature_unit") or "°C",
    )
    return HomePicture(registry, MappingProxyType(states))


def _revision(data: Mapping[str, Any]) -> str:
    """The same for the same home, so that what was understood in it is still known when it comes again."""
    try:
        packed = orjson.dumps(data, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    except (TypeError, ValueError) as error:
        raise RequestError("the home holds what JSON cannot hold") from error
    return f"described-{hashlib.sha256(packed).hexdigest()[:32]}"


def _items(data: Mapping[str, Any], key: str, most: int) -> list[Mapping[str, Any]]:
    items = data.get(key) or []
    if not isinstance(items, list) or len(items) > most:
        raise RequestError(f"{key} of the home is not a list of at most {most}")
    seen: set[str] = set()
    for item in items:
        identifier = item.get("id") if isinstance(item, Mapping) else None
        if not isinstance(identifier, str) or not 0 < len(identifier) <= MAX_NAME_LENGTH:
            raise RequestError(f"one of the {key} of the home has no id")
        if identifier in seen:
            raise RequestError(f"{identifier} is there twice among the {key} of the home")
        seen.add(identifier)
    return items


def _entity(item: Mapping[str, Any], areas_of_devices: Mapping[str, str | None]) -> Entity:
    identifier = item["id"]
    if identifier.count(".") != 1 or identifier.startswith(".") or identifier.endswith("."):
        raise RequestError(f"{identifier} is not the id of an entity")
    device = _reference(item, "device")
    exposed = item.get("exposed", True)
    if not isinstance(exposed, bool):
        raise RequestError(f"exposed of {identifier} is neither true nor false")
    device_class = _attributes(item).get("device_class")
    return Entity(
        id=identifier,
        name=_name(item),
        aliases=_aliases(item),
        area_id=_reference(item, "area") or areas_of_devices.get(device or ""),
        device_id=device,
        exposed=exposed,
        device_class=device_class if isinstance(device_class, str) else None,
    )


def _states(states: Any) -> dict[str, EntityState]:
    if not isinstance(states, Mapping) or len(states) > MAX_ENTITIES:
        raise RequestError("states is not an object of entity ids")
    for identifier, state in states.items():
        if not isinstance(state, Mapping):
            raise RequestError(f"the state of {identifier} is not an object")
    return {str(identifier): _state({"id": identifier, **state}) for identifier, state in states.items()}


def _state(item: Mapping[str, Any]) -> EntityState:
    state = item.get("state", "unknown")
    if not isinstance(state, str | int | float) or (isinstance(state, float) and not math.isfinite(state)):
        raise RequestError(f"the state of {item['id']} is not a text")
    return EntityState(str(state)[:MAX_NAME_LENGTH], MappingProxyType(dict(_attributes(item))))


def _attributes(item: Mapping[str, Any]) -> Mapping[str, Any]:
    attributes = item.get("attributes") or {}
    if not isinstance(attributes, Mapping):
        raise RequestError(f"attributes of {item['id']} is not an object")
    return attributes


def _name(item: Mapping[str, Any]) -> str:
    name = item.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME_LENGTH:
        raise RequestError(f"{item['id']} has no name of at most {MAX_NAME_LENGTH} characters")
    return cleaned(name, MAX_NAME_LENGTH)


def _aliases(item: Mapping[str, Any]) -> tuple[str, ...]:
    aliases = item.get("aliases") or []
    if not isinstance(aliases, list) or len(aliases) > MAX_ALIASES:
        raise RequestError(f"aliases of {item['id']} is not a list of at most {MAX_ALIASES}")
    if not all(isinstance(alias, str) and len(alias) <= MAX_NAME_LENGTH for alias in aliases):
        raise RequestError(f"an alias of {item['id']} is not a text of at most {MAX_NAME_LENGTH} characters")
    return tuple(text for alias in aliases if (text := cleaned(alias, MAX_NAME_LENGTH)))


def _reference(item: Mapping[str, Any], key: str) -> str | None:
    identifier = item.get(key)
    if identifier is not None and (not isinstance(identifier, str) or len(identifier) > MAX_NAME_LENGTH):
        raise RequestError(f"{key} of {item['id']} is not an id")
    return identifier or None


def _text(data: Mapping[str, Any], key: str) -> str | None:
    value = data.get(key)
    return value if isinstance(value, str) and len(value) <= MAX_NAME_LENGTH else None


def _spoken_language(request: Mapping[str, Any]) -> str:
    """The language to refuse a request in."""
    try:
        return _language(request)
    except RequestError:
        return "en"


def _language(request: Mapping[str, Any]) -> str:
    language = request.get("language")
    known = normalise_language(language) if isinstance(language, str) else None
    if known is None:
        raise RequestError("the language is none that is understood here")
    return known


def _context(request: Mapping[str, Any]) -> list[str]:
    context = request.get("context") or []
    if (
        not isinstance(context, list)
        or len(context) > MAX_CONTEXT
        or not all(isinstance(one, str) for one in context)
    ):
        raise RequestError(f"the context is not a list of at most {MAX_CONTEXT} sentences")
    return [cleaned(one, MAX_SENTENCE_LENGTH) for one in context]
