"""What can be chosen on a thing: the options that its state lists, and the service that takes one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from handlers.understanding import Phrase
from provisioning.home.registry import Entity, EntityState

MOST_OPTIONS: Final = 200
"""Options of one thing that are looked at: a television lists its inputs and apps, a radio its stations."""

LONGEST_OPTION: Final = 100
"""Characters of an option; nobody says a longer one."""


@dataclass(frozen=True, slots=True)
class Choosing:
    """How one of a thing's options is chosen.

    Attributes:
        intent: The intent that does it, one of `handlers.services.PLANS`.
        slot: Which option, in the intent and in the service's data.
        listed: The attribute of the state that lists the options.
        service: The service of the entity's domain.
        said: The end of the phrase key that says it was done.
    """

    intent: str
    slot: str
    listed: str
    service: str
    said: str


_OPTION: Final = Choosing("HassSelectOption", "option", "options", "select_option", "option")
CHOOSING: Final[Mapping[str, Choosing]] = {
    "select": _OPTION,
    "input_select": _OPTION,
    "media_player": Choosing("HassMediaSelectSource", "source", "source_list", "select_source", "source"),
    "humidifier": Choosing("HassHumidifierMode", "mode", "available_modes", "set_mode", "mode"),
    "water_heater": Choosing(
        "HassWaterHeaterMode", "operation_mode", "operation_list", "set_operation_mode", "mode"
    ),
    "climate": Choosing("HassClimateSetPreset", "preset_mode", "preset_modes", "set_preset_mode", "mode"),
    "fan": Choosing("HassFanSetPreset", "preset_mode", "preset_modes", "set_preset_mode", "mode"),
    "alarm_control_panel": Choosing("HassAlarmArm", "mode", "", "alarm_arm", "alarm"),
    "light": Choosing("HassLightSetEffect", "effect", "effect_list", "turn_on", "effect"),
}
"""By domain. Home Assistant has an intent for the mode of a humidifier only; the others are ours."""


# Modes of Home Assistant's humidifiers, water heaters, thermostats and fans that have words in
# `config/answers/` (`mode.<mode>`).
_MODES: Final = frozenset({
    "activity", "auto", "away", "baby", "boost", "comfort", "eco", "electric", "gas", "heat_pump",
    "high_demand", "home", "none", "normal", "off", "performance", "sleep",
})  # fmt: skip

WAYS_TO_ARM: Final[Mapping[str, int]] = {"home": 1, "away": 2, "night": 4, "vacation": 32}
"""Home Assistant's feature bits of alarms (`AlarmControlPanelEntityFeature`), by the way to arm."""


def options_of(entity: Entity, state: EntityState | None) -> tuple[str, ...]:
    """The options that a thing lists now, in its own spelling; none where nothing can be chosen on it."""
    choosing = CHOOSING.get(entity.domain)
    if entity.domain == "alarm_control_panel":
        return _ways_to_arm(state)
    listed: Any = state.attributes.get(choosing.listed) if choosing and state is not None else None
    if not isinstance(listed, list | tuple):
        return ()
    return tuple(one for one in listed[:MOST_OPTIONS] if isinstance(one, str) and len(one) <= LONGEST_OPTION)


def spoken_option(domain: str, option: str) -> Phrase | str:
    """An option as it is spoken: modes that Home Assistant names have words, all else is as it is spelled."""
    has_words = CHOOSING[domain].said == "mode" and option in _MODES
    return Phrase(f"mode.{option}") if has_words else option


def _ways_to_arm(state: EntityState | None) -> tuple[str, ...]:
    features = None if state is None else state.attributes.get("supported_features")
    return tuple(way for way, bit in WAYS_TO_ARM.items() if not isinstance(features, int) or features & bit)
