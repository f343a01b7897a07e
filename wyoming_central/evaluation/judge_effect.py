"""Whether what came of a sentence is what must change in the home, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from handlers.interpret import Interpreted
from handlers.understanding import ServiceCall
from wyoming_central.evaluation.effects import States, after
from wyoming_central.evaluation.sentences import ExpectedEffect
from wyoming_central.evaluation.verdict import Verdict

_TOLERANCE: Final = {
    "current_position": 1.0, "percentage": 1.0, "brightness": 3.0, "volume_level": 0.011, "temperature": 0.05,
}  # fmt: skip
_PERCENT_TOLERANCE: Final = 1.2
_BRIGHTNESS_OF_PERCENT: Final = 2.55


def verdict_by_effect(
    expected: ExpectedEffect, before: Mapping[str, dict[str, Any]], interpreted: Interpreted
) -> Verdict:
    """Judge a sentence by what changes.

    Args:
        expected: What must change, or be said instead.
        before: The states of the home when it was said.
        interpreted: What came of it.
    """
    resolution = interpreted.resolution
    if expected.outcome == "commands":
        verdict = _by_changes(expected, before, resolution.calls)
        on_yes = interpreted.on_yes
        if verdict is Verdict.MISSED and on_yes is not None:
            would_be = _by_changes(expected, before, on_yes.calls)
            return Verdict.ASKED if would_be is Verdict.RIGHT else verdict
        return verdict
    if resolution.calls:
        return Verdict.WRONG
    as_wanted = resolution.outcome.value == expected.outcome
    if expected.outcome == "answer":
        spoken = interpreted.speech.casefold()
        as_wanted = as_wanted and any(text.casefold() in spoken for text in expected.says)
    return Verdict.RIGHT if as_wanted else Verdict.MISSED


def _by_changes(
    expected: ExpectedEffect, before: Mapping[str, dict[str, Any]], calls: Iterable[ServiceCall]
) -> Verdict:
    """The best verdict that any of the expected changes allows."""
    now = after(before, calls)
    verdicts = {_against(changes, before, now) for changes in expected.changes}
    return next(one for one in (Verdict.RIGHT, Verdict.MISSED, Verdict.WRONG) if one in verdicts)


def _against(changes: Mapping[str, Any], before: Mapping[str, dict[str, Any]], now: States) -> Verdict:
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
