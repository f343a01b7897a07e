"""Whether what came of a sentence is the intent that it should be, on the entities that it names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from handlers.interpret import Interpreted
from handlers.services import PLANS
from handlers.understanding import Intent, ServiceCall
from wyoming_central.evaluation.sentences import ExpectedIntent
from wyoming_central.evaluation.verdict import Verdict

_WHERE: Final = frozenset({"name", "area", "floor", "domain", "device_class", "preferred_area_id"})


def verdict_by_intent(expected: ExpectedIntent, interpreted: Interpreted) -> Verdict:
    """Judge a sentence by its intent, its slots, and the entities that would be reached."""
    verdict = _verdict(expected, interpreted.understanding.intents, interpreted.resolution.calls)
    question, on_yes = interpreted.resolution.question, interpreted.on_yes
    if verdict is Verdict.MISSED and question is not None and on_yes is not None:
        would_be = _verdict(expected, question.confirms, on_yes.calls)
        return Verdict.ASKED if would_be is Verdict.RIGHT else verdict
    return verdict


def is_value(got: Any, wanted: Any) -> bool:
    """Whether a slot has the value, or one of the values, that it should."""
    if isinstance(wanted, list):
        return any(is_value(got, one) for one in wanted)
    try:
        return float(got) == float(wanted)
    except (TypeError, ValueError):
        return str(got).strip().casefold() == str(wanted).strip().casefold()


def _verdict(expected: ExpectedIntent, intents: Sequence[Intent], calls: Iterable[ServiceCall]) -> Verdict:
    meant = expected.entities
    reached = {one for call in calls for one in call.entity_ids}
    got = next((one.slots for one in intents if one.name == expected.name), None)
    # What is reached says more than the words for the place; where nothing is, these have to be right.
    asked = {key: value for key, value in expected.slots.items() if not (meant and key in _WHERE)}
    understood = got is not None and all(
        is_value(got.get(key), value) or (value == "all" and key in _WHERE) for key, value in asked.items()
    )
    if reached - meant and (meant or expected.name not in PLANS):
        return Verdict.WRONG
    if not understood or (meant and reached != meant):
        return Verdict.MISSED
    return Verdict.RIGHT
