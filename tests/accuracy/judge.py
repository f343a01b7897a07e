"""Whether what came of a sentence is right, a wrong action, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from handlers.interpret import Interpreter
from tests.accuracy.effects import States, after
from tests.accuracy.sentences import Said, SentenceSet

_TOLERANCE: Final = {
    "current_position": 1.0, "percentage": 1.0, "brightness": 3.0, "volume_level": 0.011, "temperature": 0.05,
}  # fmt: skip
_PERCENT_TOLERANCE: Final = 1.2
_BRIGHTNESS_OF_PERCENT: Final = 2.55


class Verdict(StrEnum):
    """What a sentence came to."""

    RIGHT = "right"
    WRONG = "wrong"
    """Something changed that should not, or not so."""
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence with its verdict, the stage that took it, and what came of it."""

    said: Said
    verdict: Verdict
    parser: str | None
    answer: Mapping[str, Any]


async def judged(one: SentenceSet, interpreter: Interpreter) -> list[Judged]:
    """Say every sentence of a set, each in the home that it is said in, and judge what comes of it."""
    return [await _judge(said, one, interpreter) for said in one.said]


async def _judge(said: Said, one: SentenceSet, interpreter: Interpreter) -> Judged:
    request = {"home": one.home, "language": one.language, "area": said.area}
    states, context = said.states, list[str]()
    for earlier in said.context:
        before = await interpreter.answer(request | {"text": earlier, "states": states, "context": context})
        states = after(states, before["calls"])
        context = [*context, earlier]
    answer = await interpreter.answer(request | {"text": said.text, "states": states, "context": context})
    return Judged(said, _verdict(said, states, answer), answer["parser"], answer)


def _verdict(said: Said, before: States, answer: Mapping[str, Any]) -> Verdict:
    if said.outcome == "commands":
        now = after(before, answer["calls"])
        verdicts = {_against(changes, before, now) for changes in said.changes}
        return next(one for one in (Verdict.RIGHT, Verdict.MISSED, Verdict.WRONG) if one in verdicts)
    if answer["calls"]:
        return Verdict.WRONG
    as_wanted = answer["outcome"] == said.outcome
    if said.outcome == "answer":
        spoken = str(answer["speech"]).casefold()
        as_wanted = as_wanted and any(text.casefold() in spoken for text in said.says)
    return Verdict.RIGHT if as_wanted else Verdict.MISSED


def _against(changes: Mapping[str, Any], before: States, now: States) -> Verdict:
    verdict = Verdict.RIGHT
    for entity_id in before.keys() | now.keys():
        was, is_now, wanted = before.get(entity_id), now[entity_id], changes.get(entity_id)
        if wanted is None:
            if was != is_now:
                return Verdict.WRONG
        elif not _is_reached(wanted, is_now):
            if was != is_now:
                return Verdict.WRONG
            verdict = Verdict.MISSED
        elif "state" not in wanted and _state_moved(entity_id, was, is_now):
            return Verdict.WRONG
    return verdict


def _state_moved(entity_id: str, was: Mapping[str, Any] | None, now: Mapping[str, Any]) -> bool:
    """Whether a state changed of which nothing was said; a lamp that is dimmed may go on."""
    if was is None or was["state"] == now["state"]:
        return False
    return not (entity_id.startswith("light.") and now["state"] == "on")


def _is_reached(wanted: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    if "state" in wanted and not _is_same(now["state"], wanted["state"]):
        return False
    attributes = wanted.get("attributes") or {}
    return all(_has(now["attributes"], name, value) for name, value in attributes.items())


def _has(attributes: Mapping[str, Any], name: str, wanted: Any) -> bool:
    if name == "brightness_pct":
        percent = attributes.get("brightness", -1000) / _BRIGHTNESS_OF_PERCENT
        return any(abs(percent - one) <= _PERCENT_TOLERANCE for one in _several(wanted))
    if name == "items":
        left = list(attributes.get("items") or [])
        for item in wanted:
            found = next((one for one in left if _is_same(one, item)), None)
            if found is None:
                return False
            left.remove(found)
        return not left
    return name in attributes and _is_same(attributes[name], wanted, name)


def _is_same(actual: Any, wanted: Any, name: str = "") -> bool:
    if isinstance(wanted, list):
        return any(_is_same(actual, one, name) for one in wanted)
    try:
        return abs(float(actual) - float(wanted)) <= _TOLERANCE.get(name, 1e-6)
    except (TypeError, ValueError):
        texts = [text.strip().casefold() for text in str(wanted).split("|")]
        return str(actual).strip().casefold() in texts


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
