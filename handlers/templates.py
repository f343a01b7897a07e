"""Home Assistant's own sentence templates, matched by `hassil`, as one stage of recognition.

Which release of `home-assistant-intents`: 2025.7.30, by score. On Home Assistant's own sentence tests of July
2025 this stage alone understood 96.2 % of the English and 100 % of the Hungarian ones with it, and 70.9 % and
37.3 % with 2026.10.27, whose Hungarian lost nearly all templates for states, locks, fans, scenes and scripts;
neither did anything wrong. On what people say off the cuff the two are alike (English 18.7 % and 18.7 %,
Hungarian 22.0 % and 24.4 %). The intents that only the newer release has sentences for, and what both miss in
everyday speech, are in `config/sentences/`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from hassil.intents import Intents, TextSlotList
from hassil.recognize import RecognizeResult, recognize_all
from hassil.util import merge_dict
from home_assistant_intents import get_intents

from config.data_file import read_yaml
from config.languages import SUPPORTED
from handlers.fair_worker import FairWorker
from handlers.intents import QUESTIONS
from handlers.list_items import items_of
from handlers.newest_of_each_home import NewestOfEachHome
from handlers.template_lists import ENTITY_ID, SPELLING, lists_of
from handlers.understanding import Intent, SlotValue, StageReport, Understanding, Utterance, Verdict
from provisioning.home.registry import HomePicture, Registry

# Longer sentences than the templates were written for; matching time grows with length.
MAX_TEXT_LENGTH: Final = 200
# The lists of one home and language take about 1 kB an entity; homes beyond this many take turns.
MAX_LISTED_HOMES: Final = 128
# Readings of one sentence that are compared; beyond, it fits nearly everything and the order decides.
MAX_RESULTS: Final = 200

# What the first sentence of a language is slow with: parsing templates, spelling numbers out.
_WARMING: Final = {
    "en": ("turn on the lights", "set the brightness to fifty percent", "set a timer for five minutes"),
    "hu": ("kapcsold be a lámpát", "állítsd a fényerőt ötven százalékra", "indíts egy öt perces időzítőt"),
}


class TemplateStage:
    """Recognition by Home Assistant's sentence templates.

    Matching is pure computation of a few milliseconds and runs in a thread of its own, one sentence of each
    home in turn, so that a long sentence holds up nobody's connection and a flood of them nobody else's turn.
    The lists of a home take longer (100 ms for 2,000 entities), and are made in another thread, so that a
    home that changes does not hold up other people's sentences either.
    """

    name = "templates"

    def __init__(self) -> None:
        self._matching = FairWorker("templates")
        self._listing = FairWorker("template lists")
        self._templates: dict[str, Intents] = {}
        self._lists = {
            language: NewestOfEachHome[Mapping[str, TextSlotList]](MAX_LISTED_HOMES) for language in SUPPORTED
        }

    async def recognize(self, utterance: Utterance, picture: HomePicture) -> Understanding:
        """What the best matching template says the sentence means, or `PASS_ON`."""
        if len(utterance.text) > MAX_TEXT_LENGTH:
            return _passed_on("longer than any template")
        lists = await self._lists_of(picture.registry, utterance.language)
        return await self._matching.run(
            picture.registry.key, partial(self.match, utterance, picture.registry, lists)
        )

    async def warm(self, languages: Iterable[str], picture: HomePicture | None = None) -> None:
        """Load and compile the templates of these languages, and the lists of this home."""
        for language in languages:
            if picture is not None:
                await self._lists_of(picture.registry, language)
                continue
            for text in _WARMING.get(language, ()):
                await self.recognize(Utterance(text, language), HomePicture(Registry(revision="")))

    def close(self) -> None:
        """Let the threads go."""
        self._matching.close()
        self._listing.close()

    def match(
        self, utterance: Utterance, registry: Registry, lists: Mapping[str, TextSlotList]
    ) -> Understanding:
        """What a sentence means with these lists; computed where it is called."""
        templates = self._templates_of(utterance.language)
        if templates is None:
            return _passed_on("no templates in this language")
        area = registry.areas.get(utterance.area_id or "")
        results = recognize_all(
            utterance.text,
            templates,
            slot_lists=dict(lists),
            intent_context={"area": area.name} if area else {},
            language=utterance.language,
        )
        best = _best(islice(results, MAX_RESULTS))
        if not best:
            return _passed_on("no template fits")
        intent = _intent_of(best)
        verdict = Verdict.QUESTION if intent.name in QUESTIONS else Verdict.COMMANDS
        return Understanding(verdict, _one_for_each_item(intent, best[0], utterance), cacheable=True)

    def _templates_of(self, language: str) -> Intents | None:
        if language not in SUPPORTED:
            return None
        if language not in self._templates:
            data = get_intents(language)
            if data is None:
                return None
            merge_dict(data, read_yaml(f"sentences/{language}.yaml"))
            self._templates[language] = Intents.from_dict(data)
        return self._templates[language]

    async def _lists_of(self, registry: Registry, language: str) -> Mapping[str, TextSlotList]:
        kept = self._lists.get(language)
        if kept is None:
            return {}
        lists = kept.get(registry)
        if lists is None:
            # Several sentences may wait for the same lists; the first of them has them made.
            lists = await self._listing.run(
                registry.key, lambda: kept.get(registry) or lists_of(registry, language)
            )
            kept.put(registry, lists)
        return lists


def _passed_on(reason: str) -> Understanding:
    return Understanding(
        Verdict.PASS_ON, stages=(StageReport(TemplateStage.name, Verdict.PASS_ON, 0.0, reason),)
    )


def _best(results: Iterable[RecognizeResult]) -> list[RecognizeResult]:
    """The best of all matches, and those that say the same of another bearer of the same name.

    As Home Assistant chooses: a name of the home before none (so `a nappali lámpát` is the lamp of that name
    before it is every lamp of that area), a longer name before a shorter one, fewer wildcards, more literal
    words of the template, less text in wildcards, more slots; then the order of the templates, which never
    changes.
    """
    ranked = sorted(((_rank(result), result) for result in results), key=itemgetter(0))
    if not ranked:
        return []
    best_rank, first = ranked[0]
    return [
        result
        for rank, result in ranked
        if rank == best_rank
        and result.intent.name == first.intent.name
        and _slots_beside_name(result) == _slots_beside_name(first)
    ]


def _rank(result: RecognizeResult) -> tuple[bool, int, int, int, int, int]:
    name = result.entities.get("name")
    spoken_name = len(name.text) if name is not None and not name.is_wildcard and name.metadata else 0
    wildcards = [entity for entity in result.entities_list if entity.is_wildcard]
    return (
        not spoken_name,
        -spoken_name,
        len(wildcards),
        -result.text_chunks_matched,
        sum(len(entity.text or "") for entity in wildcards),
        -len(result.entities),
    )


def _intent_of(results: list[RecognizeResult]) -> Intent:
    first = results[0]
    slots = _slots(first)
    _adjust(slots, first.intent_metadata or {})
    requires = {
        key: _value(value)
        for key, value in first.intent_data.requires_context.items()
        if key in {"domain", "device_class"} and key not in slots
    }
    bearers = {
        result.entities["name"].metadata[ENTITY_ID]: result.entities["name"].metadata[SPELLING]
        for result in results
        if "name" in result.entities and result.entities["name"].metadata
    }
    if len(bearers) > 1:
        # Which of them was meant is decided where areas are known; all of them bear the name as it was said.
        slots["name"] = next(iter(bearers.values()))
        requires["domain"] = tuple(dict.fromkeys(entity_id.partition(".")[0] for entity_id in bearers))
    return Intent(
        name=first.intent.name,
        slots=slots,
        targets=tuple(bearers) if len(bearers) == 1 else (),
        requires=requires,
        asks=first.response if first.intent.name in QUESTIONS and first.response != "default" else None,
    )


def _adjust(slots: dict[str, SlotValue], metadata: Mapping[str, Any]) -> None:
    """Do to the slots what a template of `config/sentences/` asks for and hassil cannot."""
    negative = str(metadata.get("negative"))
    if isinstance(number := slots.get(negative), int | float):
        slots[negative] = -number


def _one_for_each_item(intent: Intent, result: RecognizeResult, utterance: Utterance) -> tuple[Intent, ...]:
    """The intent once for every thing that is put on a list."""
    said = result.entities.get("item")
    if said is None or not isinstance(intent.slots.get("item"), str):
        return (intent,)
    # hassil takes commas out before it matches; they are still where the thing was said.
    start, end = said.text_span or (0, 0)
    text = utterance.text[start:end].strip(" .!?") or str(intent.slots["item"])
    inflected = (result.intent_metadata or {}).get("inflected") == "item"
    items = items_of(text, utterance.language, inflected=inflected)
    return tuple(replace(intent, slots={**intent.slots, "item": item}) for item in items)


def _slots(result: RecognizeResult) -> dict[str, SlotValue]:
    return {entity.name: _value(entity.value) for entity in result.entities_list}


def _slots_beside_name(result: RecognizeResult) -> dict[str, SlotValue]:
    return {name: value for name, value in _slots(result).items() if name != "name"}


def _value(value: Any) -> SlotValue:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set):
        return tuple(str(one) for one in value)
    return str(value)
